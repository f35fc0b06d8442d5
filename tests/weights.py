# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Random weights for tests, drawn by numpy: nothing is compiled, and torch gets the same ones."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.config import MambaConfig
from robomamba_jax.models.params import Params, abstract_params, leaf_paths


def random_tensors(
    config: MambaConfig, *, seed: int = 0, embedding_scale: float = 1.0
) -> dict[str, np.ndarray]:
    """float32 weights by torch key, with nothing at its initial value.

    Args:
      config: the model.
      seed: of the draw.
      embedding_scale: standard deviation of the embedding.
    """
    shapes = leaf_paths(abstract_params(config, "list")[1])
    named = {path.replace("/", "."): tuple(leaf.shape) for path, leaf in shapes.items()}
    return draw_parameters(named, seed=seed, embedding_scale=embedding_scale)


def draw_parameters(
    shapes: dict[str, tuple[int, ...]], *, seed: int = 0, embedding_scale: float = 1.0
) -> dict[str, np.ndarray]:
    """float32 weights for tensors of any part of the model, by name and shape."""
    rng = np.random.default_rng(seed)
    return {
        name: _draw(name.replace(".", "/"), shape, rng, embedding_scale)
        for name, shape in shapes.items()
    }


def _draw(
    path: str, shape: tuple[int, ...], rng: np.random.Generator, embedding_scale: float
) -> np.ndarray:
    """One parameter, such that signals keep their size through the layers."""
    draw = rng.standard_normal(shape, np.float32)
    if path.endswith("A_log"):
        return np.log(np.arange(1, shape[1] + 1, dtype=np.float32)) + np.float32(0.3) * draw
    if path.endswith("mixer/D") or "norm" in path:
        return 1 + np.float32(0.2) * draw
    if path.endswith("dt_proj/bias"):  # steps from about 0.005 to 0.3
        return draw - 3
    if path.endswith("bias"):
        return np.float32(0.1) * draw
    if "embeddings" in path:
        return np.float32(embedding_scale) * draw
    return draw * np.float32(1 / math.sqrt(shape[-1]))


def tree_of(tensors: dict[str, np.ndarray], config: MambaConfig, layout: str) -> Params:
    """Arrays by torch key (weights, or their gradients) as our parameter tree."""
    tree: Params = {}
    for key, tensor in tensors.items():
        *path, last = (int(part) if part.isdigit() else part for part in key.split("."))
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = tensor
    if layout == "stacked":
        layers = tree["backbone"]["layers"]
        rows = [layers[index] for index in range(config.n_layer)]
        tree["backbone"]["layers"] = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
    return jax.tree.map(jnp.asarray, tree)


def random_params(config: MambaConfig, layout: str, **how: Any) -> Params:
    """:func:`random_tensors` as a tree; both layouts of one seed hold the same numbers."""
    return tree_of(random_tensors(config, **how), config, layout)


def of_scale(ours: Any, reference: Any) -> float:
    """Largest difference over the reference's largest magnitude; inf where anything is NaN."""
    ours, reference = np.asarray(ours), np.asarray(reference)
    assert ours.shape == reference.shape, (ours.shape, reference.shape)
    scale = np.abs(reference).max()
    assert scale > 0, "a reference of zeros shows nothing"
    error = np.abs(ours - reference).max() / scale
    return float(error) if np.isfinite(error) else math.inf
