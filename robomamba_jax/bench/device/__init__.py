# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``bench device``: what one accelerator does with our programs, in minutes."""
