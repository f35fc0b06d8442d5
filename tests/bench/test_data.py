# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Both sides of `robomamba bench data` do all of the work that is counted."""

from __future__ import annotations

import dataclasses
import warnings

import pytest

from robomamba_jax.bench import data_ours, data_torch
from robomamba_jax.bench.cases import DataBench
from robomamba_jax.bench.results import table_rows

WORK = {"samples": 6, "rows": 2, "encoder": "tiny", "tokenizer": "tiny", "workers": 0}


@pytest.mark.parametrize("side", ["robomamba-data", "robomamba-packed"])
def test_our_sides(side: str) -> None:
    """Every sample of an epoch, each time."""
    work = data_ours.build(side, WORK)
    assert work.facts["samples"] == work.run() == work.run() == 6
    assert ("packing_efficiency" in work.facts) == (side == "robomamba-packed")


@pytest.mark.torch
def test_torchs_side() -> None:
    """The same samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = data_torch.build("torch-dataloader", WORK)
        assert work.facts["samples"] == work.run() == 6


def test_cases() -> None:
    """With and without a worker; without the peer where that is wanted; a row per side."""
    bench = DataBench(samples=6, batch_size=2, encoder="tiny", tokenizer="tiny")
    cases = bench.make_cases()
    assert [case.work["workers"] for case in cases] == [0, 1]
    assert all("torch-dataloader" in case.sides for case in cases)
    alone = dataclasses.replace(bench, no_peers=True)
    assert all(len(case.sides) == 2 for case in alone.make_cases())
    figures = {
        "seconds": 0.5,
        "seconds_min": 0.5,
        "seconds_max": 0.5,
        "seconds_p99": 0.5,
        "samples_per_second": 12.0,
        "packing_efficiency": 0.951,
    }
    (row,) = table_rows({"sides": {"robomamba-packed": figures}, "ratios": {}})
    assert row[-1] == "12 samples/s, rows 95.1 % full"
