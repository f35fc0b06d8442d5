# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Anyone's answers to a benchmark: read from any of their forms, checked against what was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from robomamba_jax.data.sources.manipulation import parse_detection
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.fields import FieldNames, FieldValue
from robomamba_jax.evaluation.answers.matching import MatchedAnswers, QuestionIndex, match
from robomamba_jax.evaluation.answers.rows import files_in, read_rows
from robomamba_jax.evaluation.answers.tables import NonTextCell
from robomamba_jax.evaluation.benchmarks.base import Answer, Question
from robomamba_jax.utils.json_types import Json


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """What a file of answers may be.

    Attributes:
      field_names: which of its fields are meant.
      skip_extra: answers to what was not asked are left out and counted, not an error.
      skip_bad: answers of a wrong type are left out and named, not an error.
      check_echoes: see ``EvalConfig``.
      check_header: takes path and first line of our own answers.jsonl, and raises if they are to
        other questions.
    """

    field_names: FieldNames = dataclasses.field(default_factory=FieldNames)
    skip_extra: bool = False
    skip_bad: bool = False
    check_echoes: bool = True
    check_header: Callable[[Path, Mapping[str, Json]], None] | None = None


@dataclasses.dataclass(frozen=True)
class CheckedPredictions:
    """What was read.

    Attributes:
      answers: per question; None where there is none.
      problems: id -> why there is none, where the file says so.
      notes: what was left out, in whole sentences.
    """

    answers: list[Answer | None]
    problems: dict[str, str]
    notes: tuple[str, ...]


def read_predictions(
    path: Path,
    questions: Sequence[Question],
    options: ReadOptions | None = None,
    *,
    poses: bool = False,
) -> CheckedPredictions:
    """An answer for every question; None for those that the file leaves out.

    Args:
      path: a file, or a folder of several.
      questions: the benchmark's.
      options: what the file may be.
      poses: answers are lists of numbers, not texts.

    Raises:
      InputError: the file is missing or broken, or speaks of other questions.
    """
    options = options or ReadOptions()
    index, matched = QuestionIndex(questions), MatchedAnswers()
    files, folders = files_in(path)
    for file in files:
        mme = bool(index.by_words)
        read = read_rows(file, options.field_names, index.by_id, poses=poses, mme=mme)
        if read.header and options.check_header is not None:
            options.check_header(file, read.header)
        match(read, index, options.field_names, matched, check_echoes=options.check_echoes)
    # After all files: MME's answers come in fourteen, POPE's in three.
    _check_unknown(path, index, matched, skip=options.skip_extra)
    notes = []
    if matched.unknown:
        notes.append(f"{len(matched.unknown)} answers to what was not asked were left out")
    if matched.repeated:
        notes.append(f"{matched.repeated} answers stand once more in {path}, in the same words")
    if folders:
        notes.append(f"not read, since they are folders in {path}: {', '.join(folders)}")
    answers: list[Answer | None] = []
    problems = {}
    for question in questions:
        row, answer = matched.by_id.get(question.id, (None, None))
        wrong = "" if row is None else _wrong(answer, poses) or row.problem
        if row is not None and wrong:
            # A row that says itself why it has no answer is no mistake of the file.
            if not row.problem and not options.skip_bad:
                raise bad_record(f"{path}: the answer to {question.id!r}", wrong)
            problems[question.id] = row.problem or f"its answer {wrong}"
            answer = None
        # Whatever is left is a text, or a list of numbers.
        answers.append(cast("Answer | None", answer))
    return CheckedPredictions(answers, problems, tuple(notes))


def _wrong(answer: FieldValue, poses: bool) -> str:
    """Why something is no answer; "" if it is one."""
    if isinstance(answer, NonTextCell):
        return f"is {answer.what}, not text: make the column text, and write it again"
    if not isinstance(answer, list if poses else str):
        return f"is no {'list of numbers' if poses else 'text'}, but {repr(answer)[:80]}"
    if poses:
        try:
            parse_detection(answer, "")
        except InputError as error:
            return error.message.strip()
    return ""


def _check_unknown(
    path: Path, index: QuestionIndex, matched: MatchedAnswers, *, skip: bool
) -> None:
    words = index.describe(matched.unknown)
    if not matched.by_id:
        raise InputError(
            "questions_mismatch",
            f"{path} answers none of the benchmark's questions: its ids are "
            f"{words}, the benchmark's {index.questions[0].id!r}",
            "give the answers to this benchmark, or its other files with --set files.questions=",
        )
    if matched.unknown and not skip:
        raise InputError(
            "extra_answers",
            f"{path} answers {len(matched.unknown)} questions that were not asked, first {words}",
            "give the answers to these questions, or leave the others out: --set on_extra=skip",
        )
