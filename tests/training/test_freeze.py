# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns to labels to two trees; the optimizer; the table."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.config.training import OptimConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import leaf_paths
from robomamba_jax.training import freeze, optim
from robomamba_jax.training.state import zeros_like_frozen

TREE: dict[str, Any] = {
    "vision": {"weight": jnp.ones((2, 3)), "bias": jnp.ones(2)},
    "projector": {"fc1": {"weight": jnp.ones((4, 2)), "bias": jnp.ones(4)}},
    "llm": {"norm_f": {"weight": jnp.ones(5)}, "A_log": jnp.ones((3, 2))},
}


def test_labels() -> None:
    """Whole paths; several patterns add up."""
    marks = freeze.labels(TREE, ["projector/.*", "llm/A_log"])
    trained = [path for path, mark in leaf_paths(marks).items() if mark == freeze.TRAIN]
    assert trained == ["llm/A_log", "projector/fc1/bias", "projector/fc1/weight"]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("projecter/.*", "matches no parameter (patterns match whole paths: llm/.*"),
        ("projector", "matches no parameter"),
        ("(", "trainable '('"),
    ],
)
def test_a_pattern_that_matches_nothing(pattern: str, what: str) -> None:
    """A misspelt one would freeze everything in silence."""
    with pytest.raises(InputError) as caught:
        freeze.labels(TREE, ["llm/.*", pattern])
    assert what in str(caught.value)


PATHS = sorted(leaf_paths(TREE))


@given(st.sets(st.sampled_from(PATHS), min_size=1))
def test_split_and_merge(chosen: set[str]) -> None:
    """Every leaf in one of the two trees, and together again."""
    trained, frozen = freeze.split(TREE, freeze.labels(TREE, sorted(chosen)))
    assert set(leaf_paths(trained)) == chosen
    assert set(leaf_paths(frozen)) == set(PATHS) - chosen
    assert jax.tree.structure(freeze.merge(trained, frozen)) == jax.tree.structure(TREE)
    assert jax.tree.structure(freeze.merge(frozen, trained)) == jax.tree.structure(TREE)


def test_table() -> None:
    """Parameters, bytes, moments and gradients, by hand."""
    marks = freeze.labels(TREE, ["projector/.*"])
    trained, frozen = freeze.split(TREE, marks)
    tx = optim.optimizer(OptimConfig(), 10, marks)
    rows = freeze.freeze_table(trained, frozen, tx.init(zeros_like_frozen(trained, marks)))
    assert rows == [
        ("vision", 0, 8, 32, 0, 0),
        ("projector", 12, 0, 48, 96, 48),
        ("llm", 0, 11, 44, 0, 0),
        ("total", 12, 19, 124, 96, 48),
    ]


def _update(config: OptimConfig, grads: Any, params: Any = TREE) -> Any:
    marks = freeze.labels(TREE, ["projector/.*"])
    tx = optim.optimizer(config, 10, marks)
    whole = zeros_like_frozen(freeze.split(grads, marks)[0], marks)
    updates, _ = tx.update(whole, tx.init(params), params)
    return updates


def test_frozen_gradients_count_for_nothing() -> None:
    """Clipping reads the trained ones alone, and frozen leaves get nothing, decay or not."""
    grads = jax.tree.map(jnp.ones_like, TREE)
    huge = {**grads, "vision": jax.tree.map(lambda x: 1e9 * x, grads["vision"])}
    config = OptimConfig(clip_norm=1.0, weight_decay=0.5, warmup_ratio=0.0)
    one, other = _update(config, grads), _update(config, huge)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(np.any(x) for x in jax.tree.leaves((one["vision"], one["llm"])))


def test_weight_decay_spares_biases_and_norms() -> None:
    """Weights shrink; nothing else does."""
    zeros = jax.tree.map(jnp.zeros_like, TREE)
    config = OptimConfig(learning_rate=0.1, weight_decay=0.5, warmup_ratio=0.0)
    updates = _update(config, zeros)["projector"]["fc1"]
    np.testing.assert_allclose(updates["weight"], -0.05, rtol=1e-6)
    np.testing.assert_array_equal(updates["bias"], 0)
    kept = optim.decays(TREE, config)
    spared = {path for path, decays in leaf_paths(kept).items() if not decays}
    assert spared == {"vision/bias", "projector/fc1/bias", "llm/norm_f/weight", "llm/A_log"}


def test_a_lone_mask_would_move_frozen_weights() -> None:
    """Why it is multi_transform with set_to_zero: ``optax.masked`` hands raw gradients on."""
    marks = freeze.labels(TREE, ["projector/.*"])
    mask = jax.tree.map(lambda mark: mark == freeze.TRAIN, marks)
    tx = optax.masked(optax.adam(1e-3), mask)
    updates, _ = tx.update(jax.tree.map(jnp.ones_like, TREE), tx.init(TREE), TREE)
    assert np.all(np.asarray(updates["vision"]["weight"]) == 1)


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_schedule(kind: str) -> None:
    """Rises to the highest rate, never 0 while there are steps, ends where it should."""
    config = OptimConfig(learning_rate=2.0, schedule=kind, warmup_ratio=0.1, end_lr_ratio=0.25)
    rate = optim.schedule(config, 100)
    got = np.array([float(rate(step)) for step in range(101)])
    np.testing.assert_allclose(got[:10], 2.0 * np.arange(1, 11) / 10, rtol=1e-6)
    assert got[10] == 2.0
    assert np.all(np.diff(got[10:]) <= 1e-6)
    assert got[100] == pytest.approx({"constant": 2.0}.get(kind, 0.5))
    middle = {"cosine": 0.5 + 1.5 / 2, "linear": 1.25, "constant": 2.0}[kind]
    assert got[55] == pytest.approx(middle, rel=1e-5)


@pytest.mark.parametrize("ratio", [0.0, 0.01, 1.0])
def test_short_schedules(ratio: float) -> None:
    """A single step of warm-up, none, nothing else."""
    rate = optim.schedule(OptimConfig(learning_rate=1.0, warmup_ratio=ratio), 100)
    assert float(rate(0)) == pytest.approx(0.01 if ratio == 1.0 else 1.0)
