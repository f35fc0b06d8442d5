# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Answers as JSON lines, and how a run that was killed goes on.

Every answer carries ``input``: a hash of its request, the bytes of the files that this names, the
checkpoint and the settings. A file of answers is gone on with only where its lines carry the hashes
of the requests, so that no second file need say what it belongs to.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import writing
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.utils.jsonl import FileBusyError, JsonlWriter, whole_lines

_BEGIN = b'{"id": '  # of every line that is written here


class AnswerLines:
    """The output: a file that is added to and gone on with, lines on stdout, or a list.

    Attributes:
      kept: answers that the file had.
      bad: errors among all answers so far.
      lines: the answers; None where they lie elsewhere.
      on_terminal: whether they are printed where a progress bar would be.
    """

    def __init__(self, path: Path | None, marks: Sequence[str], *, in_memory: bool) -> None:
        """Read what a file already holds; nothing is written yet.

        Raises:
          InputError: it holds something else than answers to these requests.
        """
        self._path, self._marks, self._file = path, marks, None
        self.kept, self.bad, self._whole, self._size = 0, 0, 0, 0
        self.lines: list[Any] | None = [] if path is None and in_memory else None
        # A progress bar puts an object of its own into sys.stdout's place.
        self._stdout = sys.stdout
        self.on_terminal = path is None and not in_memory and sys.stdout.isatty()
        if path is not None and path.exists():
            self._keep(path)
        self._done = self.kept

    def _keep(self, path: Path) -> None:
        with writing(path):
            content = path.read_bytes()
        whole, torn = whole_lines(content)
        found = [_mark_of(text) for text in whole]
        wrong = [n for n, mark in enumerate(found) if [mark] != self._marks[n : n + 1]]
        # A line with a mark is an answer, if to another request; one without makes it another file.
        if wrong and found[wrong[0]] is not None:
            what = f"line {wrong[0] + 1} is the answer to another request or of another model"
        # A killed run may have left any beginning of a line: it must be that of an answer.
        elif wrong or torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
            what = "there is something else than answers in it"
        else:
            what = ""
        if what:
            fix = "give another --out, or remove the file"
            raise InputError("answers_mismatch", f"{path}: {what}", fix)
        self.bad = sum("error" in json.loads(text) for text in whole)
        self.kept, self._size = len(whole), len(content)
        self._whole = len(content) - len(torn)

    def __enter__(self) -> AnswerLines:
        if self._path is None:
            return self
        size = {"keep_bytes": self._whole, "exclusive_size": self._size}
        try:
            with writing(self._path):
                self._file = JsonlWriter(self._path, **size)
        except FileBusyError as error:
            what = f"another process writes {self._path}"
            raise InputError("cannot_write", what, "wait until it has ended") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # of a full disk, which add has told
                self._file.close()

    def add(self, lines: Sequence[JsonObject]) -> None:
        """Write some answers; in a file they are on the disk afterwards."""
        # Answers come in the order of the requests, so that a count says which are there.
        marks = self._marks[self._done : self._done + len(lines)]
        marked = [{**line, "input": mark} for line, mark in zip(lines, marks, strict=True)]
        self._done += len(lines)
        self.bad += sum("error" in line for line in lines)
        if self.lines is not None:
            self.lines += marked
            return
        if self._file is None:
            # JSON's own escapes where the encoding lacks characters: the reader gets them back.
            plain = "utf" not in (self._stdout.encoding or "").lower()
            text = "".join(json.dumps(line, ensure_ascii=plain) + "\n" for line in marked)
            self._stdout.write(text)
            self._stdout.flush()
            return
        assert self._path is not None
        with writing(self._path):
            self._file.write(marked)


def _mark_of(text: bytes) -> str | None:
    """The mark of an answer's line; None of anything else."""
    try:
        return str(json.loads(text)["input"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
