# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scorers and intervals: plain functions."""

__all__ = ["intervals", "multiple_choice", "paired"]
