# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Trials by number, and their success rates."""

__all__ = ["contact_sheet", "export", "run", "success_rates"]
