# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``bench step``: its cases, its errors, and a step that learns."""

from __future__ import annotations

from typing import Any

import pytest

from robomamba_jax.bench.cases import StepBench
from robomamba_jax.bench.runner import run_case
from robomamba_jax.errors import InputError


def test_one_case_for_each_size() -> None:
    """Each width with each number of layers."""
    cases = StepBench(layers=(3, 4), widths=(256, 384)).make_cases()
    sizes = [(case.work["layers"], case.work["width"]) for case in cases]
    assert sizes == [(3, 256), (3, 384), (4, 256), (4, 384)]
    assert len({case.name for case in cases}) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"optimizer": "sgd"}, "sgd"),
        ({"encoder": "nanoo"}, "nanoo"),
        ({"tokens": 90}, "8 rows of 90 tokens hold no image and its question"),
        ({"batch_size": 0}, "0 rows"),
    ],
    ids=lambda value: "",
)
def test_wrong_settings_are_told_before_anything_starts(wrong: dict[str, Any], said: str) -> None:
    """In one line that names them."""
    with pytest.raises(InputError, match=said):
        StepBench(**wrong).make_cases()


@pytest.mark.slow
@pytest.mark.usefixtures("sides_here")
def test_the_step_runs() -> None:
    """All of a small model but the encoder is trained: 2 layers of 32, projector, embedding."""
    bench = StepBench(layers=(2,), widths=(32,), batch_size=2, tokens=128)
    (case,) = bench.make_cases()
    found = run_case(case, 1, lambda line: None)["sides"]["robomamba-step"]
    assert found["seconds"] > 0
    assert found["trained"] > 1024 * 32
