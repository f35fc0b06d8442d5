# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Anyone's answers, in the forms in which evaluations leave them.

A JSON list or JSON lines of records with an id and an answer (VQA, GQA, VizWiz, OCR-VQA, LLaVA,
RoboMamba's repository, our answers.jsonl), one JSON object id -> answer (MM-Vet), a table with
columns index and prediction (MMBench: .xlsx, .tsv, .csv), a folder of MME's texts, POPE's answer
files, or the repository's raw lines "id,answer".
"""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.data.json_records import JsonRecords
from robomamba_jax.data.records import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers import SCHEMA, read_answers
from robomamba_jax.evaluation.cells import from_cell
from robomamba_jax.evaluation.items import Item

_IDS = ("question_id", "questionId", "id", "index", "image_id", "image", "question_key")
_ANSWERS = ("answer", "prediction", "pred", "text", "output", "response", "detection")
_TABLES = (".tsv", ".csv", ".xlsx")
_FIX = 'give a JSON list of {"question_id", "answer"}, or the benchmark\'s own result file'

Found = dict[str, Any]


def read_predictions(path: Path, items: Sequence[Item], *, poses: bool = False) -> list[Any]:
    """An answer for every item; None for those that the file leaves out.

    Args:
      path: a file, or a folder of several.
      items: the benchmark's questions.
      poses: answers are lists of numbers, not texts.

    Raises:
      InputError: the file is missing or broken, or speaks of other questions.
    """
    if not path.exists():
        raise InputError("missing_file", f"{path} does not exist", _FIX)
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    found: Found = {}
    for file in files:
        found.update(_read(file, items))
    answers = []
    for number, item in enumerate(items):
        # The repository numbers VizWiz's questions from 0.
        keys = (item.id, str(number)) if "people" in item.facts else (item.id,)
        answers.append(next((found[key] for key in keys if key in found), None))
    if all(answer is None for answer in answers):
        known = ", ".join(repr(key) for key in list(found)[:2])
        raise InputError(
            "other_questions",
            f"{path} answers none of the benchmark's questions: its ids are {known or 'none'}, "
            f"the benchmark's {items[0].id!r}",
            "give the answers to this benchmark, or its other files with --set files.questions=",
        )
    kind = list if poses else str
    for item, answer in zip(items, answers, strict=True):
        if answer is not None and not isinstance(answer, kind):
            wanted = "list of numbers" if poses else "text"
            raise bad_record(f"{path}: the answer to {item.id!r}", f"is no {wanted}")
    return answers


def _read(path: Path, items: Sequence[Item]) -> Found:
    if path.suffix.lower() in _TABLES:
        return _table(path)
    if path.suffix.lower() == ".txt":
        return _lines(path, items)
    with path.open("rb") as file:
        head = file.read(4096).lstrip()
    if head.startswith(b"{") and SCHEMA.encode() in head:
        return {key: reply.answer for key, reply in read_answers(path)[1].items()}
    if head.startswith(b"{") and not _is_record(path):
        return _object(path)
    return _records(path, items)


def _is_record(path: Path) -> bool:
    """Whether a file that begins with an object holds records rather than one id -> answer."""
    records = JsonRecords(path)
    try:
        return any(name in records[0] for name in _ANSWERS)
    finally:
        records.close()


def _object(path: Path) -> Found:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError("bad_json", f"{path} is no JSON: {error}", _FIX) from error
    return {str(key): value for key, value in content.items()}


def _records(path: Path, items: Sequence[Item]) -> Found:
    records = JsonRecords(path)
    try:
        rows = [records[number] for number in range(len(records))]
    finally:
        records.close()
    found: Found = {}
    for number, row in enumerate(rows):
        answer = next((row[name] for name in _ANSWERS if name in row), None)
        if answer is None:
            raise bad_record(f"{path}: record {number}", f"has none of {', '.join(_ANSWERS)}")
        key = next((row[name] for name in _IDS if name in row), None)
        if key is not None:
            found[str(key)] = answer
    return found | _by_file(path, rows, items)


def _by_file(path: Path, rows: Sequence[dict[str, Any]], items: Sequence[Item]) -> Found:
    """POPE's answers, whose numbers repeat in each of its files: the file's name says which."""
    mine = [item for item in items if item.facts.get("file") and _stem(item) in path.stem]
    if not mine:
        return {}
    by_number = {str(item.facts["question_id"]): item.id for item in mine}
    found = {}
    for place, row in enumerate(rows):
        answer = next(row[name] for name in _ANSWERS if name in row)
        if "question_id" in row and str(row["question_id"]) in by_number:
            found[by_number[str(row["question_id"])]] = answer
        elif "question_id" not in row and place < len(mine):
            found[mine[place].id] = answer
    return found


def _stem(item: Item) -> str:
    return str(item.groups.get("kind", item.facts["file"]))


def _table(path: Path) -> Found:
    rows = list(_sheet(path) if path.suffix.lower() == ".xlsx" else _separated(path))
    if not rows or "index" not in rows[0] or "prediction" not in rows[0]:
        raise InputError("bad_record", f"{path} has no columns index and prediction", _FIX)
    return {str(row["index"]): from_cell(str(row["prediction"] or "")) for row in rows}


def _separated(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    comma = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=comma)


def _sheet(path: Path) -> Iterator[dict[str, Any]]:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise InputError("bad_record", f"{path} is no .xlsx file: {error}", _FIX) from error
    # It reads as it goes, and holds the file open until it is told.
    with contextlib.closing(book):
        assert book.active is not None
        rows = book.active.iter_rows(values_only=True)
        names = [str(name) for name in next(rows, ())]
        for row in rows:
            yield dict(zip(names, row, strict=False))


def _lines(path: Path, items: Sequence[Item]) -> Found:
    """MME's results (image, question, label, answer by tabs), or lines "id,answer"."""
    texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    known = {
        (item.facts["image"], " ".join(item.question.split())): item.id
        for item in items
        if "sub-task" in item.groups
    }
    found: Found = {}
    for number, line in enumerate(texts):
        parts = line.split("\t")
        if known and len(parts) == 4:
            image = f"{path.stem}/{Path(parts[0]).stem}"
            key = known.get((image, " ".join(parts[1].split())))
            if key is not None:
                found[key] = parts[3]
            continue
        key, comma, answer = line.partition(",")
        if not comma:
            raise bad_record(f"{path}: line {number + 1}", 'is neither "id,answer" nor MME\'s')
        found[key] = _numbers(answer)
    return found


def _numbers(answer: str) -> Any:
    """A list of numbers, as the repository prints poses; else the text."""
    if answer.startswith("["):
        try:
            return json.loads(answer)
        except ValueError:
            return answer
    return answer
