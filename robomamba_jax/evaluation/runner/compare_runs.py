# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs' answers beside each other: what differs, and whether it was a toss-up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import Reply, check_header, read_answers
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData
from robomamba_jax.evaluation.runner.answer_cache import PreparedCheckpoint, requests_of

NEAR = 1e-4
"""Two logits that lie closer may change places where sums are added in another order."""


def compare(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    mine: Path,
    other: Path,
) -> dict[str, Any]:
    """Which answers differ, and at which of them the two likeliest tokens were nearly equal.

    Args:
      config: of the evaluation.
      chosen: the benchmark.
      data: its questions.
      checkpoint: asked for the logits where answers part, if any do.
      mine: this run's file of answers.
      other: the other run's.

    Returns:
      {"other", "same_checkpoint", "compared", "only_mine", "only_other", "identical", "near_ties",
      "differ": [{"id", "mine", "other", "gap"}], "words"}; gap is None for poses.

    Raises:
      InputError: a file is none of answers, or answers other questions, or they have no question
        in common.
    """
    head, first = _read(mine)
    other_head, second = _read(other)
    check_header(other_head, other, head["benchmark"], head["questions"])
    _check_known(second, other, data)
    both = [
        question.id for question in data.questions if question.id in first and question.id in second
    ]
    only_mine = sum(
        question.id in first and question.id not in second for question in data.questions
    )
    only_other = len(second) - len(both)
    if not both:
        raise InputError(
            "questions_mismatch",
            f"{other} has no question of this run",
            "give the same benchmark's",
        )
    differ = [key for key in both if first[key].answer != second[key].answer]
    gaps: dict[str, float | None] = dict.fromkeys(differ)
    if differ and not chosen.poses:
        common = {
            key: _common_tokens(first[key].tokens or [], second[key].tokens or []) for key in differ
        }
        gaps |= _logit_gaps(config, chosen, data, checkpoint, common)
    rows = [
        {"id": key, "mine": first[key].answer, "other": second[key].answer, "gap": gaps[key]}
        for key in differ
    ]
    near = sum(gap is not None and gap <= NEAR for gap in gaps.values())
    same = head["checkpoint"] == other_head["checkpoint"]
    words = f"{len(both) - len(differ)} of {len(both)} answers are those of {other}"
    if differ:
        words += f"; {near} of the {len(differ)} others part where two logits lie within {NEAR:g}"
    if only_mine or only_other:
        words += f"; {only_mine} of mine and {only_other} of its own have no other to compare with"
    if head.get("recipe") != other_head.get("recipe"):
        words += "; it was asked by another prompt spec"
    if not same:
        words += " (which another checkpoint gave)"
    return {
        "other": str(other),
        "same_checkpoint": same,
        "compared": len(both),
        "only_mine": only_mine,
        "only_other": only_other,
        "identical": len(both) - len(differ),
        "near_ties": near,
        "differ": rows,
        "words": words,
    }


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Reply]]:
    """A file's header and its answers, without those that bad images have none of."""
    header, found = read_answers(path)
    return header, {key: reply for key, reply in found.items() if reply.answer is not None}


def _check_known(found: Collection[str], path: Path, data: BenchmarkData) -> None:
    known = {question.id for question in data.all_questions}
    unknown = [key for key in found if key not in known]
    if unknown:
        what = f"{path} answers {unknown[0]!r}, which is not a question of these files"
        raise InputError("questions_mismatch", what, "give the file as eval.py wrote it")


def _common_tokens(mine: Sequence[int], other: Sequence[int]) -> list[int]:
    """The tokens up to which two answers agree."""
    count = 0
    while count < min(len(mine), len(other)) and mine[count] == other[count]:
        count += 1
    return list(mine[:count])


def _logit_gaps(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    common: dict[str, list[int]],
) -> dict[str, float]:
    """The difference of the two largest logits behind what both answers share."""
    prepared = PreparedCheckpoint(config, chosen, checkpoint)
    questions = tuple(question for question in data.questions if question.id in common)
    found: dict[str, float] = {}
    for batch in prepared.reader.batches(
        requests_of(questions, prepared.prompt_spec, prepared.template)
    ):
        prefixes = [common[request.id] for request in batch.requests]
        prefixes += [prefixes[-1]] * (len(batch.tokens) - len(prefixes))
        logits = prepared.predictor.logits_after(batch, prefixes)
        largest = np.sort(logits, axis=-1)[:, -2:]
        for request, (low, high) in zip(batch.requests, largest, strict=False):
            found[request.id] = float(high - low)
    return found
