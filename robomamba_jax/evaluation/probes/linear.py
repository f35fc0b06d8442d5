# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Linear models on frozen features, in float64: ridge regression and multinomial logistic
regression, both with an L2 penalty that is chosen on held-out groups of the training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Target = Literal["classes", "vectors"]

PENALTIES = (100.0, 10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Of standardized features, beside a mean loss: from nearly constant to nearly free."""

HELD_OUT = 5  # one group of so many chooses the penalty
_STEPS = 300  # of L-BFGS; a fit of 129 numbers a class has long converged
_FLAT = 1e-6  # deviation of a feature that says nothing


@dataclasses.dataclass(frozen=True, eq=False)
class LinearModel:
    """A fitted model: scores = (x - mean) / std @ weights + bias.

    Attributes:
      mean: float64[D], of the training features.
      std: float64[D], of them.
      weights: float64[D, C].
      bias: float64[C].
      penalty: the one that was chosen.
    """

    mean: Array
    std: Array
    weights: Array
    bias: Array
    penalty: float

    def scores(self, features: npt.ArrayLike) -> Array:
        """float64[N, C] of float[N, D]: logits of classes, or a vector's components."""
        standardized = (np.asarray(features, np.float64) - self.mean) / self.std
        return standardized @ self.weights + self.bias


def fit(
    features: npt.ArrayLike,
    targets: npt.ArrayLike,
    groups: npt.NDArray[np.integer],
    kind: Target,
    classes: int = 0,
) -> LinearModel:
    """Fit a linear model; each fifth group of rows chooses its penalty, then all rows count.

    Args:
      features: float[N, D].
      targets: int[N] below ``classes``, or float[N, C] vectors.
      groups: int[N], the image that a row is of: rows of one image stay together, or the held-out
        rows would be neighbours of the others.
      kind: "classes" (logistic regression) or "vectors" (ridge regression).
      classes: how many, for "classes".
    """
    x = np.asarray(features, np.float64)
    y = np.asarray(targets, np.int64 if kind == "classes" else np.float64)
    held = groups % HELD_OUT == HELD_OUT - 1
    penalty = PENALTIES[0]
    # A handful of images may all be of one side; then there is nothing to choose by.
    if held.any() and not held.all():
        path = _path(x[~held], y[~held], kind, classes, PENALTIES)
        losses = [_loss(model.scores(x[held]), y[held], kind) for model in path]
        penalty = PENALTIES[int(np.argmin(losses))]
    return _path(x, y, kind, classes, (penalty,))[0]


def _path(
    x: Array, y: npt.NDArray[np.generic], kind: Target, classes: int, penalties: Sequence[float]
) -> list[LinearModel]:
    """A model for each penalty, from the same standardized features."""
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.where(std > _FLAT, std, 1.0)
    standardized = (x - mean) / std
    solve = _ridge(standardized, y) if kind == "vectors" else _logistic(standardized, y, classes)
    return [LinearModel(mean, std, *solve(penalty), penalty) for penalty in penalties]


Solver = Callable[[float], tuple[Array, Array]]


def _ridge(x: Array, y: npt.NDArray[np.generic]) -> Solver:
    """Closed form: (X^T X / N + penalty) W = X^T Y / N, the bias free."""
    vectors = y.astype(np.float64)
    middle = vectors.mean(axis=0)
    gram, right = x.T @ x / len(x), x.T @ (vectors - middle) / len(x)

    def solve(penalty: float) -> tuple[Array, Array]:
        """Weights and bias of a penalty."""
        return np.linalg.solve(gram + penalty * np.eye(len(gram)), right), middle

    return solve


def _logistic(x: Array, y: npt.NDArray[np.generic], classes: int) -> Solver:
    """Cross entropy by L-BFGS, each penalty from where the one before it ended."""
    from scipy.optimize import minimize  # half a second to import

    rows, width = x.shape
    one_hot = np.zeros((rows, classes))
    one_hot[np.arange(rows), y.astype(np.int64)] = 1
    start = np.zeros((width + 1) * classes)

    def solve(penalty: float) -> tuple[Array, Array]:
        """Weights and bias of a penalty."""
        nonlocal start

        def loss(flat: Array) -> tuple[float, Array]:
            """The mean cross entropy with the penalty of the weights, and its gradient."""
            table = flat.reshape(width + 1, classes)
            logits = x @ table[:-1] + table[-1]
            logits -= logits.max(axis=1, keepdims=True)
            exp = np.exp(logits)
            total = exp.sum(axis=1, keepdims=True)
            error = (exp / total - one_hot) / rows
            value = float(np.sum(one_hot * (np.log(total) - logits))) / rows
            value += 0.5 * penalty * float(np.sum(table[:-1] ** 2))
            gradient = np.vstack([x.T @ error + penalty * table[:-1], error.sum(axis=0)])
            return value, gradient.ravel()

        start = minimize(
            loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
        ).x.copy()
        table = start.reshape(width + 1, classes)
        return table[:-1].copy(), table[-1].copy()

    return solve


def _loss(scores: Array, y: npt.NDArray[np.generic], kind: Target) -> float:
    """What a penalty is chosen by: squared error, or cross entropy."""
    if kind == "vectors":
        return float(np.mean((scores - y.astype(np.float64)) ** 2))
    shifted = scores - scores.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(y)), y.astype(np.int64)]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - right))


def area_under_roc(
    scores: npt.NDArray[np.floating],
    positive: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.floating] | None = None,
) -> float:
    """The share of pairs of a positive and a negative in which the positive scores more, ties
    counted by half (Mann and Whitney).

    Args:
      scores: float[N].
      positive: bool[N].
      weights: float[N], how often each counts; None = once.

    Returns:
      NaN without positives or without negatives.
    """
    weight = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    _, place = np.unique(scores, return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    ups = np.bincount(place, weight * positive, minlength=count)
    downs = np.bincount(place, weight * ~positive, minlength=count)
    below = np.cumsum(downs) - downs
    pairs = float(ups.sum() * downs.sum())
    return float(np.sum(ups * (below + 0.5 * downs))) / pairs if pairs else float("nan")
