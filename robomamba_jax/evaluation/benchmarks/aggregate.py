# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Figures out of the credit that each question got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robomamba_jax.evaluation.benchmarks.base import Figure, Item
from robomamba_jax.evaluation.metrics.intervals import interval_of_mean

Groups = dict[str, dict[str, Figure]]


def mean_figure(credit: Sequence[float], what: str) -> Figure:
    """The mean with its interval."""
    values = np.asarray(credit, np.float64)
    if not len(values):
        return Figure(0.0, None, 0, what)
    return Figure(float(values.mean()), interval_of_mean(values), len(values), what)


def by_group(items: Sequence[Item], credit: Sequence[float], what: str) -> Groups:
    """The mean in every group of every kind, groups in alphabetical order."""
    members: dict[str, dict[str, list[float]]] = {}
    for item, value in zip(items, credit, strict=True):
        for kind, name in item.groups.items():
            members.setdefault(kind, {}).setdefault(name, []).append(value)
    return {
        kind: {name: mean_figure(groups[name], what) for name in sorted(groups)}
        for kind, groups in members.items()
    }


def figures_to_json(figures: Mapping[str, Figure]) -> dict[str, object]:
    """As results.json has them."""
    return {name: figure.to_json() for name, figure in figures.items()}
