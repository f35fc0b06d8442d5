# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Anyone's answers to a benchmark: read from any of their forms, checked against what was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.manipulation import parse_detection
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.fields import Naming
from robomamba_jax.evaluation.answers.matching import Matched, Questions, match
from robomamba_jax.evaluation.answers.rows import files_in, read_rows
from robomamba_jax.evaluation.answers.sheets import OddCell
from robomamba_jax.evaluation.benchmarks.base import Item

CheckHeader = Callable[[Path, Mapping[str, Any]], None]


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a file of answers may be.

    Attributes:
      naming: which of its fields are meant.
      skip_extra: answers to what was not asked are left out and counted, not an error.
      skip_bad: answers of a wrong type are left out and named, not an error.
      check_echoes: see ``EvalConfig``.
      check_header: takes path and first line of our own answers.jsonl, and raises if they are to
        other questions.
    """

    naming: Naming = dataclasses.field(default_factory=Naming)
    skip_extra: bool = False
    skip_bad: bool = False
    check_echoes: bool = True
    check_header: CheckHeader | None = None

    @classmethod
    def of(
        cls,
        config: EvalConfig,
        check_header: Callable[[Path, Mapping[str, Any]], None] | None = None,
    ) -> Rules:
        """As an evaluation is configured."""
        return cls(
            Naming.of(config),
            config.on_extra == "skip",
            config.on_error == "skip",
            config.check_echoes,
            check_header,
        )


@dataclasses.dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
      answers: per question; None where there is none.
      problems: id -> why there is none, where the file says so.
      notes: what was left out, in whole sentences.
    """

    answers: list[Any]
    problems: Mapping[str, str]
    notes: tuple[str, ...]


def read_predictions(path: Path, items: Sequence[Item], *, poses: bool = False) -> list[Any]:
    """An answer for every item; None for those that the file leaves out.

    Args:
      path: a file, or a folder of several.
      items: the benchmark's questions.
      poses: answers are lists of numbers, not texts.

    Raises:
      InputError: the file is missing or broken, or speaks of other questions.
    """
    return read_checked(path, items, Rules(), poses=poses).answers


def read_checked(path: Path, items: Sequence[Item], rules: Rules, *, poses: bool = False) -> Read:
    """The same by other rules, with what was left out."""
    questions, matched = Questions(items), Matched()
    files, folders = files_in(path)
    for file in files:
        read = read_rows(
            file, rules.naming, questions.by_id, poses=poses, mme=bool(questions.by_words)
        )
        if read.header and rules.check_header is not None:
            rules.check_header(file, read.header)
        match(read, questions, rules.naming, matched, check_echoes=rules.check_echoes)
    _check_foreign(path, questions, matched, skip=rules.skip_extra)
    notes = []
    if matched.foreign:
        notes.append(f"{len(matched.foreign)} answers to what was not asked were left out")
    if matched.repeated:
        notes.append(f"{matched.repeated} answers stand once more in {path}, in the same words")
    if folders:
        notes.append(f"not read, since they are folders in {path}: {', '.join(folders)}")
    answers: list[Any] = []
    problems = {}
    for item in items:
        row, answer = matched.found.get(item.id, (None, None))
        wrong = "" if row is None else _wrong(answer, poses) or row.problem
        if row is not None and wrong:
            if not row.problem and not rules.skip_bad:
                raise bad_record(f"{path}: the answer to {item.id!r}", wrong)
            problems[item.id] = row.problem or f"its answer {wrong}"
            answer = None
        answers.append(answer)
    return Read(answers, problems, tuple(notes))


def _wrong(answer: Any, poses: bool) -> str:
    """Why something is no answer; "" if it is one."""
    if isinstance(answer, OddCell):
        return f"is {answer.what}, not text: make the column text, and write it again"
    if not isinstance(answer, list if poses else str):
        return f"is no {'list of numbers' if poses else 'text'}, but {repr(answer)[:80]}"
    if poses:
        try:
            parse_detection(answer, "")
        except InputError as error:
            return error.message.strip()
    return ""


def _check_foreign(path: Path, questions: Questions, matched: Matched, *, skip: bool) -> None:
    words = questions.words(matched.foreign)
    if not matched.found:
        raise InputError(
            "other_questions",
            f"{path} answers none of the benchmark's questions: its ids are "
            f"{words}, the benchmark's {questions.items[0].id!r}",
            "give the answers to this benchmark, or its other files with --set files.questions=",
        )
    if matched.foreign and not skip:
        raise InputError(
            "extra_answers",
            f"{path} answers {len(matched.foreign)} questions that were not asked, first {words}",
            "give the answers to these questions, or leave the others out: --set on_extra=skip",
        )
