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
    Figure,
    Item,
    Loaded,
    Recipe,
    Scores,
    repository,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    check_unread,
    finder,
    question_files,
    text_of,
    write_text,
)
from robomamba_jax.evaluation.metrics.intervals import bootstrap, wilson
from robomamba_jax.evaluation.metrics.yes_no import (
    POPE_KINDS,
    pope_answer,
    pope_answer_official,
    yes_no_scores,
)
from robomamba_jax.utils.file_names import fitting

FILES = tuple(f"coco_pope_{kind}.json" for kind in POPE_KINDS)
_FOLDERS = ("val2014", "images/val2014")


def load(config: EvalConfig) -> Loaded:
    """The questions of three files, each JSON lines (as published) or a JSON list (as the
    RoboMamba repository keeps them)."""
    check_unread(config.files, "answers")
    find = finder(config.files, _FOLDERS)
    items = []
    paths = question_files(config.files, FILES)
    for path in paths:
        kind = next((name for name in POPE_KINDS if name in path.stem), path.stem)
        records = JsonRecords(path)
        try:
            for number in range(len(records)):
                record, where = records[number], f"{path}: question {number}"
                label = text_of(record, "label", where).strip().lower()
                if label not in ("yes", "no"):
                    raise bad_record(where, f"has the label {label!r}, not yes or no")
                key = text_field(record, "question_id", where)
                image = text_of(record, "image", where)
                items.append(
                    Item(
                        f"{path.name}-{key}",
                        text_of(record, "text", where),
                        find(image),
                        (label,),
                        {"kind": kind, "label": label},
                        {"file": path.name, "question_id": record["question_id"]},
                        image,
                        str(path),
                    )
                )
        finally:
            records.close()
    return Loaded(tuple(items), True, tuple(paths))


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """Accuracy, precision, recall, F1 and the share of yes, per file and over all.

    The headline is what is usually quoted: the mean F1 of the files; for "official" the F1 of
    all questions together, as the repository prints it.
    """
    official = scoring == "official"
    read = pope_answer_official if official else pope_answer
    yes = np.array([read(text) == "yes" for text in said])
    there = np.array([item.answers[0] == "yes" for item in items])
    kinds = np.array([item.groups["kind"] for item in items])
    names = sorted(set(kinds.tolist()), key=lambda name: (*POPE_KINDS, name).index(name))
    figures: dict[str, Figure] = {}

    def mean_f1(chosen: np.ndarray) -> float:
        parts = [chosen[kinds[chosen] == name] for name in names]
        return float(np.mean([yes_no_scores(yes[part], there[part]).f1 for part in parts]))

    n, everything = len(items), np.arange(len(items))
    if not official:
        figures["f1_mean"] = Figure(
            mean_f1(everything), bootstrap(n, mean_f1), n, f"mean F1 of {len(names)} files"
        )
    figures |= _figures("", yes, there)
    for name in names:
        figures |= _figures(f"{name}_", yes[kinds == name], there[kinds == name])
    credit = (yes == there).astype(float).tolist()
    groups = by_group(items, credit, "right answers")
    return Scores(figures, "f1" if official else "f1_mean", credit, groups)


def _figures(prefix: str, yes: np.ndarray, there: np.ndarray) -> dict[str, Figure]:
    whole, n, hits = yes_no_scores(yes, there), len(yes), int((yes & there).sum())
    right, said, real = int((yes == there).sum()), int(yes.sum()), int(there.sum())

    def f1(chosen: np.ndarray) -> float:
        return yes_no_scores(yes[chosen], there[chosen]).f1

    found = {
        "accuracy": Figure(whole.accuracy, wilson(right, n), n, "right answers"),
        "precision": Figure(whole.precision, wilson(hits, said), said, "right answers yes"),
        "recall": Figure(whole.recall, wilson(hits, real), real, "of what is there, what is seen"),
        "f1": Figure(whole.f1, bootstrap(n, f1), n, "harmonic mean of precision and recall"),
        "yes_share": Figure(whole.yes_share, wilson(said, n), n, "answers yes"),
    }
    return {f"{prefix}{name}": figure for name, figure in found.items()}


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """Per file JSON lines of {"question", "answer"}, which POPE's evaluate.py reads in the
    questions' order."""
    lines: dict[str, list[str]] = {}
    for item, text in zip(items, said, strict=True):
        row = {"question_id": item.facts["question_id"], "question": item.question, "answer": text}
        lines.setdefault(item.facts["file"], []).append(json.dumps(row, ensure_ascii=False) + "\n")
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
    {"standard": Recipe("short", 16, "line"), "official": repository("plain", 2)},
)
