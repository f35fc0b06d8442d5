# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Muon, against optax's own whole and against numpy's singular vectors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest
from jax.sharding import AxisType, Mesh

from robomamba_jax.config.training import OptimConfig
from robomamba_jax.errors import InputError
from robomamba_jax.training.freeze import FREEZE, TRAIN, freeze_table, split
from robomamba_jax.training.optim import optimizer
from robomamba_jax.training.sharding import like_params

STEPS = 5


def _params(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    mixer = {
        "in_proj": {"weight": draw(3, 12, 8)},
        "A_log": draw(3, 12, 4),
        "conv1d": {"weight": draw(3, 12, 1, 4), "bias": draw(3, 12)},
    }
    return {
        "llm": {"layers": {"mixer": mixer}, "embeddings": {"weight": draw(20, 8)}},
        "projector": {"fc1": {"weight": draw(8, 6), "bias": draw(8)}},
        "vision": {"fc1": {"weight": draw(6, 6)}},
    }


def _labels(params: dict[str, Any]) -> dict[str, Any]:
    return {
        name: jax.tree.map(lambda _, name=name: FREEZE if name == "vision" else TRAIN, part)
        for name, part in params.items()
    }


def _config(**changes: Any) -> OptimConfig:
    plain: dict[str, Any] = {"schedule": "constant", "warmup_ratio": 0.0, "clip_norm": 0.0}
    return OptimConfig(**{"optimizer": "muon", "learning_rate": 0.01, **plain, **changes})


def _run(transform: Any, params: Any) -> Any:
    state = transform.init(params)
    for step in range(STEPS):
        updates, state = transform.update(_params(step + 1), state, params)
        params = optax.apply_updates(params, updates)
    return params


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


@pytest.mark.slow
def test_it_is_optax_muon() -> None:
    """optax puts the same together in one function: matrices by Muon, the rest by AdamW."""
    params = _params()
    mine = _run(optimizer(_config(adam_lr_ratio=0.25), STEPS, _labels(params)), params)
    axes = optax.contrib.MuonDimensionNumbers(reduction_axis=-1, output_axis=-2)
    matrices = (".in_proj.weight", ".fc1.weight")

    def dims(tree: Any) -> Any:
        return jax.tree_util.tree_map_with_path(
            lambda path, _: (
                axes if "".join(f".{key.key}" for key in path).endswith(matrices) else None
            ),
            tree,
        )

    whole = optax.contrib.muon(
        0.01, adam_learning_rate=0.0025, consistent_rms=0.2, muon_weight_dimension_numbers=dims
    )
    expected = _run(whole, params)
    for path in (("llm", "layers", "mixer", "in_proj", "weight"), ("projector", "fc1", "weight")):
        np.testing.assert_allclose(_at(mine, path), _at(expected, path), rtol=0, atol=1e-6)
    # optax's AdamW beside Muon is Nesterov's; ours is that of the other runs.
    adam = _run(optax.adam(0.0025), params)
    for path in (("llm", "embeddings", "weight"), ("projector", "fc1", "bias")):
        np.testing.assert_allclose(_at(mine, path), _at(adam, path), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(
        mine["vision"]["fc1"]["weight"], params["vision"]["fc1"]["weight"]
    )


@pytest.mark.slow
def test_updates_turn_as_the_gradient_does_and_have_the_size_of_adams() -> None:
    """Newton-Schulz comes near U V^T; its root mean square is 0.2 of the rate."""
    params, grads = _params(), _params(1)
    transform = optimizer(_config(), STEPS, _labels(params))
    updates, _ = transform.update(grads, transform.init(params), params)
    for k in range(3):
        update = np.asarray(updates["llm"]["layers"]["mixer"]["in_proj"]["weight"][k], np.float64)
        gradient = np.asarray(grads["llm"]["layers"]["mixer"]["in_proj"]["weight"][k], np.float64)
        u, _, vt = np.linalg.svd(gradient, full_matrices=False)
        cosine = -np.sum(update * (u @ vt)) / np.linalg.norm(update) / np.linalg.norm(u @ vt)
        assert cosine > 0.97
        assert 0.8 < np.sqrt(np.mean(update**2)) / (0.2 * 0.01) < 1.2


@pytest.mark.slow
def test_stacked_layers_are_matrices_apart() -> None:
    """The same update as of each layer alone."""
    params, grads = _params(), _params(1)
    transform = optimizer(_config(), STEPS, _labels(params))
    updates, _ = transform.update(grads, transform.init(params), params)
    for k in range(3):
        one = jax.tree.map(lambda x, k=k: x[k], params["llm"]["layers"])
        gradient = jax.tree.map(lambda x, k=k: x[k], grads["llm"]["layers"])
        alone = optimizer(_config(), STEPS, jax.tree.map(lambda _: TRAIN, one))
        single, _ = alone.update(gradient, alone.init(one), one)
        stacked = updates["llm"]["layers"]["mixer"]["in_proj"]["weight"][k]
        np.testing.assert_allclose(stacked, single["mixer"]["in_proj"]["weight"], atol=1e-8)


def test_the_table_counts_one_moment_of_a_matrix_and_two_of_the_rest() -> None:
    """Muon keeps half of AdamW's."""
    params = _params()
    labels = _labels(params)
    transform = optimizer(_config(), STEPS, labels)
    trained, frozen = split(params, labels)
    rows = {row.part: row for row in freeze_table(trained, frozen, transform.init(params))}
    matrix, rest = 3 * 12 * 8, 3 * 12 * 4 + 3 * 12 * 4 + 3 * 12 + 20 * 8
    assert rows["llm"].moments == 4 * (matrix + 2 * rest)
    assert rows["projector"].moments == 4 * (8 * 6 + 2 * 8)
    assert rows["vision"].moments == 0


def test_moments_lie_as_their_parameters() -> None:
    """Also below Muon's labels."""
    params = _params()
    mesh = Mesh(
        np.array(jax.devices()[:1]).reshape(1, 1, 1),
        ("data", "fsdp", "tensor"),
        axis_types=(AxisType.Auto,) * 3,
    )
    state = optimizer(_config(), STEPS, _labels(params)).init(params)
    placed = jax.tree.leaves_with_path(like_params(state, params, mesh))
    split_up = [path for path, sharding in placed if any(axis for axis in sharding.spec)]
    assert any("in_proj" in jax.tree_util.keystr(path) for path in split_up)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [("optimizer", "adam", "unknown optimizer"), ("adam_lr_ratio", -1.0, "adam_lr_ratio is -1.0")],
)
def test_wrong_values(field: str, value: Any, what: str) -> None:
    """Named at once."""
    with pytest.raises(InputError, match=what):
        OptimConfig(**{field: value})
