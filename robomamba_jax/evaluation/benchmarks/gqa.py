# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""GQA (https://cs.stanford.edu/people/dorarad/gqa): compositional questions, one answer each."""

from __future__ import annotations

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
from robomamba_jax.evaluation.metrics.vqa_accuracy import gqa_correct, gqa_correct_official


def load(config: EvalConfig) -> Loaded:
    """The questions of testdev_balanced_questions.json: number -> record."""
    check_unread(config.files, "answers")
    paths = question_files(config.files, ("testdev_balanced_questions.json",))
    find = finder(config.files, ("images",))
    items: list[Item] = []
    labelled = []
    for path in paths:
        here = [_item(path, key, record, find) for key, record in read_json(path, dict).items()]
        flags = [bool(item.answers) for item in here]
        labelled.append((path, all_or_none(flags, path, "question")))
        items += here
    return Loaded(tuple(items), same_labels(labelled), tuple(paths))


def _item(path: Path, key: str, record: Any, find: Callable[[str], Pictures]) -> Item:
    where = f"{path}: question {key!r}"
    if not isinstance(record, dict):
        raise bad_record(where, "is not an object")
    answer, image = record.get("answer"), f"{text_of(record, 'imageId', where)}.jpg"
    return Item(
        key,
        text_of(record, "question", where),
        find(image),
        () if answer is None else (text_of(record, "answer", where),),
        _groups(record.get("types")),
        image=image,
        file=str(path),
    )


def _groups(types: Any) -> dict[str, str]:
    names = ("structural", "semantic")
    found = types if isinstance(types, dict) else {}
    return {name: str(found[name]) for name in names if found.get(name)}


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """Exact match, or the repository's."""
    official = scoring == "official"
    match = gqa_correct_official if official else gqa_correct
    what = (
        "the repository's prefix or all-words match"
        if official
        else "equal but for case and a period"
    )
    credit = [float(match(text, item.answers[0])) for item, text in zip(items, said, strict=True)]
    figures = {"accuracy": mean_figure(credit, what)}
    return Scores(figures, "accuracy", credit, by_group(items, credit, what))


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """What GQA's eval.py reads: a list of {"questionId", "prediction"}; it compares as it stands,
    so case and a final period are dropped."""
    rows = [
        {"questionId": item.id, "prediction": text.strip().lower().rstrip(".").strip()}
        for item, text in zip(items, said, strict=True)
    ]
    return [write_json(folder / "testdev_balanced_predictions.json", rows)]


GQA = Benchmark(
    "gqa",
    "GQA",
    load,
    score,
    submit,
    {"standard": Recipe("short", 16, "line"), "official": repository("plain", 256)},
)
