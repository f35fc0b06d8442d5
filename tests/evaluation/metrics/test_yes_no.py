# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""POPE's and MME's scores beside lmms-eval's utilities."""

import random

import numpy as np
import pytest

from robomamba_jax.evaluation.metrics.yes_no import (
    mme_answer,
    mme_score,
    pope_answer,
    pope_answer_official,
    yes_no_scores,
)
from tests.evaluation import others


def test_pope_is_that_of_lmms_eval() -> None:
    """Accuracy, precision, recall and F1 of plain answers; its yes_ratio is of the labels."""
    pope, rng = others.lmms_eval("pope/utils.py"), random.Random(0)
    for size in (1, 2, 7, 100, 1000):
        rows = []
        for number in range(size):
            doc = {"answer": rng.choice(("yes", "no")), "question_id": number}
            rows.append(pope.pope_process_results(doc, [rng.choice(("yes", "no"))]))
        flat = [row["pope_accuracy"] for row in rows]
        said = np.array([row["prediction"] == "yes" for row in flat])
        wanted = np.array([row["ground_truth"] == "yes" for row in flat])
        found = yes_no_scores(said, wanted)
        assert found.accuracy == pytest.approx(pope.pope_aggregate_accuracy(flat))
        assert found.precision == pytest.approx(pope.pope_aggregate_precision(flat))
        assert found.recall == pytest.approx(pope.pope_aggregate_recall(flat))
        assert found.f1 == pytest.approx(pope.pope_aggregate_f1_score(flat))
        assert pope.pope_aggregate_yes_ratio(flat) == pytest.approx(wanted.mean())
        assert found.yes_share == pytest.approx(said.mean())


@pytest.mark.parametrize(
    ("text", "standard", "official"),
    [
        ("yes", "yes", "yes"),
        ("Yes, there is. No.", "yes", "yes"),
        ("No, there is not.", "no", "no"),
        ("There is no dog", "no", "no"),
        ("a dog", "yes", "no"),
        ("NO", "yes", "no"),  # POPE looks for No, not and no alone
        ("yesterday", "yes", "yes"),
        ("There is. not", "yes", "no"),
        ("", "yes", "no"),
        (" yes", "yes", "yes"),
        ("no,thing", "yes", "no"),
    ],
)
def test_pope_answers(text: str, standard: str, official: str) -> None:
    """As POPE's evaluate.py reads them, and as the repository does."""
    assert pope_answer(text) == standard
    assert pope_answer_official(text) == official


def _literal_pope(text: str) -> str:
    """evaluate.py by its rules."""
    if "." in text:
        text = text[: text.index(".")]
    words = "".join(letter for letter in text if letter != ",").split(" ")
    for word in ("No", "not", "no"):
        if word in words:
            return "no"
    return "yes"


def test_pope_answers_by_the_rules() -> None:
    """Three thousand texts."""
    for text in others.texts(3000, 4):
        assert pope_answer(text) == _literal_pope(text)


def test_mme_answers_are_those_of_lmms_eval() -> None:
    """Three thousand texts, and short ones."""
    mme = others.lmms_eval("mme/utils.py")
    short = ["y", "N", "Y.", "n.", "x", "", ".", "yes", "No.", "yess", "nope", "I say yes", "a no"]
    for text in [*short, *others.texts(3000, 6)]:
        assert mme_answer(text) == mme.parse_pred_ans(text), repr(text)


def test_mme_sums_are_those_of_lmms_eval() -> None:
    """Several sub-tasks of several sizes."""
    mme, rng = others.lmms_eval("mme/utils.py"), np.random.default_rng(0)
    rows, total = [], 0.0
    for name, images in (("color", 30), ("existence", 1), ("OCR", 7)):
        right = rng.random((images, 2)) < 0.6
        total += mme_score(right)
        for number, pair in enumerate(right):
            rows += [
                {"question_id": f"{number}", "score": float(good), "category": name}
                for good in pair
            ]
    assert total == pytest.approx(mme.mme_aggregate_results(rows))
    assert mme_score(np.ones((3, 2), bool)) == 200
