# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Whether "auto" takes the scan's kernel: a test on this very device, and its verdict, kept."""
