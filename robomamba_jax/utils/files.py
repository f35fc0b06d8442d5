# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Opening, reading and replacing files, with the system's errors as one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import beside
from robomamba_jax.utils.file_types import UNKNOWN, kind_of, not_a_file, other_file, read_head
from robomamba_jax.utils.untrusted_text import MAX_TEXT_BYTES, parse_json, read_bytes

_SUFFIXES = {"a torch checkpoint": ".pth", "a safetensors file": ".safetensors"}


def open_regular(path: Path) -> IO[bytes]:
    """A regular file, opened to be read; a FIFO would block, a device never end.

    Raises:
      InputError: it is none, or may not be read.
    """
    try:
        if path.is_file():
            return path.open("rb")
    except OSError as error:
        raise InputError(
            "unreadable_file", f"{path}: {error.strerror}", "give a readable file"
        ) from error
    raise InputError("missing_file", f"{path} {not_a_file(path)}", "give a checkpoint")


def other_checkpoint(path: Path, expected: str, fix: str) -> InputError | None:
    """The error of a file that is not of the kind that its name tells; None where nobody knows.

    Args:
      path: of the file.
      expected: such as "a safetensors file", in ``file_kinds``' words.
      fix: what to do where nothing better is known.
    """
    head = read_head(path)
    found = kind_of(head)
    if found in (expected, UNKNOWN):
        return None
    if found in _SUFFIXES:
        fix = f"give it the name that it should have: {path.stem}{_SUFFIXES[found]}"
    return other_file("bad_checkpoint", str(path), head, f"not {expected}", fix)


def read_json(
    path: Path,
    *,
    max_bytes: int = MAX_TEXT_BYTES,
    stray_bytes: bool = False,
    kind: type[dict] | type[list] = dict,
    fix: str = "give the right file",
) -> Any:
    """The object, or the list, in a JSON file.

    Args:
      path: of the file.
      max_bytes: the most that it may have.
      stray_bytes: see ``parse_json``; of a file that holds paths of ours.
      kind: what it must hold.
      fix: the error's, of a file that holds something else.

    Raises:
      InputError: "missing_file"; "bad_json": too large, or not that kind of JSON; "bad_record": a
        key stands twice in an object.
    """
    if not path.is_file():
        what = f"{path} {not_a_file(path)}"
        raise InputError("missing_file", what, "give the folder that has it")
    if path.stat().st_size > max_bytes:
        raise InputError("bad_json", f"{path} is too large: over {max_bytes:,} bytes", fix)
    content = parse_json(
        read_bytes(path, max_bytes), str(path), unique_keys=True, stray_bytes=stray_bytes
    )
    if not isinstance(content, kind):
        expected = "object" if kind is dict else "list"
        raise InputError("bad_json", f"{path} is not a JSON {expected}", fix)
    return content


@contextlib.contextmanager
def writing(path: str | Path, fix: str = "give another place") -> Iterator[None]:
    """What the system refuses inside becomes an ``InputError`` "cannot_write" about ``path``."""
    try:
        yield
    except OSError as error:
        what = f"{path}: {error.strerror or error}"
        raise InputError("cannot_write", what, fix) from error


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text that appears whole or not at all; see ``replacing``."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Gives another path to write to; what is there in the end appears as ``path``, whole.

    Args:
      path: of the file; the other one lies beside it, since a rename is atomic within one file
        system alone. If the block removes that one, ``path`` stays as it is.
      sync: wait until the content is on the disk before it appears: for files whose presence
        means that they are whole, after a power failure too.

    Raises:
      InputError: the disk is full, or the folder cannot be written.
    """
    partial = beside(path, ".partial")
    try:
        with writing(path, "free some space, or give another path"):
            yield partial
            if not partial.exists():
                return
            if sync:
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
