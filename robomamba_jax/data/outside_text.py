# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text and JSON that others wrote: one guard for every file, table and line that is read.

What a text file may be is decided here alone: UTF-8, a byte order mark dropped, lines ended by
"\\n" or "\\r\\n" and by nothing else. What a JSON text may hold, too: no half of a surrogate pair,
which Python's reader lets through and no file could ever take back, and no key twice where the
caller says that each counts.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError

MAX_TEXT_BYTES = 2**31

# Of a JSON text: an escaped half of a surrogate pair; most texts have none, and are not walked.
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}|\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_LONE = re.compile("[\ud800-\udfff]")
_LFS = b"version https://git-lfs.github.com/spec/"
# In this order: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_text(path: str | os.PathLike[str], max_bytes: int = MAX_TEXT_BYTES) -> str:
    """A text file's content, without its byte order mark.

    Args:
      path: of the file.
      max_bytes: the most that it may have.

    Raises:
      InputError: it cannot be read, is too large, or is not UTF-8 text.
    """
    return decode_text(read_bytes(path, max_bytes), str(path))


def read_bytes(path: str | os.PathLike[str], max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """A file's content.

    Raises:
      InputError: it is missing, not a regular file, cannot be read, or is too large.
    """
    path = Path(path)
    try:
        if not path.is_file():
            what = "is not a regular file" if path.exists() else "does not exist"
            raise InputError("missing_file", f"{path} {what}", "give the path of a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise InputError(
                "file_too_large", f"{path} has {size:,} bytes, above {max_bytes:,}", "split it"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL, or our own
        if isinstance(error, InputError):
            raise
        raise InputError(
            "unreadable_file", f"{str(path)!r} cannot be read: {error}", "give a readable file"
        ) from error


def decode_text(data: bytes, where: str) -> str:
    """Bytes of a text file as text, without a byte order mark.

    Args:
      data: the bytes.
      where: the file or record, for messages.

    Raises:
      InputError: they are not UTF-8 text; the message says what they are instead.
    """
    if data.startswith(_LFS):
        raise lfs_pointer(where)
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise InputError("bad_text", f"{where} is {name} text", "save it as UTF-8")
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"{where} is not UTF-8 text: byte {error.start} (line {line})"
        raise InputError("bad_text", what, "save it as UTF-8") from error


def lfs_pointer(where: str) -> InputError:
    """The error of a file that Git LFS left its place-holder for."""
    return InputError(
        "lfs_pointer", f"{where} is a Git LFS pointer, not the file itself", "run git lfs pull"
    )


def is_lfs_pointer(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (64 bytes suffice) is a pointer of Git LFS."""
    return head.startswith(_LFS)


def split_lines(text: str) -> list[str]:
    """The lines of a text, ended by "\\n" or "\\r\\n".

    ``str.splitlines`` also cuts at U+2028, U+0085, "\\x0b", "\\x0c" and "\\x1c" to "\\x1e", which
    stand inside of answers.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def parse_json(data: bytes | str, where: str, *, unique_keys: bool = False) -> Any:
    """The value of a JSON text.

    Args:
      data: UTF-8 bytes, or text.
      where: the file or record, for messages.
      unique_keys: an object's key may stand in it once only. Python's reader keeps the last of
        two, and the first is lost without a word.

    Raises:
      InputError: it is not JSON, is nested too deep, has a key twice, or a text with half of a
        surrogate pair.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    text = decode_text(raw, where)

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(
                "bad_record", f"{where} has the key {twice[:80]!r} twice", "keep one of the two"
            )
        return found

    try:
        value = json.loads(text, object_pairs_hook=checked if unique_keys else None)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        what = " ".join(str(error).split())[:200]
        raise InputError("bad_json", f"{where} is not JSON: {what}", "write it again") from error
    if _HALF.search(raw):
        _check_all(value, where)
    return value


def check_text(text: str, where: str) -> str:
    """The text itself, if UTF-8 can hold it.

    Raises:
      InputError: it holds half of a surrogate pair, as cut emoji have.
    """
    found = _LONE.search(text)
    if found is not None:
        what = f"{where} holds half of a surrogate pair (U+{ord(found[0]):04X}) at {found.start()}"
        raise InputError("bad_text", what, "write the whole character, or remove it")
    return text


def _check_all(value: Any, where: str) -> None:
    """``check_text`` for every text in a JSON value. Not by recursion: a reader's nesting limit
    is above ours."""
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, str):
            check_text(here, where)
        elif isinstance(here, dict):
            stack += [*here, *here.values()]
        elif isinstance(here, list):
            stack += here
