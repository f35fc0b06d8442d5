# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals beside scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from robomamba_jax.evaluation.metrics.intervals import (
    bootstrap,
    bootstrap_sum,
    interval_of_mean,
    wilson,
)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    """For every count."""
    interval = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_nothing_tried_is_nothing_known() -> None:
    """No trials, no knowledge."""
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("n", [2, 57, 200])
def test_the_bootstrap_is_scipys(n: int) -> None:
    """Draw for draw, with the same generator."""
    values = np.random.default_rng(1).random(n)
    found = bootstrap(n, lambda chosen: float(values[chosen].mean()))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=1000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert found == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert found == interval_of_mean(values)


def test_wilson_keeps_what_was_recorded() -> None:
    """Of figures that are printed in the documents."""
    assert wilson(367, 720) == pytest.approx((0.47325274, 0.54608851), abs=1e-8)
    assert wilson(0, 10) == (0.0, pytest.approx(0.27753279, abs=1e-8))


def test_a_mean_of_zeros_and_ones_is_a_share() -> None:
    """Wilson's interval, not the bootstrap's."""
    values = np.array([1.0, 0.0, 1.0, 1.0])
    assert interval_of_mean(values) == wilson(3, 4)


def test_a_sum_of_parts_is_drawn_part_by_part() -> None:
    """A part of one unit cannot vary."""
    low, high = bootstrap_sum([(1, lambda chosen: 5.0 + chosen.sum()), (0, lambda chosen: 9.9)])
    assert (low, high) == (5.0, 5.0)
