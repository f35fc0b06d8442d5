# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""GQA (https://cs.stanford.edu/people/dorarad/gqa): compositional questions, one answer each."""

from __future__ import annotations

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
from robomamba_jax.evaluation.metrics.vqa_accuracy import gqa_correct, gqa_correct_official


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of testdev_balanced_questions.json: number -> record."""
    check_unused(config.files, "answers")
    paths = question_files(config.files, ("testdev_balanced_questions.json",))
    find_image = image_finder(config.files, ("images",))
    questions: list[Question] = []
    labelled = []
    for path in paths:
        here = [
            _question(path, key, record, find_image)
            for key, record in read_json(path, dict).items()
        ]
        flags = [bool(question.references) for question in here]
        labelled.append((path, all_or_none(flags, path, "question")))
        questions += here
    return BenchmarkData(tuple(questions), same_labels(labelled), tuple(paths))


def _question(
    path: Path, key: str, record: Any, find_image: Callable[[str], ImageLoader]
) -> Question:
    where = f"{path}: question {key!r}"
    if not isinstance(record, dict):
        raise bad_record(where, "is not an object")
    answer, image = record.get("answer"), f"{text_of(record, 'imageId', where)}.jpg"
    return Question(
        key,
        text_of(record, "question", where),
        find_image(image),
        () if answer is None else (text_of(record, "answer", where),),
        _groups(record.get("types")),
        image_name=image,
        file=str(path),
    )


def _groups(types: Any) -> dict[str, str]:
    names = ("structural", "semantic")
    found = types if isinstance(types, dict) else {}
    return {name: str(found[name]) for name in names if found.get(name)}


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Exact match, or the repository's."""
    official = scoring == "official"
    match = gqa_correct_official if official else gqa_correct
    what = (
        "the repository's prefix or all-words match"
        if official
        else "equal but for case and a period"
    )
    item_scores = [
        float(match(text, question.references[0]))
        for question, text in zip(questions, predictions, strict=True)
    ]
    metrics = {"accuracy": mean_metric(item_scores, what)}
    return Scores(metrics, "accuracy", item_scores, by_group(questions, item_scores, what))


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """What GQA's eval.py reads: a list of {"questionId", "prediction"}; it compares as it stands,
    so case and a final period are dropped."""
    rows = [
        {"questionId": question.id, "prediction": text.strip().lower().rstrip(".").strip()}
        for question, text in zip(questions, predictions, strict=True)
    ]
    return [write_json(folder / "testdev_balanced_predictions.json", rows)]


GQA = Benchmark(
    "gqa",
    "GQA",
    load,
    score,
    submit,
    {"standard": PromptSpec("short", 16, "line"), "official": official_spec("plain", 256)},
)
