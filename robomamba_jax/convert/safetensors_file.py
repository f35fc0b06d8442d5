# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Safetensors files, read and written one tensor at a time.

The format (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header,
the tensors' bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from robomamba_jax.convert.tensors import NUMPY_DTYPES, LazyTensor, TensorInfo, as_bytes
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import open_regular, other_checkpoint, replacing
from robomamba_jax.utils.untrusted_text import parse_json

# Why not the safetensors library: it maps the whole file, so that pages of the file and the array
# made of them are in memory together, and its writer wants all tensors at once. Here a tensor is
# read straight into the array in which it stays (tests/convert/test_memory.py holds the peak).
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_CODES = {name: code for code, name in _DTYPES.items()}
_MAX_HEADER = 100_000_000  # the library's own cap
_PIECE = 2**24
_FIX = "download or write it again"


class SafetensorsFile:
    """One ``.safetensors`` file. Its header is checked whole before anything is read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open it.

        Raises:
          InputError: it cannot be opened, or its header is wrong.
        """
        self.path = Path(path)
        self.extras: Mapping[str, str] = {}
        self._file = open_regular(self.path)
        try:
            self.metadata, self._tensors, self._start = _read_header(self.path, self._file)
        except InputError:
            self._file.close()
            raise

    def names(self) -> list[str]:
        """The tensors' names in the file's order."""
        return list(self._tensors)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return self._tensors[name][0]

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values, in ``out`` if it is given.

        Raises:
          InputError: the file ends early: it was cut while open.
        """
        info, offset = self._tensors[name]
        values = np.empty(info.shape, NUMPY_DTYPES[info.dtype]) if out is None else out
        target = as_bytes(values)
        # Positioned reads: threads may share the file.
        for at in range(0, len(target), _PIECE):
            piece = target[at : at + _PIECE]
            if os.preadv(self._file.fileno(), [piece], self._start + offset + at) != len(piece):
                raise InputError("bad_checkpoint", f"{self.path} was cut at {name}", _FIX)
        return values

    def files(self) -> list[Path]:
        """The file itself."""
        return [self.path]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _read_header(
    path: Path, file: IO[bytes]
) -> tuple[dict[str, str], dict[str, tuple[TensorInfo, int]], int]:
    """Metadata, ``{name: (info, offset)}`` in the order of offsets, and where bytes start."""
    total = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little") if total >= 8 else -1
    if not 2 <= length <= min(_MAX_HEADER, total - 8):
        other = other_checkpoint(path, "a safetensors file", _FIX)
        raise other or _bad(path, f"says that its header has {length} bytes; the file has {total}")
    try:
        header = parse_json(file.read(length), f"{path}: its header", unique_keys=True)
    except InputError as error:
        raise InputError("bad_checkpoint", error.message, _FIX) from error
    if not isinstance(header, dict):
        raise _bad(path, "has a header that is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise _bad(path, "has a __metadata__ that is not an object")
    tensors = {name: _entry(path, name, entry) for name, entry in header.items()}
    end = 0
    tensors = dict(sorted(tensors.items(), key=lambda item: item[1][1]))
    # Back to back and up to the end, as the specification asks: bytes that no tensor covers could
    # carry anything, and overlaps could make a small file a huge model.
    for name, (info, start) in tensors.items():
        if start != end:
            raise _bad(path, f"has a gap or an overlap of {abs(start - end)} bytes before {name!r}")
        end = start + info.nbytes
    if 8 + length + end != total:
        raise _bad(path, f"has {total} bytes, its header says {8 + length + end}")
    return metadata, tensors, 8 + length


def _entry(path: Path, name: str, entry: Any) -> tuple[TensorInfo, int]:
    try:
        shape, (start, stop) = entry["shape"], entry["data_offsets"]
        dtype = _DTYPES.get(entry["dtype"])
        sizes = (*shape, start, stop)
        sound = set(entry) == {"dtype", "shape", "data_offsets"} and len(shape) <= 16
        # `type is int`: JSON's true would pass as 1, and 1.0 would fail late, in numpy.
        sound = sound and all(type(size) is int and 0 <= size < 2**63 for size in sizes)
    except (TypeError, KeyError, ValueError):
        sound, dtype, shape, start, stop = False, None, (), 0, 0
    if not sound:
        raise _bad(path, f"has a bad entry for {name[:100]!r}")
    if dtype is None:
        what = f"{path}: {name!r} is of dtype {str(entry['dtype'])[:40]!r}"
        raise InputError("bad_dtype", what, f"store it as one of {', '.join(_CODES)}")
    info = TensorInfo(tuple(shape), dtype)
    if info.nbytes != stop - start:
        raise _bad(path, f"gives {name!r} {stop - start} bytes where its shape needs {info.nbytes}")
    return info, start


def _bad(path: Path, what: str) -> InputError:
    return InputError("bad_checkpoint", f"{path} {what}", _FIX)


def write_safetensors(
    path: Path,
    tensors: Iterable[LazyTensor],
    metadata: Mapping[str, str] | None = None,
    observe: Callable[[bytes | memoryview], None] = lambda piece: None,
) -> None:
    """Write a file of tensors that are made one after the other.

    The file appears under its name only when it is whole and on the disk.

    Args:
      path: of the file.
      tensors: whose values are made when their turn comes.
      metadata: strings for the header.
      observe: is called with every piece that is written, such as a hash's ``update``.

    Raises:
      InputError: the disk is full or the folder cannot be written.
    """
    listed = list(tensors)
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    end = 0
    for name, info, _ in listed:
        start, end = end, end + info.nbytes
        header[name] = {
            "dtype": _CODES[info.dtype],
            "shape": list(info.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the first tensor is aligned in a mapped file
    with replacing(path) as partial, partial.open("wb") as file:
        for piece in (len(text).to_bytes(8, "little"), text):
            file.write(piece)
            observe(piece)
        for name, info, make in listed:
            array = np.asarray(make(), order="C")
            assert (array.shape, array.dtype) == (info.shape, NUMPY_DTYPES[info.dtype]), name
            data = as_bytes(array)
            file.write(data)
            observe(data)
        file.flush()
        os.fsync(file.fileno())
