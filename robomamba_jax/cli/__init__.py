# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The console script: thin wiring; the work is in the packages it calls."""
