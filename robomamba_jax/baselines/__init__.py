# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The rivals that the paper compares itself with, built from their published descriptions."""
