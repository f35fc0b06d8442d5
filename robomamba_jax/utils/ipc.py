# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Messages between a process and its workers: a JSON object and arrays, through a pipe.

8 bytes of length, the object (which lists the arrays' names, types and shapes under
"arrays"), then the arrays' bytes. Nothing in a message is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Protocol, TypeAlias

import ml_dtypes
import numpy as np

from robomamba_jax.utils.json_types import Json

Arrays: TypeAlias = "dict[str, np.ndarray]"
# A request: JSON, of which the receiver knows what it holds.
Job: TypeAlias = "Mapping[str, Any]"
# An answer: JSON, and arrays by name.
Reply: TypeAlias = "tuple[dict[str, Any], Arrays]"


class Tasks(Protocol):
    """What a worker opened, and can be asked to do."""

    def run(self, job: Job, /) -> Reply:
        """Do one job. An ``InputError`` reaches who asked as it is, other exceptions as text."""
        ...


def send(pipe: IO[bytes], header: Mapping[str, Json], arrays: Mapping[str, np.ndarray]) -> None:
    """Write one message."""
    listed = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    # ensure_ascii keeps half of a surrogate pair in an id as it is.
    text = json.dumps({**header, "arrays": listed}).encode()
    pipe.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        pipe.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Reply | None:
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
        # The one type here whose name numpy itself does not have.
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
