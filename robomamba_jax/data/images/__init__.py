# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images: reading, the one conversion to RGB, the transform, drawing on them."""

__all__ = ["drawing", "files", "rgb", "transforms"]
