# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which axis of a parameter lies along which axis of the mesh: one table of path patterns.

Weights are [out, in]. A layer that widens splits its output over ``tensor``, the one that
narrows again its input, so that between them nothing is exchanged; the other axis goes
over ``fsdp``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXES = ("data", "fsdp", "tensor")
ROWS = ("data", "fsdp")
"""The axes over which the rows of a batch are split."""

_WIDEN = ("tensor", "fsdp")
_NARROW = ("fsdp", "tensor")

# Patterns of whole paths, first match wins; the leading axis of stacked layers is left out.
RULES: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    (r".*(embeddings|lm_head|position_embedding)/weight", _WIDEN),
    (r".*mixer/(in_proj|dt_proj)/weight", _WIDEN),
    (r".*mixer/in_proj/lora_B/weight", ("tensor", None)),
    (r".*mixer/(out_proj|x_proj)/lora_A/weight", (None, "tensor")),
    (r".*mixer/(out_proj|x_proj)/weight", _NARROW),
    (r".*mixer/conv1d/weight", ("tensor", None, None)),
    (r".*mixer/A_log", ("tensor", None)),
    (r".*mixer/(D|conv1d/bias|dt_proj/bias)", ("tensor",)),
    (r".*self_attn/(q|k|v)_proj/weight", _WIDEN),
    (r".*self_attn/out_proj/weight", _NARROW),
    (r".*mlp/fc1/weight", _WIDEN),
    (r".*mlp/fc2/weight", _NARROW),
    (r"projector/fc[13]/weight", _WIDEN),
    (r"projector/fc2/weight", _NARROW),
)
_STACKED = re.compile(r".*layers/(?!\d)")


def auto_mesh(mesh: Mesh) -> Mesh:
    """The same devices under the same names, with axes over which the compiler decides.

    ``jax.make_mesh`` makes axes of type Explicit, on which every gather would have to say
    where its result lies.
    """
    return Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * mesh.devices.ndim)


def partition_spec(
    path: str, shape: tuple[int, ...], mesh_shape: Mapping[str, int]
) -> PartitionSpec:
    """How one parameter lies on a mesh.

    Args:
      path: of the leaf, such as ``llm/backbone/layers/mixer/in_proj/weight``.
      shape: of the leaf; an axis that a mesh axis does not divide stays whole.
      mesh_shape: axis name -> size; axes of other names hold copies.

    Returns:
      One entry per axis of ``shape``; everything that no rule names is copied.
    """
    found = next((axes for pattern, axes in RULES if re.fullmatch(pattern, path)), ())
    axes = (None, *found) if _STACKED.match(path) and found else found
    axes = (*axes, *(None,) * (len(shape) - len(axes)))

    def fits(size: int, axis: Any) -> Any:
        return axis if axis in mesh_shape and size % mesh_shape[axis] == 0 else None

    return PartitionSpec(*(fits(size, axis) for size, axis in zip(shape, axes, strict=True)))


def named_sharding(mesh: Mesh, path: str, shape: tuple[int, ...]) -> NamedSharding:
    """:func:`partition_spec` on a mesh."""
    return NamedSharding(mesh, partition_spec(path, shape, dict(mesh.shape)))


def split_rows(x: jax.Array) -> jax.Array:
    """Keep the rows of ``x`` [B, ...] where the batch has them, all else of it together.

    Without a mesh (``jax.set_mesh``) that has the axes of ``ROWS`` nothing happens, and so
    where they do not divide B.
    """
    mesh = jax.sharding.get_abstract_mesh()
    axes = tuple(axis for axis in ROWS if axis in mesh.shape)
    count = 1
    for axis in axes:
        count *= mesh.shape[axis]
    if count == 1 or x.shape[0] % count:
        return x
    return jax.lax.with_sharding_constraint(x, PartitionSpec(axes))
