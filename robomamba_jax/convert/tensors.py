# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every checkpoint file is to the converters: named tensors, read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import ml_dtypes
import numpy as np

# The dtypes that files may hold, by the name that messages and manifests use.
NUMPY_DTYPES: dict[str, np.dtype] = {
    **{
        name: np.dtype(name)
        for name in (
            *("float32", "float16", "float64"),
            *("int64", "int32", "int16", "int8", "uint8", "bool"),
        )
    },
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}

FLOATS = ("float32", "bfloat16", "float16")
"""The dtypes that weights may have."""

# In bytes. XLA's CPU backend takes over host memory that is aligned so; other memory it copies,
# and a model would be in memory twice while it loads.
_ALIGNMENT = 64


class TensorInfo(NamedTuple):
    """What a file's header says of a tensor.

    Attributes:
      shape: its sizes.
      dtype: a key of ``NUMPY_DTYPES``.
    """

    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """The number of elements."""
        # dtype=object: Python's integers. A hostile header can name sizes whose product overflows
        # int64 and comes out small.
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self.size * NUMPY_DTYPES[self.dtype].itemsize


LazyTensor: TypeAlias = tuple[str, TensorInfo, Callable[[], np.ndarray]]
"""(name, shape and dtype, how to get the values): writers take the values one after the other."""


class TensorSource(Protocol):
    """A checkpoint as named tensors, whatever its format.

    Attributes:
      path: the file or folder, for messages.
      extras: what else it holds: name -> why it is not read.
    """

    @property
    def path(self) -> Path:
        """The file or folder, for messages."""
        ...

    @property
    def extras(self) -> Mapping[str, str]:
        """What else it holds: name -> why it is not read."""
        ...

    def names(self) -> list[str]:
        """The tensors' names in the file's order."""
        ...

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor; reads nothing."""
        ...

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values, in ``out`` (contiguous, same shape and dtype) if it is given."""
        ...

    def files(self) -> list[Path]:
        """The files behind it, to be hashed."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised array which ``jax.device_put`` on a CPU takes over without a copy."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    # numpy promises less: take more than is needed, and begin at the first multiple.
    raw = np.empty(nbytes + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + nbytes].view(dtype).reshape(shape)


def as_bytes(array: np.ndarray) -> memoryview:
    """The memory of a contiguous array, writable where the array is."""
    flat: Any = array.reshape(-1).view(np.uint8)  # numpy's stubs do not call it a buffer
    return memoryview(flat)


def has_nonfinite(array: np.ndarray) -> bool:
    """Whether a float array holds NaN or infinity."""
    if array.dtype.kind not in "fV":
        return False
    words = {2: np.uint16, 4: np.uint32, 8: np.uint64}[array.dtype.itemsize]
    # By bits, because numpy has no isfinite for bfloat16 but through a copy in float32: a number is
    # NaN or infinite where all bits of the exponent are set, and infinity has just those.
    exponent = np.array(np.inf, array.dtype).view(words)
    flat = array.reshape(-1).view(words)
    step = 2**22  # in pieces: the comparison makes temporaries of the tensor's size
    return any(
        bool(np.any((flat[at : at + step] & exponent) == exponent))
        for at in range(0, flat.size, step)
    )
