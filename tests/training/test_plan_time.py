# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a compiled step to tokens a second, hours and money."""

from __future__ import annotations

from typing import Any

import pytest

from robomamba_jax.training.gpu_targets import GPUS
from robomamba_jax.training.plan_time import FILLED, MIXES, TimeReport, time_report

# One kernel that moves a gigabyte.
HLO = """ENTRY %main (a: f32[125000000]) -> f32[125000000] {
  %a = f32[125000000]{0} parameter(0)
  ROOT %b = f32[125000000]{0} negate(%a)
}
"""


def report(**settings: Any) -> TimeReport:
    given: dict[str, Any] = {"devices": 8, "hosts": 1, "rows": 8, "seq_len": 2048, "packed": True}
    return time_report(HLO, GPUS["h200"], **{**given, **settings})


def test_step() -> None:
    """Of whole devices: rows and seconds alone tell the tokens a second."""
    found = report()
    assert found["step_seconds"] == pytest.approx(1e9 / (0.9 * 4.8e12))
    assert found["tokens_per_second"] == pytest.approx(FILLED * 8 * 2048 / found["step_seconds"])
    assert found["parts"]["rest"]["kernels"] == 1
    assert found["peak_share"] == 0.0
    assert found["stage"] is None
    assert all("\n" not in line for line in found["assumptions"])


@pytest.mark.parametrize("stage", MIXES)
def test_stages(stage: str) -> None:
    """Samples, epochs and tokens of the paper's data."""
    packed = stage != "manipulate"
    found = report(stage=stage, packed=packed, price=2.0)
    mix, time = MIXES[stage], found["stage"]
    assert time is not None
    tokens = mix.epochs * sum(c.samples * (256 + c.text_tokens) for c in mix.corpora)
    assert time["tokens"] == tokens
    if packed:
        assert time["steps"] == pytest.approx(tokens / (8 * 2048 * FILLED), rel=1e-3)
    else:
        assert time["steps"] == 10_000
    assert time["hours"] == pytest.approx(time["steps"] * found["step_seconds"] / 3600)
    assert time["device_hours"] == 8 * time["hours"]
    assert time["cost"] == pytest.approx(2 * time["device_hours"])


def test_what_is_given_instead_of_assumed() -> None:
    """Text tokens of the user's data; without a price there is no cost."""
    few, many = (report(stage="instruct", text_tokens=n)["stage"] for n in (0, 256))
    assert few is not None
    assert many is not None
    assert many["tokens"] == 2 * few["tokens"]
    assert few["cost"] is None


def test_other_stages() -> None:
    """Of no paper: no hours."""
    assert report(stage="mine")["stage"] is None


def test_nothing_compiled() -> None:
    """An empty program divides by nothing."""
    found = time_report("", GPUS["a100"], devices=1, hosts=1, rows=1, seq_len=8, packed=False)
    assert (found["tokens_per_second"], found["peak_share"]) == (0.0, 0.0)
