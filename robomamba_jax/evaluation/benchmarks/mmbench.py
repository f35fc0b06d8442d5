# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MMBench (Liu et al. 2023): one of up to four options, asked in every rotation of them."""

from __future__ import annotations

import csv
import functools
import io
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    PromptSpec,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    all_or_none,
    check_unused,
    embedded,
    missing,
    question_files,
    same_labels,
)
from robomamba_jax.evaluation.metrics.multiple_choice import (
    LETTERS,
    ROTATION,
    RotationResult,
    chosen_option,
    circular,
)
from robomamba_jax.utils.cells import to_cell
from robomamba_jax.utils.untrusted_text import read_text

_REQUIRED_COLUMNS = ("index", "question", "A", "B", "image")
_EMPTY = ("", "nan")
# An image's cell that is shorter holds another row's index instead.
_SHORTEST_IMAGE = 64


def load(config: EvalConfig) -> BenchmarkData:
    """The rows of TSV files; rotations among them are told by their index."""
    paths = question_files(config.files, ("MMBench_DEV_EN.tsv",))
    check_unused(config.files, "answers", "images")
    tables = [(path, _rows(path)) for path in paths]
    indices = [row["index"] for _, rows in tables for row in rows]
    rotations = Counter(int(index) % ROTATION for index in indices if index.isdecimal())
    questions: list[Question] = []
    labelled = []
    for path, rows in tables:
        here = _questions(path, rows, rotations)
        flags = [bool(question.references) for question in here]
        labelled.append((path, all_or_none(flags, path, "row", 1)))
        questions += here
    rotated = any(question.metadata["index"] >= ROTATION for question in questions)
    note = () if rotated else ("the file has no rotations: each question counts once",)
    return BenchmarkData(tuple(questions), same_labels(labelled), tuple(paths), note)


def _questions(
    path: Path, rows: Sequence[dict[str, str]], rotations: Counter[int]
) -> list[Question]:
    images = {row["index"]: row["image"] for row in rows}
    questions = []
    for number, row in enumerate(rows):
        where = f"{path}: row {number + 1}"
        if not row["index"].isdecimal():
            raise bad_record(where, f"has the index {row['index']!r}, which is not a number")
        options = {name: row[name] for name in LETTERS if not _empty(row.get(name))}
        answer = (row.get("answer") or "").strip()
        if not _empty(answer) and answer not in options:
            raise bad_record(where, f"has the answer {answer!r}, which is none of its options")
        questions.append(
            Question(
                row["index"],
                _question(row, options),
                embedded(functools.partial(_image, row["image"], images, where), where),
                () if _empty(answer) else (answer,),
                _groups(row),
                {
                    "options": options,
                    "question": row["question"],
                    "index": int(row["index"]),
                    "rotations": rotations[int(row["index"]) % ROTATION],
                },
                file=str(path),
            )
        )
    return questions


def _rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    if not path.is_file():
        raise missing(path)
    text = io.StringIO(read_text(path), newline="")
    try:
        reader = csv.DictReader(text, delimiter="\t", restval="")
        names = list(reader.fieldnames or ())
        missing_columns = [name for name in _REQUIRED_COLUMNS if name not in names]
        if missing_columns:
            raise bad_record(str(path), f"has no column {missing_columns[0]!r}")
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise bad_record(str(path), f"has two columns {repeated[0]!r}")
        rows = list(reader)
    except csv.Error as error:
        raise InputError("bad_record", f"{path} is no TSV: {error}", "download it again") from error
    if not rows:
        raise bad_record(str(path), "has no rows")
    for number, row in enumerate(rows, 1):
        if any(row.pop(None, ())):  # type: ignore[call-overload]
            raise bad_record(f"{path}: row {number}", "has more cells than there are columns")
    return rows


def _empty(value: str | None) -> bool:
    return value is None or value.strip().lower() in _EMPTY


def _image(cell: str, images: dict[str, str], where: str) -> str:
    """The image, in base64; other rows' images are pointed at by their index."""
    for _ in range(len(LETTERS) + 1):
        if len(cell) >= _SHORTEST_IMAGE:
            return cell
        if cell not in images:
            raise bad_record(where, f"has the image {cell!r}, which is no other row's index")
        cell = images[cell]
    raise bad_record(where, "points at an image in a circle")


def _question(row: dict[str, str], options: dict[str, str]) -> str:
    """Hint, question and options, a line each."""
    hint = row.get("hint")
    lines = [] if _empty(hint) else [str(hint)]
    return "\n".join([*lines, with_options(row["question"], options)])


def with_options(question: str, options: Mapping[str, str]) -> str:
    """A question and its options, a line each."""
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in options.items())])


def _groups(row: dict[str, str]) -> dict[str, str]:
    level = row.get("l2-category") or row.get("L2-category") or ""
    found = {"category": row.get("category") or "", "l2-category": level}
    return {kind: name for kind, name in found.items() if name}


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Circular: a question counts if all of its rotations are right; no judge is asked. One of
    which a rotation was left out is left out."""
    del scoring  # there is but the standard one
    letters = [
        chosen_option(text, question.metadata["options"])
        for question, text in zip(questions, predictions, strict=True)
    ]
    right = [
        letter == question.references[0]
        for question, letter in zip(questions, letters, strict=True)
    ]
    rows = [
        RotationResult(question.metadata["index"], good)
        for question, good in zip(questions, right, strict=True)
    ]
    answered = Counter(question.metadata["index"] % ROTATION for question in questions)
    complete = {
        question.metadata["index"] % ROTATION
        for question in questions
        if answered[question.metadata["index"] % ROTATION] == question.metadata["rotations"]
    }
    whole = {main: right for main, right in circular(rows).items() if main in complete}
    firsts: dict[int, Question] = {}
    for question in sorted(questions, key=lambda question: question.metadata["index"]):
        if question.metadata["index"] % ROTATION in complete:
            firsts.setdefault(question.metadata["index"] % ROTATION, question)
    what = "questions with all rotations right (CircularEval, no judge)"
    item_scores = [float(good) for good in right]
    mains = [float(whole[main]) for main in firsts]
    unread = [float(letter is None) for letter in letters]
    metrics = {
        "circular_accuracy": mean_metric(mains, what),
        "row_accuracy": mean_metric(item_scores, "rows right, each by itself"),
        "unread": mean_metric(unread, "answers that name no single option; they count as wrong"),
    }
    groups = by_group(list(firsts.values()), mains, what)
    return Scores(metrics, "circular_accuracy", item_scores, groups)


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """The table that the evaluation server takes: index, question, A to D, prediction (.xlsx).

    Raises:
      InputError: a text is longer than a cell may be.
    """
    from openpyxl import Workbook

    book: Any = Workbook()
    sheet = book.active
    sheet.append(["index", "question", *LETTERS, "prediction"])
    for question, text in zip(questions, predictions, strict=True):
        options = question.metadata["options"]
        cells = [options.get(name, "") for name in LETTERS]
        row = [question.metadata["question"], *cells, text]
        where = f"question {question.id!r}"
        sheet.append([question.metadata["index"], *(_cell(sheet, part, where) for part in row)])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "submission.xlsx"
    book.save(path)
    return [path]


def _cell(sheet: Any, text: str, where: str) -> Any:
    """A cell of text, also where it begins like a formula or is what Excel calls an error."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, to_cell(text, f"{where}: an answer or option"))
    cell.data_type = "s"
    return cell


MMBENCH = Benchmark(
    "mmbench", "MMBench", load, score, submit, {"standard": PromptSpec("letter", 16, "line")}
)
