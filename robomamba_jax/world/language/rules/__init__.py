# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The training grammar's rules: what is asked and said, by what it is about."""
