# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A ``.pth`` file as torch.save writes it, made without torch, one tensor at a time.

The file is a zip archive: ``data.pkl`` names the tensors, ``data/N`` holds the bytes of
the N-th. The pickle is put together from the few opcodes that it needs; torch's own safe
loader (``weights_only=True``) reads it.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.convert.pth_file import STORAGES, row_major
from robomamba_jax.convert.tensors import FLOATS, LazyTensor, as_bytes
from robomamba_jax.utils.files import replacing

# Weights alone: nothing else has a place in a file of ours.
_CODES = {dtype: storage for storage, dtype in STORAGES.items() if dtype in FLOATS}
_PIECE = 2**24  # bytes written at once
_ROOT = "archive"


def write_pth(path: Path, tensors: Sequence[LazyTensor]) -> None:
    """Write a state dict: an OrderedDict of contiguous CPU tensors.

    The file appears under its name only when it is whole.

    Args:
      path: of the file.
      tensors: whose values are made when their turn comes.

    Raises:
      InputError: the file cannot be written.
    """
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(f"{_ROOT}/data.pkl", _pickled(tensors))
        archive.writestr(f"{_ROOT}/byteorder", "little")
        for number, (name, info, make) in enumerate(tensors):
            array = np.asarray(make(), order="C")
            assert (array.shape, str(array.dtype)) == (info.shape, info.dtype), name
            data = as_bytes(array)
            # zip64, because the size is not known to zipfile beforehand and may be over 4 GiB.
            with archive.open(f"{_ROOT}/data/{number}", "w", force_zip64=True) as file:
                for at in range(0, len(data), _PIECE):
                    file.write(data[at : at + _PIECE])
        archive.writestr(f"{_ROOT}/version", "3\n")


# torch.save would hold all tensors at once and needs torch; these few opcodes are the whole of the
# pickle that it writes (https://docs.python.org/3/library/pickletools.html):
#   \x80 protocol   c global   ( mark   ) empty tuple   t tuple   R call   u set items
#   X text   J int32   \x8a long   \x89 False   Q persistent id   . stop
def _pickled(tensors: Sequence[LazyTensor]) -> bytes:
    """Protocol 2: ``OrderedDict((name, _rebuild_tensor_v2(storage, 0, shape, strides, ...)))``."""
    out = [b"\x80\x02", _global("collections", "OrderedDict"), b")R("]
    for number, (name, info, _) in enumerate(tensors):
        storage = (
            b"("
            + _text("storage")
            + _global("torch", _CODES[info.dtype])
            + _text(str(number))
            + _text("cpu")
            + _integer(info.size)
            + b"tQ"
        )
        out += [
            _text(name),
            _global("torch._utils", "_rebuild_tensor_v2"),
            b"(",
            storage,
            _integer(0),
            _integers(info.shape),
            _integers(row_major(info.shape)),
            b"\x89",  # requires_grad=False
            _global("collections", "OrderedDict"),
            b")RtR",
        ]
    return b"".join([*out, b"u."])


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _integer(value: int) -> bytes:
    if value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(9, "little").rstrip(b"\0")
    data += b"\0" if data[-1] & 128 else b""
    return b"\x8a" + bytes([len(data)]) + data


def _integers(values: Sequence[int]) -> bytes:
    return b"(" + b"".join(_integer(value) for value in values) + b"t"
