# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MM-Vet (Yu et al. 2023): free answers that a language model judges. We ask no judge, and invent
no score: what is made is the file for it, and its own file of scores is summed up if given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.aggregate import mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    Metric,
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

CAPABILITIES = ("rec", "ocr", "know", "gen", "spat", "math")


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of mm-vet.json; labelled only with a judge's file of scores."""
    check_unused(config.files, "answers")
    paths = question_files(config.files, ("mm-vet.json",))
    contents = [(path, read_json(path, dict)) for path in paths]
    judge = Path(config.judge) if config.judge else None
    keys = [key for _, content in contents for key in content]
    scores = {} if judge is None else _judged(judge, keys, skip=config.on_extra == "skip")
    find_image = image_finder(config.files, ("images",))
    questions = [
        _question(path, key, record, scores.get(key), find_image)
        for path, content in contents
        for key, record in content.items()
    ]
    if judge is None:
        note = (
            "MM-Vet is scored by a judge: give its file with --set judge=FILE; no score is made up"
        )
        return BenchmarkData(tuple(questions), False, tuple(paths), (note,))
    note = f"scores are the judge's, from {judge}; it does not say which answers it read"
    return BenchmarkData(tuple(questions), True, (*paths, judge), (note,))


def _question(
    path: Path,
    key: str,
    record: Any,
    judged: float | None,
    find_image: Callable[[str], ImageLoader],
) -> Question:
    where = f"{path}: question {key!r}"
    if not isinstance(record, dict):
        raise bad_record(where, "is not an object")
    needs = text_list(record.get("capability"), where, "capability")
    image = text_of(record, "imagename", where)
    return Question(
        key,
        text_of(record, "question", where),
        find_image(image),
        (text_of(record, "answer", where),),
        {},
        {"capability": needs, "judged": judged},
        image,
        str(path),
    )


def _judged(path: Path, keys: list[str], *, skip: bool) -> dict[str, float]:
    """Scores by question, the mean of the judge's runs: {"v1_0": {"score": [0.5]}}, as MM-Vet's
    notebook writes it, or {"v1_0": 0.5}; those of other questions are an error, or left out."""
    content = read_json(path, dict)
    extra = [key for key in content if key not in set(keys)]
    if extra and not skip:
        raise InputError(
            "extra_answers",
            f"{path} scores {len(extra)} questions that were not asked, first {extra[0]!r}",
            "give the judge's file of these questions, or --set on_extra=skip",
        )
    found = {}
    for key in keys:
        entry: Any = content.get(key)
        value = entry.get("score") if isinstance(entry, dict) else entry
        runs: list[Any] = value if isinstance(value, list) else [value]
        good = [
            isinstance(run, int | float) and not isinstance(run, bool) and 0 <= run <= 1
            for run in runs
        ]
        if not runs or not all(good):
            raise bad_record(f"{path}: {key!r}", "has no scores from 0 to 1")
        found[key] = float(np.mean(runs))
    return found


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """The mean of the judge's scores, and per capability."""
    del predictions, scoring  # the judge has read them
    item_scores = [float(question.metadata["judged"]) for question in questions]
    what = "mean of the judge's scores"
    needs: dict[str, list[float]] = {}
    for question, value in zip(questions, item_scores, strict=True):
        for name in question.metadata["capability"]:
            needs.setdefault(name, []).append(value)
    order = [name for name in CAPABILITIES if name in needs]
    order += sorted(set(needs) - set(order))
    groups: dict[str, Metric] = {name: mean_metric(needs[name], what) for name in order}
    return Scores(
        {"judged": mean_metric(item_scores, what)}, "judged", item_scores, {"capability": groups}
    )


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """What MM-Vet's evaluator takes: question -> answer."""
    answers = {question.id: text for question, text in zip(questions, predictions, strict=True)}
    return [write_json(folder / "mm-vet_results.json", answers)]


MMVET = Benchmark(
    "mmvet", "MM-Vet", load, score, submit, {"standard": PromptSpec("plain", 512, "eos")}
)
