# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From samples to batches: sizes, the order of batches, packing, workers, read-ahead."""
