# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a run writes of its steps, evaluations and samples; process 0 alone does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import jax
import numpy as np

from robomamba_jax.training.metrics_writer import StepLinesWriter, TensorBoardWriter
from robomamba_jax.training.setup import Session
from robomamba_jax.utils.json_types import Json


class _Head(TypedDict):
    """How a line of a step begins."""

    step: int
    epoch: int
    samples: list[list[str]]


class RunLog:
    """metrics.jsonl, samples.jsonl, timings.jsonl and TensorBoard.

    metrics.jsonl holds nothing that depends on the machine or the clock, so that a run that was
    interrupted can be compared bit for bit with one that was not; timings.jsonl has the rest.
    """

    def __init__(self, session: Session) -> None:
        """Cut the files back to the step from which the run resumes."""
        self._session = session
        self._log_every = session.config.run.log_every
        self._files: dict[str, StepLinesWriter] = {}
        self._board: TensorBoardWriter | None = None
        if jax.process_index() == 0:
            workdir, step = session.workdir, session.step
            for name in ("metrics", "samples", "timings"):
                self._files[name] = StepLinesWriter(workdir / f"{name}.jsonl", step)
            wandb = session.config.run.wandb
            self._board = TensorBoardWriter(workdir, step, wandb, session.meta["config"])

    def __enter__(self) -> RunLog:
        """Itself; leaving it closes the files."""
        return self

    def __exit__(
        self,
        *_: object,
    ) -> None:
        for file in self._files.values():
            file.close()
        if self._board is not None:
            self._board.close()

    def step(
        self,
        step: int,
        epoch: int,
        metrics: Mapping[str, float],
        timing: Mapping[str, float | None],
    ) -> None:
        """A step's line and points.

        Args:
          step: its number, from 0.
          epoch: its epoch, from 0.
          metrics: as the step returned them.
          timing: from ``StepTimer.step_done``.
        """
        # Whole floats, as Python writes them: a resumed run's lines are compared to the bit.
        self._write("metrics", {**self._head(step, epoch), **metrics})
        self._write("timings", {"step": step, **timing})
        if self._board is not None and due(step + 1, self._log_every):
            shown = {f"train/{name}": value for name, value in metrics.items()}
            known = {name: value for name, value in timing.items() if value is not None}
            speed = {f"speed/{name}": value for name, value in known.items()}
            self._board.scalars(step, {**shown, **speed})
            self.flush()

    def evaluation(self, step: int, scores: Mapping[str, float]) -> None:
        """An evaluation of the state after ``step`` updates."""
        self._write("metrics", {"step": step, "eval": dict(scores)})
        if self._board is not None:
            self._board.scalars(step, {f"eval/{name}": value for name, value in scores.items()})

    def samples(self, step: int, samples: Sequence[Mapping[str, Json]]) -> None:
        """What the model says after ``step`` updates."""
        self._write("samples", {"step": step, "samples": [dict(sample) for sample in samples]})
        if self._board is not None:
            self._board.text(step, "samples", _markdown(samples))

    def halted(self, step: int, epoch: int, metrics: Mapping[str, float]) -> list[str]:
        """A step whose loss or gradient was not finite; it is on the disk when this returns.

        Returns:
          The ids of its samples.
        """
        head = self._head(step, epoch)
        # JSON has no word for them.
        texts = {name: x if np.isfinite(x) else str(x) for name, x in metrics.items()}
        self._write("metrics", {**head, "halted": True, **texts})
        self.flush(to_disk=True)
        return [name for row in head["samples"] for name in row]

    def flush(self, *, to_disk: bool = False) -> None:
        """Hand all lines to the system; ``to_disk`` waits for the disk too."""
        for file in self._files.values():
            file.flush(to_disk=to_disk)

    def _head(self, step: int, epoch: int) -> _Head:
        """A line's step, epoch and samples: those of all processes, row by row."""
        names = self._session.pipeline.sample_ids(step)
        return {"step": step, "epoch": epoch, "samples": names}

    def _write(self, name: str, content: Mapping[str, object]) -> None:
        if self._files:
            self._files[name].write(content)


def due(step: int, every: int) -> bool:
    """Whether something that is done ``every`` so many steps (0 = never) is done after ``step``."""
    return every > 0 and step % every == 0


def _markdown(samples: Sequence[Mapping[str, Json]]) -> str:
    return "\n\n".join(
        "  \n".join(f"**{name}**: {value}" for name, value in sample.items()) for sample in samples
    )
