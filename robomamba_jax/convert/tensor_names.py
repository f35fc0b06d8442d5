# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our tensors' names in files: one per layer, dotted, torch-like, whatever the layout in memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
from flax import nnx

from robomamba_jax.config import VisionConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.models.params import Params, abstract_params, leaf_paths
from robomamba_jax.models.vision import VisionTower

STACKS = ("llm/backbone/layers/", "vision/encoder/layers/")
"""Where a tree may hold all layers in one array with a leading axis L."""


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One array of a parameter tree, and the tensors that it is made of.

    Attributes:
      path: in the tree, with slashes.
      shape: of the array.
      dtype: of the array, as numpy names it.
      names: the files' tensors: one, or one per layer of a stack.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    names: tuple[str, ...]

    @property
    def stacked(self) -> bool:
        """Whether the first axis counts the layers."""
        # A stack's path has no number of a layer, its tensors' names have.
        return self.path != self.names[0].replace(".", "/")

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The shape of each tensor in the file."""
        return self.shape[1:] if self.stacked else self.shape


def abstract_parts(parts: ModelParts, layout: str = "list") -> Params:
    """The parameter tree of what a folder holds, as shapes and dtypes."""
    if parts.model is not None:
        return abstract_params(parts.model, layout)[1]
    assert parts.vision is not None
    return {"vision": abstract_tower(parts.vision)[1]}


def abstract_tower(config: VisionConfig) -> tuple[nnx.GraphDef, Params]:
    """An encoder's static graph and its parameters as shapes."""
    graph, state = nnx.split(nnx.eval_shape(lambda: VisionTower(config, rngs=nnx.Rngs(0))))
    return graph, nnx.to_pure_dict(state)


def leaves(tree: Params) -> list[Leaf]:
    """Every array of a tree (of arrays or shapes) with the names of its tensors."""
    result = []
    for path, leaf in leaf_paths(tree).items():
        shape = tuple(leaf.shape)
        names = [path]
        stack = next((stack for stack in STACKS if path.startswith(stack)), None)
        # In the list layout the number stands in the path already.
        if stack and not path[len(stack) :].split("/")[0].isdigit():
            names = [f"{stack}{i}/{path[len(stack) :]}" for i in range(shape[0])]
        dotted = tuple(name.replace("/", ".") for name in names)
        result.append(Leaf(path, shape, str(leaf.dtype), dotted))
    return result


def tensor_shapes(parts: ModelParts) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that a folder of these parts holds, by name."""
    found = leaves(abstract_parts(parts))
    return {name: leaf.tensor_shape for leaf in found for name in leaf.names}


def put(tree: Params, path: str, value: jax.Array | np.ndarray) -> None:
    """Set the leaf at ``path`` (slashes; numbers are layers), and make the dicts above it."""
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    node: dict[Any, Any] = tree
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
