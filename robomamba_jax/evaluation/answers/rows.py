# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Files of answers as rows, one per answer, whatever form evaluations leave them in.

A JSON list or JSON lines of records (VQA, GQA, VizWiz, OCR-VQA, LLaVA, RoboMamba's repository), one
JSON object id -> answer (MM-Vet), our own answers.jsonl, a table (MMBench: .xlsx, .tsv, .csv),
MME's texts, or the repository's raw lines "id,answer". Which question a row answers is asked
elsewhere, see ``matching``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import is_answers, read_answers
from robomamba_jax.evaluation.answers.fields import ANSWER_FIELDS, QUESTION_FIELDS, FieldNames
from robomamba_jax.evaluation.answers.tables import TABLES, table_rows
from robomamba_jax.evaluation.benchmarks.question_files import read_records
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import parse_json, read_text, split_lines

FIX = 'give a JSON list of {"question_id", "answer"}, or the benchmark\'s own result file'
_MME_PARTS = 4


@dataclasses.dataclass(frozen=True)
class AnswerRow:
    """One answer as its file has it.

    Attributes:
      where: file and place, for messages.
      fields: by name, as they stand.
      key: the question, where the form itself says which field names it; else None.
      problem: why it has no answer, if it says so.
    """

    where: str
    fields: Mapping[str, Any]
    key: str | None = None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class AnswerFile:
    """A file's rows.

    Attributes:
      path: of the file.
      rows: in its order.
      keyed: whether rows say themselves by ``key`` which question they answer; else a field does.
      header: the first line of our own answers.jsonl; empty of others.
    """

    path: Path
    rows: Sequence[AnswerRow]
    keyed: bool = False
    header: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def files_in(path: Path) -> tuple[list[Path], list[str]]:
    """The file itself, or those in a folder, and the names of folders in it.

    Raises:
      InputError: there is nothing.
    """
    if not path.exists():
        raise InputError("missing_file", f"{path} does not exist", FIX)
    if not path.is_dir():
        return [path], []
    inside = sorted(part for part in path.iterdir() if not part.name.startswith("."))
    files = [part for part in inside if not part.is_dir()]
    names = {file.name for file in files}
    if not files:
        raise InputError("missing_file", f"{path} holds no file", FIX)
    # A result's folder holds each answer several times: answers.jsonl, the submission, wrong.html.
    if "results.json" in names and len(files) > 1:
        ours = "answers.jsonl" if "answers.jsonl" in names else "the file of answers"
        what = f"{path} is a whole result, of which answers are but a part"
        raise InputError("surplus_input", what, f"give {path / ours}")
    return files, [part.name for part in inside if part.is_dir()]


def read_rows(
    path: Path,
    field_names: FieldNames,
    known: Collection[str] = (),
    *,
    poses: bool = False,
    mme: bool = False,
) -> AnswerFile:
    """A file's rows.

    Args:
      path: of the file.
      field_names: which fields are meant.
      known: the asked questions' ids, which tell an object id -> answer from a record.
      poses: answers are lists of numbers, also in lines of text.
      mme: lines may be MME's: image, question, label and answer, divided by tabs.

    Raises:
      InputError: it is missing or broken, or of no known form.
    """
    ending = path.suffix.lower()
    if ending in TABLES:
        return _table(path, field_names)
    if ending == ".txt":
        return _lines(path, poses=poses, mme=mme)
    text = read_text(path)
    if is_answers(text):
        header, replies = read_answers(path)
        rows = []
        for key, reply in replies.items():
            problem = reply.reason if reply.answer is None else ""
            where = f"{path}: the answer to {key!r}"
            rows.append(AnswerRow(where, {"answer": reply.answer}, key, problem))
        return AnswerFile(path, rows, True, header)
    rows = [AnswerRow(where, record) for record, where in read_records(path)]
    # JSON lines of one record and an object id -> answer look the same from outside.
    lone = len(rows) == 1 and text.lstrip().startswith("{")
    if not lone or _is_record(rows[0].fields, path, known):
        return AnswerFile(path, rows)
    content = parse_json(text, str(path), unique_keys=True)
    rows = [AnswerRow(f"{path}: {key!r}", {"answer": content[key]}, key) for key in content]
    return AnswerFile(path, rows, True)


def _is_record(content: Mapping[str, Any], path: Path, known: Collection[str]) -> bool:
    """Whether an only object is one record, rather than id -> answer."""
    names = [name for name in (*QUESTION_FIELDS, *ANSWER_FIELDS) if name in content]
    keys = [key for key in content if key in known]
    if names and keys:
        what = f"{path} is one object with the field {names[0]!r} and the question {keys[0]!r}"
        raise InputError("ambiguous", what, "write a list of records")
    return bool(names)


def _table(path: Path, field_names: FieldNames) -> AnswerFile:
    rows = list(table_rows(path))
    columns = list(rows[0][1]) if rows else []
    id_name, answer_name = field_names.id or "index", field_names.answer or "prediction"
    has_id = not field_names.id and any(name in columns for name in QUESTION_FIELDS)
    if answer_name not in columns or not (has_id or id_name in columns):
        shown = ", ".join(repr(name) for name in columns[:8]) or "none"
        raise InputError(
            "bad_record",
            f"{path} has no columns {id_name} and {answer_name}; it has {shown}",
            f"{FIX}; other columns are named with {field_names.answer_flag}NAME and "
            f"{field_names.id_flag}NAME",
        )
    # A column for what nobody has filled in, as a test split's own answers, says nothing.
    empty = {name for name in columns if all(row[name] == "" for _, row in rows)}
    kept = [name for name in columns if name not in empty or name in (id_name, answer_name)]
    return AnswerFile(
        path,
        [
            AnswerRow(f"{path}: row {number}", {name: row[name] for name in kept})
            for number, row in rows
        ],
    )


def _lines(path: Path, *, poses: bool, mme: bool) -> AnswerFile:
    """MME's results, or lines "id,answer"; an answer may hold whatever does not end a line."""
    # Only "\n" and its like end a line: an answer may hold U+2028, at which splitlines would cut
    # it.
    numbered = enumerate(split_lines(read_text(path)), 1)
    lines = [(line, f"{path}: line {number}") for number, line in numbered]
    if mme and any(line.count("\t") == _MME_PARTS - 1 for line, _ in lines):
        return AnswerFile(path, [_mme(path, line, where) for line, where in lines if line])
    rows = []
    for line, where in lines:
        key, comma, answer = line.partition(",")
        if not comma:
            raise bad_record(where, 'is neither "id,answer" nor MME\'s')
        rows.append(AnswerRow(where, {"answer": _numbers(answer, where) if poses else answer}, key))
    return AnswerFile(path, rows, True)


def _mme(path: Path, line: str, where: str) -> AnswerRow:
    parts = line.split("\t")
    if len(parts) != _MME_PARTS:
        what = f"has {len(parts)} parts divided by tabs, not image, question, label and answer"
        raise bad_record(where, what)
    fields = dict(zip(("image", "question", "label", "answer"), parts, strict=True))
    # The file is named after the sub-task.
    return AnswerRow(where, fields | {"image": f"{path.stem}/{PurePosixPath(parts[0]).name}"})


def _numbers(answer: str, where: str) -> Json:
    """A list of numbers, as the repository prints poses; else the text."""
    try:
        return json.loads(answer) if answer.startswith("[") else answer
    except (ValueError, RecursionError) as error:
        raise bad_record(where, "has a list of numbers that is broken") from error
