# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The loop: dispatch a step, then read the metrics of the one before it.

Order at a boundary: metrics are written, evaluation is done and written, then the checkpoint
begins. So a committed step's lines are on disk before it is, and a run that resumes from there
writes the same lines as one that was never interrupted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import NamedTuple

import jax
import numpy as np

from robomamba_jax.data.pipeline.step_data import StepBatch
from robomamba_jax.errors import InputError
from robomamba_jax.training.evaluate import Evaluation
from robomamba_jax.training.failpoints import reached
from robomamba_jax.training.run_log import RunLog, due
from robomamba_jax.training.setup import Session
from robomamba_jax.training.step import Metrics
from robomamba_jax.training.step_compiler import StepCompiler
from robomamba_jax.training.throughput import StepTimer
from robomamba_jax.utils.progress import Log

OnStep = Callable[[int, int, Mapping[str, float | None]], None]
"""Called with (updates done, updates in all, metrics and timings of the last one)."""


@dataclasses.dataclass
class RunResult:
    """How a run ended.

    Attributes:
      step: updates done.
      stopped: why before the last step ("" = it was the last).
      first: metrics of the first step of this process, {} if there was none.
      last: of the last one.
      eval: the last evaluation, {} if there was none.
    """

    step: int
    stopped: str = ""
    first: dict[str, float] = dataclasses.field(default_factory=dict)
    last: dict[str, float] = dataclasses.field(default_factory=dict)
    eval: dict[str, float] = dataclasses.field(default_factory=dict)


class _Dispatched(NamedTuple):
    """A step that the devices may still be computing."""

    step: int
    batch: StepBatch
    metrics: Metrics


def run(session: Session, *, log: Log, on_progress: OnStep) -> RunResult:
    """Step to the end, or until a signal asks to stop; the last state is saved either way.

    Args:
      session: made ready by ``begin``.
      log: gets lines for a person.
      on_progress: see ``OnStep``.

    Raises:
      InputError: a loss or gradient is not finite.
    """
    config, result = session.config, RunResult(session.step)
    # The schedule knows all steps of the run; this process may be asked to end before.
    end = min(session.steps, config.run.stop_after or session.steps)
    timer, compiler = StepTimer(session), StepCompiler(session.program)
    evaluation = Evaluation(session)
    with _stop_requests() as stop, RunLog(session) as run_log, _Profiler(session) as profiler:

        def record(dispatched: _Dispatched | None) -> None:
            """Wait for a step's metrics, write them, and see whether it was a good one."""
            if dispatched is None:
                return
            step, epoch = dispatched.step, dispatched.batch.epoch
            metrics = _on_host(dispatched.metrics)
            if metrics.pop("halted"):
                raise _not_finite(step, metrics, run_log.halted(step, epoch, metrics))
            # A sum over all processes: whichever got the signal, all leave after the same step.
            if metrics.pop("stop", 0) and not result.stopped:
                result.stopped = "interrupted"
            result.first, result.last = result.first or metrics, metrics
            timing = timer.step_done(step)
            run_log.step(step, epoch, metrics, timing)
            on_progress(step + 1, session.steps, {**metrics, **timing})
            reached("recorded", step)

        dispatched: _Dispatched | None = None
        batches = session.pipeline.batches(session.step, end, prefetch=config.run.prefetch)
        for batch in timer.waiting(batches):
            profiler.at(session.step)
            arrays = session.feeder.put(batch.arrays, stop=stop.is_set())
            step = compiler.find(arrays)
            if step is None:
                step = compiler.compile(session.state, session.frozen, arrays, log)
                timer.skip()
            session.state, metrics = step(session.state, session.frozen, arrays)
            # jax has only dispatched that step. Reading the one before it now keeps the devices
            # busy: they compute while the host waits, writes and puts the next batch there.
            record(dispatched)
            reached("stepped", session.step)
            dispatched = _Dispatched(session.step, batch, metrics)
            session.step += 1
            # At a boundary nothing may be in flight: the evaluation and the checkpoint are of the
            # state after this very step, and its line must stand before theirs.
            if _is_boundary(session, end) or result.stopped:
                record(dispatched)
                dispatched = None
                result.eval = _evaluate(session, evaluation, run_log, log) or result.eval
                if session.step == end or result.stopped or _saves(session):
                    run_log.flush(to_disk=True)
                    session.save()
                    timer.skip()
            if result.stopped:
                break
        record(dispatched)
        if session.step < session.steps and not result.stopped:
            result.stopped = f"stop_after {end}"
        run_log.flush(to_disk=True)
        session.save()  # nothing, where a boundary has saved this step
        session.checkpoints.wait()
    result.step = session.step
    return result


def _is_boundary(session: Session, end: int) -> bool:
    """Whether anything is done between this step and the next."""
    # By the step and never by the clock: all processes must come to the same boundaries.
    run = session.config.run
    evaluates = due(session.step, run.eval_every) or due(session.step, run.sample_every)
    return session.step == end or evaluates or _saves(session)


def _saves(session: Session) -> bool:
    return due(session.step, session.config.checkpoint.every)


def _evaluate(
    session: Session, evaluation: Evaluation, run_log: RunLog, log: Log
) -> dict[str, float]:
    """Evaluate and generate, if either is due; the scores, {} if there are none."""
    run, step = session.config.run, session.step
    last, scores = step == session.steps, {}
    if session.held_out is not None and (last or due(step, run.eval_every)):
        scores = evaluation.scores()
        run_log.evaluation(step, scores)
        log(f"step {step}: " + ", ".join(f"{name} {x:.4g}" for name, x in scores.items()))
        reached("evaluated", step)
    if run.samples and (last or due(step, run.sample_every)):
        run_log.samples(step, evaluation.samples())
    return scores


def _on_host(metrics: Metrics) -> dict[str, float]:
    """A step's metrics as Python's numbers; waits for the step."""
    return {name: np.asarray(x).item() for name, x in jax.device_get(metrics).items()}


def _not_finite(step: int, metrics: Mapping[str, float], samples: list[str]) -> InputError:
    """Names the samples of the batch; parameters are still those before it."""
    numbers = ", ".join(f"{name} {x}" for name, x in metrics.items() if not np.isfinite(x))
    more = f" and {len(samples) - 32} more" if len(samples) > 32 else ""
    return InputError(
        "not_finite",
        f"step {step}: {numbers or 'a gradient'} is not finite; its samples: "
        + ", ".join(samples[:32])
        + more,
        "look at them, or lower optim.learning_rate; the checkpoints before it are good",
    )


class _Profiler:
    """Watches the steps that ``run.profile_start`` asks for, in process 0."""

    def __init__(self, session: Session) -> None:
        run = session.config.run
        self._folder = str(session.workdir / "profile")
        self._first, self._end = run.profile_start, run.profile_start + run.profile_steps
        self._enabled = jax.process_index() == 0 and run.profile_start >= 0
        self._running = False

    def __enter__(self) -> _Profiler:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def at(self, step: int) -> None:
        """Start or stop before ``step``."""
        if self._enabled and step == self._first:
            jax.profiler.start_trace(self._folder)
            self._running = True
        elif step >= self._end:
            self._stop()

    def _stop(self) -> None:
        if self._running:
            jax.profiler.stop_trace()
            self._running = False


@contextlib.contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM and a first Ctrl-C set; a second Ctrl-C interrupts as ever."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # Python lets only the main thread handle signals
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}

    def request(number: int, _: FrameType | None) -> None:
        """The handler: asks to stop; a second Ctrl-C interrupts."""
        if event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        event.set()

    # SIGTERM is what clusters send some time before they kill. The handler only sets the event:
    # the step at hand is computed, and the loop sees the event when it feeds the next one.
    for name in before:
        signal.signal(name, request)
    try:
        yield event
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
