# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Paired tests beside the binomial distribution, and beside draws one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.evaluation.metrics.paired import (
    Items,
    PairedTest,
    mcnemar,
    paired_bootstrap,
    paired_test,
)


def by_hand(better: int, worse: int) -> float:
    """Twice the binomial's smaller tail at a half, which is symmetric."""
    n, k = better + worse, min(better, worse)
    tail = sum(math.comb(n, j) for j in range(k + 1)) / 2**n
    return min(1.0, 2 * tail)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_the_binomials(better: int, worse: int, both: int, neither: int) -> None:
    """For every table; what both have right or wrong says nothing."""
    counts = (better, worse, both, neither)
    mine = np.repeat([True, False, True, False], counts)
    other = np.repeat([False, True, True, False], counts)
    found = mcnemar(mine, other)
    assert found.p == pytest.approx(by_hand(better, worse))
    assert (found.test, found.n, found.better, found.worse) == (
        *("mcnemar", sum(counts)),
        *(better, worse),
    )
    assert mcnemar(other, mine).p == pytest.approx(found.p)


def test_every_draw_of_a_few_items() -> None:
    """Of three items there are 27 draws: the bootstrap's p is about theirs."""
    mine, other = np.array([0.9, 0.3, 0.6]), np.array([0.3, 0.6, 0.3])
    draws = [np.array(draw) for draw in itertools.product(range(3), repeat=3)]
    differences = [mine[draw].mean() - other[draw].mean() for draw in draws]
    exact = 2 * min(np.mean(np.array(differences) <= 1e-12), 0.5)
    found = paired_bootstrap(Items.of_mean(mine), Items.of_mean(other))
    assert found.p == pytest.approx(exact, abs=0.02)
    assert (found.test, found.n, found.better, found.worse) == ("bootstrap", 3, 2, 1)
    assert found == paired_bootstrap(Items.of_mean(mine), Items.of_mean(other))


def test_a_figure_that_is_no_mean() -> None:
    """A ratio of sums, drawn one by one with a generator of its own: the same p within luck."""
    rng = np.random.default_rng(5)
    # Column 0 over column 1, as BLEU's matches over its n-grams.
    other = rng.random((40, 2)) + np.array((0.0, 0.5))
    mine = rng.random((40, 2)) + np.array((0.12, 0.5))

    def items(table: np.ndarray) -> Items:
        return Items(table[:, 0], table, lambda sums: sums[..., 0] / sums[..., 1])

    signs = []
    for _ in range(4000):
        drawn = rng.integers(40, size=40)
        first, second = mine[drawn].sum(axis=0), other[drawn].sum(axis=0)
        signs.append(first[0] / first[1] > second[0] / second[1])
    share = 2 * min(np.mean(signs), 1 - np.mean(signs))
    found = paired_bootstrap(items(mine), items(other))
    assert 0 < share < 1
    assert found.p == pytest.approx(share, abs=0.04)


def test_parts_are_drawn_apart() -> None:
    """Where the two differ in one part alone, and always by as much, no draw is without it; drawn
    together, some would be."""
    strata = np.array([0] * 6 + [1])
    mine, other = np.array([0.5] * 6 + [0.9]), np.full(7, 0.5)
    together = paired_test(Items.of_mean(mine), Items.of_mean(other))
    one, two = Items.of_mean(mine), Items.of_mean(other)
    apart = paired_bootstrap(
        Items(one.scores, one.table, one.from_sums, strata),
        Items(two.scores, two.table, two.from_sums, strata),
    )
    assert together is not None
    # Without the seventh: (6/7)^7 of the draws, 34 %.
    assert together.p == pytest.approx(2 * (6 / 7) ** 7, abs=0.03)
    assert apart.p == pytest.approx(2 / 10_001)


def test_which_test() -> None:
    """McNemar's for right and wrong, the bootstrap where one answer is half right; equal answers
    differ by nothing, and no items say nothing."""
    right = Items.of_mean([1.0, 0.0, 1.0, 1.0])
    half = Items.of_mean([1.0, 0.3, 0.0, 1.0])
    sharp, soft = paired_test(right, right), paired_test(right, half)
    assert sharp == PairedTest("mcnemar", 1.0, 4, 0, 0)
    assert soft is not None
    assert (soft.test, soft.better, soft.worse) == ("bootstrap", 1, 1)
    same = paired_test(half, half)
    assert same is not None
    assert same.p == 1.0
    assert half.value == pytest.approx(2.3 / 4)
    assert paired_test(Items.of_mean([]), Items.of_mean([])) is None
    with pytest.raises(ValueError, match="4 items beside 1"):
        paired_test(right, Items.of_mean([1.0]))


def test_many_items_a_few_draws_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many draws are held changes the draws, and not what they say."""
    rng = np.random.default_rng(0)
    mine, other = rng.random(50) + 0.1, rng.random(50)
    whole = paired_bootstrap(Items.of_mean(mine), Items.of_mean(other))
    monkeypatch.setattr("robomamba_jax.evaluation.metrics.paired._HELD", 12_345)
    assert paired_bootstrap(Items.of_mean(mine), Items.of_mean(other)).p == pytest.approx(
        whole.p, abs=0.02
    )
