# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Figures out of their items: the same as without, of every benchmark's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.evaluation.benchmarks.base import Question, Scores
from robomamba_jax.evaluation.benchmarks.robovqa import score as robovqa_score
from robomamba_jax.evaluation.benchmarks.vizwiz import score as vizwiz_score
from robomamba_jax.evaluation.metrics import bleu
from robomamba_jax.evaluation.runner import run
from tests.evaluation.runs import right


def scored(name: str, folder: Path) -> Scores:
    """Twelve drawn pictures' questions, every third one answered wrong."""
    config, chosen, found = run.load(EvalConfig(name, FilesConfig(""), toy=12), folder)
    said = [right(item) for item in found.questions]
    said[::3] = [{"yes": "no", "no": "yes"}.get(text, "some thing") for text in said[::3]]
    return chosen.score(found.questions, said, config.scoring)


@pytest.mark.parametrize(
    "name", ["pope", "vqav2", "gqa", "okvqa", "vizwiz", "mme", "mmbench", "robovqa"]
)
def test_items_make_the_figure(name: str, tmp_path: Path) -> None:
    """The headline has items, and what has them is their figure; so is each draw's."""
    scores = scored(name, tmp_path)
    made = {key: metric for key, metric in scores.metrics.items() if metric.items is not None}
    # The mean of three files' F1 is POPE's headline, and none of the demo's.
    assert ("accuracy" if name == "pope" else scores.headline) in made
    for metric in made.values():
        items = metric.items
        assert items is not None
        assert items.value == pytest.approx(metric.value, abs=1e-12)
        assert len(items.scores) == len(items.table)
        # Twice everything is the same figure, also where sums come in a row.
        twice = items.from_sums(np.stack([items.table.sum(axis=0)] * 2) * 2)
        np.testing.assert_allclose(twice, metric.value, atol=1e-12)
        assert "items" not in metric.to_json()


def question(number: int, *references: str) -> Question:
    """A question with these answers."""
    people = {"people": [(text, "yes") for text in references]}
    return Question(str(number), "?", lambda: (), references, {"type": "x"}, people)


def test_vizwiz_halves_are_drawn_apart() -> None:
    """Three that are unanswerable, one of them known; one that is not, and known."""
    asked = [question(k, "unanswerable") for k in range(3)] + [question(3, "red")]
    said = ["unanswerable", "red", "red", "red"]
    metric = vizwiz_score(asked, said, "standard").metrics["unanswerable_balanced"]
    assert metric.items is not None
    assert metric.items.value == pytest.approx((1 / 3 + 1) / 2)
    assert metric.items.strata is not None
    assert metric.items.strata.tolist() == [1, 1, 1, 0]
    assert metric.items.scores.tolist() == [1, 0, 0, 1]


def test_the_share_of_what_references_allow() -> None:
    """Two references of six words and two of one: the ceiling is a half, and one of the two long
    ones reaches it half."""
    long = "put the red cup down here"
    asked = [question(0, long), question(1, long), question(2, "yes"), question(3, "no")]
    metrics = robovqa_score(asked, [long, "no idea", "yes", "yes"], "standard").metrics
    assert metrics["bleu4_ceiling"].value == 0.5
    assert metrics["cumulative_bleu4"].value == 0.25
    assert metrics["share_of_ceiling"].value == 0.5
    interval = metrics["share_of_ceiling"].ci95
    assert interval is not None
    assert 0 <= interval[0] <= 0.5 <= interval[1] <= 1
    short = robovqa_score(asked[2:], ["yes", "yes"], "standard").metrics
    assert short["bleu4_ceiling"].value == 0
    assert "share_of_ceiling" not in short


def test_many_corpora_at_once() -> None:
    """Sums in rows, beside the same one by one; also of nothing and of no match."""
    pairs = [("a b c d e", "a b c d f"), ("a b", "a b c d"), ("", "x"), ("y", "x")]
    table = bleu.count_table(pairs)
    sums = np.stack([table[:1].sum(0), table[:2].sum(0), table[2:3].sum(0), table[3:].sum(0)])
    found = bleu.from_many_sums(sums.astype(float))
    expected = [bleu.from_sums(row) for row in sums]
    np.testing.assert_allclose(found, expected, atol=1e-12)
