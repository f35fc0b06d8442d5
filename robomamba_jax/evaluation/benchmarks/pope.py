# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""POPE (https://github.com/RUCAIBox/POPE): is an object there? Three ways to choose the absent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.sample import bad_record, text_field
from robomamba_jax.evaluation.benchmarks.aggregate import by_group
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    PromptSpec,
    Question,
    Scores,
    official_spec,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    check_unused,
    image_finder,
    question_files,
    text_of,
    write_text,
)
from robomamba_jax.evaluation.metrics.intervals import bootstrap, wilson
from robomamba_jax.evaluation.metrics.yes_no import (
    POPE_CATEGORIES,
    pope_answer,
    pope_answer_official,
    yes_no_scores,
)
from robomamba_jax.utils.file_names import fitting

FILES = tuple(f"coco_pope_{kind}.json" for kind in POPE_CATEGORIES)
_FOLDERS = ("val2014", "images/val2014")


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of three files, each JSON lines (as published) or a JSON list (as the
    RoboMamba repository keeps them)."""
    check_unused(config.files, "answers")
    find_image = image_finder(config.files, _FOLDERS)
    questions = []
    paths = question_files(config.files, FILES)
    for path in paths:
        kind = next((name for name in POPE_CATEGORIES if name in path.stem), path.stem)
        records = JsonRecords(path)
        try:
            for number in range(len(records)):
                record, where = records[number], f"{path}: question {number}"
                label = text_of(record, "label", where).strip().lower()
                if label not in ("yes", "no"):
                    raise bad_record(where, f"has the label {label!r}, not yes or no")
                key = text_field(record, "question_id", where)
                image = text_of(record, "image", where)
                questions.append(
                    Question(
                        f"{path.name}-{key}",
                        text_of(record, "text", where),
                        find_image(image),
                        (label,),
                        {"kind": kind, "label": label},
                        {"file": path.name, "question_id": record["question_id"]},
                        image,
                        str(path),
                    )
                )
        finally:
            records.close()
    return BenchmarkData(tuple(questions), True, tuple(paths))


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Accuracy, precision, recall, F1 and the share of yes, per file and over all.

    The headline is what is usually quoted: the mean F1 of the files; for "official" the F1 of
    all questions together, as the repository prints it.
    """
    official = scoring == "official"
    read = pope_answer_official if official else pope_answer
    yes = np.array([read(text) == "yes" for text in predictions])
    truth = np.array([question.references[0] == "yes" for question in questions])
    categories = np.array([question.groups["kind"] for question in questions])
    names = sorted(set(categories.tolist()), key=lambda name: (*POPE_CATEGORIES, name).index(name))
    metrics: dict[str, Metric] = {}

    def mean_f1(chosen: np.ndarray) -> float:
        parts = [chosen[categories[chosen] == name] for name in names]
        return float(np.mean([yes_no_scores(yes[part], truth[part]).f1 for part in parts]))

    n, everything = len(questions), np.arange(len(questions))
    if not official:
        metrics["f1_mean"] = Metric(
            mean_f1(everything), bootstrap(n, mean_f1), n, f"mean F1 of {len(names)} files"
        )
    metrics |= _metrics("", yes, truth)
    for name in names:
        metrics |= _metrics(f"{name}_", yes[categories == name], truth[categories == name])
    item_scores = (yes == truth).astype(float).tolist()
    groups = by_group(questions, item_scores, "right answers")
    return Scores(metrics, "f1" if official else "f1_mean", item_scores, groups)


def _metrics(prefix: str, yes: np.ndarray, truth: np.ndarray) -> dict[str, Metric]:
    whole, n, hits = yes_no_scores(yes, truth), len(yes), int((yes & truth).sum())
    right, answered_yes, present = int((yes == truth).sum()), int(yes.sum()), int(truth.sum())

    def f1(chosen: np.ndarray) -> float:
        return yes_no_scores(yes[chosen], truth[chosen]).f1

    found = {
        "accuracy": Metric(whole.accuracy, wilson(right, n), n, "right answers"),
        "precision": Metric(
            whole.precision, wilson(hits, answered_yes), answered_yes, "right answers yes"
        ),
        "recall": Metric(
            whole.recall, wilson(hits, present), present, "of what is there, what is seen"
        ),
        "f1": Metric(whole.f1, bootstrap(n, f1), n, "harmonic mean of precision and recall"),
        "yes_share": Metric(whole.yes_share, wilson(answered_yes, n), n, "answers yes"),
    }
    return {f"{prefix}{name}": metric for name, metric in found.items()}


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """Per file JSON lines of {"question", "answer"}, which POPE's evaluate.py reads in the
    questions' order."""
    lines: dict[str, list[str]] = {}
    for question, text in zip(questions, predictions, strict=True):
        row = {
            "question_id": question.metadata["question_id"],
            "question": question.text,
            "answer": text,
        }
        lines.setdefault(question.metadata["file"], []).append(
            json.dumps(row, ensure_ascii=False) + "\n"
        )
    return [
        write_text(folder / fitting(f"answers_{Path(name).stem}", Path(name).suffix), "".join(rows))
        for name, rows in sorted(lines.items())
    ]


POPE = Benchmark(
    "pope",
    "POPE",
    load,
    score,
    submit,
    {"standard": PromptSpec("short", 16, "line"), "official": official_spec("plain", 2)},
)
