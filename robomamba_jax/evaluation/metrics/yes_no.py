# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions for yes or no: POPE (Li et al. 2023) and MME (Fu et al. 2023)."""

from __future__ import annotations

import dataclasses

import numpy as np

POPE_CATEGORIES = ("random", "popular", "adversarial")
"""POPE's three categories of absent objects, as the names of its files say them."""

_NO_WORDS = frozenset(("No", "not", "no"))


def pope_answer(text: str) -> str:
    """ "yes" or "no" as POPE's own code reads an answer: no word for "no" in the first
    sentence means yes.
    """
    # Three spellings of two words, and nothing else: "nope" and "none" mean yes, and so do "NO" and
    # an empty answer. That is why a model's share of yes has to be read beside its F1.
    sentence = text.partition(".")[0].replace(",", "")
    return "no" if _NO_WORDS.intersection(sentence.split(" ")) else "yes"


def pope_answer_official(text: str) -> str:
    """As RoboMamba's repository reads it: yes if it begins with it."""
    return "yes" if text.strip()[:3].lower() == "yes" else "no"


@dataclasses.dataclass(frozen=True)
class YesNo:
    """How yes and no fell; "yes" is the positive class. Shares of questions, from 0 to 1.

    Attributes:
      accuracy: right answers.
      precision: of the answers yes, those that are right.
      recall: of the questions whose answer is yes, those answered so.
      f1: harmonic mean of the two.
      yes_share: answers yes. (lmms-eval's pope_yes_ratio is of the labels instead.)
    """

    accuracy: float
    precision: float
    recall: float
    f1: float
    yes_share: float


def yes_no_scores(predicted: np.ndarray, truth: np.ndarray) -> YesNo:
    """From bool[n], True = yes; with nothing to divide by a share is 0."""
    n = len(predicted)
    hits, yes, present = int((predicted & truth).sum()), int(predicted.sum()), int(truth.sum())
    return YesNo(
        accuracy=float((predicted == truth).mean()) if n else 0.0,
        precision=hits / yes if yes else 0.0,
        recall=hits / present if present else 0.0,
        # 2 P R / (P + R) with P = hits / yes and R = hits / present.
        f1=2 * hits / (yes + present) if yes + present else 0.0,
        yes_share=yes / n if n else 0.0,
    )


def mme_answer(text: str) -> str:
    """ "yes", "no" or "other" as MME's tool reads an answer."""
    text = text.lower().strip().replace(".", "")
    # "other" is right for no question: what is not understood never scores by chance.
    if len(text) == 1:
        return {"y": "yes", "n": "no"}.get(text, "other")
    # A whole answer of "yes" or "no" lies within the first four characters, too.
    start = text[:4]
    return "yes" if "yes" in start else "no" if "no" in start else "other"


PERCEPTION = (
    *("existence", "count", "position", "color", "posters"),
    *("celebrity", "scene", "landmark", "artwork", "OCR"),
)
COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")


def mme_score(right: np.ndarray) -> float:
    """A sub-task's score, 0 to 200: 100 x accuracy + 100 x share of images with both right.

    Args:
      right: bool[images, 2], whether each question of an image is.
    """
    if not len(right):
        return 0.0
    # The second summand is MME's "accuracy+": with random answers .25, with always the same one 0.
    return 100 * float(right.mean()) + 100 * float(right.all(axis=1).mean())
