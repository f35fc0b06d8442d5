# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The three training stages: what is frozen, the sharded step, the loop, checkpoints."""
