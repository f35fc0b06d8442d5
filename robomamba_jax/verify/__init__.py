# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The proof of agreement with torch: weights, activations and gradients, op by op."""
