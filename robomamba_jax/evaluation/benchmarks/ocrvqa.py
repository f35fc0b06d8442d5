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
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    PromptSpec,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    check_unused,
    image_finder,
    question_files,
    read_json,
    text_list,
    text_of,
    write_json,
)


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of one split of dataset.json: key -> book."""
    check_unused(config.files, "answers")
    paths = question_files(config.files, ("dataset.json",))
    find_image = image_finder(config.files, ("images",))
    questions = [
        question
        for path in paths
        for key, book in read_json(path, dict).items()
        for question in _book(path, key, book, config.ocr_split, find_image)
    ]
    if not questions:
        names = " and ".join(map(str, paths))
        raise InputError(
            "no_questions",
            f"{names} has no book of split {config.ocr_split}",
            "--set ocr_split=1 (train), 2 (val) or 3 (test)",
        )
    return BenchmarkData(tuple(questions), True, tuple(paths))


def _book(
    path: Path, key: str, book: Any, split: int, find_image: Callable[[str], ImageLoader]
) -> list[Question]:
    """A book's questions, if it is of the split."""
    where = f"{path}: book {key!r}"
    if not isinstance(book, dict):
        raise bad_record(where, "is not an object")
    if book.get("split") != split:
        return []
    texts = text_list(book.get("questions"), where, "questions")
    answers = text_list(book.get("answers"), where, "answers")
    if len(texts) != len(answers):
        raise bad_record(where, f"has {len(texts)} questions and {len(answers)} answers")
    ending = PurePosixPath(urlsplit(text_of(book, "imageURL", where)).path).suffix or ".jpg"
    image = f"{key}{ending}"
    groups = {"genre": str(book["genre"])} if book.get("genre") else {}
    return [
        Question(
            f"{key}_{number}", text, find_image(image), (answer,), groups, {}, image, str(path)
        )
        for number, (text, answer) in enumerate(zip(texts, answers, strict=True))
    ]


def ocr_correct(prediction: str, reference: str) -> bool:
    """Equality but for case and blanks at the ends."""
    return prediction.strip().lower() == reference.strip().lower()


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Exact match."""
    del scoring  # there is but the standard one
    what = "equal but for case and blanks at the ends"
    item_scores = [
        float(ocr_correct(text, question.references[0]))
        for question, text in zip(questions, predictions, strict=True)
    ]
    metrics = {"accuracy": mean_metric(item_scores, what)}
    return Scores(metrics, "accuracy", item_scores, by_group(questions, item_scores, what))


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """A list of {"question_id", "answer"}, question_id = KEY_NUMBER; the benchmark has no form of
    its own."""
    rows = [
        {"question_id": question.id, "answer": text}
        for question, text in zip(questions, predictions, strict=True)
    ]
    return [write_json(folder / "results_submission.json", rows)]


OCRVQA = Benchmark(
    "ocrvqa", "OCR-VQA", load, score, submit, {"standard": PromptSpec("short", 32, "line")}
)
