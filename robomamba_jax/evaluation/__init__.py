# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: their files, prompts and scores, and the runner that answers them."""
