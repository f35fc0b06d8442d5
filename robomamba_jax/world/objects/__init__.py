# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Articulated objects as plain data: procedural, and read from files."""

__all__ = ["catalog", "categories", "library", "rng"]
