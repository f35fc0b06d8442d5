# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VizWiz: whether a model knows when a question has no answer is a metric of its own."""

import pytest

from robomamba_jax.evaluation.benchmarks.base import Question
from robomamba_jax.evaluation.benchmarks.vizwiz import score


def no_image() -> list[str]:
    """Nobody looks."""
    return []


def question(*answers: str) -> Question:
    """Ten people's answers, the first of which most of them give."""
    people = [answers[0]] * (11 - len(answers)) + list(answers[1:])
    pairs = [(text, "yes") for text in people]
    return Question("a", "what", no_image, tuple(people), {}, {"people": pairs}, "a", "val")


ASKED = [
    question("unanswerable"),
    question("unanswerable", "red", "unsuitable"),
    question("red"),
    question("red", "unanswerable", "unanswerable"),
    question("blue"),
    question("open"),
]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (["unanswerable"] * 6, 0.5),
        (["red"] * 6, 0.5),
        (["Unanswerable.", "unanswerable", "red", "red", "red", "red"], 1.0),
        (["unanswerable", "red", "red", "red", "red", "red"], 0.75),
        (["unanswerable", "unanswerable", "unanswerable", "red", "red", "red"], 0.875),
    ],
)
@pytest.mark.parametrize("scoring", ["standard", "official"])
def test_both_kinds_weigh_the_same(said: list[str], value: float, scoring: str) -> None:
    """However many there are of each, and whatever else is said."""
    found = score(ASKED, said, scoring).metrics["unanswerable_balanced"]
    assert found.value == pytest.approx(value)
    assert found.n == 6
    assert found.ci95 is not None
    assert found.ci95[0] <= found.value <= found.ci95[1]


def test_one_kind_alone_has_no_balance() -> None:
    """Nothing is said of files that ask one kind; the headline is as it was."""
    for asked in (ASKED[:2], ASKED[2:]):
        found = score(asked, ["unanswerable"] * len(asked), "standard")
        assert set(found.metrics) == {"accuracy", "accuracy_evalai"}
        assert found.headline == "accuracy"
