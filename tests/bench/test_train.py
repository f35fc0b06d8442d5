# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Both sides of ``bench train`` begin with the same loss: the same weights, batch and task."""

from __future__ import annotations

import pytest

from robomamba_jax.bench.cases import TrainBench
from robomamba_jax.bench.runner import run_case


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.usefixtures("sides_here")
def test_the_same_first_loss() -> None:
    """Ours in JAX and theirs in torch, of all stages; the same number of parameters learns."""
    for case in TrainBench(preset="tiny", text=16).make_cases():
        sides = run_case(case, 1, lambda line: None)["sides"]
        ours = sides.pop("robomamba-train")
        assert sides
        for theirs in sides.values():
            assert "skipped" not in theirs, theirs
            assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-5)
            assert theirs["trained"] == ours["trained"]
