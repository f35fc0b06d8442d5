# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Answers and predictions: read, matched to their questions, written."""

__all__ = ["cross_checks", "fields", "rows"]
