# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics out of the score of each question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from robomamba_jax.evaluation.benchmarks.base import Metric, Question, Scores
from robomamba_jax.evaluation.metrics.intervals import interval_of_mean
from robomamba_jax.utils.json_types import Json

Groups = dict[str, dict[str, Metric]]
Floats = Sequence[float] | np.ndarray


def mean_metric(scores: Floats, definition: str, *, percent: bool = True) -> Metric:
    """The mean with its interval."""
    values = np.asarray(scores, np.float64)
    if not len(values):
        return Metric(0.0, None, 0, definition, percent)
    interval = interval_of_mean(values)
    return Metric(float(values.mean()), interval, len(values), definition, percent)


def by_group(
    questions: Sequence[Question],
    scores: Floats,
    definition: str,
    *,
    percent: bool = True,
) -> Groups:
    """The mean in every group of every kind, groups in alphabetical order."""
    members: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for question, score in zip(questions, scores, strict=True):
        for kind, name in question.groups.items():
            members[kind][name].append(score)
    return {
        kind: {
            name: mean_metric(groups[name], definition, percent=percent) for name in sorted(groups)
        }
        for kind, groups in members.items()
    }


def accuracy_scores(
    questions: Sequence[Question],
    scores: Sequence[float],
    definition: str,
    others: Mapping[str, Metric] | None = None,
) -> Scores:
    """Scores whose headline is the mean over questions.

    Args:
      questions: that were answered.
      scores: of their answers.
      definition: of a question's score.
      others: metrics beside the headline.
    """
    metrics = {"accuracy": mean_metric(scores, definition), **(others or {})}
    return Scores(metrics, "accuracy", scores, by_group(questions, scores, definition))


def metrics_to_json(metrics: Mapping[str, Metric]) -> dict[str, Json]:
    """As results.json has them."""
    return {name: metric.to_json() for name, metric in metrics.items()}
