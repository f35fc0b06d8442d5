# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How sure a figure is: Wilson's interval of a share, the bootstrap of anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

_Z = 1.959963984540054  # 95 %, two-sided
_RESAMPLES = 1000
_TAILS = (2.5, 97.5)

Interval = tuple[float, float]


def wilson(successes: int, n: int) -> Interval:
    """Wilson's 95 % interval of a share (Wilson 1927).

    Args:
      successes: from 0 to n.
      n: trials; with none the interval is everything.
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # The ends are exact where nothing or everything succeeded.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def bootstrap(
    n: int, statistic: Callable[[np.ndarray], float], *, resamples: int = _RESAMPLES, seed: int = 0
) -> Interval:
    """The percentile bootstrap's 95 % interval (Efron 1979).

    Args:
      n: units that are drawn anew, with replacement.
      statistic: of the drawn units' numbers, int64[n].
      resamples: how often.
      seed: of the draws, so that a report can be made again.
    """
    if n == 0:
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    values = [statistic(rng.integers(n, size=n)) for _ in range(resamples)]
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)


def bootstrap_sum(
    parts: Sequence[tuple[int, Callable[[np.ndarray], float]]],
    *,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Of a sum of statistics, each with units of its own, which are drawn apart.

    Args:
      parts: (n, statistic) as for :func:`bootstrap`.
      resamples: how often.
      seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    values = [sum(of(rng.integers(n, size=n)) for n, of in parts if n) for _ in range(resamples)]
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)


def interval_of_mean(values: np.ndarray) -> Interval:
    """Of the mean of float64[n]: Wilson's if all are 0 or 1, else the bootstrap's."""
    if np.all((values == 0) | (values == 1)):
        return wilson(int(values.sum()), len(values))
    return bootstrap(len(values), lambda indices: float(values[indices].mean()))
