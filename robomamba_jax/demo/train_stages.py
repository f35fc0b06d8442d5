# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Runs of ``train.py`` within a demo, and what they leave in numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Protocol, TypedDict

from robomamba_jax.config.training import TrainConfig
from robomamba_jax.demo import configs
from robomamba_jax.demo.labels import json_lines
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import Curve, StageResult
from robomamba_jax.training.report import Terminal


class Console(Protocol):
    """Where a demo writes."""

    def log(self, line: str) -> None:
        """A line."""
        ...

    def progress(self, name: str, done: int, total: int) -> None:
        """How far something is."""
        ...

    def terminal(self) -> Terminal:
        """For a run of ``train.py``, which has bars of its own."""
        ...


class TableRow(TypedDict):
    """A part of the model in a run's summary; ``bytes`` with the optimizer's state."""

    part: str
    trained: int
    bytes: int


class Summary(TypedDict):
    """What is read of a run's summary."""

    steps: int
    eval: dict[str, float]
    table: list[TableRow]


def train_run(config: TrainConfig, workdir: Path, console: Console) -> Summary:
    """A run of ``train.py``, begun or resumed.

    Raises:
      KeyboardInterrupt: it was interrupted, and has saved; a demo ends there, too.
    """
    from robomamba_jax.training.run import train

    summary: Any = train(config, workdir, terminal=console.terminal())
    if summary["stopped"]:
        raise KeyboardInterrupt
    return summary


def cache_features(config: TrainConfig, folder: Path, kind: str, console: Console) -> int:
    """What a run's frozen parts compute of its data, once; how many rows the folder then has."""
    from robomamba_jax.training.features import compute_features

    # Without the cache that the run itself reads: it is only made here.
    data = dataclasses.replace(config.data, features=None)
    written = compute_features(
        dataclasses.replace(config, data=data),
        folder,
        kind=kind,
        batch=64,
        tell=lambda done, total: console.progress(folder.name, done, total),
    )
    return written.rows


def manipulate(
    plan: DemoPlan,
    paths: DemoPaths,
    console: Console,
    workdir: Path,
    *,
    init: Path | None = None,
    policy: str | None = None,
    features: Path | None = None,
) -> StageResult:
    """Stage 2 on cached states of the frozen language model.

    Args:
      plan: the demo's.
      paths: the demo's.
      console: for progress.
      workdir: of the run.
      init: where it starts; None = stage 1.2.
      policy: the head's kind; None = the demo's.
      features: where the states are kept; None = the demo's own place.
    """
    config = configs.manipulate_config(plan, paths, init=init, policy=policy, features=features)
    assert config.data.features is not None
    kind = configs.cache_kind(config.model.policy)
    # Without the cache every epoch would run the frozen language model again for the same states.
    cache_features(config, Path(config.data.features), kind, console)
    return stage_result(train_run(config, workdir, console), workdir)


def stage_result(summary: Summary, workdir: Path) -> StageResult:
    """A run as report.json has it."""
    losses = [loss for _, loss in _losses(workdir)]
    # Frozen parts have rows, too, and the last row is the sum.
    trained = [row for row in summary["table"] if row["part"] != "total" and row["trained"]]
    last = losses[-10:]  # one step's loss says more of its batch than of the model
    return StageResult(
        loss_first=losses[0],
        loss_last=sum(last) / len(last),
        trained_params=sum(row["trained"] for row in trained),
        bytes=sum(row["bytes"] for row in trained),
        steps=summary["steps"],
        curve=loss_curve(workdir),
        eval=summary["eval"],
    )


def loss_curve(workdir: Path, points: int = 60) -> Curve:
    """A run's loss by step, averaged over as many stretches, or a few more."""
    losses = _losses(workdir)
    width = max(1, len(losses) // points)
    pieces = [losses[k : k + width] for k in range(0, len(losses), width)]
    means = [sum(loss for _, loss in piece) / len(piece) for piece in pieces]
    # Four digits: the curve is drawn, and not computed with.
    return tuple((piece[-1][0], round(mean, 4)) for piece, mean in zip(pieces, means, strict=True))


def _losses(workdir: Path) -> list[tuple[int, float]]:
    """(step, loss) of every step; metrics.jsonl has lines of evaluations, too."""
    lines = json_lines(workdir / "metrics.jsonl")
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]
