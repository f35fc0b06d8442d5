# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The loop: dispatch a step, then read what the one before it said.

Order at a boundary: metrics are written, evaluation is done and written, then the checkpoint
begins. So a committed step's lines are on disk before it is, and a run that goes on from there
writes the same lines as one that was never stopped.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from robomamba_jax.data.pipeline.loader import StepBatch
from robomamba_jax.errors import InputError
from robomamba_jax.training.evaluate import Evaluation
from robomamba_jax.training.failpoints import reached
from robomamba_jax.training.metrics_writer import Board, Lines
from robomamba_jax.training.setup import Session
from robomamba_jax.training.throughput import Clock
from robomamba_jax.utils.progress import Log


class Done(NamedTuple):
    """How a run ended.

    Attributes:
      step: updates done.
      stopped: why before the last step ("" = it was the last).
      first: metrics of the first step of this process, {} if there was none.
      last: of the last one.
      eval: the last evaluation, {} if there was none.
    """

    step: int
    stopped: str
    first: dict[str, float]
    last: dict[str, float]
    eval: dict[str, float]


class _Pending(NamedTuple):
    """A step whose metrics nobody has read."""

    step: int
    batch: StepBatch
    metrics: Any


def run(session: Session, *, say: Log, progress: Callable[..., None]) -> Done:
    """Step to the end, or until told to stop; the last state is saved either way.

    Args:
      session: made ready by ``begin``.
      say: told in lines.
      progress: told (step, steps, metrics to show).

    Raises:
      InputError: a loss or gradient is not finite.
    """
    with _told_to_stop() as stop:
        return _Loop(session, say, progress, stop).run()


class _Loop:
    """The state of the loop that is not the model's."""

    def __init__(
        self, session: Session, say: Log, progress: Callable[..., None], stop: threading.Event
    ) -> None:
        self.session, self.config = session, session.config
        self.say, self.progress, self.stop = say, progress, stop
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.told: dict[str, float] = {}
        self.stopped = ""
        self.profiling = False
        self.evaluation = Evaluation(session)
        self.clock = Clock(session)
        self.main = jax.process_index() == 0
        self.lines = self.timings = self.board = None
        if self.main:
            workdir, step = session.workdir, session.step
            self.lines = Lines(workdir / "metrics.jsonl", step)
            self.samples = Lines(workdir / "samples.jsonl", step)
            self.timings = Lines(workdir / "timings.jsonl", step)
            self.board = Board(workdir, step, self.config.run.wandb, session.meta["config"])

    def run(self) -> Done:
        """See ``run``."""
        session, config = self.session, self.config
        final = min(session.steps, config.run.stop_after or session.steps)
        batches = session.pipeline.batches(session.step, final, prefetch=config.run.prefetch)
        pending: _Pending | None = None
        try:
            for batch in self.clock.waiting(batches):
                self._profile(session.step)
                arrays = session.feed.put(batch.arrays, stop=self.stop.is_set())
                step = self.clock.compiled(arrays, self.say)
                session.state, metrics = step(session.state, session.frozen, arrays)
                self._read(pending)
                reached("stepped", session.step)
                pending = _Pending(session.step, batch, metrics)
                session.step += 1
                if self._boundary(session.step, final) or self.stopped:
                    self._read(pending)
                    pending = None
                    self._at_boundary(final)
                if self.stopped:
                    break
            self._read(pending)
            if session.step < session.steps and not self.stopped:
                self.stopped = f"stop_after {final}"
            self._finish()
        finally:
            self._close()
        return Done(session.step, self.stopped, self.first, self.last, self.told)

    def _boundary(self, step: int, final: int) -> bool:
        run, every = self.config.run, self.config.checkpoint.every
        return step == final or any(
            count and step % count == 0 for count in (every, run.eval_every, run.sample_every)
        )

    def _at_boundary(self, final: int) -> None:
        """Between two steps: evaluate, generate, save, whatever is due."""
        session, run, step = self.session, self.config.run, self.session.step
        last = step == session.steps
        if session.held_out is not None and (last or _due(step, run.eval_every)):
            self.told = self.evaluation.scores()
            self._write(self.lines, {"step": step, "eval": self.told})
            if self.board:
                self.board.scalars(step, {f"eval/{k}": v for k, v in self.told.items()})
            self.say(f"step {step}: " + _shown(self.told))
            reached("evaluated", step)
        if run.samples and (last or _due(step, run.sample_every)):
            found = self.evaluation.samples()
            self._write(self.samples if self.main else None, {"step": step, "samples": found})
            if self.board:
                self.board.text(step, "samples", _markdown(found))
        if step == final or self.stopped or _due(step, self.config.checkpoint.every):
            self._flush(to_disk=True)
            session.save()
            self.clock.skip()

    def _read(self, pending: _Pending | None) -> None:
        """Wait for a step's metrics, write them, and see whether it was a good one."""
        if pending is None:
            return
        metrics = {k: np.asarray(v).item() for k, v in jax.device_get(pending.metrics).items()}
        if metrics.pop("halted"):
            self._halt(pending, metrics)
        if metrics.pop("stop", 0) and not self.stopped:
            self.stopped = "told to stop"
        step = pending.step
        self.first = self.first or metrics
        self.last = metrics
        timing = self.clock.step_done(step)
        self._write(self.lines, {**self._head(pending), **metrics})
        self._write(self.timings, {"step": step, **timing})
        self.progress(step + 1, self.session.steps, {**metrics, **timing})
        if self.board and _due(step + 1, self.config.run.log_every):
            shown = {f"train/{k}": v for k, v in metrics.items()}
            speed = {f"speed/{k}": v for k, v in timing.items() if v is not None}
            self.board.scalars(step, {**shown, **speed})
            self._flush()
        reached("recorded", step)

    def _head(self, pending: _Pending) -> dict[str, Any]:
        """A line's step, epoch and samples: those of all processes, row by row."""
        pipeline = self.session.pipeline
        rows = pipeline.plan.layout(pending.step).rows
        names = [[pipeline.sample_index.sample_id(n) for n in row] for row in rows]
        return {"step": pending.step, "epoch": pending.batch.epoch, "samples": names}

    def _halt(self, pending: _Pending, metrics: Mapping[str, float]) -> None:
        """Name the samples of the batch; parameters are still those before it."""
        head = self._head(pending)
        named = [name for row in head["samples"] for name in row]
        numbers = ", ".join(f"{k} {v}" for k, v in metrics.items() if not np.isfinite(v))
        self._write(self.lines, {**head, "halted": True, **_as_text(metrics)})
        self._flush(to_disk=True)
        raise InputError(
            "not_finite",
            f"step {pending.step}: {numbers or 'a gradient'} is not finite; its samples: "
            + ", ".join(named[:32])
            + (f" and {len(named) - 32} more" if len(named) > 32 else ""),
            "look at them, or lower optim.learning_rate; the checkpoints before it are good",
        )

    def _finish(self) -> None:
        """The last state, if no boundary has saved it, and wait for it."""
        self._flush(to_disk=True)
        self.session.save()  # nothing, where this step is there
        self.session.checkpoints.wait()

    def _profile(self, step: int) -> None:
        run = self.config.run
        if not self.main or run.profile_start < 0:
            return
        if step == run.profile_start:
            jax.profiler.start_trace(str(self.session.workdir / "profile"))
            self.profiling = True
        elif step >= run.profile_start + run.profile_steps:
            self._end_profile()

    def _end_profile(self) -> None:
        if self.profiling:
            jax.profiler.stop_trace()
            self.profiling = False

    def _write(self, lines: Lines | None, content: Mapping[str, Any]) -> None:
        if lines is not None:
            lines.write(content)

    def _flush(self, *, to_disk: bool = False) -> None:
        for lines in (self.lines, self.timings):
            if lines is not None:
                lines.flush(to_disk=to_disk)

    def _close(self) -> None:
        self._end_profile()
        for lines in (self.lines, self.timings, self.samples if self.main else None):
            if lines is not None:
                lines.close()
        if self.board:
            self.board.close()


@contextlib.contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and a first Ctrl-C set; a second Ctrl-C interrupts as ever."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}

    def tell(number: int, _: Any) -> None:
        if event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        event.set()

    for name in before:
        signal.signal(name, tell)
    try:
        yield event
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def _as_text(values: Mapping[str, float]) -> dict[str, Any]:
    """Numbers that JSON has no word for, as text."""
    return {k: v if np.isfinite(v) else str(v) for k, v in values.items()}


def _markdown(samples: list[dict[str, Any]]) -> str:
    return "\n\n".join(
        "  \n".join(f"**{name}**: {value}" for name, value in sample.items()) for sample in samples
    )
