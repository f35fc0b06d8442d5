# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The mesh, and where everything lies on it: parameters, moments, batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jax.tree_util import KeyPath

from robomamba_jax.config.training import MeshConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params, leaf_paths
from robomamba_jax.models.placement import ROWS
from robomamba_jax.models.sharding import AXES, named_sharding
from robomamba_jax.training.jax_types import Device, PyTree, ShapedLeaf


def mesh_shape(config: MeshConfig, devices: int) -> tuple[int, int, int]:
    """(data, fsdp, tensor) with what is left filled in.

    Raises:
      InputError: the axes do not make up the devices.
    """
    sizes = [config.data, config.fsdp, config.tensor]
    # -1 takes what the others leave; mesh configurations are checked to have it at most once.
    known = int(np.prod([size for size in sizes if size > 0]))
    if -1 in sizes and devices % known == 0:
        sizes[sizes.index(-1)] = devices // known
    if int(np.prod(sizes)) != devices:
        asked = "x".join(str(size) for size in (config.data, config.fsdp, config.tensor))
        raise InputError(
            "bad_mesh",
            f"a mesh of {asked} (data x fsdp x tensor) on {devices} devices",
            "--set mesh.data=, mesh.fsdp=, mesh.tensor= so that their product is that; -1 = rest",
        )
    return sizes[0], sizes[1], sizes[2]


def make_mesh(config: MeshConfig, devices: Sequence[Device] | None = None) -> Mesh:
    """All devices of all processes, axes of type Auto: the compiler decides between them.

    Args:
      config: the axes' sizes.
      devices: instead of the machine's own, such as those of a topology that is not there.

    Raises:
      InputError: the axes do not make up the devices.
    """
    found = list(jax.devices() if devices is None else devices)
    shape = mesh_shape(config, len(found))
    if found[0].platform == "tpu":
        # Neighbours in the mesh shall be neighbours in the torus.
        from jax.experimental import mesh_utils

        grid = mesh_utils.create_device_mesh(shape, found, allow_split_physical_axes=True)
    else:
        grid = np.array(found).reshape(shape)
    return Mesh(grid, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def replicated(mesh: Mesh) -> NamedSharding:
    """A copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def rows_sharding(mesh: Mesh) -> NamedSharding:
    """Of a batch: rows over ``data`` and ``fsdp``."""
    return NamedSharding(mesh, PartitionSpec(ROWS))


def check_rows(
    rows: int, accumulate: int, mesh: Mesh, field: str = "data.batch.batch_size"
) -> None:
    """Raise ``InputError`` unless the rows of a batch, which ``field`` says, can be shared out
    evenly."""
    # Each device cuts its own rows into the pieces that accumulate, so both must divide them.
    places = mesh.shape["data"] * mesh.shape["fsdp"]
    if rows % (places * accumulate):
        parts = f" in {accumulate} parts" if accumulate > 1 else ""
        what = f"{rows} rows{parts} over {places} places (data x fsdp)"
        raise InputError("bad_mesh", what, f"choose {field} as a multiple of {places * accumulate}")


def params_shardings(params: Params, mesh: Mesh) -> Params:
    """A sharding for every leaf of a parameter tree (of arrays or shapes)."""
    paths = leaf_paths(params)
    found = [named_sharding(mesh, path, tuple(leaf.shape)) for path, leaf in paths.items()]
    return jax.tree.structure(params).unflatten(found)


def like_params(tree: PyTree, params: Params, mesh: Mesh) -> PyTree:
    """Shardings of an optimizer's state: a leaf whose path ends with a parameter's path, and
    has its shape, lies as the parameter does; every other one is copied.

    ``jax.jit`` of the optimizer's ``init`` would otherwise copy all moments to all devices.
    """
    shapes = {path: tuple(leaf.shape) for path, leaf in leaf_paths(params).items()}

    def sharding(path: KeyPath, leaf: ShapedLeaf) -> NamedSharding:
        """Of one leaf of the optimizer's state."""
        keys = [str(key.key) for key in path if isinstance(key, jax.tree_util.DictKey)]
        # The optimizer's state wraps the tree: (..., "mu", "llm", "backbone", ...). Whatever stands
        # in front, the rest of the keys is the parameter's path.
        for start in range(len(keys)):
            name = "/".join(keys[start:])
            if shapes.get(name) == tuple(leaf.shape):
                return named_sharding(mesh, name, shapes[name])
        return replicated(mesh)

    return jax.tree_util.tree_map_with_path(sharding, tree)


def bytes_per_device(tree: PyTree) -> int:
    """The most that any device of this process holds of a tree of arrays."""
    # Shards of this process: what other hosts' devices hold cannot be read here.
    held: dict[Any, int] = {}
    for leaf in jax.tree.leaves(tree):
        for shard in leaf.addressable_shards:
            held[shard.device] = held.get(shard.device, 0) + shard.data.nbytes
    return max(held.values(), default=0)
