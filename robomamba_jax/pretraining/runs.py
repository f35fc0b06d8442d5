# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Runs of ``train.py`` within a larger work, and what they leave in numbers."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypedDict

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.training.report import Terminal
from robomamba_jax.world.dataset.read import json_lines

Curve: TypeAlias = tuple[tuple[float, float], ...]
"""(step, loss) of some steps, in order."""


class Console(Protocol):
    """Where the work says how far it is."""

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


def join_new_language_model(
    encoder: Path, out: Path, *, preset: str, tokenizer: Path, seed: int
) -> None:
    """A language model of random weights behind an encoder, a new projector between them: what the
    language model's pre-training begins with. Where it is there already, it is kept.

    Args:
      encoder: an inference folder.
      out: the new one.
      preset: the language model's size.
      tokenizer: a tokenizer.json.
      seed: of the language model; the next one is that of the projector.
    """
    from robomamba_jax.convert.run import convert_parts
    from robomamba_jax.training.export import export_preset

    if stored_kind(out) == "folder":
        return
    new = out.with_name("new")
    export_preset(preset, new, seed, tokenizer, overwrite=True)
    convert_parts(encoder, new, out, tokenizer=tokenizer, seed=seed + 1)
    # What was wanted of it is in `out` now.
    shutil.rmtree(new)


def train_run(config: TrainConfig, workdir: Path, console: Console) -> Summary:
    """A run of ``train.py``, begun or resumed.

    Raises:
      KeyboardInterrupt: it was interrupted, and has saved; the larger work ends there, too.
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


def loss_curve(workdir: Path, points: int = 60) -> Curve:
    """A run's loss by step, averaged over as many stretches, or a few more."""
    losses = step_losses(workdir)
    width = max(1, len(losses) // points)
    pieces = [losses[k : k + width] for k in range(0, len(losses), width)]
    means = [sum(loss for _, loss in piece) / len(piece) for piece in pieces]
    # Four digits: the curve is drawn, and not computed with.
    return tuple((piece[-1][0], round(mean, 4)) for piece, mean in zip(pieces, means, strict=True))


def step_losses(workdir: Path) -> list[tuple[int, float]]:
    """(step, loss) of every step; metrics.jsonl has lines of evaluations, too."""
    lines = json_lines(workdir / "metrics.jsonl")
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]
