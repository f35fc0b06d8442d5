# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Two sets of answers to the same items beside each other: McNemar's exact test where an item is
right or wrong, the paired bootstrap for everything else.

Intervals of two figures are about two samples. Where both answered the same questions the luck of
the draw is common to both, and a test of the differences sees more than whether intervals touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FromSums = Callable[[Array], Array]
"""Takes sums over items, float64[..., C], and gives the figure that they make, float64[...]."""

RESAMPLES = 10_000
# Drawn items that are held at once: 16 MB, whatever the benchmark's size.
_HELD = 2_000_000


@dataclass(frozen=True)
class PairedTest:
    """What a test found.

    Attributes:
      test: "mcnemar" or "bootstrap".
      p: two-sided: how likely so large a difference is where there is none.
      n: items.
      better: how many of them the first does better.
      worse: how many worse.
    """

    test: Literal["mcnemar", "bootstrap"]
    p: float
    n: int
    better: int
    worse: int


@dataclass(frozen=True, eq=False)
class Items:
    """What a figure is made of: numbers of each item, which are added up before the figure is
    computed, so that it can be had of any draw of the items.

    Attributes:
      scores: float64[n], what each item has by itself; the more, the better.
      table: float64[n, C], what is added up.
      from_sums: makes the figure of it; takes any number of sums at once.
      strata: int64[n], of which part each is: parts are drawn apart, so that each keeps its size;
        None = all are of one.
    """

    scores: Array
    table: Array
    from_sums: FromSums
    strata: npt.NDArray[np.int64] | None = None

    @classmethod
    def of_mean(cls, scores: Sequence[float] | np.ndarray) -> Items:
        """Those of a mean over n scores."""
        values = np.asarray(scores, np.float64)
        return cls(values, np.stack([values, np.ones_like(values)], axis=1), mean_of)

    @property
    def value(self) -> float:
        """The figure of all items."""
        return float(self.from_sums(self.table.sum(axis=0)))

    @property
    def right_or_wrong(self) -> bool:
        """Whether the figure is a share of items that are right."""
        return self.from_sums is mean_of and bool(np.isin(self.scores, (0, 1)).all())


def mean_of(sums: Array) -> Array:
    """The mean out of (sum, count)."""
    return sums[..., 0] / sums[..., 1]


def paired_test(mine: Items, other: Items) -> PairedTest | None:
    """Whether two figures of the same items differ by more than luck; None of no items.

    Args:
      mine: the first's.
      other: the second's, of the same items in the same order.
    """
    if len(mine.scores) != len(other.scores):
        raise ValueError(f"{len(mine.scores)} items beside {len(other.scores)}")
    if not len(mine.scores):
        return None
    if mine.right_or_wrong and other.right_or_wrong:
        return mcnemar(mine.scores > 0, other.scores > 0)
    return paired_bootstrap(mine, other)


def mcnemar(mine: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> PairedTest:
    """McNemar's exact test (1947): of the items that one alone has right, half would be either's.

    Args:
      mine: bool[n], which items the first has right.
      other: bool[n], which the second.
    """
    # Importing scipy.stats takes about a second, which reading questions need not wait for.
    from scipy.stats import binomtest

    better, worse = int((mine & ~other).sum()), int((~mine & other).sum())
    # Nothing speaks for a difference where no item tells the two apart.
    p = binomtest(better, better + worse).pvalue if better + worse else 1.0
    return PairedTest("mcnemar", float(p), len(mine), better, worse)


def paired_bootstrap(
    mine: Items, other: Items, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedTest:
    """The bootstrap of a difference: the same items are drawn for both (Efron and Tibshirani 1993).

    p is twice the share of draws in which the difference is not on the side on which most are: the
    level at which the percentile interval of the difference begins to hold 0.

    Args:
      mine: the first's n items.
      other: the second's.
      resamples: how often they are drawn anew; 1 / resamples bounds p from below.
      seed: of the draws, so that a report can be made again.
    """
    tables = np.concatenate([mine.table, other.table], axis=1)
    width = mine.table.shape[1]
    below = above = 0
    for sums in _drawn_sums(tables, mine.strata, resamples, np.random.default_rng(seed)):
        difference = mine.from_sums(sums[:, :width]) - other.from_sums(sums[:, width:])
        # Sums of many numbers end in rounding errors: what is equal must not count for a side.
        equal = np.abs(difference) < 1e-12
        below += int(((difference < 0) | equal).sum())
        above += int(((difference > 0) | equal).sum())
    # One more on each side: the items as they are were a draw, too, so that p is never 0.
    p = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
    better, worse = mine.scores > other.scores, mine.scores < other.scores
    return PairedTest("bootstrap", p, len(mine.scores), int(better.sum()), int(worse.sum()))


def _drawn_sums(
    table: Array,
    strata: npt.NDArray[np.int64] | None,
    resamples: int,
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Sums of float64[n, C] over draws of its rows with replacement: float64[k, C], k at a time."""
    n = len(table)
    parts = [np.arange(n)]
    if strata is not None:
        parts = [np.nonzero(strata == part)[0] for part in np.unique(strata)]
    at_once = max(1, _HELD // n)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        sums = np.zeros((count, table.shape[1]))
        for rows in parts:
            size = len(rows)
            drawn = rng.integers(size, size=(count, size))
            # How often each row was drawn: one product then adds up all that was.
            drawn += size * np.arange(count)[:, None]
            times = np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size)
            sums += times @ table[rows]
        yield sums
