# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MM-Vet (Yu et al. 2023): free answers that a language model judges. We ask no judge, and invent
no score: what is made is the file for it, and its own file of scores is summed up if given.

Its judge, GPT-4, reads question, reference and answer beside a few examples and gives a score from
0 to 1 in steps of .1; five times in the paper, since it does not always give the same one.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.utils.json_types import Json

# In the paper's order: recognition, OCR, knowledge, generation, spatial awareness, mathematics.
CAPABILITIES = ("rec", "ocr", "know", "gen", "spat", "math")


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of mm-vet.json; labelled only with a judge's file of scores."""
    data = files.load(config, ("mm-vet.json",), _questions)
    if not config.judge:
        note = (
            "MM-Vet is scored by a judge: give its file with --set judge=FILE; no score is made up"
        )
        # The references are for the judge to read. Without it nothing can be scored.
        return dataclasses.replace(data, labelled=False, notes=(note,))
    judge = Path(config.judge)
    scores = _judged(judge, [one.id for one in data.questions], skip=config.on_extra == "skip")
    judged = tuple(
        dataclasses.replace(one, metadata={**one.metadata, "judged": scores[one.id]})
        for one in data.questions
    )
    note = f"scores are the judge's, from {judge}; it does not say which answers it read"
    return BenchmarkData(judged, True, (*data.files, judge), (note,))


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, ("images",))
    questions = []
    for key, record, where in files.keyed_records(path, "question"):
        image_name = files.text_of(record, "imagename", where)
        questions.append(
            Question(
                key,
                files.text_of(record, "question", where),
                find_image(image_name),
                (files.text_of(record, "answer", where),),
                metadata={"capability": files.texts_of(record, "capability", where)},
                image_name=image_name,
                file=str(path),
            )
        )
    return questions


def _judged(path: Path, keys: Sequence[str], *, skip: bool) -> dict[str, float]:
    """Scores by question, the mean of the judge's runs: {"v1_0": {"score": [0.5]}}, as MM-Vet's
    notebook writes it, or {"v1_0": 0.5}; those of other questions are an error, or left out."""
    content = files.read_object(path)
    extra = [key for key in content if key not in set(keys)]
    if extra and not skip:
        raise InputError(
            "extra_answers",
            f"{path} scores {len(extra)} questions that were not asked, first {extra[0]!r}",
            "give the judge's file of these questions, or --set on_extra=skip",
        )
    scores = {}
    for key in keys:
        entry = content.get(key)
        value = entry.get("score") if isinstance(entry, dict) else entry
        runs = value if isinstance(value, list) else [value]
        # A truth value is an int to Python, and no score.
        numbers = [
            run
            for run in runs
            if isinstance(run, int | float) and not isinstance(run, bool) and 0 <= run <= 1
        ]
        if not runs or len(numbers) < len(runs):
            raise bad_record(f"{path}: {key!r}", "has no scores from 0 to 1")
        scores[key] = float(np.mean(numbers))
    return scores


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """The mean of the judge's scores, and per capability."""
    del predictions, scoring  # the judge has read them
    item_scores = [float(question.metadata["judged"]) for question in questions]
    # A question needs several capabilities and counts in full for each, so that the groups overlap.
    needs: dict[str, list[float]] = defaultdict(list)
    for question, value in zip(questions, item_scores, strict=True):
        for name in question.metadata["capability"]:
            needs[name].append(value)
    order = [name for name in CAPABILITIES if name in needs]
    order += sorted(set(needs) - set(order))
    definition = "mean of the judge's scores"
    groups = {"capability": {name: Metric.mean(needs[name], definition) for name in order}}
    return Scores({"judged": Metric.mean(item_scores, definition)}, "judged", item_scores, groups)


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """What MM-Vet's evaluator takes: question -> answer."""
    ids = [question.id for question in questions]
    answers: dict[str, Json] = dict(zip(ids, predictions, strict=True))
    return [files.write_json(folder / "mm-vet_results.json", answers)]


MMVET = Benchmark(
    "mmvet", "MM-Vet", load, score, submit, {"standard": PromptSpec("plain", 512, "eos")}
)
