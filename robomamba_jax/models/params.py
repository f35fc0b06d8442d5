# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter trees as plain dicts: their shapes without numbers, and strict checks.

``nnx.merge`` checks neither names nor shapes (it pairs leaves by their order), so
every tree that comes from outside passes ``check_params`` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.any_config import AnyConfig
from robomamba_jax.models.build import build

Params = dict[str, Any]
"""Nested plain dicts of arrays; layers of a list have integer keys."""


def abstract_params(config: AnyConfig, layout: str) -> tuple[Any, Params]:
    """The model's static graph and its parameters as ``jax.ShapeDtypeStruct``s.

    Nothing is allocated, whatever the size.
    """
    model = nnx.eval_shape(lambda: build(config, layout, nnx.Rngs(0)))
    graph, state = nnx.split(model)
    return graph, nnx.to_pure_dict(state)


def leaf_paths(params: Params) -> dict[str, Any]:
    """``{"backbone/layers/0/mixer/A_log": leaf, ...}`` in the tree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(params)[0]
    return {"/".join(_name(key) for key in path): leaf for path, leaf in leaves}


def _name(key: Any) -> str:
    """One step of a path: a dict's key, a list's place or a field's name."""
    for kind in ("key", "idx", "name"):
        if hasattr(key, kind):
            return str(getattr(key, kind))
    return str(key)


def count_params(params: Params) -> int:
    """The number of numbers in a tree (of arrays or of shapes)."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def check_params(params: Params, expected: Params) -> None:
    """Compare names and shapes; dtypes may differ (a bf16 copy of a model is one).

    Raises:
      InputError: this is not a tree of arrays; a parameter is missing, unknown, or of another
        shape.
    """
    if not isinstance(params, Mapping):
        what = f"params is a {type(params).__name__}, not a tree of dicts"
        raise InputError("bad_arguments", what, "give what init made, or a model's params")
    have, want = leaf_paths(params), leaf_paths(expected)
    for path in have:
        if path not in want:
            raise unknown_name("unknown_parameter", "parameter", path, want)
    for path, leaf in want.items():
        if path not in have:
            raise InputError("missing_parameter", f"{path} is missing", "give every parameter")
        if not hasattr(have[path], "shape"):
            what = f"{path} is a {type(have[path]).__name__}, not an array"
            raise InputError("bad_arguments", what, "give every parameter as an array")
        if tuple(have[path].shape) != tuple(leaf.shape):
            raise InputError(
                "shape_mismatch",
                f"{path} has shape {list(have[path].shape)}, not {list(leaf.shape)}",
                "use the config that these parameters were made with",
            )


def fitted(params: Params, expected: Params) -> Params:
    """The same parameters as jax arrays, in the very order of ``expected``.

    ``nnx.merge`` goes by order, and that of keys depends on what they are: of layers that are
    called "0" to "11", as every JSON or msgpack file has them, "10" would come before "2".

    Raises:
      InputError: see :func:`check_params`.
    """
    check_params(params, expected)
    have = leaf_paths(params)
    leaves = [jnp.asarray(have[path]) for path in leaf_paths(expected)]
    return jax.tree.unflatten(jax.tree.structure(expected), leaves)
