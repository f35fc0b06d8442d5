# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The file of answers, to which lines are only added, so that a kill loses one batch at most."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import Answer
from robomamba_jax.utils.json_types import Json, JsonObject
from robomamba_jax.utils.jsonl import JsonlWriter, whole_lines
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes

SCHEMA = "robomamba.eval answers/1"

# Of the first line: files that were begun before it was written down lack it, and can be resumed.
_LATER = ("processor",)


class Reply(NamedTuple):
    """The answer to one request.

    Attributes:
      id: the question's.
      answer: a text, or a pose as RoboMamba's result list has it; None if the row was bad.
      reason: why it ended: "eos", "stop", "length"; "" for poses; for a bad row what was wrong.
      tokens: of a text; None for a pose.
      raw: of a pose, the head's own numbers, which the repository's test program writes down.
    """

    id: str
    answer: Answer | None
    reason: str
    tokens: list[int] | None = None
    raw: list[float] | None = None


class AnswersFile:
    """JSON lines: first who answers what and how, then one answer each."""

    def __init__(
        self, path: Path, header: JsonObject, *, write: bool, known: Collection[str] | None = None
    ) -> None:
        """Open or begin a file.

        Args:
          path: of the file.
          header: the checkpoint's hash, the questions', and the prompt spec; an existing file's
            must be the same.
          write: whether this process writes it.
          known: ids of the questions that it may answer; None = any.

        Raises:
          InputError: the file belongs to another checkpoint, other questions or another prompt,
            or is broken.
        """
        self.path, self._write = path, write
        self.done: dict[str, Reply] = {}
        # Through JSON and back: a tuple must equal the list that is read again.
        header = json.loads(json.dumps({"schema": SCHEMA, **header}))
        content = path.read_bytes() if path.is_file() else b""
        # A kill may leave half a line. It is cut off, and that answer is made again.
        lines, torn = whole_lines(content)
        if lines:
            self.done = self._resume(lines, header, known)
        if write:
            with JsonlWriter(path, keep_bytes=len(content) - len(torn)) as file:
                if not lines:
                    file.write([header], ascii_only=True)

    def _resume(
        self, lines: list[bytes], header: JsonObject, known: Collection[str] | None
    ) -> dict[str, Reply]:
        try:
            first, found = _parse(lines, self.path)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "bad_answers", f"{self.path} is broken: {error}", "remove it, or give another --out"
            ) from error
        other = [key for key in header if first.get(key) != header[key]]
        other = [key for key in other if key in first or key not in _LATER]
        unknown = [] if known is None else [key for key in found if key not in known]
        if other:
            what = f"holds answers with another {other[0]}"
        elif unknown:
            what = f"answers {unknown[0]!r}, which is not a question of these files"
        else:
            return found
        fix = "give another --out, or remove the file"
        raise InputError("answers_mismatch", f"{self.path} {what}", fix)

    def add(self, replies: Sequence[Reply]) -> None:
        """Keep some answers; they are on the disk afterwards."""
        self.done.update({reply.id: reply for reply in replies})
        if self._write:
            with JsonlWriter(self.path) as file:
                file.write([_row(reply) for reply in replies])


def _row(reply: Reply) -> JsonObject:
    """A line; of texts without what poses alone have."""
    row = reply._asdict()
    return row if reply.raw is not None else {k: v for k, v in row.items() if k != "raw"}


def _parse(lines: Sequence[bytes], path: Path) -> tuple[JsonObject, dict[str, Reply]]:
    """The header, and the replies by their questions' ids."""
    header, *rows = [parse_json(line, str(path)) for line in lines]
    found: dict[str, Reply] = {}
    for row in rows:
        reply = Reply(**row)
        if not isinstance(reply.id, str):
            raise ValueError(f"the id {reply.id!r} is not text")
        if reply.id in found:
            raise ValueError(f"it answers {reply.id!r} twice")
        found[reply.id] = reply
    return header, found


def is_answers(text: str) -> bool:
    """Whether a file's content begins as a file of answers does."""
    try:
        first = json.loads(text.partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("schema") == SCHEMA


def read_answers(path: Path) -> tuple[JsonObject, dict[str, Reply]]:
    """(header, id -> reply) of a file of answers; those of bad rows have the answer None.

    Raises:
      InputError: it is no such file, or answers a question twice.
    """
    content = read_bytes(path)
    try:
        # A torn last line is an error here: these are answers to be scored, not to be completed.
        header, found = _parse(content.removesuffix(b"\n").split(b"\n"), path)
        if header.get("schema") != SCHEMA:
            raise ValueError("its first line is no header")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "bad_answers", f"{path} is not a file of answers: {error}", "give one of eval.py"
        ) from error
    return header, found


def check_header(header: Mapping[str, Json], path: Path, benchmark: Json, questions: Json) -> None:
    """Whether a file's answers are to some questions.

    Args:
      header: its first line.
      path: of the file, for messages.
      benchmark: the questions'.
      questions: their hash.

    Raises:
      InputError: they are of another benchmark, or of other files.
    """
    if header.get("benchmark") != benchmark:
        what = f"answers questions of {header.get('benchmark')}, not of {benchmark}"
    elif header.get("questions") != questions:
        what = f"answers other files of {benchmark}'s questions than those that are configured"
    else:
        return
    fix = "configure the files that were asked, or give the answers to these"
    raise InputError("questions_mismatch", f"{path} {what}", fix)
