# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The shape of mamba-130m-hf, through its file: the certificate at real widths; of its depth and
vocabulary too with ROBOMAMBA_LARGE (see ``tests/convert/test_memory.py``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from robomamba_jax.verify.random_files import hf_mamba
from robomamba_jax.verify.run import open_comparison, verify

# The whole takes several GiB, and its blocks are all alike.
LARGE = "ROBOMAMBA_LARGE" in os.environ
LAYERS = 24 if LARGE else 2
SHAPE = {
    "vocab_size": 50280 if LARGE else 1024,
    "hidden_size": 768,
    "state_size": 16,
    "num_hidden_layers": LAYERS,
    "time_step_rank": 48,
}


@pytest.mark.slow
@pytest.mark.torch
def test_130m(tmp_path: Path) -> None:
    """Measured of the whole: ops 1.2e-6 of their scale, end to end 3.8e-6, gradients 4.8e-6 of
    their block."""
    path = hf_mamba(tmp_path / "mamba-130m", **SHAPE)
    case = open_comparison("hf-mamba", path, batch=1, length=48)
    report = verify(case, hashes=False)
    ops = report["activations"]["ops"]
    local, carried = (max(row[key] for row in ops) for key in ("error", "carried"))
    gradients = max(row["error"] for row in report["gradients"]["parameters"])
    print(f"ops {local:.1e}, end to end {carried:.1e}, gradients {gradients:.1e}")
    assert report["agree"]
    assert report["weights"]["equal"] == report["weights"]["compared"] == 2 + 10 * LAYERS
    assert len(ops) == 3 + 8 * LAYERS
    assert local < 5e-6
    assert carried < 1e-5
    assert gradients < 1e-4
