# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MMBench (Liu et al. 2023): one of up to four options, asked in every rotation of them.

"CircularEval": a question of N options is asked N times, each time with the options moved on by
one, and counts if all answers are right. Models have favourite letters; who guesses among four is
right in 25 % of the rows, and in 0.4 % of the questions.
"""

from __future__ import annotations

import csv
import dataclasses
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
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    Question,
    Scores,
    group_means,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
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
_EMPTY = ("", "nan")  # pandas writes "nan" for an empty cell
SHORTEST_IMAGE = 64
"""An image's cell that is shorter holds another row's index instead."""

_TableRow = dict[str, str]


def load(config: EvalConfig) -> BenchmarkData:
    """The rows of TSV files; rotations among them are told by their index."""
    paths = files.question_files(config.files, ("MMBench_DEV_EN.tsv",))
    files.check_unused(config.files, "answers", "images")
    tables = {path: _rows(path) for path in paths}
    indices = [row["index"] for rows in tables.values() for row in rows]
    # Row 17 of four options is followed by rows 1000017, 2000017 and 3000017.
    rotations = Counter(int(index) % ROTATION for index in indices if index.isdecimal())
    read = functools.partial(_questions, tables, rotations)
    data = files.collect(paths, read, unit="row", first=1)
    rotated = any(question.metadata["index"] >= ROTATION for question in data.questions)
    note = () if rotated else ("the file has no rotations: each question counts once",)
    return dataclasses.replace(data, notes=note)


def _questions(
    tables: Mapping[Path, Sequence[_TableRow]], rotations: Mapping[int, int], path: Path
) -> list[Question]:
    images = {row["index"]: row["image"] for row in tables[path]}
    questions = []
    for number, row in enumerate(tables[path], 1):
        where = f"{path}: row {number}"
        if not row["index"].isdecimal():
            raise bad_record(where, f"has the index {row['index']!r}, which is not a number")
        index = int(row["index"])
        options = {name: row[name] for name in LETTERS if not _empty(row.get(name))}
        answer = (row.get("answer") or "").strip()
        if not _empty(answer) and answer not in options:
            raise bad_record(where, f"has the answer {answer!r}, which is none of its options")
        hint = [] if _empty(row.get("hint")) else [row["hint"]]
        questions.append(
            Question(
                row["index"],
                "\n".join([*hint, with_options(row["question"], options)]),
                files.embedded(functools.partial(_image, row["image"], images, where), where),
                () if _empty(answer) else (answer,),
                _groups(row),
                {
                    "options": options,
                    "question": row["question"],
                    "index": index,
                    "rotations": rotations[index % ROTATION],
                },
                file=str(path),
            )
        )
    return questions


def _rows(path: Path) -> list[_TableRow]:
    # A cell holds an image, and Python's limit of a cell is 128 KiB. A C long is the most it takes.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    if not path.is_file():
        raise files.missing(path)
    text = io.StringIO(read_text(path), newline="")
    try:
        reader = csv.DictReader(text, delimiter="\t", restval="")
        names = list(reader.fieldnames or ())
        absent = [name for name in _REQUIRED_COLUMNS if name not in names]
        if absent:
            raise bad_record(str(path), f"has no column {absent[0]!r}")
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise bad_record(str(path), f"has two columns {repeated[0]!r}")
        rows = list(reader)
    except csv.Error as error:
        raise InputError("bad_record", f"{path} is no TSV: {error}", "download it again") from error
    if not rows:
        raise bad_record(str(path), "has no rows")
    for number, row in enumerate(rows, 1):
        # DictReader puts what stands behind the last column under the key None.
        if any(row.pop(None, ())):  # type: ignore[call-overload]
            raise bad_record(f"{path}: row {number}", "has more cells than there are columns")
    return rows


def _empty(value: str | None) -> bool:
    return value is None or value.strip().lower() in _EMPTY


def _image(cell: str, images: Mapping[str, str], where: str) -> str:
    """The image, in base64; other rows' images are pointed at by their index."""
    # As many steps as a question has rotations; more can only be a circle.
    for _ in range(len(LETTERS) + 1):
        if len(cell) >= SHORTEST_IMAGE:
            return cell
        if cell not in images:
            raise bad_record(where, f"has the image {cell!r}, which is no other row's index")
        cell = images[cell]
    raise bad_record(where, "points at an image in a circle")


def with_options(question: str, options: Mapping[str, str]) -> str:
    """A question and its options, a line each."""
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in options.items())])


def _groups(row: _TableRow) -> dict[str, str]:
    # Files of both spellings are about.
    level = row.get("l2-category") or row.get("L2-category") or ""
    groups = {"category": row.get("category") or "", "l2-category": level}
    return {kind: name for kind, name in groups.items() if name}


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Circular: a question counts if all of its rotations are right; no judge is asked. One of
    which a rotation was left out is left out."""
    del scoring  # there is but the standard one
    pairs = list(zip(questions, predictions, strict=True))
    letters = [chosen_option(text, question.metadata["options"]) for question, text in pairs]
    right = [letter == one.references[0] for one, letter in zip(questions, letters, strict=True)]
    indices = [question.metadata["index"] for question in questions]
    answered = Counter(index % ROTATION for index in indices)
    # The first rotation of each complete question stands for it: it has the question's groups.
    firsts: dict[int, Question] = {}
    for question in sorted(questions, key=lambda question: question.metadata["index"]):
        main = question.metadata["index"] % ROTATION
        if answered[main] == question.metadata["rotations"]:
            firsts.setdefault(main, question)
    all_right = circular([RotationResult(*pair) for pair in zip(indices, right, strict=True)])
    question_scores = [float(all_right[main]) for main in firsts]
    row_scores = [float(good) for good in right]
    definition = "questions with all rotations right (CircularEval, no judge)"
    metrics = {
        "circular_accuracy": Metric.mean(question_scores, definition),
        "row_accuracy": Metric.mean(row_scores, "rows right, each by itself"),
        # The benchmark's own tool asks a language model what such an answer means.
        "unread": Metric.mean(
            [float(letter is None) for letter in letters],
            "answers that name no single option; they count as wrong",
        ),
    }
    groups = group_means(list(firsts.values()), question_scores, definition)
    return Scores(metrics, "circular_accuracy", row_scores, groups)


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """The table that the evaluation server takes: index, question, A to D, prediction (.xlsx).

    Raises:
      InputError: a text is longer than a cell may be.
    """
    from openpyxl import Workbook

    book: Any = Workbook()
    sheet = book.active
    sheet.append(["index", "question", *LETTERS, "prediction"])
    for question, answer in zip(questions, predictions, strict=True):
        options = question.metadata["options"]
        cells = [options.get(name, "") for name in LETTERS]
        row = [question.metadata["question"], *cells, answer]
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
