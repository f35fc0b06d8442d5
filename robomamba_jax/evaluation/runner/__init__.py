# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A configuration in, answers and results out."""

__all__ = ["compare_runs", "paper", "params_hash", "run"]
