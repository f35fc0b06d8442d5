# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Opening and replacing files, with the system's complaints said in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import beside
from robomamba_jax.utils.file_types import UNKNOWN, kind_of, not_a_file, other_file, read_head

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


def other_checkpoint(path: Path, wanted: str, fix: str) -> InputError | None:
    """The error of a file that is not of the kind that its name tells; None where nobody knows.

    Args:
      path: of the file.
      wanted: such as "a safetensors file", in ``file_kinds``' words.
      fix: what to do where nothing better is known.
    """
    head = read_head(path)
    found = kind_of(head)
    if found in (wanted, UNKNOWN):
        return None
    if found in _SUFFIXES:
        fix = f"give it the name that it should have: {path.stem}{_SUFFIXES[found]}"
    return other_file("bad_checkpoint", str(path), head, f"not {wanted}", fix)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives another path to write to; what is there in the end appears as ``path``, whole.

    Raises:
      InputError: the disk is full, or the folder cannot be written.
    """
    partial = beside(path, ".partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise InputError(
            "cannot_write", f"{path}: {error.strerror}", "make room, or give another path"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
