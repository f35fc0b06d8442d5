# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""BLEU-1 to BLEU-4 (Papineni et al. 2002) of one answer, in the forms in which they are printed.

Scores of one form compare with no other's, so each has a name:

  cumulative  geometric mean of the precisions up to n times the brevity penalty; words split at
              blanks; nothing smoothed. Mean over questions. The default.
  sacrebleu   the same by sacrebleu's rules: its 13a tokens, exponential smoothing, and no longer
              n-grams than the answer has. Mean over questions.
  corpus      cumulative, with the counts of all questions added up before they are divided.
  official    as RoboMamba's repository: see ``official``.
  mlcd        as MLCD-Embodied (https://github.com/deepglint/unicom): see ``mlcd``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

ORDERS = 4
FORMS = ("cumulative", "sacrebleu", "corpus", "official", "mlcd")

BleuScores = tuple[float, float, float, float]
_NONE: BleuScores = (0.0, 0.0, 0.0, 0.0)


class Counts(NamedTuple):
    """What BLEU is made of.

    Attributes:
      matches: n-grams of the answer that the reference has, too, each as often as there.
      totals: n-grams of the answer.
      length: words of the answer.
      reference_length: words of the reference.
    """

    matches: tuple[int, ...]
    totals: tuple[int, ...]
    length: int
    reference_length: int


def ngram_counts(prediction: Sequence[str], reference: Sequence[str]) -> Counts:
    """Of an answer and its reference, for n from 1 to 4."""
    matches, totals = [], []
    for n in range(1, ORDERS + 1):
        mine, theirs = _ngrams(prediction, n), _ngrams(reference, n)
        matches.append(sum((mine & theirs).values()))
        totals.append(mine.total())
    return Counts(tuple(matches), tuple(totals), len(prediction), len(reference))


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def brevity_penalty(length: int, reference_length: int) -> float:
    """1 from the reference's length on; below it exp(1 - reference_length / length)."""
    if length >= reference_length and length > 0:
        return 1.0
    return math.exp(1 - reference_length / length) if length else 0.0


def cumulative(prediction: str, reference: str) -> BleuScores:
    """Of one answer."""
    return from_counts(ngram_counts(prediction.split(), reference.split()))


def from_counts(counts: Counts) -> BleuScores:
    """BLEU-1 to BLEU-4 out of counts, of one answer or of many added up."""
    precisions = [
        match / total if total else 0.0
        for match, total in zip(counts.matches, counts.totals, strict=True)
    ]
    penalty = brevity_penalty(counts.length, counts.reference_length)
    found = [
        penalty * _weighted(precisions[:n], [1 / n] * n) if n <= ORDERS else 0.0
        for n in range(1, ORDERS + 1)
    ]
    return found[0], found[1], found[2], found[3]


def corpus(pairs: Sequence[tuple[str, str]]) -> BleuScores:
    """Of (answer, reference) pairs as one text."""
    return from_counts(
        add_up(
            [ngram_counts(prediction.split(), reference.split()) for prediction, reference in pairs]
        )
    )


def add_up(many: Sequence[Counts]) -> Counts:
    """The sums of many counts."""
    return Counts(
        tuple(sum(counts.matches[k] for counts in many) for k in range(ORDERS)),
        tuple(sum(counts.totals[k] for counts in many) for k in range(ORDERS)),
        sum(counts.length for counts in many),
        sum(counts.reference_length for counts in many),
    )


def _weighted(precisions: Sequence[float], weights: Sequence[float]) -> float:
    """The weighted geometric mean; 0 if any part is."""
    used = [(p, w) for p, w in zip(precisions, weights, strict=True) if w > 0]
    if any(p <= 0 for p, _ in used):
        return 0.0
    return math.exp(math.fsum(w * math.log(p) for p, w in used))


# --- sacrebleu (Post 2018), whose tokens are those of mteval-v13a

_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_SPLITS = (
    # All ASCII marks but the apostrophe, the comma, the dash and the period.
    (re.compile(r"([ -&(-+/:-@\[-`{-~])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def tokens_13a(text: str) -> list[str]:
    """Words and marks as sacrebleu's default splits them."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, mark in _ENTITIES.items():
        text = text.replace(entity, mark)
    text = f" {text} "
    for pattern, to in _SPLITS:
        text = pattern.sub(to, text)
    return text.split()


def sacrebleu(prediction: str, reference: str) -> BleuScores:
    """Of one answer, from 0 to 1: ``sacrebleu.sentence_bleu`` with the answer as hypothesis
    and n as the longest n-gram."""
    counts = ngram_counts(tokens_13a(prediction), tokens_13a(reference))
    found = [_sacrebleu(counts, n) for n in range(1, ORDERS + 1)]
    return found[0], found[1], found[2], found[3]


def _sacrebleu(counts: Counts, order: int) -> float:
    matches, totals = counts.matches[:order], counts.totals[:order]
    if not any(matches):
        return 0.0
    precisions, halving = [], 1.0
    for match, total in zip(matches, totals, strict=True):
        if total == 0:
            break  # the answer has no n-grams of this length: they do not count
        if match == 0:
            halving *= 2
        precisions.append(match / total if match else 1 / (halving * total))
    mean = _weighted(precisions, [1 / len(precisions)] * len(precisions))
    return brevity_penalty(counts.length, counts.reference_length) * mean


# --- RoboMamba's repository

_SPECIAL, _TAG = re.compile(r"<\|.*?\|>"), re.compile(r"<.*?>")
_CUTS = range(-5, 5)
_SMOOTH = 5  # the constant of Chen and Cherry's fourth method (2014)


def official(prediction: str, reference: str) -> BleuScores:
    """As the repository scores RoboVQA.

    The n-gram precision of each length alone, not cumulative, smoothed by Chen and Cherry's
    fourth method; answer and reference change places; and the best of ten cuts of the answer
    to about the reference's length, so that what follows the right words does not count.

    Args:
      prediction: the model's answer.
      reference: the reference; the repository reads what stands between the first two colons of
        "A: ...", so a colon ends it.
    """
    text = _TAG.sub(" ", _SPECIAL.sub(" ", prediction.strip().replace("\n", " ")))
    for mark in ("A:", ":", "(", ")"):
        text = text.replace(mark, " ")
    text, reference = text.strip(), reference.split(":")[0].strip()
    scores = [_swapped(text[: len(reference) - cut], reference) for cut in _CUTS]
    best = [max(values) for values in zip(*scores, strict=True)]
    return best[0], best[1], best[2], best[3]


def _swapped(prediction: str, reference: str) -> BleuScores:
    """One-hot BLEU of the reference as hypothesis against the answer as its reference."""
    counts = ngram_counts(reference.split(), prediction.split())
    if counts.matches[0] == 0:
        return _NONE
    penalty, missing = brevity_penalty(counts.length, counts.reference_length), 0
    found = []
    for match, total in zip(counts.matches, counts.totals, strict=True):
        total = max(total, 1)
        value = match / total
        if match == 0 and counts.length > 1:
            missing += 1
            value = math.log(counts.length) / (2**missing * _SMOOTH) / total
        # A precision of 0 is left out of a product of one factor: nltk gives 1 for it.
        found.append(penalty * value if value > 0 else penalty)
    return found[0], found[1], found[2], found[3]


# --- MLCD-Embodied

_YES, _NO = re.compile(r"\b\w*yes\w*\b"), re.compile(r"\b\w*no\w*\b")
_THIRDS = (0.33, 0.33, 0.33)
_SCHEMES: dict[int, tuple[tuple[float, ...], ...]] = {
    1: ((1.0,),) * 4,
    2: ((1.0,), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)),
    3: ((1.0,), (0.5, 0.5), _THIRDS, _THIRDS),
    4: ((1.0,), (0.5, 0.5), _THIRDS, (0.25,) * 4),
}


def mlcd(prediction: str, reference: str) -> BleuScores:
    """As MLCD-Embodied scores RoboVQA: lower case, n-grams no longer than the reference, thirds
    as 0.33, and for yes and no any word that holds one counts as it."""
    prediction, reference = (text.replace("\n", "").lower() for text in (prediction, reference))
    if reference in ("yes", "no"):
        prediction = _NO.sub("no", _YES.sub("yes", prediction))
    # Split at each single blank, as they do: two in a row hold an empty word.
    words, reference_words = prediction.split(" "), reference.split(" ")
    counts = ngram_counts(words, reference_words)
    if counts.matches[0] == 0:
        return _NONE
    penalty = brevity_penalty(counts.length, counts.reference_length)
    precisions = [
        match / max(total, 1) for match, total in zip(counts.matches, counts.totals, strict=True)
    ]
    found = [
        penalty * _weighted(precisions[: len(weights)], weights)
        for weights in _SCHEMES[min(len(reference_words), ORDERS)]
    ]
    return found[0], found[1], found[2], found[3]
