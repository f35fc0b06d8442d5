# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2 of a demo, and what a run of a stage leaves in numbers."""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.demo import configs
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import StageResult
from robomamba_jax.pretraining.runs import (
    Console,
    Summary,
    cache_features,
    loss_curve,
    step_losses,
    train_run,
)


def manipulate(
    plan: DemoPlan,
    paths: DemoPaths,
    console: Console,
    workdir: Path,
    *,
    init: Path | None = None,
    policy: str | None = None,
    features: Path | None = None,
    assemblies: bool = False,
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
      assemblies: whether poses of random assemblies are among those of the seen categories.
    """
    config = configs.manipulate_config(
        plan, paths, init=init, policy=policy, features=features, assemblies=assemblies
    )
    assert config.data.features is not None
    kind = configs.cache_kind(config.model.policy)
    # Without the cache every epoch would run the frozen language model again for the same states.
    cache_features(config, Path(config.data.features), kind, console)
    return stage_result(train_run(config, workdir, console), workdir)


def stage_result(summary: Summary, workdir: Path) -> StageResult:
    """A run as report.json has it."""
    losses = [loss for _, loss in step_losses(workdir)]
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
