# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a step changes, as one pytree; frozen parameters stand beside it."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jax.tree_util import KeyPath

from robomamba_jax.models.params import Params
from robomamba_jax.training.sharding import like_params, params_shardings, replicated
from robomamba_jax.training.step_arrays import ArrayTree


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """Donated to every step.

    Attributes:
      step: int32[], updates done.
      halted: bool[]: a loss or a gradient was not finite; nothing changes any more.
      rng: key[]; what is drawn in step k is drawn from ``fold_in(rng, k)``.
      trained: parameters.
      opt_state: the optimizer's.
    """

    step: jax.Array
    halted: jax.Array
    rng: jax.Array
    trained: Params
    opt_state: optax.OptState


def zeros_like_frozen(trained: Params, labels: Params) -> Params:
    """A whole tree for the optimizer: trained leaves as they are, scalars where it is frozen."""
    result: Params = {}
    for name, label in labels.items():
        if isinstance(label, dict):
            result[name] = zeros_like_frozen(trained.get(name, {}), label)
        else:
            # A scalar has no moments worth the name, and set_to_zero leaves it at 0.
            result[name] = trained.get(name, jnp.zeros((), jnp.float32))
    return result


def abstract_state(
    trained: Params, labels: Params, optimizer: optax.GradientTransformation
) -> TrainState:
    """The state as shapes and dtypes, from the trained parameters' own."""

    def make(trained: Params) -> TrainState:
        """The state, whose seed does not matter to shapes."""
        return new_state(trained, labels, optimizer, seed=0)

    return jax.eval_shape(make, trained)


def new_state(
    trained: Params, labels: Params, optimizer: optax.GradientTransformation, seed: int
) -> TrainState:
    """The state before the first step; inside jit its shardings must be asked for."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        halted=jnp.zeros((), bool),
        rng=jax.random.key(seed),
        trained=trained,
        opt_state=optimizer.init(zeros_like_frozen(trained, labels)),
    )


def state_shardings(state: TrainState, mesh: Mesh) -> TrainState:
    """Where every leaf lies, in the state's own form; moments as their parameters."""
    # The counter, the flag and the key are read on every device.
    copies: Any = replicated(mesh)
    return TrainState(
        step=copies,
        halted=copies,
        rng=copies,
        trained=params_shardings(state.trained, mesh),
        opt_state=like_params(state.opt_state, state.trained, mesh),
    )


def state_tree(state: TrainState) -> ArrayTree:
    """All that a checkpoint keeps of a state, as nested dicts of arrays with text for names."""
    # optax's states are named tuples of named tuples. As nested dicts of text paths they can be
    # read by a program that does not build the same optimizer first.
    moments: dict[str, Any] = {}
    for path, leaf in jax.tree.leaves_with_path(state.opt_state):
        node = moments
        *lead, last = (_key_text(key) for key in path)
        for part in lead:
            node = node.setdefault(part, {})
        node[last] = leaf
    return {
        "trained": state.trained,
        "optimizer": moments,
        "rng": _key_data(state.rng),
        "step": state.step,
    }


def _key_data(key: Any) -> Any:
    """A key's numbers, or their shape, where the key lies."""
    if not isinstance(key, jax.ShapeDtypeStruct):
        return jax.random.key_data(key)
    shape = jax.eval_shape(jax.random.key_data, key)
    return jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=key.sharding)


def tree_state(tree: ArrayTree, like: TrainState) -> TrainState:
    """The state that ``state_tree`` has taken apart; ``like`` says its structure."""

    def leaf(path: KeyPath, _: object) -> jax.Array:
        """The array at a path of the optimizer's state."""
        node = tree["optimizer"]
        for key in path:
            node = node[_key_text(key)]
        return node

    return TrainState(
        step=tree["step"],
        # A halted state is never saved: the loop raises before it comes to that.
        halted=jnp.zeros_like(tree["step"], bool),
        rng=jax.random.wrap_key_data(tree["rng"]),
        trained=tree["trained"],
        opt_state=jax.tree_util.tree_map_with_path(leaf, like.opt_state),
    )


def _key_text(key: Any) -> str:
    # Of jax's DictKey, SequenceKey and GetAttrKey each calls it otherwise.
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    raise TypeError(f"no name for {key!r}")
