# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""GQA (https://cs.stanford.edu/people/dorarad/gqa): compositional questions, one answer each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData, Question, Scores
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.vqa_accuracy import (
    gqa_correct,
    gqa_correct_official,
    without_case_and_period,
)
from robomamba_jax.utils.json_types import Json


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of testdev_balanced_questions.json: number -> record."""
    return files.load(config, ("testdev_balanced_questions.json",), _questions)


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, ("images",))
    questions = []
    for key, record, where in files.keyed_records(path, "question"):
        image_name = f"{files.text_of(record, 'imageId', where)}.jpg"
        # The submission splits have no answers: GQA's server keeps them.
        answered = record.get("answer") is not None
        questions.append(
            Question(
                key,
                files.text_of(record, "question", where),
                find_image(image_name),
                (files.text_of(record, "answer", where),) if answered else (),
                _groups(record.get("types")),
                image_name=image_name,
                file=str(path),
            )
        )
    return questions


def _groups(types: Json) -> dict[str, str]:
    """What is asked for (verify, query, choose, ...) and about what (object, attribute, ...)."""
    found = types if isinstance(types, dict) else {}
    return {name: str(found[name]) for name in ("structural", "semantic") if found.get(name)}


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Exact match, or the repository's.

    GQA also defines consistency, validity and plausibility, which need its scene graphs; models
    that answer freely report the accuracy alone.
    """
    official = scoring == "official"
    correct = gqa_correct_official if official else gqa_correct
    pairs = zip(questions, predictions, strict=True)
    return Scores.accuracy(
        questions,
        [float(correct(answer, question.references[0])) for question, answer in pairs],
        "the repository's prefix or all-words match"
        if official
        else "equal but for case and a period",
    )


GQA = Benchmark(
    "gqa",
    "GQA",
    load,
    score,
    # GQA's eval.py compares as it stands, so case and a final period are dropped beforehand, as
    # LLaVA does when it converts its answers.
    files.answer_list(
        "testdev_balanced_predictions.json",
        "questionId",
        "prediction",
        answer_of=lambda answer: without_case_and_period(str(answer)),
    ),
    {"standard": PromptSpec("short", 16, "line"), "official": PromptSpec.official("plain", 256)},
)
