# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics out of the score of each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robomamba_jax.evaluation.benchmarks.base import Metric, Question
from robomamba_jax.evaluation.metrics.intervals import interval_of_mean

Groups = dict[str, dict[str, Metric]]


def mean_metric(item_scores: Sequence[float], definition: str) -> Metric:
    """The mean with its interval."""
    values = np.asarray(item_scores, np.float64)
    if not len(values):
        return Metric(0.0, None, 0, definition)
    return Metric(float(values.mean()), interval_of_mean(values), len(values), definition)


def by_group(
    questions: Sequence[Question], item_scores: Sequence[float], definition: str
) -> Groups:
    """The mean in every group of every kind, groups in alphabetical order."""
    members: dict[str, dict[str, list[float]]] = {}
    for question, value in zip(questions, item_scores, strict=True):
        for kind, name in question.groups.items():
            members.setdefault(kind, {}).setdefault(name, []).append(value)
    return {
        kind: {name: mean_metric(groups[name], definition) for name in sorted(groups)}
        for kind, groups in members.items()
    }


def metrics_to_json(metrics: Mapping[str, Metric]) -> dict[str, object]:
    """As results.json has them."""
    return {name: metric.to_json() for name, metric in metrics.items()}
