# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Messages between a run and its data workers: a JSON object and arrays, through a pipe.

8 bytes of length, the object (which lists the arrays' names, types and shapes under
"arrays"), then the arrays' bytes. Nothing in a message is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import ml_dtypes
import numpy as np

Arrays = dict[str, np.ndarray]


def send(pipe: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write one message."""
    listed = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    # ensure_ascii keeps half of a surrogate pair in an id as it is.
    text = json.dumps({**header, "arrays": listed}).encode()
    pipe.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        pipe.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], Arrays] | None:
    """Read one message; None at the end of the stream.

    Raises:
      EOFError: the stream ends within a message.
    """
    start = pipe.read(8)
    if not start:
        return None
    text = np.empty(int.from_bytes(start, "little"), np.uint8)
    _fill(pipe, text)
    header = json.loads(text.tobytes())
    arrays: Arrays = {}
    for name, dtype, shape in header.pop("arrays"):
        kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
        array = np.empty(shape, kind)
        _fill(pipe, array.reshape(-1).view(np.uint8))
        arrays[name] = array
    return header, arrays


def _fill(pipe: IO[bytes], buffer: np.ndarray) -> None:
    """Reads as many bytes as the buffer has, into it."""
    view, done = memoryview(buffer.data), 0
    while done < len(view):
        count = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the stream ends within a message")
        done += count
