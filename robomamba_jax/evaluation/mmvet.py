# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MM-Vet (Yu et al. 2023): free answers that a language model judges. We ask no judge, and invent
no score: what is made is the file for it, and its own file of scores is summed up if given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.records import bad_record
from robomamba_jax.evaluation.files import (
    finder,
    question_files,
    read_json,
    text_list,
    text_of,
    write_json,
)
from robomamba_jax.evaluation.items import Benchmark, Figure, Item, Loaded, Recipe, Scores
from robomamba_jax.evaluation.means import mean_figure

CAPABILITIES = ("rec", "ocr", "know", "gen", "spat", "math")


def load(config: EvalConfig) -> Loaded:
    """The questions of mm-vet.json; labelled only with a judge's file of scores."""
    (path,) = question_files(config.files, ("mm-vet.json",))[:1]
    content = read_json(path, dict)
    judge = Path(config.judge) if config.judge else None
    scores = {} if judge is None else _judged(judge, list(content))
    find = finder(config.files, ("images",))
    items = []
    for key, record in content.items():
        where = f"{path}: question {key!r}"
        if not isinstance(record, dict):
            raise bad_record(where, "is no object")
        needs = text_list(record.get("capability"), where, "capability")
        items.append(
            Item(
                str(key),
                text_of(record, "question", where),
                find(text_of(record, "imagename", where)),
                (text_of(record, "answer", where),),
                {},
                {"capability": needs, "judged": scores.get(key)},
            )
        )
    if judge is None:
        note = (
            "MM-Vet is scored by a judge: give its file with --set judge=FILE; no score is made up"
        )
        return Loaded(tuple(items), False, (path,), (note,))
    note = f"scores are the judge's, from {judge}; it does not say which answers it read"
    return Loaded(tuple(items), True, (path, judge), (note,))


def _judged(path: Path, keys: list[str]) -> dict[str, float]:
    """Scores by question, the mean of the judge's runs: {"v1_0": {"score": [0.5]}}, as MM-Vet's
    notebook writes it, or {"v1_0": 0.5}."""
    content = read_json(path, dict)
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


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """The mean of the judge's scores, and per capability."""
    del said, scoring  # the judge has read them
    credit = [float(item.facts["judged"]) for item in items]
    what = "mean of the judge's scores"
    needs: dict[str, list[float]] = {}
    for item, value in zip(items, credit, strict=True):
        for name in item.facts["capability"]:
            needs.setdefault(name, []).append(value)
    order = [name for name in CAPABILITIES if name in needs]
    order += sorted(set(needs) - set(order))
    groups: dict[str, Figure] = {name: mean_figure(needs[name], what) for name in order}
    return Scores({"judged": mean_figure(credit, what)}, "judged", credit, {"capability": groups})


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """What MM-Vet's evaluator takes: question -> answer."""
    answers = {item.id: text for item, text in zip(items, said, strict=True)}
    return [write_json(folder / "mm-vet_results.json", answers)]


MMVET = Benchmark("mmvet", "MM-Vet", load, score, submit, {"standard": Recipe("plain", 512, "eos")})
