# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Samples and features computed beforehand, on disk."""

__all__ = ["features", "prepared"]
