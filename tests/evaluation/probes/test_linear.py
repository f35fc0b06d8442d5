# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Linear models against known answers, and areas under curves against counting pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.evaluation.probes.linear import PENALTIES, area_under_roc, fit

RNG = np.random.default_rng(0)


def test_ridge_is_the_closed_form() -> None:
    """Of standardized features, its bias free; where a linear truth stands in the features the
    smallest penalty is chosen, and the truth comes back."""
    x = RNG.normal(3, [1, 5, 0.2, 2], (200, 4))
    truth = RNG.normal(size=(4, 3))
    y = x @ truth + (1, 2, 3)
    model = fit(x, y, np.arange(200), "vectors")
    assert model.penalty == min(PENALTIES)
    assert_allclose(model.scores(x), y, atol=1e-2)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    weights = np.linalg.solve(
        z.T @ z / 200 + model.penalty * np.eye(4), z.T @ (y - y.mean(axis=0)) / 200
    )
    assert_allclose(model.weights, weights, rtol=1e-9)


@pytest.mark.slow
def test_logistic_is_a_minimum() -> None:
    """The gradient is zero there, by differences; labels come back where lines divide them."""
    x = RNG.normal(size=(300, 5))
    y = (x @ RNG.normal(size=(5, 3))).argmax(axis=1)
    model = fit(x, y, np.arange(300), "classes", 3)
    assert (model.scores(x).argmax(axis=1) == y).mean() > 0.97

    def loss(weights: np.ndarray) -> float:
        logits = (x - model.mean) / model.std @ weights + model.bias
        likely = logits[np.arange(300), y] - np.log(np.exp(logits).sum(axis=1))
        return float(-likely.mean() + 0.5 * model.penalty * np.sum(weights**2))

    least = loss(model.weights)
    for k in range(15):
        step = np.zeros(15)
        step[k] = 0.02
        for sign in (-1, 1):
            assert loss(model.weights + sign * step.reshape(5, 3)) >= least - 1e-7


@pytest.mark.slow
def test_noise_is_held_down() -> None:
    """Of features that say nothing the largest penalty is best on rows of other images."""
    x = RNG.normal(size=(120, 60))
    model = fit(x, RNG.integers(0, 2, 120), np.arange(120), "classes", 2)
    assert model.penalty == max(PENALTIES)


def test_rows_of_one_image_stay_together() -> None:
    """Twin rows are no held-out rows: what was learned by heart does not choose the penalty."""
    x = np.repeat(RNG.normal(size=(60, 50)), 10, axis=0)
    y = np.repeat(RNG.integers(0, 2, 60), 10)
    by_image = fit(x, y, np.repeat(np.arange(60), 10), "classes", 2)
    by_row = fit(x, y, np.arange(600), "classes", 2)
    assert by_image.penalty > by_row.penalty


def test_a_constant_feature_and_one_group() -> None:
    """Neither a division by nothing nor a choice without held-out rows."""
    x = np.column_stack([np.ones(40), RNG.normal(size=40)])
    model = fit(x, x[:, 1:] * 2, np.zeros(40, int), "vectors")
    assert model.penalty == PENALTIES[0]
    assert np.all(np.isfinite(model.scores(x)))


ROW = st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3))


@given(st.lists(ROW, min_size=1, max_size=30))
def test_area_is_the_share_of_pairs(rows: list[tuple[int, bool, int]]) -> None:
    """Counted one by one, weights as so many copies, ties by half."""
    scores, positive, weights = (np.array(column) for column in zip(*rows, strict=True))
    up, down = (np.repeat(scores[p], weights[p]) for p in (positive, ~positive))
    found = area_under_roc(scores.astype(float), positive, weights.astype(float))
    if not len(up) or not len(down):
        assert np.isnan(found)
        return
    more = up[:, None] - down
    assert found == pytest.approx(np.mean((more > 0) + 0.5 * (more == 0)))
