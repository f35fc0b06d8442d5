# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Protocol buffers as plain fields, for messages of a few known shapes.

https://protobuf.dev/programming-guides/encoding: what a field means is up to the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def fields(message: bytes | memoryview) -> Iterator[tuple[int, Any]]:
    """The (number, value) pairs of a message: int for varints, memoryview for all others.

    Raises:
      ValueError: the message is cut, or of an unknown form.
    """
    message, at = memoryview(message), 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            if wire != 2:
                raise ValueError(f"wire type {wire} at byte {at}")
            size, at = _varint(message, at)
        if size > len(message) - at:
            raise ValueError("it is cut")
        yield key >> 3, message[at : at + size]
        at += size


def message_of(value: Any) -> memoryview:
    """A field that must hold bytes.

    Raises:
      ValueError: it is a number.
    """
    if not isinstance(value, memoryview):
        raise ValueError("a number where a message should be")
    return value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")
    raise ValueError("it is cut")
