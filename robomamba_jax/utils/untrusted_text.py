# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text and JSON that others wrote: one guard for every file, table and line that is read.

What a text file may be is decided here alone: UTF-8, a byte order mark dropped, lines ended by
"\\n" or "\\r\\n" and by nothing else. What a JSON text may hold, too: no half of a surrogate pair,
which Python's reader lets through and no file could ever take back, and no key twice where the
caller says that each counts. What goes out is decided here as well: how a text from outside is
shown on a terminal, and how text is written that may hold a file name's stray bytes.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import (
    HEAD_BYTES,
    UNKNOWN,
    is_lfs_pointer,
    kind_of,
    lfs_pointer,
    not_a_file,
    other_file,
)

MAX_TEXT_BYTES = 2**31

# Of a JSON text: an escaped half of a surrogate pair; most texts have none, and are not walked.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")
# Without those that Python has in place of a file name's bytes (PEP 383).
_FOREIGN = re.compile("[\ud800-\udc7f\udd00-\udfff]")
# What would move a terminal's cursor, end a line, or turn a line's direction around.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSHOWN_LINES = re.compile(_UNSHOWN.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_TEXT = "not UTF-8 text"
_PLAIN_KINDS = ("a JSON file", "a text file", UNKNOWN)


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
            what = f"{path} {not_a_file(path)}"
            raise InputError("missing_file", what, "give the path of a file")
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


def decode_text(data: bytes, where: str, expected: str = _TEXT) -> str:
    """Bytes of a text file as text, without a byte order mark.

    Args:
      data: the bytes.
      where: the file or record, for messages.
      expected: what it is not where it is of another kind, for messages.

    Raises:
      InputError: they are not UTF-8 text; the message says what they are instead.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_text(data, where, expected, error) from error
    if is_lfs_pointer(data):
        raise lfs_pointer(where)
    return text.removeprefix("\ufeff")


def _not_text(data: bytes, where: str, expected: str, error: UnicodeDecodeError) -> InputError:
    """The error of bytes that are not UTF-8: by what they are, else by their first odd one."""
    head = data[:HEAD_BYTES]
    kinds = (*_PLAIN_KINDS, "an XML file") if expected == _TEXT else _PLAIN_KINDS
    if kind_of(head) not in kinds:
        return other_file("bad_text", where, head, expected, "save it as UTF-8")
    byte, line = data[error.start], data.count(b"\n", 0, error.start) + 1
    what = f"{where} is not UTF-8 text: byte {error.start} is 0x{byte:02X} (line {line})"
    return InputError("bad_text", what, "save it as UTF-8")


def split_lines(text: str) -> list[str]:
    """The lines of a text, ended by "\\n" or "\\r\\n".

    ``str.splitlines`` also cuts at U+2028, U+0085, "\\x0b", "\\x0c" and "\\x1c" to "\\x1e", which
    stand inside of answers.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def parse_json(
    data: bytes | str, where: str, *, unique_keys: bool = False, stray_bytes: bool = False
) -> Any:
    """The value of a JSON text.

    Args:
      data: UTF-8 bytes, or text.
      where: the file or record, for messages.
      unique_keys: an object's key may stand in it once only. Python's reader keeps the last of
        two, and the first is lost without a word.
      stray_bytes: halves that stand for the bytes of file names which are not UTF-8 are let
        through: of a file that ``encode_own_json`` wrote.

    Raises:
      InputError: it is not JSON, is nested too deep, has a key twice, or a text with half of a
        surrogate pair.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    text = decode_text(raw, where, "not JSON")
    try:
        value = (_UNIQUE if unique_keys else _ANY).decode(text)
    except _TwiceError as error:
        what = f"{where} has the key {error.args[0][:80]!r} twice"
        raise InputError("bad_record", what, "keep one of the two") from None
    except (ValueError, RecursionError) as error:
        raise _not_json(raw, where, error) from error
    # Only a text with such an escape can hold one; others need not be walked, in Python.
    if _HALF.search(raw):
        _check_all(value, where, _FOREIGN if stray_bytes else _LONE)
    return value


class _TwiceError(Exception):
    """A key that an object has twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python's reader keeps the last of two equal keys; shorter than the pairs means that there were
    # two.
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


_ANY, _UNIQUE = json.JSONDecoder(), json.JSONDecoder(object_pairs_hook=_once)


def _not_json(raw: bytes, where: str, error: Exception) -> InputError:
    """The error of text that is not JSON: by what it is, else by where it ceases to be JSON."""
    head, fix = raw[:HEAD_BYTES], "write it again"
    if kind_of(head) not in _PLAIN_KINDS:
        return other_file("bad_json", where, head, "not JSON", fix)
    what = " ".join(str(error).split())[:200]
    return InputError("bad_json", f"{where} is not JSON: {what}", fix)


def check_text(text: str, where: str) -> str:
    """The text itself, if UTF-8 can hold it.

    Raises:
      InputError: it holds half of a surrogate pair, as cut emoji have.
    """
    return _checked(text, where, _LONE)


def _checked(text: str, where: str, halves: re.Pattern[str]) -> str:
    found = halves.search(text)
    if found is not None:
        what = f"{where} holds half of a surrogate pair (U+{ord(found[0]):04X}) at {found.start()}"
        raise InputError("bad_text", what, "write the whole character, or remove it")
    return text


def printable(text: str, *, lines: bool = False) -> str:
    """A text from outside as a terminal may show it.

    Letters that would move the cursor, change colours or end the line become escapes: "\\x1b".

    Args:
      text: any.
      lines: line ends and tabs stay.
    """
    pattern = _UNSHOWN_LINES if lines else _UNSHOWN
    return pattern.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def writable(text: str, *, in_json: bool = False) -> str:
    """A text that UTF-8 can hold, for a file of ours.

    Half of a surrogate pair, which stands for a byte of a file name that is not UTF-8, becomes the
    letters of its escape, as a terminal shows it; our own readers would refuse the half.

    Args:
      text: any.
      in_json: it is JSON, in which a backslash stands as two.
    """
    slash = "\\\\" if in_json else "\\"
    return _LONE.sub(lambda found: f"{slash}u{ord(found[0]):04x}", text)


def encode_text(text: str, *, in_json: bool = False) -> bytes:
    """``writable`` as UTF-8."""
    return writable(text, in_json=in_json).encode("utf-8")


def encode_own_json(text: str) -> bytes:
    """JSON of ours that holds paths, as UTF-8: a path's bytes that are not UTF-8 stand in it as
    JSON escapes them, and ``parse_json(..., stray_bytes=True)`` gives the same path back."""
    return text.encode("utf-8", "backslashreplace")


def _check_all(value: Any, where: str, halves: re.Pattern[str]) -> None:
    """``check_text`` for every text in a JSON value. Not by recursion: a reader's nesting limit
    is above ours."""
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, str):
            _checked(here, where, halves)
        elif isinstance(here, dict):
            stack += [*here, *here.values()]
        elif isinstance(here, list):
            stack += here
