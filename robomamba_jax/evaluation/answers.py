# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The file of answers, to which lines are only added, so that a kill loses one batch at most."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answering import Reply

SCHEMA = "robomamba.eval answers/1"


class AnswersFile:
    """JSON lines: first who answers what and how, then one answer each."""

    def __init__(self, path: Path, header: dict[str, Any], *, write: bool) -> None:
        """Open or begin a file.

        Args:
          path: of the file.
          header: the checkpoint's hash, the questions', and the recipe; an existing file's must be
            the same.
          write: whether this process writes it.

        Raises:
          InputError: the file belongs to another checkpoint, other questions or another recipe,
            or is broken.
        """
        self.path, self._write = path, write
        self.done: dict[str, Reply] = {}
        header = json.loads(json.dumps({"schema": SCHEMA, **header}))
        whole = _whole_lines(path) if path.is_file() else b""
        if whole:
            self._continue(whole, header)
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.stat().st_size > len(whole):
                os.truncate(path, len(whole))  # a line that a kill has torn
            if not whole:
                self._append([json.dumps(header)])

    def _continue(self, whole: bytes, header: dict[str, Any]) -> None:
        try:
            # Bytes: a text may hold characters that end lines only for str.
            first, *rest = [json.loads(line) for line in whole.splitlines()]
            found = {row["id"]: Reply(**row) for row in rest}
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "bad_answers", f"{self.path} is broken: {error}", "remove it, or give another --out"
            ) from error
        odd = [key for key in header if first.get(key) != header[key]]
        if odd:
            raise InputError(
                "other_answers",
                f"{self.path} holds answers with another {odd[0]}",
                "give another --out, or remove the file",
            )
        self.done = found

    def add(self, replies: Sequence[Reply]) -> None:
        """Keep some answers; they are on the disk afterwards."""
        self.done.update({reply.id: reply for reply in replies})
        if self._write:
            self._append([json.dumps(_row(reply), ensure_ascii=False) for reply in replies])

    def _append(self, lines: list[str]) -> None:
        with self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())


def _row(reply: Reply) -> dict[str, Any]:
    """A line; of texts without what poses alone have."""
    row = reply._asdict()
    return row if reply.raw is not None else {k: v for k, v in row.items() if k != "raw"}


def _whole_lines(path: Path) -> bytes:
    """A file's content up to its last line's end."""
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def read_answers(path: Path) -> tuple[dict[str, Any], dict[str, Reply]]:
    """(header, id -> reply) of a file of answers; those of bad rows are left out.

    Raises:
      InputError: it is no such file.
    """
    try:
        first, *rest = [json.loads(line) for line in path.read_bytes().splitlines()]
        if first.get("schema") != SCHEMA:
            raise ValueError("its first line is no header")
        return first, {row["id"]: Reply(**row) for row in rest if row["answer"] is not None}
    except OSError as error:
        raise InputError(
            "missing_file", f"{path} cannot be read", "give an answers.jsonl"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "bad_answers", f"{path} is no file of answers: {error}", "give one that eval.py wrote"
        ) from error
