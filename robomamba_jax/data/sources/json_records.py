# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The records of a large JSON file, one at a time.

A list of 665,000 conversations is a gigabyte of text and several of Python objects. Here
the file is mapped, the offsets of its records are found once, and a record is parsed when
it is asked for. A list of objects, one object, and one object per line are understood.
"""

from __future__ import annotations

import codecs
import mmap
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import HEAD_BYTES, UNKNOWN, kind_of, not_a_file, other_file
from robomamba_jax.utils.untrusted_text import parse_json

# Strings are skipped whole, so that braces inside them do not count. An unclosed string
# reaches to the end of the file: trying every quote behind it would take quadratic time.
# Why not ijson or json.load: the one is a stream without random access, the other takes several
# times the file in memory, in every worker. One regular expression finds strings and brackets at
# the speed of C; only a record that is asked for is parsed.
#
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z)|[\[\]{}]', re.DOTALL)
_FIX = "download or write the file again"
MAX_RECORD_BYTES = 2**24


class JsonRecords:
    """Random access to the objects of a JSON file. Threads and processes may share it.

    Attributes:
      path: the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Find the records.

        Raises:
          InputError: the file is missing, empty, cut, or holds something else than objects.
        """
        self.path = Path(path)
        self._map = self._opened()
        try:
            self._spans = self._find()
        except InputError:
            self._map.close()
            raise

    def _opened(self) -> mmap.mmap:
        if not self.path.is_file():
            what = f"{self.path} {not_a_file(self.path)}"
            raise InputError("missing_file", what, "give a JSON file")
        try:
            with self.path.open("rb") as file:
                head = file.read(HEAD_BYTES)
                if not head or kind_of(head) not in ("a JSON file", "a text file", UNKNOWN):
                    raise other_file("bad_json", str(self.path), head, "not JSON", _FIX)
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("unreadable_file", f"{self.path}: {error}", _FIX) from error

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One record.

        Raises:
          IndexError: there are fewer.
          InputError: it is not JSON in UTF-8, has a key twice or half of a surrogate pair, or is
            larger than ``MAX_RECORD_BYTES``.
        """
        start, end = (int(offset) for offset in self._spans[index])
        where = f"{self.path}: record {index}"
        if end - start > MAX_RECORD_BYTES:
            raise InputError("bad_record", f"{where} has {end - start} bytes", _FIX)
        try:
            return parse_json(self._map[start:end], where, unique_keys=True)
        except InputError as error:
            raise InputError("bad_record", error.message, error.fix) from error

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process maps the file itself.
        return type(self), (self.path,)

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

    def _find(self) -> np.ndarray:
        """int64[records, 2]: where each begins and ends."""
        # A stack of open brackets. Depth 0 is between records; a "[" there, before any record, is
        # the list that holds them all.
        spans: list[int] = []
        stack: list[bytes] = []
        start = end = 0
        listed: int | None = None  # where the list's first record may begin
        for found in _TOKEN.finditer(self._map):
            token = found[0]
            # A string, skipped whole: its brackets are text.
            if token[:1] == b'"':
                continue
            if token in b"[{":
                # ``listed`` is None before and after the list. JSON lines have none: their records
                # stand alone.
                if not stack and token == b"[" and not spans and listed is None:
                    self._between(0, found.start(), 0)
                    listed = end = found.end()
                    continue
                if not stack:
                    if token == b"[":
                        raise self._broken(f"a list at byte {found.start()} for a record")
                    self._between(end, found.start(), len(spans) // 2)
                    start = found.start()
                stack.append(token)
                continue
            if not stack:
                if token == b"]" and listed is not None:
                    self._between(end, found.start(), len(spans) // 2)
                    end, listed = found.end(), None
                    break
                raise self._broken(f"an unexpected {token.decode()} at byte {found.start()}")
            # The kinds must match as well: "[}" is not a record.
            if stack.pop() + token not in (b"[]", b"{}"):
                raise self._broken(f"brackets that do not match at byte {found.start()}")
            if not stack:
                end = found.end()
                spans += (start, end)
        if stack or listed is not None:
            raise self._broken("an end that is missing: it is cut")
        self._between(end, len(self._map), len(spans) // 2)
        if not spans:
            raise self._broken("no records")
        return np.array(spans, np.int64).reshape(-1, 2)

    def _between(self, start: int, end: int, number: int) -> None:
        """Nothing but blanks and commas may stand between records."""
        if end - start > MAX_RECORD_BYTES:
            raise self._broken(f"{end - start} bytes between two records")
        # A byte order mark stands in front, and where files with marks were put together.
        gap = self._map[start:end].replace(codecs.BOM_UTF8, b"")
        if gap.strip(b" \t\r\n,"):
            shown = gap.strip()[:30].decode(errors="replace")
            raise self._broken(f"{shown!r} before record {number}, which is not an object")

    def _broken(self, what: str) -> InputError:
        return InputError("bad_json", f"{self.path} has {what}", _FIX)
