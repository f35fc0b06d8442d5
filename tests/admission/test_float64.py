# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What kernels are judged by, against the tests' own recurrence, which is written otherwise."""

import numpy as np
import pytest

from robomamba_jax.admission.float64 import Scan, scan_float64
from tests import oracles
from tests.ops.scans import Case, problem

_OPEN = 1.2784645427610738  # where silu is 1: a gate that changes nothing


@pytest.mark.parametrize("softplus", [True, False])
@pytest.mark.parametrize("gate", [True, False])
def test_results_and_all_gradients(softplus: bool, gate: bool) -> None:
    """With resets and padding at a row's end, to float64's rounding."""
    case = Case(23, 2, 5, 3, 1, "", "segments softplus" if softplus else "segments")
    floats, structure, (dy, dlast), *_ = problem(case)
    wide = {name: np.asarray(value, np.float64) for name, value in floats.items()}
    if not gate:
        wide["z"] = np.full_like(wide["u"], _OPEN)
    real = np.ones((2, 23), bool)
    real[1, 17:] = False
    ids = structure["segment_ids"]
    resets = np.zeros_like(real)
    resets[:, 1:] = ids[:, 1:] != ids[:, :-1]
    assert resets.any()
    read = wide if gate else {**wide, "z": None}
    x = Scan(**read, softplus=softplus, resets=resets, real=real)
    got = scan_float64(x, np.asarray(dy, np.float64), np.asarray(dlast, np.float64))
    arguments = {**wide, "segment_ids": ids, "mask": real, "delta_softplus": softplus}
    y, last = oracles.selective_scan(**arguments)
    want = oracles.selective_scan_vjp(dy, dlast, **arguments)
    assert oracles.error(got.y, y) < 1e-13
    assert oracles.error(got.last, last) < 1e-13
    assert got.gradients.keys() == wide.keys() - ({"z"} if not gate else set())
    for name, gradient in got.gradients.items():
        assert oracles.error(gradient, want[name]) < 1e-12, name
