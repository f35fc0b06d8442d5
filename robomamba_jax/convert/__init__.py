# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other frameworks: read strictly, written back bit for bit."""
