# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Files of JSON lines that are appended to, and resumed after a kill at any moment.

A line counts once its "\\n" is written: a kill can tear the last line alone, so what follows the
last "\\n" is dropped when a file is resumed, and no line before it is ever written again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import encode_text


class FileBusyError(Exception):
    """Another process writes the file."""


def whole_lines(content: bytes) -> tuple[list[bytes], bytes]:
    """A file's lines without their ends, and the beginning of a line that a kill has torn.

    Only "\\n" ends a line: U+2028 and its like, at which ``splitlines`` cuts text, and "\\r" may
    stand inside of one.
    """
    *lines, torn = content.split(b"\n")
    return lines, torn


class JsonlWriter:
    """Appends lines to a file; a context manager."""

    def __init__(
        self, path: Path, *, keep_bytes: int | None = None, exclusive_size: int | None = None
    ) -> None:
        """Open a file, which need not exist, nor its folder.

        Args:
          path: of the file.
          keep_bytes: the file is cut behind them: where its last whole line ends.
          exclusive_size: keep other processes that give this from the file; it must still have so
            many bytes, as when the caller read it.

        Raises:
          OSError: the file cannot be written.
          FileBusyError: another process writes it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        try:
            # The size, too: the other process may have come and gone since the file was read.
            if exclusive_size is not None and not (
                _lock(self._file) and self._file.tell() == exclusive_size
            ):
                raise FileBusyError(path)
            if keep_bytes is not None and self._file.tell() > keep_bytes:
                self._file.truncate(keep_bytes)
        except BaseException:
            self._file.close()
            raise

    def write(
        self, rows: Iterable[Mapping[str, Json]], *, ascii_only: bool = False, sync: bool = True
    ) -> None:
        """Append a line for each row.

        Args:
          rows: the lines' objects.
          ascii_only: write other characters as JSON escapes.
          sync: wait until they are on the disk; else they may stay in memory until then.
        """
        text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
        self._file.write(encode_text(text, in_json=True))
        if sync:
            self.flush(to_disk=True)

    def flush(self, *, to_disk: bool = False) -> None:
        """Hand everything to the system; ``to_disk`` waits for the disk too."""
        self._file.flush()
        if to_disk:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Hand the rest to the system, and close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _lock(file: BinaryIO) -> bool:
    """Keep other processes from a file; whether none of them has it."""
    try:
        # flock, not a lock file: the system releases it however the process ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True
