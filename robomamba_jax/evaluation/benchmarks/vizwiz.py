# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VizWiz (https://vizwiz.org): questions of blind people about their own photographs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    PromptSpec,
    Question,
    Scores,
    official_spec,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    all_or_none,
    check_unused,
    image_finder,
    question_files,
    read_json,
    same_labels,
    text_of,
    write_json,
)
from robomamba_jax.evaluation.metrics.vqa_accuracy import vizwiz_accuracy_official, vqa_accuracy
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized_evalai


def load(config: EvalConfig) -> BenchmarkData:
    """The records of val.json or test.json."""
    check_unused(config.files, "answers")
    paths = question_files(config.files, ("val.json",))
    questions: list[Question] = []
    labelled = []
    for path in paths:
        find_image = image_finder(config.files, (path.stem, f"images/{path.stem}"))
        found = [
            _question(f"{path}: record {number}", record, find_image, str(path))
            for number, record in enumerate(read_json(path, list))
        ]
        labelled.append(
            (path, all_or_none([bool(question.references) for question in found], path, "record"))
        )
        questions += found
    if len(paths) == 1:
        # The published repository numbers the questions of the one file from 0.
        questions = [
            dataclasses.replace(question, metadata={**question.metadata, "number": number})
            for number, question in enumerate(questions)
        ]
    answered = same_labels(labelled)
    note = "people are left out by their number; the files number no answers"
    return BenchmarkData(tuple(questions), answered, tuple(paths), (note,) if answered else ())


def _question(
    where: str, record: Any, find_image: Callable[[str], ImageLoader], file: str
) -> Question:
    if not isinstance(record, dict):
        raise bad_record(where, "is not an object")
    people = _people(record.get("answers"), where)
    image, kind = text_of(record, "image", where), record.get("answer_type")
    return Question(
        image,
        text_of(record, "question", where),
        find_image(image),
        tuple(text for text, _ in people),
        {"answer type": str(kind)} if kind else {},
        {"people": people},
        image,
        file,
    )


def _people(value: Any, where: str) -> list[tuple[str, str]]:
    """(answer, confidence) of each person; none in a test split."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise bad_record(where, "has no list 'answers' of objects")
    return [
        (text_of(part, "answer", where), str(part.get("answer_confidence", ""))) for part in value
    ]


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy as VQAv2's."""
    pairs = list(zip(questions, predictions, strict=True))
    if scoring == "official":
        item_scores = [
            vizwiz_accuracy_official(text, question.metadata["people"]) for question, text in pairs
        ]
        what = "the repository's lenient match; equal answers are left out together"
        metrics = {"accuracy": mean_metric(item_scores, what)}
        return Scores(metrics, "accuracy", item_scores, by_group(questions, item_scores, what))
    item_scores = [vqa_accuracy(text, question.references) for question, text in pairs]
    what = "VQA accuracy, both sides normalised, leave-one-out by number"
    evalai = [
        vqa_accuracy(text, question.references, normalized_evalai) for question, text in pairs
    ]
    metrics = {
        "accuracy": mean_metric(item_scores, what),
        "accuracy_evalai": mean_metric(evalai, "words as EvalAI and lmms-eval split them"),
    }
    return Scores(metrics, "accuracy", item_scores, by_group(questions, item_scores, what))


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """The challenge's result file: a list of {"image", "answer"}."""
    rows = [
        {"image": question.id, "answer": text}
        for question, text in zip(questions, predictions, strict=True)
    ]
    return [write_json(folder / "results_submission.json", rows)]


VIZWIZ = Benchmark(
    "vizwiz",
    "VizWiz",
    load,
    score,
    submit,
    {
        "standard": PromptSpec("unanswerable", 16, "line"),
        "official": official_spec("official_vizwiz", 64),
    },
)
