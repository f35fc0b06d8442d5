# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What can be said of a scene: captions, questions, instructions."""

__all__ = ["facts"]
