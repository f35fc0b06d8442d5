# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MMBench's options beside lmms-eval's evaluator, and the circular score."""

import random
import sys
import types

import pytest

from robomamba_jax.evaluation.metrics.multiple_choice import (
    ROTATION,
    RotationResult,
    chosen_option,
    circular,
)
from tests.evaluation import others

OPTIONS = {"A": "red car", "B": "sky", "C": "a dog", "D": "Table"}


@pytest.fixture
def evaluator(monkeypatch: pytest.MonkeyPatch):
    """lmms-eval's, whose file imports pandas and requests for what is not asked of it here."""
    for name in ("pandas", "requests"):
        stand_in = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, stand_in)
        stand_in.isna = lambda value: value is None  # type: ignore[attr-defined]
    return others.lmms_eval("mmbench/mmbench_evals.py").MMBench_Evaluator()


def test_options_are_those_of_lmms_eval(evaluator) -> None:
    """Four thousand answers: letters with all kinds of marks, options' texts, other words."""
    rng = random.Random(1)
    # fmt: off
    pieces = ["A", "B", "C", "D", "A.", "(B)", "C)", ":D", "(A).", "B,", "E", "a", "red", "car",
              "sky", "Sky", "dog", "a dog", "table", "The", "answer", "is", "I", "think", "D:"]
    # fmt: on
    for _ in range(4000):
        text = " ".join(rng.choice(pieces) for _ in range(rng.randint(0, 6)))
        options = {k: OPTIONS[k] for k in "ABCD"[: rng.randint(2, 4)]}
        theirs = evaluator.can_infer(text, dict(options))
        assert (chosen_option(text, options) or False) == theirs, text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A", "A"),
        ("B.", "B"),
        ("The answer is (C).", "C"),
        ("sky", "B"),
        ("I see a table there", "D"),
        ("A dog is a nice animal", "C"),  # an article; the option's text decides
        ("A or B", None),
        ("sky and table", None),
        ("", None),
    ],
)
def test_known_answers(text: str, wanted: str | None) -> None:
    """As the tool reads them without a judge."""
    assert chosen_option(text, OPTIONS) == wanted


def test_a_question_needs_all_of_its_rotations() -> None:
    """One wrong rotation is enough."""
    rows = [
        RotationResult(1, True),
        RotationResult(1 + ROTATION, True),
        RotationResult(2, True),
        RotationResult(2 + ROTATION, False),
    ]
    assert circular(rows) == {1: True, 2: False}
