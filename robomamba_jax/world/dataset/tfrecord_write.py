# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""SequenceExamples into TFRecord files, without TensorFlow: RoboVQA's files.

The reverse of data/sources/tfrecord.py; the same sources are cited there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from robomamba_jax.data.sources.tfrecord import masked_crc
from robomamba_jax.utils.files import replacing


def sequence_example(lists: Mapping[str, Sequence[bytes]]) -> bytes:
    """A SequenceExample whose feature lists hold one byte string per step."""
    entries = b""
    for name, values in sorted(lists.items()):
        # Feature.bytes_list (1) { value (1) }, inside FeatureList.feature (1).
        steps = b"".join(_field(1, _field(1, _field(1, value))) for value in values)
        entries += _field(1, _field(1, name.encode()) + _field(2, steps))
    return _field(2, entries)


def write_tfrecord(path: Path, records: Iterable[bytes]) -> None:
    """Write a file at once: it appears whole or not at all."""
    with replacing(path) as partial, partial.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _check(length) + record + _check(record))


def _check(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc(data))


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
