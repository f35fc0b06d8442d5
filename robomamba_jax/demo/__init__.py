# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The demo: a small RoboMamba trained and judged in the embedded world, and its report."""
