# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The same random scan inputs for every side, from numpy."""

from __future__ import annotations

import numpy as np

from robomamba_jax.bench.records import ScanWork

ORDER = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")


def scan_inputs(case: ScanWork) -> dict[str, np.ndarray]:
    """float32 arrays in our layout; delta like a trained model's, log-uniform in 1e-3..1e-1."""
    random = np.random.default_rng(0)
    B, T, I, N = (case[name] for name in ("batch", "length", "inner", "state"))
    step = np.exp(random.uniform(np.log(1e-3), np.log(1e-1), (B, T, I)))
    arrays = {
        "u": random.standard_normal((B, T, I)),
        # The inverse of softplus, through which the scan puts it: log(exp(step) - 1), stable.
        "delta": step + np.log(-np.expm1(-step)),
        "A": -np.tile(np.arange(1.0, N + 1), (I, 1)),
        "B": random.standard_normal((B, T, N)),
        "C": random.standard_normal((B, T, N)),
        "D": np.ones(I),
        "z": random.standard_normal((B, T, I)),
        "delta_bias": np.zeros(I),
    }
    return {name: arrays[name].astype(np.float32) for name in ORDER}
