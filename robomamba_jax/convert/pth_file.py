# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""torch's checkpoint files (.pth, .pt, .bin), read without torch and without running them.

Such a file is a zip archive: ``data.pkl`` is a pickle that names tensors, ``data/N`` are their
bytes. The pickle is read by :mod:`pickle_subset`; all sizes are compared with the archive before
memory is allocated.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.convert.pickle_subset import ImportedName, RefusedError, StatefulDict, load
from robomamba_jax.convert.tensors import NUMPY_DTYPES, TensorInfo, as_bytes
from robomamba_jax.convert.zip_directory import ZipEntry, read_directory
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import open_regular, other_checkpoint

# Why not torch.load(weights_only=True): it needs torch, which nothing else here does to convert
# (200 MB and more), and reads whole storages; and that no code of a file is executed should be
# provable from the code below rather than taken from a version of torch.
STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
# Keys under which training scripts put the state dict.
_WRAPPERS = ("model", "state_dict", "model_state_dict", "module")
_MAX_PICKLE = 2**26
_MAX_AXES = 16
_PIECE = 2**24  # bytes read at once
_FIX = "save the weights alone, in torch: torch.save(model.state_dict(), path)"


class Storage(NamedTuple):
    """A run of numbers in the archive."""

    entry: ZipEntry
    dtype: str
    count: int


class TensorView(NamedTuple):
    """A view of a storage, in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class PthFile:
    """One file; its directory and pickle are read, and checked, when it is opened."""

    def __init__(
        self, path: str | os.PathLike[str], *, state: str | None = None, objects: bool = False
    ) -> None:
        """Open it.

        Args:
          path: of the file.
          state: the key of the state dict that is meant, in a file of several; None = the only one.
          objects: the file may hold objects of other people's classes beside its tensors, as those
            of training frameworks do: none is made, and nothing of them is kept.

        Raises:
          InputError: it cannot be opened, is not such a file, or asks for more than tensors.
        """
        self.path = Path(path)
        self._file = open_regular(self.path)
        try:
            root, self._entries = self._directory()
            top = load(
                self._pickle(root),
                self._allowed(),
                lambda key: self._storage(root, key),
                objects=objects,
            )
            self._tensors, self.extras = _state_dict(top, state)
        except RefusedError as error:
            self._file.close()
            raise InputError("bad_checkpoint", f"{self.path}: {error}", _FIX) from error
        except BaseException:
            self._file.close()
            raise

    def names(self) -> list[str]:
        """The tensors' names in the file's order."""
        return list(self._tensors)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        tensor = self._tensors[name]
        return TensorInfo(tensor.shape, tensor.storage.dtype)

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values, in ``out`` if it is given.

        Raises:
          InputError: the file ends early, or its check sum differs.
        """
        storage, offset, shape, strides = self._tensors[name]
        dtype = NUMPY_DTYPES[storage.dtype]
        if out is None:
            out = np.empty(shape, dtype)
        if not out.size:
            return out
        if strides == row_major(shape):
            self._fill(storage.entry, offset * dtype.itemsize, out.reshape(-1), name)
            return out
        # A view with other strides (a transposed matrix): read the run that it spans, then stride.
        last = sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        run = np.empty(last + 1, dtype)
        self._fill(storage.entry, offset * dtype.itemsize, run, name)
        steps = [step * dtype.itemsize for step in strides]
        out[...] = np.lib.stride_tricks.as_strided(run, shape, steps, writeable=False)
        return out

    def _fill(self, entry: ZipEntry, start: int, out: np.ndarray, name: str) -> None:
        """Bytes of an entry from ``start`` on; the check sum too where all of it is read."""
        target, crc = as_bytes(out), 0
        for at in range(0, len(target), _PIECE):
            piece = target[at : at + _PIECE]
            got = os.preadv(self._file.fileno(), [piece], entry.start + start + at)
            if got != len(piece):
                raise InputError(
                    "bad_checkpoint", f"{self.path} is cut at {name!r}", "copy it again"
                )
            crc = zlib.crc32(piece, crc)
        # Several tensors may share an entry; a part of one has no check sum of its own.
        if len(target) == entry.size and crc != entry.crc:
            raise InputError(
                "bad_checkpoint", f"{self.path}: the bytes of {name!r} are damaged", "copy it again"
            )

    def files(self) -> list[Path]:
        """The file itself."""
        return [self.path]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _directory(self) -> tuple[str, dict[str, ZipEntry]]:
        """The archive's root folder and its entries."""
        # b"\x80\x02" begins a bare pickle: torch's format before 1.6, and everybody else's.
        head = self._file.read(4)
        if head[:2] == b"\x80\x02" or not head.startswith(b"PK"):
            other = other_checkpoint(self.path, "a Python pickle", _FIX)
            raise other or InputError(
                "bad_checkpoint",
                f"{self.path} is not in the zip format of torch 1.6 and later",
                "save it again in torch: torch.save(torch.load(path, weights_only=True), path)",
            )
        entries = read_directory(self._file)
        roots = [n.removesuffix("/data.pkl") for n in entries if n.endswith("/data.pkl")]
        roots = [root for root in roots if "/" not in root]
        if len(roots) != 1:
            raise RefusedError("it is not a torch checkpoint: it has no data.pkl")
        # Newer versions of torch write it; files without it are taken for little-endian.
        order = entries.get(f"{roots[0]}/byteorder")
        if order and self._bytes(order, 16) != b"little":
            raise RefusedError("it was written on a big-endian machine")
        return roots[0], entries

    def _bytes(self, entry: ZipEntry, limit: int) -> bytes:
        if entry.size > limit:
            raise RefusedError(f"its entry has {entry.size} bytes, over the cap of {limit}")
        array = np.empty(entry.size, np.uint8)
        self._fill(entry, 0, array, "data.pkl")
        return array.tobytes()

    def _pickle(self, root: str) -> bytes:
        return self._bytes(self._entries[f"{root}/data.pkl"], _MAX_PICKLE)

    def _storage(self, root: str, key: Any) -> Storage:
        """The meaning of a persistent id: ("storage", type, key, device, count)."""
        if type(key) is not tuple or len(key) != 5 or key[0] != "storage":
            raise RefusedError("it has a persistent id that is not a storage")
        _, kind, name, _, count = key
        if type(kind) is not ImportedName or kind.name[1] not in STORAGES:
            raise RefusedError("it has a storage of an unknown kind")
        entry = self._entries.get(f"{root}/data/{name}") if type(name) is str else None
        dtype = STORAGES[kind.name[1]]
        if entry is None or type(count) is not int:
            raise RefusedError(f"its storage {str(name)[:40]!r} is missing")
        if entry.size != count * NUMPY_DTYPES[dtype].itemsize:
            what = f"{entry.size} bytes for {count} numbers"
            raise RefusedError(f"its storage {name[:40]!r} has {what}")
        return Storage(entry, dtype, count)

    @staticmethod
    def _allowed() -> dict[tuple[str, str], Any]:
        return {
            ("collections", "OrderedDict"): _ordered_dict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            **{("torch", name): None for name in STORAGES},
        }


def _ordered_dict(*arguments: Any) -> StatefulDict:
    if arguments:
        raise RefusedError("it makes an OrderedDict of something")
    return StatefulDict()


def _tensor(*arguments: Any) -> TensorView:
    """``_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks, metadata)``."""
    if len(arguments) not in (6, 7):
        raise RefusedError("it makes a tensor of an unknown kind")
    storage, offset, shape, strides = arguments[:4]
    if type(storage) is not Storage or type(shape) is not tuple or type(strides) is not tuple:
        raise RefusedError("it makes a tensor of what is not a storage")
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > _MAX_AXES:
        raise RefusedError("it has a tensor of a strange shape")
    if any(type(number) is not int or not 0 <= number < 2**62 for number in numbers):
        raise RefusedError("it has a tensor with sizes that are not numbers")
    size = TensorInfo(shape, storage.dtype).size
    end = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1
    # A view may not be larger than what it views: expand() makes terabytes of one number.
    if size and (end > storage.count or size > storage.count):
        raise RefusedError("it has a tensor that is larger than its storage")
    return TensorView(storage, offset, shape, strides)


def _parameter(*arguments: Any) -> TensorView:
    if len(arguments) != 3 or type(arguments[0]) is not TensorView:
        raise RefusedError("it makes a parameter of what is not a tensor")
    return arguments[0]


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _state_dict(
    top: Any, chosen: str | None = None
) -> tuple[dict[str, TensorView], Mapping[str, str]]:
    """The tensors by name, and what else the file holds."""
    if not isinstance(top, dict):
        raise RefusedError(f"it holds a {type(top).__name__}, not a mapping from names to tensors")
    if chosen is not None and not isinstance(top.get(chosen), dict):
        raise RefusedError(f"it holds no {chosen}")
    names = _WRAPPERS if chosen is None else (chosen,)
    wrappers = [key for key in names if isinstance(top.get(key), dict)]
    extras: dict[str, str] = {}
    state = top
    # Only where nothing beside it is a tensor: "model" may also be a module's name.
    if len(wrappers) == 1 and not any(type(value) is TensorView for value in top.values()):
        state = top[wrappers[0]]
        extras = {str(key)[:100]: "not model weights" for key in top if key != wrappers[0]}
    tensors = {}
    for name, value in state.items():
        if type(value) is not TensorView:
            extras[str(name)[:100]] = f"a {type(value).__name__}, not a tensor"
        elif type(name) is not str or not name.isprintable() or len(name) > 500:
            raise RefusedError(f"it has a tensor called {str(name)[:40]!r}")
        else:
            tensors[name] = value
    if not tensors:
        raise RefusedError("it holds no tensors")
    return tensors, extras
