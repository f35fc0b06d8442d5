# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Opening and replacing files, with the system's complaints said in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from robomamba_jax.data.file_names import beside
from robomamba_jax.errors import InputError


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
    raise InputError("missing_file", f"{path} is no file", "give a checkpoint")


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
