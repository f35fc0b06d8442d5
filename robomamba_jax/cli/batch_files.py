# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Requests in a file of JSON lines, looked at as a whole before a model is loaded, then answered in
their order."""

from __future__ import annotations

import abc
import argparse
import codecs
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.cli import loading
from robomamba_jax.cli.answer_lines import AnswerLines
from robomamba_jax.cli.options import add_on_error
from robomamba_jax.cli.terminal import say
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_types import HEAD_BYTES, UNKNOWN, kind_of, not_a_file, other_file
from robomamba_jax.utils.json_types import Json, JsonObject
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.utils.untrusted_text import parse_json

MAX_FILE_BYTES = 256 * 2**20
_HASHED_BYTES = 2**30  # what is larger, no reader of ours takes

Reply = Mapping[str, Json] | InputError
"""What the answer's line shall hold, or what is wrong with the request."""
Field = tuple[Callable[[Any], bool], str]
"""Whether a value is one, and what it should be."""


class Request(NamedTuple):
    """One line of the input.

    Attributes:
      line: its number in the file, from 1.
      id: its own, else its line's number.
      fields: what else it holds.
    """

    line: int
    id: Any
    fields: Mapping[str, Any]


class Task(abc.ABC):
    """What a command does with requests.

    Attributes:
      fields: what a request may hold beside its id.
      required: what it must hold.
      rows: requests in one call of ``answer``, at most.
      what: the answers, in the plural.
      checkpoint: the model's, as the arguments name it.
      root: the folder of the requests, from which their paths lead.
    """

    fields: Mapping[str, Field]
    required: Sequence[str]
    rows: int = 1
    what: str = "answers"

    def __init__(self, args: argparse.Namespace) -> None:
        self.checkpoint = loading.find_checkpoint(args)
        self.root = Path(args.batch).parent
        self._loaded: loading.Loaded | None = None

    def open(self) -> None:
        """Load the model."""
        self._loaded = loading.load(self.checkpoint)

    @property
    def loaded(self) -> loading.Loaded:
        """The model; only after ``open``."""
        assert self._loaded is not None
        return self._loaded

    @abc.abstractmethod
    def paths(self, request: Request) -> Sequence[str]:
        """The files that a request names, relative to the input's folder."""

    @abc.abstractmethod
    def check(self, request: Request) -> None:
        """Read a request's files as ``answer`` will.

        Raises:
          InputError: something is wrong with them.
        """

    @abc.abstractmethod
    def settings(self) -> Json:
        """Whatever else changes answers, as JSON values."""

    @abc.abstractmethod
    def answer(self, start: int, requests: Mapping[int, Request]) -> Mapping[int, Reply]:
        """Answer requests.

        Args:
          start: the first number of their block, whatever is answered of it.
          requests: by their number, which lies between ``start`` and ``start + rows``.

        Returns:
          By number.
        """


def add_batch_arguments(parser: argparse.ArgumentParser, fields: str) -> None:
    """``--batch`` and ``--on-error``; ``fields`` is an example of a line."""
    parser.add_argument("--batch", metavar="FILE", help=f"JSON lines such as {fields}")
    add_on_error(
        parser, "with --batch, a line that is wrong: stop, or give its error for an answer"
    )


def run_batch(args: argparse.Namespace, task: Task) -> JsonObject:
    """Answer a file of requests.

    Args:
      args: with ``batch``, ``out``, ``on_error`` and ``json``.
      task: what to do.

    Returns:
      What was done; with the answers, where there is neither a file of them nor lines on stdout.

    Raises:
      InputError: a line is wrong, and is not to be skipped; or the file of answers belongs to other
        requests, or cannot be written.
    """
    source, out = Path(args.batch), None if args.out is None else Path(args.out)
    if out is not None:
        loading.check_target("--out", out, [source])
    # The whole file is looked at before a model is loaded: its last line is as likely to be wrong
    # as its first, and reading takes less time than loading.
    batch = _Batch(source, task, skip=args.on_error == "skip")
    count = len(batch.requests)
    # A short file makes a small batch: rows that nobody asked for would be computed, too.
    task.rows = min(task.rows, count)
    answers = AnswerLines(out, [batch.mark(number) for number in range(count)], in_memory=args.json)
    # Requests whose answers are kept need none: their files are part of the marks, which agree.
    with _bar("checks") as tell:
        for number in range(answers.kept, count):
            batch.check(number)
            tell(number + 1 - answers.kept, count - answers.kept)
    began = time.perf_counter()
    with answers:
        # No model is loaded where every line is answered or wrong.
        if any(number not in batch.errors for number in range(answers.kept, count)):
            task.open()
        with _bar(task.what, shown=not answers.on_terminal) as tell:
            for start in range(0, count, task.rows):
                # Blocks begin at multiples of the batch size, whatever was kept: draws depend on
                # the place in a block.
                block = range(max(start, answers.kept), min(start + task.rows, count))
                if block:
                    answers.add(batch.answer(start, block))
                    tell(block[-1] + 1, count)
    if not args.json:
        kept = f", {answers.kept:,} of them kept" if answers.kept else ""
        where = "" if out is None else f"{out}: "
        # Without a file stdout holds the answers, and nothing else.
        told = sys.stderr if out is None else sys.stdout
        say(f"{where}{count - answers.bad:,} {task.what}{kept}", file=told)
    if answers.bad:
        print(f"{answers.bad:,} of {count:,} lines were wrong", file=sys.stderr)
    done: JsonObject = {"batch": args.batch, "out": args.out, "lines": count, "kept": answers.kept}
    done |= {"bad": answers.bad, "seconds": time.perf_counter() - began}
    return done if answers.lines is None else {**done, "answers": answers.lines}


class _Batch:
    """The requests, and what is wrong with them so far.

    Attributes:
      requests: all of them, in their order.
      errors: by number; only where wrong ones are skipped.
    """

    def __init__(self, source: Path, task: Task, *, skip: bool) -> None:
        self._source, self._task, self._skip = source, task, skip
        self.requests: list[Request] = []
        self.errors: dict[int, InputError] = {}
        self._texts: list[bytes] = []
        for line, text in enumerate(_lines(source), 1):
            if not text.strip():
                continue
            number = len(self.requests)
            self.requests.append(Request(line, line, {}))
            self._texts.append(text)
            try:
                fields = _object(text)
                # Its id is known before anything can be wrong with the rest.
                self.requests[number] = Request(line, fields.pop("id", line), fields)
                _check_fields(fields, task)
            except InputError as error:
                self._fail(number, error)
        if not self.requests:
            raise InputError("empty_batch", f"{source} has no lines", "give one request a line")

    def mark(self, number: int) -> str:
        """The hash of all that a request's answer is made from."""
        request, digest = self.requests[number], hashlib.sha256(self._texts[number])
        paths = [] if number in self.errors else self._task.paths(request)
        files = [_file_mark(self._source.parent / path) for path in paths]
        # With the number of the line, which is the id of a request that has none of its own.
        digest.update(json.dumps([request.line, files, self._task.settings()]).encode())
        return digest.hexdigest()[:16]

    def check(self, number: int) -> None:
        """Look at a request's files."""
        if number in self.errors:
            return
        try:
            self._task.check(self.requests[number])
        except InputError as error:
            self._fail(number, error)

    def answer(self, start: int, block: range) -> list[JsonObject]:
        """The output's lines for a block of requests, without their marks."""
        good = {n: self.requests[n] for n in block if n not in self.errors}
        # Wrong requests keep their numbers, so that the good ones stay where they were in the
        # block.
        replies = self._task.answer(start, good) if good else {}
        lines: list[JsonObject] = []
        for number in block:
            reply = replies.get(number)
            if isinstance(reply, InputError):
                self._fail(number, reply)
            line: JsonObject = {"id": self.requests[number].id}
            error = self.errors.get(number)
            if error is not None:
                told = {"kind": error.kind, "message": error.message, "fix": error.fix}
                lines.append({**line, "error": told})
            elif isinstance(reply, Mapping):
                lines.append({**line, **reply})
        return lines

    def _fail(self, number: int, error: InputError) -> None:
        where = f"{self._source} line {self.requests[number].line}"
        fix = error.fix if self._skip else f"{error.fix}; or --on-error skip"
        named = InputError(error.kind, f"{where}: {error.message}", fix)
        if not self._skip:
            raise named from error
        self.errors[number] = named


def _lines(source: Path) -> list[bytes]:
    try:
        # Before it is opened: a FIFO would wait for a writer, a device never end.
        if source.exists() and not source.is_file():
            raise InputError("bad_batch", f"{source} {not_a_file(source)}", "give JSON lines")
        if source.stat().st_size > MAX_FILE_BYTES:
            raise InputError("bad_batch", f"{source} is over {MAX_FILE_BYTES:,} bytes", "cut it")
        content = source.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError(
            "missing_file", f"--batch {source}: {error.strerror}", "give a file of JSON lines"
        ) from error
    head = content[:HEAD_BYTES]
    # A text of unknown kind is read, and its lines are judged one by one; what is known to be
    # something else, such as an image, gets one error instead of thousands.
    if kind_of(head) not in ("a JSON file", "a text file", "blank", "empty", UNKNOWN):
        raise other_file("bad_batch", f"--batch {source}", head, "not JSON", "give JSON lines")
    # At line feeds alone: a text may hold other characters that end lines for str.
    return content.split(b"\n")


def _object(text: bytes) -> dict[str, Any]:
    """The object in a line of the input, with an id of the right kind if with any."""
    try:
        fields = parse_json(text, "it", unique_keys=True)
    except InputError as error:
        fix = "write one object a line" if error.kind == "bad_json" else error.fix
        raise InputError("bad_line", error.message, fix) from None
    if not isinstance(fields, dict):
        raise InputError("bad_line", "it is not a JSON object", "write one object a line")
    # In Python a bool is an int; JSON's true is no number.
    if not isinstance(fields.get("id", 0), str | int) or isinstance(fields.get("id"), bool):
        raise InputError("bad_line", "its id is neither text nor a whole number", "give either")
    return fields


def _check_fields(fields: Mapping[str, Any], task: Task) -> None:
    for name, value in fields.items():
        if name not in task.fields:
            raise unknown_name("bad_line", "field", name, ["id", *task.fields])
        allowed, words = task.fields[name]
        if not allowed(value):
            shown = json.dumps(value)
            raise InputError("bad_line", f"{name} is {shown[:60]}", f"give {words}")
    for name in task.required:
        if name not in fields:
            raise InputError("bad_line", f"it has no {name}", f"give {task.fields[name][1]}")


def _file_mark(path: Path) -> str:
    """The hash of a file, or why there is none: what cannot be read is an input, too."""
    from robomamba_jax.utils.hashes import file_sha256

    try:
        if not path.is_file():
            return "no file"
        return file_sha256(path) if path.stat().st_size <= _HASHED_BYTES else "too large"
    except OSError:
        return "unreadable"


def _bar(what: str, *, shown: bool = True) -> contextlib.AbstractContextManager[OnProgress]:
    from robomamba_jax.cli.progress import count_bar

    return count_bar(what) if shown else contextlib.nullcontext(lambda done, total: None)
