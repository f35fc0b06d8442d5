# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From samples to batches: sizes, the order of batches, packing, workers, read-ahead."""

__all__ = [
    "batch_plan",
    "contact_sheet",
    "datasets",
    "inspection",
    "labelled",
    "loader",
    "prepare_run",
    "step_data",
    "tasks",
]
