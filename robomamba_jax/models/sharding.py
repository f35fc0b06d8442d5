# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which axis of a parameter lies along which axis of the mesh: one table of path patterns.

Weights are [out, in]. A layer that widens splits its output over ``tensor``, the one that
narrows again its input, so that between them nothing is exchanged (Megatron-LM, arXiv
1909.08053); the other axis goes over ``fsdp`` (ZeRO stage 3, arXiv 1910.02054), and ``gathered``
puts a parameter together again where it is used. Rows of a batch are ``placement.py``'s.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import contextlib
import contextvars
import re
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from robomamba_jax.errors import InputError

AXES = ("data", "fsdp", "tensor")
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


def check_mesh(mesh: Any) -> Mesh:
    """The mesh itself.

    Raises:
      InputError: it is not one.
    """
    if not isinstance(mesh, Mesh):
        what = f"mesh is a {type(mesh).__name__}"
        raise InputError("bad_mesh", what, "give a jax.sharding.Mesh, as of jax.make_mesh")
    return mesh


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
      shape: of the leaf.
      mesh_shape: axis name -> size; axes of other names hold copies.

    Returns:
      One entry per axis of ``shape``. An axis that a mesh axis does not divide stays whole, but
      ``fsdp`` then takes the longest other one that it divides, so that nothing large is copied.
    """
    found = next((axes for pattern, axes in RULES if re.fullmatch(pattern, path)), ())
    stacked = int(_STACKED.match(path) is not None)
    axes = (*(None,) * stacked, *found) if found else ()
    axes = (*axes, *(None,) * (len(shape) - len(axes)))
    entries: list[Any] = [
        axis if axis and size % mesh_shape.get(axis, size + 1) == 0 else None
        for size, axis in zip(shape, axes, strict=True)
    ]
    if "fsdp" not in entries and mesh_shape.get("fsdp", 1) > 1:
        _split_longest(entries, shape, mesh_shape, stacked)
    return PartitionSpec(*entries)


def _split_longest(
    entries: list[Any], shape: tuple[int, ...], mesh_shape: Mapping[str, int], start: int
) -> None:
    """Adds ``fsdp`` to the longest axis that it divides, in front of ``tensor`` where that is."""

    def divides(axis: int) -> bool:
        inside = mesh_shape["tensor"] if entries[axis] == "tensor" else 1
        return shape[axis] > 0 and shape[axis] % (mesh_shape["fsdp"] * inside) == 0

    fit = [axis for axis in range(start, len(shape)) if divides(axis)]
    if fit:
        axis = max(fit, key=lambda axis: shape[axis])
        entries[axis] = ("fsdp", "tensor") if entries[axis] == "tensor" else "fsdp"


def named_sharding(mesh: Mesh, path: str, shape: tuple[int, ...]) -> NamedSharding:
    """:func:`partition_spec` on a mesh."""
    return NamedSharding(mesh, partition_spec(path, shape, dict(mesh.shape)))


def split_axis(path: str, shape: tuple[int, ...], mesh_shape: Mapping[str, int]) -> int | None:
    """Which axis of a parameter ``fsdp`` splits into more than one piece; None = none."""
    if mesh_shape.get("fsdp", 1) == 1:
        return None
    entries = partition_spec(path, shape, mesh_shape)
    found = [axis for axis, entry in enumerate(entries) if entry and "fsdp" in entry]
    return found[0] if found else None


# Weights of matrix products, which are cast to the dtype of computation where they are used: they
# may be cast before they travel. The policy head computes in float32.
_CAST = re.compile(r"(?!policy/).*(_proj|/fc\d|lm_head)/weight")


class _Split(NamedTuple):
    """Which axis of each split parameter is in pieces; of stacked layers, with their own."""

    axes: Mapping[str, int]
    dtype: Any


_SPLIT: contextvars.ContextVar[_Split | None] = contextvars.ContextVar("split", default=None)


@contextlib.contextmanager
def in_pieces(axes: Mapping[str, int], dtype: DTypeLike) -> Generator[None]:
    """Within the context, models are called inside of ``jax.shard_map`` with pieces of their
    parameters, and ``gathered`` puts each together where it is used.

    Args:
      axes: path -> the axis along which ``fsdp`` has split it.
      dtype: of computation: weights are cast to it before they travel.
    """
    token = _SPLIT.set(_Split(axes, jnp.dtype(dtype)))
    try:
        yield
    finally:
        _SPLIT.reset(token)


def gathered(tree: Any, prefix: str, *, but: tuple[str, ...] = ()) -> Any:
    """Parameters whole again, if they are in pieces; call it where they are about to be used, so
    that a layer's weights exist one layer at a time, also in the backward pass.

    Args:
      tree: a module's parameters, under dict keys.
      prefix: the module's path. Layers of a stack lack their leading axis here.
      but: prefixes of paths that stay in pieces.
    """
    split = _SPLIT.get()
    if split is None or not split.axes:
        return tree

    def leaf(path: Any, x: jax.Array) -> jax.Array:
        name = "/".join(str(key.key) for key in path if isinstance(key, jax.tree_util.DictKey))
        name = f"{prefix}/{name}" if prefix else name
        if name not in split.axes or name.startswith(but):
            return x
        stacked = bool(prefix) and _STACKED.match(name) is not None
        dtype = split.dtype if _CAST.fullmatch(name) else x.dtype
        return _gather(x, split.axes[name] - stacked, dtype)

    return jax.tree_util.tree_map_with_path(leaf, tree)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _gather(x: jax.Array, axis: int, dtype: Any) -> jax.Array:
    """The whole of which each device along ``fsdp`` has a piece. Its gradient is summed over
    the devices in float32 and comes back in pieces: a reduce-scatter."""
    return cast("jax.Array", jax.lax.all_gather(x.astype(dtype), "fsdp", axis=axis, tiled=True))


def _gather_fwd(x: jax.Array, axis: int, dtype: Any) -> tuple[jax.Array, jax.Array]:
    # An empty array carries the parameter's dtype to the backward pass.
    return _gather(x, axis, dtype), jnp.zeros((0,), x.dtype)


def _gather_bwd(axis: int, dtype: Any, like: jax.Array, grad: jax.Array) -> tuple[jax.Array]:
    total = cast(
        "jax.Array",
        jax.lax.psum_scatter(grad.astype(jnp.float32), "fsdp", scatter_dimension=axis, tiled=True),
    )
    return (total.astype(like.dtype),)


_gather.defvjp(_gather_fwd, _gather_bwd)
