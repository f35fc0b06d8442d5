# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter trees as plain dicts: their shapes without numbers, and strict checks.

``nnx.merge`` checks neither names nor shapes (it pairs leaves by their order), so
every tree that comes from outside passes ``check_params`` first.
"""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.build import AnyConfig, build

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
    return {"/".join(str(key.key) for key in path): leaf for path, leaf in leaves}


def count_params(params: Params) -> int:
    """The number of numbers in a tree (of arrays or of shapes)."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def check_params(params: Params, expected: Params) -> None:
    """Compare names and shapes; dtypes may differ (a bf16 copy of a model is one).

    Raises:
      InputError: a parameter is missing, unknown, or of another shape.
    """
    have, want = leaf_paths(params), leaf_paths(expected)
    for path in have:
        if path not in want:
            raise unknown_name("unknown_parameter", "parameter", path, want)
    for path, leaf in want.items():
        if path not in have:
            raise InputError("missing_parameter", f"{path} is missing", "give every parameter")
        if tuple(have[path].shape) != tuple(leaf.shape):
            raise InputError(
                "shape_mismatch",
                f"{path} has shape {list(have[path].shape)}, not {list(leaf.shape)}",
                "use the config that these parameters were made with",
            )
