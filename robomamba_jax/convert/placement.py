# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a file's tensors straight into a parameter tree: layout, dtype and devices in one go.

Every array is read into the memory in which it stays. On a CPU jax takes that memory over; for
other devices it is freed as soon as the array has been sent. With a mesh, each device's piece is
made on its own, so that no host ever holds a whole stack of layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from robomamba_jax.convert.tensor_names import Leaf, leaves, put
from robomamba_jax.convert.tensors import (
    NUMPY_DTYPES,
    LazyTensor,
    TensorInfo,
    TensorSource,
    aligned_empty,
)
from robomamba_jax.models.params import Params, leaf_paths

Shardings = Callable[[Leaf], jax.sharding.Sharding]


def load_params(
    source: TensorSource,
    expected: Params,
    *,
    shardings: Shardings | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Params:
    """A parameter tree out of a source whose names and shapes have been checked.

    Args:
      source: by our names; has every tensor of the tree.
      expected: the tree as shapes and dtypes: it decides layout and dtypes.
      shardings: where each array goes; None = jax's default device.
      progress: called with the bytes of each array that is done.

    Returns:
      The tree of ``jax.Array``s.
    """
    tree: Params = {}
    for leaf in leaves(expected):
        put(tree, leaf.path, _place(source, leaf, shardings))
        progress(int(np.prod(leaf.shape)) * NUMPY_DTYPES[leaf.dtype].itemsize)
    return tree


def _place(source: TensorSource, leaf: Leaf, shardings: Shardings | None) -> jax.Array:
    if shardings is None:
        # The array is ours alone and aligned (``aligned_empty``): a CPU takes it over.
        return jax.device_put(_fill(source, leaf, tuple(slice(0, n) for n in leaf.shape)))
    pieces: dict[tuple[tuple[int, int], ...], np.ndarray] = {}

    def piece(index: tuple[slice, ...] | None) -> np.ndarray:
        """What one device holds."""
        whole = tuple(slice(*s.indices(n)) for s, n in zip(index or (), leaf.shape, strict=True))
        key = tuple((s.start, s.stop) for s in whole)
        if key not in pieces:  # devices that hold copies of one piece share its reading
            pieces[key] = _fill(source, leaf, whole)
        return pieces[key]

    return jax.make_array_from_callback(leaf.shape, shardings(leaf), piece)


def _fill(source: TensorSource, leaf: Leaf, index: tuple[slice, ...]) -> np.ndarray:
    """The part of a leaf that ``index`` (slices with step 1) cuts out, in the leaf's dtype."""
    out = aligned_empty(tuple(s.stop - s.start for s in index), NUMPY_DTYPES[leaf.dtype])
    if not leaf.stacked:
        _copy(source, leaf.names[0], out, index, leaf.shape)
        return out
    # A stack [L, ...]: only the layers that this piece holds are read.
    for row, name in zip(out, leaf.names[index[0]], strict=True):
        _copy(source, name, row, index[1:], leaf.shape[1:])
    return out


def _copy(
    source: TensorSource,
    name: str,
    out: np.ndarray,
    index: tuple[slice, ...],
    shape: tuple[int, ...],
) -> None:
    # The usual case: no second copy. A piece, or another dtype, is cut from the whole tensor.
    if out.shape == shape and source.info(name).dtype == str(out.dtype):
        source.read(name, out)
        return
    out[...] = source.read(name)[index]


def tree_tensors(params: Params) -> dict[str, Callable[[], np.ndarray]]:
    """From a parameter tree back to tensors: name -> how to bring its values to the host."""

    def get(array: jax.Array, row: int | None) -> np.ndarray:
        """An array's values, or a layer's."""
        return np.asarray(jax.device_get(array if row is None else array[row]))

    arrays = leaf_paths(params)
    return {
        name: partial(get, arrays[leaf.path], row if leaf.stacked else None)
        for leaf in leaves(params)
        for row, name in enumerate(leaf.names)
    }


def lazy_tensors(params: Params) -> list[LazyTensor]:
    """The same as the writers of files take them; values are brought to the host one by one."""
    found = []
    for name, make in tree_tensors(params).items():
        array = make()
        found.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    return found
