# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OCR-VQA (https://ocr-vqa.github.io): questions about book covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_figure
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    Item,
    Loaded,
    Pictures,
    Recipe,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    check_unread,
    finder,
    question_files,
    read_json,
    text_list,
    text_of,
    write_json,
)


def load(config: EvalConfig) -> Loaded:
    """The questions of one split of dataset.json: key -> book."""
    check_unread(config.files, "answers")
    paths = question_files(config.files, ("dataset.json",))
    find = finder(config.files, ("images",))
    items = [
        item
        for path in paths
        for key, book in read_json(path, dict).items()
        for item in _book(path, key, book, config.ocr_split, find)
    ]
    if not items:
        names = " and ".join(map(str, paths))
        raise InputError(
            "no_questions",
            f"{names} has no book of split {config.ocr_split}",
            "--set ocr_split=1 (train), 2 (val) or 3 (test)",
        )
    return Loaded(tuple(items), True, tuple(paths))


def _book(
    path: Path, key: str, book: Any, split: int, find: Callable[[str], Pictures]
) -> list[Item]:
    """A book's questions, if it is of the split."""
    where = f"{path}: book {key!r}"
    if not isinstance(book, dict):
        raise bad_record(where, "is not an object")
    if book.get("split") != split:
        return []
    asked = text_list(book.get("questions"), where, "questions")
    wanted = text_list(book.get("answers"), where, "answers")
    if len(asked) != len(wanted):
        raise bad_record(where, f"has {len(asked)} questions and {len(wanted)} answers")
    ending = PurePosixPath(urlsplit(text_of(book, "imageURL", where)).path).suffix or ".jpg"
    image = f"{key}{ending}"
    groups = {"genre": str(book["genre"])} if book.get("genre") else {}
    return [
        Item(f"{key}_{number}", question, find(image), (answer,), groups, {}, image, str(path))
        for number, (question, answer) in enumerate(zip(asked, wanted, strict=True))
    ]


def ocr_correct(said: str, wanted: str) -> bool:
    """Equality but for case and blanks at the ends."""
    return said.strip().lower() == wanted.strip().lower()


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """Exact match."""
    del scoring  # there is but the standard one
    what = "equal but for case and blanks at the ends"
    credit = [
        float(ocr_correct(text, item.answers[0])) for item, text in zip(items, said, strict=True)
    ]
    figures = {"accuracy": mean_figure(credit, what)}
    return Scores(figures, "accuracy", credit, by_group(items, credit, what))


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """A list of {"question_id", "answer"}, question_id = KEY_NUMBER; the benchmark has no form of
    its own."""
    rows = [
        {"question_id": item.id, "answer": text} for item, text in zip(items, said, strict=True)
    ]
    return [write_json(folder / "results_submission.json", rows)]


OCRVQA = Benchmark(
    "ocrvqa", "OCR-VQA", load, score, submit, {"standard": Recipe("short", 32, "line")}
)
