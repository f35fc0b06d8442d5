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
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_figure
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    Item,
    Loaded,
    Pictures,
    Recipe,
    Scores,
    repository,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    all_or_none,
    check_unread,
    finder,
    question_files,
    read_json,
    same_labels,
    text_of,
    write_json,
)
from robomamba_jax.evaluation.metrics.vqa_accuracy import vizwiz_accuracy_official, vqa_accuracy
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized_evalai


def load(config: EvalConfig) -> Loaded:
    """The records of val.json or test.json."""
    check_unread(config.files, "answers")
    paths = question_files(config.files, ("val.json",))
    items: list[Item] = []
    labelled = []
    for path in paths:
        find = finder(config.files, (path.stem, f"images/{path.stem}"))
        here = [
            _item(f"{path}: record {number}", record, find, str(path))
            for number, record in enumerate(read_json(path, list))
        ]
        labelled.append((path, all_or_none([bool(item.answers) for item in here], path, "record")))
        items += here
    if len(paths) == 1:
        # The published repository numbers the questions of the one file from 0.
        items = [
            dataclasses.replace(item, facts={**item.facts, "number": number})
            for number, item in enumerate(items)
        ]
    answered = same_labels(labelled)
    note = "people are left out by their number; the files number no answers"
    return Loaded(tuple(items), answered, tuple(paths), (note,) if answered else ())


def _item(where: str, record: Any, find: Callable[[str], Pictures], file: str) -> Item:
    if not isinstance(record, dict):
        raise bad_record(where, "is not an object")
    people = _people(record.get("answers"), where)
    image, kind = text_of(record, "image", where), record.get("answer_type")
    return Item(
        image,
        text_of(record, "question", where),
        find(image),
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


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy as VQAv2's."""
    pairs = list(zip(items, said, strict=True))
    if scoring == "official":
        credit = [vizwiz_accuracy_official(text, item.facts["people"]) for item, text in pairs]
        what = "the repository's lenient match; equal answers are left out together"
        figures = {"accuracy": mean_figure(credit, what)}
        return Scores(figures, "accuracy", credit, by_group(items, credit, what))
    credit = [vqa_accuracy(text, item.answers) for item, text in pairs]
    what = "VQA accuracy, both sides normalised, leave-one-out by number"
    evalai = [vqa_accuracy(text, item.answers, normalized_evalai) for item, text in pairs]
    figures = {
        "accuracy": mean_figure(credit, what),
        "accuracy_evalai": mean_figure(evalai, "words as EvalAI and lmms-eval split them"),
    }
    return Scores(figures, "accuracy", credit, by_group(items, credit, what))


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """The challenge's result file: a list of {"image", "answer"}."""
    rows = [{"image": item.id, "answer": text} for item, text in zip(items, said, strict=True)]
    return [write_json(folder / "results_submission.json", rows)]


VIZWIZ = Benchmark(
    "vizwiz",
    "VizWiz",
    load,
    score,
    submit,
    {"standard": Recipe("unanswerable", 16, "line"), "official": repository("official_vizwiz", 64)},
)
