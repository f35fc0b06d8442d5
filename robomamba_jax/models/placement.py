# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays on the devices of a mesh: a batch split by rows, and copies of what is spread.

How parameters lie is said by the table in ``sharding.py``.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import functools
import math
from collections.abc import Callable
from typing import cast

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike

from robomamba_jax.models.graphs import PyTree

ROWS = ("data", "fsdp")
"""The axes over which the rows of a batch are split."""


def batch_sharding(mesh: Mesh, rows: int) -> NamedSharding:
    """Of arrays whose first axis has ``rows`` rows: split over the axes of ``ROWS`` that the mesh
    has, if they divide it; else, and for 0 rows, copied."""
    axes = tuple(axis for axis in ROWS if axis in mesh.shape)
    pieces = math.prod(mesh.shape[axis] for axis in axes)
    split = rows > 0 and axes and rows % pieces == 0
    return NamedSharding(mesh, PartitionSpec(axes) if split else PartitionSpec())


def local_rows(mesh: Mesh, rows: int) -> list[int]:
    """Which rows of a global batch this process's devices hold, in order."""
    slices = cast(
        "dict[object, tuple[slice, ...] | None]",
        batch_sharding(mesh, rows).addressable_devices_indices_map((rows,)),
    )
    # A set, since devices along other axes hold copies of the same rows.
    return sorted({n for one in slices.values() if one for n in range(*one[0].indices(rows))})


def shard_rows(mesh: Mesh, x: ArrayLike, rows: int) -> jax.Array:
    """An array that lies as :func:`batch_sharding` says; each process gives what its devices hold,
    so that of rows that lie elsewhere it may hold anything. One that lies so is left alone."""
    sharding = batch_sharding(mesh, rows)
    if isinstance(x, jax.Array) and x.sharding == sharding:
        return x
    host = np.asarray(x)
    return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])


def replicate(mesh: Mesh, tree: PyTree) -> PyTree:
    """Copies on every device of what devices, of other processes too, hold parts of."""
    return _copier(mesh)(tree)


@functools.cache
def _copier(mesh: Mesh) -> Callable[[PyTree], PyTree]:
    # One function per mesh: a new one would be traced and compiled at each call.
    def same(tree: PyTree) -> PyTree:
        return tree

    # Not jax.device_put, which cannot read what other processes hold: the identity, compiled
    # with another sharding for its result, becomes an all-gather.
    return jax.jit(same, out_shardings=NamedSharding(mesh, PartitionSpec()))
