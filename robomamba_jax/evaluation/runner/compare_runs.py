# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs' answers beside each other: what differs, and whether it was a toss-up."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import Reply, check_header, read_answers
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData
from robomamba_jax.evaluation.runner.answer_cache import PreparedCheckpoint, requests_of
from robomamba_jax.utils.json_types import JsonObject

NEAR = 1e-4
"""Two logits that lie closer may change places where sums are added in another order."""


def compare(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    mine: Path,
    other: Path,
) -> JsonObject:
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
    known = {question.id for question in data.all_questions}
    unknown = [key for key in second if key not in known]
    if unknown:
        what = f"{other} answers {unknown[0]!r}, which is not a question of these files"
        raise InputError("questions_mismatch", what, "give the file as eval.py wrote it")
    both = [one.id for one in data.questions if one.id in first and one.id in second]
    if not both:
        what = f"{other} has no question of this run"
        raise InputError("questions_mismatch", what, "give the same benchmark's")
    only_mine = sum(one.id in first for one in data.questions) - len(both)
    only_other = len(second) - len(both)
    differ = [key for key in both if first[key].answer != second[key].answer]
    gaps: dict[str, float | None] = dict.fromkeys(differ)
    if differ and not chosen.poses:
        shared = {key: _shared_tokens(first[key].tokens, second[key].tokens) for key in differ}
        gaps |= _logit_gaps(config, chosen, data, checkpoint, shared)
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
        "differ": [
            {"id": key, "mine": first[key].answer, "other": second[key].answer, "gap": gaps[key]}
            for key in differ
        ],
        "words": words,
    }


def _read(path: Path) -> tuple[JsonObject, dict[str, Reply]]:
    """A file's header and its answers, without those that bad images have none of."""
    header, found = read_answers(path)
    return header, {key: reply for key, reply in found.items() if reply.answer is not None}


def _shared_tokens(mine: Sequence[int] | None, other: Sequence[int] | None) -> list[int]:
    """The tokens up to which two answers agree."""
    pairs = itertools.takewhile(
        lambda pair: pair[0] == pair[1], zip(mine or (), other or (), strict=False)
    )
    return [token for token, _ in pairs]


def _logit_gaps(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    shared: dict[str, list[int]],
) -> dict[str, float]:
    """The difference of the two largest logits behind what both answers share."""
    prepared = PreparedCheckpoint(config, chosen, checkpoint)
    questions = tuple(question for question in data.questions if question.id in shared)
    found: dict[str, float] = {}
    requests = requests_of(questions, prepared.prompt_spec, prepared.template)
    for batch in prepared.reader.batches(requests):
        # A batch is filled up with its last row, which needs a prefix as well.
        prefixes = [shared[request.id] for request in batch.requests]
        prefixes += [prefixes[-1]] * (len(batch.tokens) - len(prefixes))
        logits = prepared.predictor.logits_after(batch, prefixes)
        largest = np.sort(logits, axis=-1)[:, -2:]  # [B, 2]: the second and the first
        for request, (low, high) in zip(batch.requests, largest, strict=False):
            found[request.id] = float(high - low)
    return found
