# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every form of BLEU beside somebody else's."""

import re
import subprocess
import sys
import warnings
from collections.abc import Sequence

import pytest

from robomamba_jax.evaluation.metrics import bleu
from tests.evaluation import others

WEIGHTS = ((1,), (0.5, 0.5), (1 / 3,) * 3, (0.25,) * 4)
LONG = "put the cup on the table and then wipe the table with a cloth"
GOAL = "put the cup on the table"


def _nltk(
    wanted: Sequence[str], said: Sequence[str], weights: Sequence[float], smooth: bool
) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of precisions that are 0
        method = SmoothingFunction().method4 if smooth else None
        return float(
            sentence_bleu([list(wanted)], list(said), weights=weights, smoothing_function=method)
        )


def test_cumulative_is_nltks() -> None:
    """Two thousand pairs; where a precision is 0, nltk gives less than 1e-70."""
    for said, wanted in others.pairs(2000):
        found = bleu.cumulative(said, wanted)
        for n, weights in enumerate(WEIGHTS):
            theirs = _nltk(wanted.split(), said.split(), weights, smooth=False)
            assert found[n] == pytest.approx(theirs, abs=1e-12), (said, wanted)


def test_sacrebleu_scores_as_before() -> None:
    """Sums over two thousand pairs, recorded when its rules were written out here."""
    recorded = (557.2154095040046, 524.2732421066826, 495.054087215884, 468.46934253667973)
    rows = [bleu.sacrebleu(said, wanted) for said, wanted in others.pairs(2000, 11)]
    assert [sum(column) for column in zip(*rows, strict=True)] == pytest.approx(recorded, abs=1e-8)


def test_libraries_wait_until_something_is_scored() -> None:
    """Reading questions loads neither sacrebleu nor scipy's statistics."""
    code = (
        "import sys, robomamba_jax.evaluation.benchmarks.registry as registry; "
        "loaded = {'sacrebleu', 'scipy.stats', 'jax'} & set(sys.modules); "
        "assert registry.ALL and not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_corpus_is_pycocoevalcaps() -> None:
    """BLEU of many answers as one text; it adds 1e-15 and 1e-9 against division by zero."""
    from pycocoevalcap.bleu.bleu import Bleu

    for seed in range(20):
        # Its words are those between blanks, as ours.
        rows = [pair for pair in others.pairs(200, 50 + seed) if all(pair)]
        scores, each = Bleu(4).compute_score(
            {k: [wanted] for k, (_, wanted) in enumerate(rows)},
            {k: [said] for k, (said, _) in enumerate(rows)},
            verbose=0,
        )
        assert bleu.corpus(rows) == pytest.approx(scores, abs=1e-6)
        for k, (said, wanted) in enumerate(rows):
            mine = bleu.cumulative(said, wanted)
            for n in range(4):
                if mine[n] > 0:
                    assert mine[n] == pytest.approx(each[n][k], abs=1e-6)


def _literal_official(said: str, wanted: str) -> list[float]:
    """The repository's judge_robovqa by its rules; jieba's pieces joined again are the text."""
    said = re.sub(r"<\|.*?\|>", " ", said.strip().replace("\n", " "))
    said = re.sub(r"<.*?>", " ", said)
    for mark in ("A:", ":", "(", ")"):
        said = said.replace(mark, " ")
    said = said.strip()
    right = f"A: {wanted}".split(":")[1].strip()
    return [
        max(
            _nltk(said[: len(right) - cut].split(), right.split(), one_hot, smooth=True)
            for cut in range(-5, 5)
        )
        for one_hot in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
    ]


@pytest.mark.slow
def test_official_is_the_rules() -> None:
    """A thousand pairs."""
    for said, wanted in others.pairs(1000, 21):
        assert bleu.official(said, wanted) == pytest.approx(
            _literal_official(said, wanted), abs=1e-12
        )


def _literal_mlcd(said: str, wanted: str) -> list[float]:
    """MLCD-Embodied's by its rules."""
    said, wanted = said.replace("\n", "").lower(), wanted.replace("\n", "").lower()
    if wanted in ("yes", "no"):
        said = re.sub(r"\b\w*yes\w*\b", "yes", said)
        said = re.sub(r"\b\w*no\w*\b", "no", said)
    answer, right = said.split(" "), wanted.split(" ")
    found = []
    for n in (1, 2, 3, 4):
        longest = min(n, len(right)) if len(right) < 4 else n
        weights = {1: (1, 0, 0, 0), 2: (0.5, 0.5, 0, 0), 3: (0.33, 0.33, 0.33, 0)}
        found.append(_nltk(right, answer, weights.get(longest, (0.25,) * 4), smooth=False))
    return found


def test_mlcd_is_the_rules() -> None:
    """Two thousand pairs and the yes and no that it treats apart."""
    special = [("Yes it is", "yes"), ("yesterday", "yes"), ("nothing", "no"), ("", "no"), ("a", "")]
    for said, wanted in [*special, *others.pairs(2000, 31)]:
        assert bleu.mlcd(said, wanted) == pytest.approx(_literal_mlcd(said, wanted), abs=1e-12)


@pytest.mark.parametrize(
    ("said", "wanted", "official", "cumulative", "mlcd"),
    [
        ("yes", "yes", (1, 1, 1, 1), (1, 0, 0, 0), (1, 1, 1, 1)),
        (LONG, GOAL, (1, 1, 1, 1), (0.43, 0.41, 0.38, 0.35), (0.43, 0.41, 0.38, 0.35)),
        ("pick up cup", GOAL, (0.167, 0.036, 0.022, 0.015), (0.123, 0, 0, 0), (0.123, 0, 0, 0)),
    ],
)
def test_measured_examples(
    said: str,
    wanted: str,
    official: Sequence[float],
    cumulative: Sequence[float],
    mlcd: Sequence[float],
) -> None:
    """To the digit that was printed."""
    rounded = [
        (bleu.official(said, wanted), official),
        (bleu.cumulative(said, wanted), cumulative),
        (bleu.mlcd(said, wanted), mlcd),
    ]
    for found, printed in rounded:
        for value, shown in zip(found, printed, strict=True):
            digits = len(str(shown).partition(".")[2])
            assert round(value, digits) == shown


def test_pycocoevalcap_vector() -> None:
    """Three answers, scored once by pycocoevalcap, first references only."""
    rows = [
        ("the robot arm opens the drawer", "the robot opens the drawer"),
        ("place the cup on the table", "put the cup on the table"),
        ("no", "no"),
    ]
    from pycocoevalcap.bleu.bleu import Bleu

    scores, _ = Bleu(4).compute_score(
        {k: [wanted] for k, (_, wanted) in enumerate(rows)},
        {k: [said] for k, (said, _) in enumerate(rows)},
        verbose=0,
    )
    assert bleu.corpus(rows) == pytest.approx(scores, abs=1e-8)
