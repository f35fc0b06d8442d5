# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VizWiz (https://vizwiz.org): questions of blind people about their own photographs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.intervals import bootstrap_sum
from robomamba_jax.evaluation.metrics.paired import Items
from robomamba_jax.evaluation.metrics.vqa_accuracy import vizwiz_accuracy_official, vqa_accuracy
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized, normalized_evalai
from robomamba_jax.utils.json_types import Json


def load(config: EvalConfig) -> BenchmarkData:
    """The records of val.json or test.json."""
    data = files.load(config, ("val.json",), _questions, unit="record")
    questions = data.questions
    if len(data.files) == 1:
        # The published repository's answers name the questions by their number in the one file.
        questions = tuple(
            dataclasses.replace(question, metadata={**question.metadata, "number": number})
            for number, question in enumerate(questions)
        )
    note = "people are left out by their number; the files number no answers"
    return dataclasses.replace(data, questions=questions, notes=(note,) if data.labelled else ())


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, (path.stem, f"images/{path.stem}"))
    questions = []
    for number, value in enumerate(files.read_list(path)):
        where = f"{path}: record {number}"
        record = files.object_of(value, where)
        people = _people(record.get("answers"), where)
        image_name, answer_type = files.text_of(record, "image", where), record.get("answer_type")
        questions.append(
            Question(
                # One question a photograph, so that its name is the question's id.
                image_name,
                files.text_of(record, "question", where),
                find_image(image_name),
                tuple(text for text, _ in people),
                {"answer type": str(answer_type)} if answer_type else {},
                {"people": people},
                image_name,
                str(path),
            )
        )
    return questions


def _people(value: Json, where: str) -> list[tuple[str, str]]:
    """(answer, confidence) of each person; none in a test split."""
    if value is None:
        return []
    people = []
    for part in value if isinstance(value, list) else [None]:
        if not isinstance(part, dict):
            raise bad_record(where, "has no list 'answers' of objects")
        text = files.text_of(part, "answer", where)
        people.append((text, str(part.get("answer_confidence", ""))))
    return people


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy as VQAv2's.

    A question that the photograph does not answer has "unanswerable" for its answer, and is scored
    like any other: more than a quarter of the questions, so that a model must know when to say it.
    How well it knows is a metric of its own, ``unanswerable_balanced``, where both kinds are asked.
    """
    pairs = list(zip(questions, predictions, strict=True))
    knows = _knows_when(questions, predictions)
    if scoring == "official":
        scores = [vizwiz_accuracy_official(text, one.metadata["people"]) for one, text in pairs]
        definition = "the repository's lenient match; equal answers are left out together"
        return Scores.accuracy(questions, scores, definition, knows)
    evalai = [vqa_accuracy(text, one.references, normalized_evalai) for one, text in pairs]
    return Scores.accuracy(
        questions,
        [vqa_accuracy(text, one.references) for one, text in pairs],
        "VQA accuracy, both sides normalised, leave-one-out by number",
        {
            "accuracy_evalai": Metric.mean(evalai, "words as EvalAI and lmms-eval split them"),
            **knows,
        },
    )


def _knows_when(questions: Sequence[Question], predictions: Sequence[str]) -> dict[str, Metric]:
    """Balanced accuracy of saying "unanswerable": of questions that most people call so, and of the
    others. None of it where one of the two is not asked."""
    truth = np.array([_is_unanswerable(question) for question in questions], bool)
    if truth.all() or not truth.any():
        return {}
    said = np.array([normalized(text) == _UNANSWERABLE for text in predictions], bool)
    right = (said == truth).astype(np.float64)
    parts = [right[truth], right[~truth]]
    # Each half has a weight of its own and is drawn anew by itself.
    interval = bootstrap_sum(
        [(len(part), lambda drawn, part=part: float(part[drawn].mean()) / 2) for part in parts]
    )
    value = float(np.mean([part.mean() for part in parts]))
    definition = 'balanced accuracy of "unanswerable": mean over questions that are and are not'
    columns = [right * truth, truth, right * ~truth, ~truth]
    items = Items(right, np.stack(columns, axis=1).astype(np.float64), _balanced, truth * 1)
    metric = Metric(value, interval, len(right), definition, items=items)
    return {"unanswerable_balanced": metric}


def _balanced(sums: np.ndarray) -> np.ndarray:
    """Balanced accuracy out of what is right and how many there are, of both kinds."""
    return (sums[..., 0] / sums[..., 1] + sums[..., 2] / sums[..., 3]) / 2


def _is_unanswerable(question: Question) -> bool:
    """Whether most people call it so; the files' own flag is made of the same answers."""
    people = [normalized(text) == _UNANSWERABLE for text in question.references]
    return sum(people) * 2 > len(people)


_UNANSWERABLE = "unanswerable"

VIZWIZ = Benchmark(
    "vizwiz",
    "VizWiz",
    load,
    score,
    files.answer_list("results_submission.json", "image"),
    {
        "standard": PromptSpec("unanswerable", 16, "line"),
        "official": PromptSpec.official("official_vizwiz", 64),
    },
)
