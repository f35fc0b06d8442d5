# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A step's arrays on disk: written in the background, read, and read back. The only user of orbax.

orbax looks for what the processes have written by a pattern that begins with the folder's whole
path: below a folder called "runs [v1]" it finds nothing, joins nothing, and says nothing. So it is
given plain paths only (``utils.file_names``), to write and to read alike.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

from robomamba_jax.utils.file_names import plain_path

Leaves = Mapping[str, Sequence[Any]]
"""Shape (a list) and dtype's name of each array, by its path in the tree, as JSON holds them."""

ArrayTree = dict[str, Any]
"""Nested dicts, whose leaves are arrays or their shapes (``jax.ShapeDtypeStruct``)."""

# Of arrays that are read back at a time; what is larger comes alone.
_PIECE_BYTES = 2**28
_WORDS: dict[int, Any] = {1: np.uint8, 2: np.uint16, 4: np.uint32}


def flat(tree: ArrayTree) -> ArrayTree:
    """The leaves of nested dicts by their paths, such as "trained/llm/norm_f/weight"."""
    leaves = jax.tree.leaves_with_path(dict(tree))
    return {"/".join(str(key.key) for key in path): leaf for path, leaf in leaves}


def described(tree: ArrayTree) -> Leaves:
    """Shape and dtype's name of each leaf, as a step's meta.json has them."""
    return {name: [list(x.shape), str(x.dtype)] for name, x in flat(tree).items()}


class ArrayWriter:
    """Writes one tree after the other, each while the run goes on."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        import orbax.checkpoint as ocp

        self._orbax = ocp.AsyncCheckpointer(ocp.StandardCheckpointHandler())
        self._link = contextlib.ExitStack()

    def begin(self, folder: Path, tree: ArrayTree) -> None:
        """Begin to write; the arrays may be changed as soon as this returns.

        Args:
          folder: made by this; every process of the run names the same one.
          tree: of arrays; nested dicts.
        """
        import orbax.checkpoint as ocp

        # The plain name must stand until the threads behind ``save`` are done: see ``wait``.
        path = self._link.enter_context(plain_path(folder))
        self._orbax.save(path, args=ocp.args.StandardSave(dict(tree)))

    def wait(self) -> None:
        """Until everything is on the disk; raises what went wrong in the background."""
        try:
            self._orbax.wait_until_finished()
        finally:
            self._link.close()

    def close(self) -> None:
        """End the threads."""
        self._orbax.close()
        self._link.close()


def restore_arrays(folder: Path, like: ArrayTree) -> ArrayTree:
    """All arrays onto the shardings of ``like``, a tree of ``jax.ShapeDtypeStruct``s; called by
    all processes together."""
    import orbax.checkpoint as ocp

    with plain_path(folder) as path, ocp.Checkpointer(ocp.StandardCheckpointHandler()) as reader:
        return reader.restore(path, args=ocp.args.StandardRestore(dict(like)))


def read_arrays(folder: Path, leaves: Leaves) -> dict[str, np.ndarray]:
    """Some arrays on this process's host, by their paths; no others are read.

    Args:
      folder: of the arrays.
      leaves: those that are wanted.
    """
    import orbax.checkpoint as ocp
    from etils import epath

    # orbax is told what is wanted by a tree of the same form; its leaves' shapes do not matter.
    item: dict[str, Any] = {}
    for name, (_, dtype) in leaves.items():
        node = item
        *lead, last = name.split("/")
        for part in lead:
            node = node.setdefault(part, {})
        node[last] = np.zeros((), dtype)
    args = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), item)
    wanted = ocp.args.PyTreeRestore(item=item, restore_args=args, partial_restore=True)
    # The handler alone: a Checkpointer waits for processes that read nothing.
    with plain_path(folder) as path, contextlib.closing(ocp.PyTreeCheckpointHandler()) as reader:
        found = flat(reader.restore(epath.Path(path), args=wanted))
    return {name: np.asarray(found[name]) for name in leaves}


def unreadable(folder: Path, leaves: Leaves) -> str:
    """Why the arrays cannot be read, "" where nothing tells against it: every one is there, of its
    shape and dtype. Their numbers are not read, and no other process is waited for.

    Args:
      folder: of the arrays.
      leaves: what it should hold.
    """
    if not (folder / "manifest.ocdbt").is_file():
        return f"its arrays cannot be read: {folder.name}/manifest.ocdbt is missing"
    try:
        return _difference(_held(folder), leaves)
    except (ValueError, KeyError, TypeError, OSError) as error:
        return f"its arrays cannot be read: {_one_line(error)}"


def _held(folder: Path) -> Leaves:
    """What arrays a folder's index names, by their paths with "." for "/"."""
    import tensorstore as ts

    with plain_path(folder) as path:
        base = {"driver": "file", "path": f"{path}/"}
        store = ts.KvStore.open({"driver": "ocdbt", "base": base}).result()
        # orbax keeps every array as a zarr of its own in one OCDBT store; ".zarray" is its header.
        ends = [key for key in store.list().result() if key.endswith(b"/.zarray")]
        found = {key.decode(): json.loads(store.read(key).result().value) for key in ends}
    return {
        name.removesuffix("/.zarray"): [facts["shape"], str(jnp.dtype(facts["dtype"]))]
        for name, facts in found.items()
    }


def _difference(found: Leaves, wanted: Leaves) -> str:
    """What is wanted and not found, in words; "" = nothing. Names of ``found`` as ``_held``'s."""
    for name, want in wanted.items():
        have = found.get(name.replace("/", "."))
        if have != list(want):
            return f"its arrays cannot be read: {name} is {have}, not {want}"
    return ""


def read_back(folder: Path, leaves: Leaves, sums: np.ndarray) -> str:
    """What a reader would find otherwise than it was written, "" if nothing.

    Every array is read whole, as readers do, and compared by shape, dtype and sum. It costs one
    more reading of what has just been written (from the system's memory, mostly) at about a
    gigabyte a second on one core, beside the run, and memory for the largest array.

    Args:
      folder: of the arrays.
      leaves: what was written.
      sums: uint32[leaves], ``array_sums`` of it, taken before.
    """
    if what := unreadable(folder, leaves):
        return what
    due = dict(zip(leaves, sums.tolist(), strict=True))
    for names in _pieces(leaves):
        try:
            found = read_arrays(folder, {name: leaves[name] for name in names})
        except (ValueError, KeyError, TypeError, OSError) as error:
            return f"its arrays cannot be read: {_one_line(error)}"
        have = {n.replace("/", "."): [list(x.shape), str(x.dtype)] for n, x in found.items()}
        if what := _difference(have, {name: leaves[name] for name in names}):
            return what
        for name in names:
            if _host_sum(found[name]) != due[name]:
                return f"{name} was read back with other numbers than were written"
    return ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _pieces(leaves: Leaves) -> Iterator[list[str]]:
    """Names of arrays that are read at a time."""
    names: list[str] = []
    filled = 0
    for name, (shape, dtype) in leaves.items():
        size = math.prod(shape) * jnp.dtype(dtype).itemsize
        # An array that is larger than a piece makes one of its own: none is ever cut.
        if names and filled + size > _PIECE_BYTES:
            yield names
            names, filled = [], 0
        names.append(name)
        filled += size
    if names:
        yield names


def array_sums(tree: ArrayTree) -> jax.Array | np.ndarray:
    """A sum of each array's bits, each place with a weight of its own: uint32[leaves].

    It is taken where the arrays lie, on accelerators as on many hosts, and may still be on its way
    when this returns; arrays in this host's memory are read there at once.
    """
    arrays = list(flat(tree).values())
    if all(_on_host(array) for array in arrays):
        return np.array([_host_sum(np.asarray(array)) for array in arrays], np.uint32)
    mesh = next(x.sharding.mesh for x in arrays if isinstance(x.sharding, NamedSharding))
    everywhere = NamedSharding(mesh, PartitionSpec())
    return jax.jit(_device_sums, out_shardings=everywhere)(arrays)


def _on_host(array: Any) -> bool:
    if not isinstance(array, jax.Array):
        return True
    return array.is_fully_addressable and all(d.platform == "cpu" for d in array.devices())


def _device_sums(arrays: list[jax.Array]) -> jax.Array:
    return jnp.stack([_device_sum(array) for array in arrays])


def _device_sum(array: jax.Array) -> jax.Array:
    if array.dtype == jnp.bool_:
        array = array.astype(jnp.uint8)
    # Sums of bits, not of numbers: a sum of floats depends on its order, and the sign of a zero
    # would not show. The weights 2 place + 1 are odd, so that no bit is multiplied away modulo
    # 2^32, and differ, so that two elements that have changed places are seen.
    bits = lax.bitcast_convert_type(array, _WORDS[array.dtype.itemsize]).astype(jnp.uint32)
    # By dimension, not by reshaping one range, which would be whole on every device.
    place, stride = jnp.zeros(array.shape, jnp.uint32), 1
    for axis in reversed(range(array.ndim)):
        steps = lax.broadcasted_iota(jnp.uint32, array.shape, axis)
        place = place + steps * jnp.uint32(stride % 2**32)
        stride *= array.shape[axis]
    return jnp.sum(bits * (2 * place + 1), dtype=jnp.uint32)


def _host_sum(array: np.ndarray) -> int:
    """As ``_device_sum``: element i counts (2 i + 1) times its bits, modulo 2^32."""
    words = np.ascontiguousarray(array).reshape(-1).view(_WORDS[array.dtype.itemsize])
    total, step = 0, 2**18  # so many fit the processor's own memory
    for start in range(0, len(words), step):
        piece = words[start : start + step].astype(np.uint32)
        weights = np.arange(start, start + len(piece), dtype=np.uint64).astype(np.uint32)
        weights = weights * np.uint32(2) + np.uint32(1)
        total += int(np.sum(piece * weights, dtype=np.uint32))
    return total % 2**32
