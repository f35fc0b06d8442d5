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

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

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

    def precisions(self) -> list[float]:
        """For n from 1 to 4; 0 where the answer is shorter than n words."""
        pairs = zip(self.matches, self.totals, strict=True)
        return [match / max(total, 1) for match, total in pairs]

    def brevity_penalty(self) -> float:
        """1 from the reference's length on; below it exp(1 - reference_length / length).

        It takes recall's place: precision alone would be best for a single sure word.
        """
        if self.length == 0:
            return 0.0
        return min(1.0, math.exp(1 - self.reference_length / self.length))


def ngram_counts(prediction: Sequence[str], reference: Sequence[str]) -> Counts:
    """Of the words of an answer and of its reference, for n from 1 to 4."""
    matches, totals = [], []
    for n in range(1, ORDERS + 1):
        answered, expected = _ngrams(prediction, n), _ngrams(reference, n)
        # The smaller count of each: "the the the" matches "the" once, not three times.
        matches.append((answered & expected).total())
        totals.append(answered.total())
    return Counts(tuple(matches), tuple(totals), len(prediction), len(reference))


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def cumulative(prediction: str, reference: str) -> BleuScores:
    """Of one answer."""
    return from_counts(ngram_counts(prediction.split(), reference.split()))


def from_counts(counts: Counts) -> BleuScores:
    """BLEU-1 to BLEU-4 out of counts, of one answer or of many added up."""
    precisions, penalty = counts.precisions(), counts.brevity_penalty()
    one, two, three, four = (
        penalty * _geometric_mean(precisions, [1 / n] * n) for n in range(1, ORDERS + 1)
    )
    return one, two, three, four


def corpus(pairs: Sequence[tuple[str, str]]) -> BleuScores:
    """Of (answer, reference) pairs as one text."""
    return from_sums(count_table(pairs).sum(axis=0))


def count_table(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """int64[pairs, 10]: the numbers of ``Counts`` in a row, to be added up over any of the rows."""
    counts = [ngram_counts(answer.split(), reference.split()) for answer, reference in pairs]
    return np.array([[*one.matches, *one.totals, *one[2:]] for one in counts])


def from_many_sums(sums: np.ndarray) -> np.ndarray:
    """Corpus BLEU-1 to BLEU-4, float64[..., 4], of any number of sums as ``from_sums`` takes."""
    matches, totals = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
    length, reference_length = sums[..., 8], sums[..., 9]
    with np.errstate(divide="ignore", invalid="ignore"):
        penalty = np.where(length > 0, np.minimum(1.0, np.exp(1 - reference_length / length)), 0.0)
        # No match of some length is a product of 0, as for a single answer.
        logs = np.cumsum(np.log(matches / np.maximum(totals, 1)), axis=-1)
    return penalty[..., None] * np.exp(logs / np.arange(1, ORDERS + 1))


def from_sums(sums: np.ndarray) -> BleuScores:
    """Corpus BLEU of int64[10], rows of ``count_table`` added up."""
    numbers = sums.tolist()
    return from_counts(Counts(tuple(numbers[:4]), tuple(numbers[4:8]), *numbers[8:]))


def _geometric_mean(precisions: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted, of as many precisions as there are weights; 0 if one of them is."""
    used = precisions[: len(weights)]
    if not all(used):
        return 0.0
    return math.exp(math.fsum(w * math.log(p) for p, w in zip(used, weights, strict=True)))


def sacrebleu(prediction: str, reference: str) -> BleuScores:
    """Of one answer, from 0 to 1: sacrebleu's sentence BLEU (Post 2018), n the longest n-gram."""
    scorers = [_sacrebleu_scorer(n) for n in range(1, ORDERS + 1)]
    one, two, three, four = (
        scorer.sentence_score(prediction, [reference]).score / 100 for scorer in scorers
    )
    return one, two, three, four


@functools.cache
def _sacrebleu_scorer(order: int) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    # effective_order: n-grams that are longer than the answer do not count. Without it a right
    # answer of fewer than four words would get less than 1.
    return BLEU(max_ngram_order=order, effective_order=True)


# RoboMamba's repository, src/judger.py.
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
    # Cuts count letters, not words: five fewer than the reference has to four more.
    scores = [_swapped(text[: len(reference) - cut], reference) for cut in _CUTS]
    one, two, three, four = (max(values) for values in zip(*scores, strict=True))
    return one, two, three, four


def _swapped(prediction: str, reference: str) -> BleuScores:
    """One-hot BLEU of the reference as hypothesis against the answer as its reference."""
    counts = ngram_counts(reference.split(), prediction.split())
    if counts.matches[0] == 0:
        return _NONE
    penalty, missing = counts.brevity_penalty(), 0
    scores = []
    for match, total in zip(counts.matches, counts.totals, strict=True):
        value = match / max(total, 1)
        if match == 0 and counts.length > 1:
            # The k-th precision without a match is log(length) / (2^k x 5) of an n-gram: the longer
            # the text, the less a missing match says.
            missing += 1
            value = math.log(counts.length) / (2**missing * _SMOOTH) / max(total, 1)
        # A precision of 0 is left out of a product of one factor: nltk gives 1 for it.
        scores.append(penalty * value if value > 0 else penalty)
    one, two, three, four = scores
    return one, two, three, four


# MLCD-Embodied.
_YES, _NO = re.compile(r"\b\w*yes\w*\b"), re.compile(r"\b\w*no\w*\b")
_THIRDS = (0.33, 0.33, 0.33)
# Words of the reference -> the weights of BLEU-1 to BLEU-4: "pick cup" has no trigram to be missed.
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
        # "yesterday" says yes, and "nothing" no.
        prediction = _NO.sub("no", _YES.sub("yes", prediction))
    # Split at each single blank, as they do: two in a row hold an empty word.
    words, reference_words = prediction.split(" "), reference.split(" ")
    counts = ngram_counts(words, reference_words)
    if counts.matches[0] == 0:
        return _NONE
    precisions, penalty = counts.precisions(), counts.brevity_penalty()
    one, two, three, four = (
        penalty * _geometric_mean(precisions, weights)
        for weights in _SCHEMES[min(len(reference_words), ORDERS)]
    )
    return one, two, three, four
