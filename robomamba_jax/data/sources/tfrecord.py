# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""TFRecord files without TensorFlow: random access, check sums, SequenceExample's bytes.

A record is 8 bytes of length, their masked CRC-32C, the data, and its masked CRC-32C
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.data.sources.protobuf import fields, message_of
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import (
    HEAD_BYTES,
    UNKNOWN,
    is_tfrecord_head,
    kind_of,
    masked_crc,
    not_a_file,
    other_file,
    read_head,
)
from robomamba_jax.utils.files import replacing

_HEADER = struct.Struct("<QI")
MAX_RECORD_BYTES = 2**28
_FIX = "download or write the file again"


class TfRecords:
    """The records of one file. Threads and processes may share it.

    Attributes:
      path: the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Walk over the lengths; no data is read.

        Raises:
          InputError: it is missing, empty, cut, or no such file.
        """
        self.path = Path(path)
        if not self.path.is_file():
            what = f"{self.path} {not_a_file(self.path)}"
            raise InputError("missing_file", what, "give a TFRecord file")
        try:
            self._spans = self._walk()
        except OSError as error:
            what = f"{self.path} cannot be read: {error.strerror}"
            raise InputError("unreadable_file", what, "give a readable file") from error

    def _walk(self) -> np.ndarray:
        spans, at = [], 0
        with self.path.open("rb") as file:
            total = os.fstat(file.fileno()).st_size
            while at < total:
                head = os.pread(file.fileno(), _HEADER.size, at)
                if len(head) < _HEADER.size:
                    if not spans and kind_of(head) != UNKNOWN:
                        raise other_file(
                            "bad_record", str(self.path), head, "not a TFRecord file", _FIX
                        )
                    raise self._broken(f"record {len(spans)} is cut")
                length, check = _HEADER.unpack(head)
                if masked_crc(head[:8]) != check:
                    if not spans:
                        begin = os.pread(file.fileno(), HEAD_BYTES, 0)
                        raise other_file(
                            "bad_record", str(self.path), begin, "not a TFRecord file", _FIX
                        )
                    raise self._broken(f"the length of record {len(spans)} is damaged")
                end = at + _HEADER.size + length
                if length > MAX_RECORD_BYTES or end + 4 > total:
                    raise self._broken(f"record {len(spans)} is said to have {length} bytes")
                spans.append((at + _HEADER.size, length))
                at = end + 4
        if not spans:
            raise other_file("bad_record", str(self.path), b"", "not a TFRecord file", _FIX)
        return np.array(spans, np.int64)

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> bytes:
        """One record's data.

        Raises:
          IndexError: there are fewer.
          InputError: its check sum differs.
        """
        start, length = (int(value) for value in self._spans[index])
        # Opened anew: a source with an open file could not go to a worker process.
        with self.path.open("rb") as file:
            data = os.pread(file.fileno(), length + 4, start)
        if len(data) != length + 4 or masked_crc(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise self._broken(f"record {index} is damaged")
        return data[:-4]

    def _broken(self, what: str) -> InputError:
        return InputError("bad_record", f"{self.path}: {what}", _FIX)


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins with a record's length and its check sum."""
    return is_tfrecord_head(read_head(path))


def feature_lists(record: bytes, where: str) -> dict[str, list[bytes]]:
    """A SequenceExample's feature lists of bytes: name -> one value per step.

    Lists of numbers are left out; so is the context.

    Args:
      record: the serialised message.
      where: the record, for messages.

    Raises:
      InputError: it is no SequenceExample.
    """
    try:
        found: dict[str, list[bytes]] = {}
        for number, value in fields(record):
            if number == 2:  # feature_lists: a map, which is a list of entries
                for _, entry in fields(message_of(value)):
                    name, steps = _entry(message_of(entry))
                    if steps is not None:
                        found[name] = steps
        return found
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            "bad_record", f"{where} is not a SequenceExample: {error}", _FIX
        ) from error


def _entry(entry: memoryview) -> tuple[str, list[bytes] | None]:
    """A map entry: 1 the key, 2 the feature list, whose features are field 1."""
    parts: dict[int, Any] = dict(fields(entry))
    name = bytes(message_of(parts.get(1, memoryview(b"")))).decode()
    steps = [_bytes_of(message_of(v)) for n, v in fields(message_of(parts.get(2))) if n == 1]
    return name, None if None in steps else [step for step in steps if step is not None]


def _bytes_of(feature: memoryview) -> bytes | None:
    """The first value of a feature's bytes_list (field 1); None for numbers."""
    for number, value in fields(feature):
        if number == 1:
            for inner, data in fields(message_of(value)):
                if inner == 1:
                    return bytes(message_of(data))
    return None


# --- Writing: the reverse of the above, for data sets in RoboVQA's format (``world generate``). ---


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
            file.write(length + _check_sum(length) + record + _check_sum(record))


def _check_sum(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc(data))


def _field(number: int, value: bytes) -> bytes:
    """A field of wire type 2: key, length, bytes."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits to a byte, the lowest first; the high bit says that another byte follows."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
