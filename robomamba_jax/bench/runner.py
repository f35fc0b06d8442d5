# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Start every side of a case in its own process and let them take turns."""

from __future__ import annotations

import math
import os
import platform
import statistics
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robomamba_jax.bench import worker
from robomamba_jax.bench.benchmark import BenchCase
from robomamba_jax.bench.records import CaseResult, Figures, MachineFacts
from robomamba_jax.errors import InputError
from robomamba_jax.utils.process_pool import WorkerError, WorkerProcess
from robomamba_jax.utils.progress import Log
from robomamba_jax.utils.version import __version__, installed_version

_FAILURES = (WorkerError, InputError)
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "OutOfMemoryError")
PACKAGES = ("jax", "jaxlib", "flax", "numpy", "torch", "transformers", "mambapy")


def run_case(case: BenchCase, rounds: int, on_progress: Log) -> CaseResult:
    """All sides of one case, taking turns for ``rounds`` rounds.

    Args:
      case: the work.
      rounds: measurements per side; the order turns round by round.
      on_progress: called with a line when something begins.

    Returns:
      The figures of each side; of one that could not run, why.

    Raises:
      RuntimeError: the first side failed.
    """
    rounds = case.rounds or rounds
    running: dict[str, _Process] = {}
    sides: dict[str, Figures] = {}

    def attempt(side: str, step: Callable[[_Process], None]) -> None:
        """One step of a side, which is left out from then on if it fails."""
        try:
            step(running[side])
        except _FAILURES as error:
            process = running.pop(side)
            sides[side] = {"skipped": process.why(error)}
            process.close()

    try:
        for side in case.sides:
            on_progress(f"{case.name}: {side} builds")
            running[side] = _Process(side, case.work)
            sides[side] = {}  # in the table's order, whatever becomes of it
            attempt(side, _Process.build)
        for turn in range(rounds):
            on_progress(f"{case.name}: round {turn + 1} of {rounds}")
            order = list(running)
            # The order turns, so that no side always runs behind the same other one.
            first = turn % max(1, len(order))
            for side in order[first:] + order[:first]:
                attempt(side, _Process.measure)
        for side, process in running.items():
            sides[side] = process.figures()
    finally:
        for process in running.values():
            process.close()
    ours = sides[case.sides[0]]
    if "skipped" in ours:
        raise RuntimeError(f"{case.name}: {case.sides[0]} failed: {ours['skipped']}")
    # Within a round all sides meet the same machine. Over the rounds it may become slower (heat,
    # other work), which a ratio of two medians would count for or against a side.
    first_times = running[case.sides[0]].times
    ratios = {
        side: statistics.median(
            theirs / mine for theirs, mine in zip(process.times, first_times, strict=True)
        )
        for side, process in running.items()
        if side != case.sides[0]
    }
    return {"name": case.name, "work": case.work, "sides": sides, "ratios": ratios}


def run_side(side: str, work: Mapping[str, Any], rounds: int, *, seconds: float) -> Figures:
    """One side alone, for devices that one process can hold at a time.

    Args:
      side: in ``worker.SIDES``.
      work: of its case.
      rounds: measurements.
      seconds: for all of it; then its process is ended.

    Returns:
      Its figures; if it failed or was too slow, why: ``skipped``.
    """
    process = _Process(side, work)
    late = threading.Event()

    def end() -> None:
        late.set()
        process.end()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        process.build()
        for _ in range(rounds):
            process.measure()
        return process.figures()
    except _FAILURES as error:
        return {"skipped": f"not done in {seconds:.0f} s" if late.is_set() else process.why(error)}
    finally:
        timer.cancel()
        process.close()


def machine_facts() -> MachineFacts:
    """What this machine is, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = {line.split(":")[1].strip() for line in lines if line.startswith("model name")}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": ", ".join(sorted(models)) or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "load": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Of the packages that take part, and of this one."""
    found = {"robomamba_jax": __version__, "python": platform.python_version()}
    return found | {name: installed_version(name) or "not installed" for name in PACKAGES}


class _Process:
    """A worker, what it measured, and what it wrote to stderr.

    Attributes:
      times: seconds of every measurement.
    """

    def __init__(self, side: str, work: Mapping[str, Any]) -> None:
        # A file, not a pipe: a worker that warns a lot must not wait for us to read.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the worker)
        self._worker = WorkerProcess(
            f"{worker.__name__}:{worker.open_side.__name__}",
            {"side": side, "case": work},
            name="bench",
            # Waiting threads must not spin: the other side is being measured.
            environment={"OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false"},
            stderr=self._log,
        )
        self._facts: Figures = {}
        self.times: list[float] = []
        self._cpu: list[float] = []

    def build(self) -> None:
        """Wait until the work is built and warm."""
        self._worker.ready()
        self._facts = self._ask("facts")

    def measure(self) -> None:
        """One measurement more."""
        reply = self._ask("seconds")
        self.times.append(reply["seconds"])
        self._cpu.append(reply["cpu_seconds"])

    def figures(self) -> Figures:
        """What came out of all measurements."""
        times = self.times
        return {
            "seconds": statistics.median(times),
            "seconds_min": min(times),
            "seconds_max": max(times),
            # The smallest that at least 99 % are not above: of fewer than 100, the slowest.
            "seconds_p99": sorted(times)[math.ceil(0.99 * len(times)) - 1],
            "cpu_seconds": statistics.median(self._cpu),
            "rounds": len(times),
            **self._facts,
            **self._ask("memory"),
        }

    def _ask(self, what: str) -> Any:
        """See ``worker.Side.run``."""
        return self._worker.run({"op": what})[0]

    def why(self, error: Exception) -> str:
        """Why it failed, in one line: its exception, or the last thing on its stderr."""
        self._log.seek(0)
        found = str(error) if "crashed" in str(error) else self._log.read()
        lines = [line for line in found.splitlines() if line.strip()]
        # An allocator tells its whole state behind the one line that matters.
        for line in lines:
            if any(word in line for word in _OUT_OF_MEMORY):
                return line.strip()[:300]
        return lines[-1].strip() if lines else str(error)

    def end(self) -> None:
        """Kill it in the middle of what it does; whoever waits for it is told that it has died."""
        self._worker.kill()

    def close(self) -> None:
        """End it, however far it is."""
        # Killed first: a worker that builds for minutes answers no request to end.
        self._worker.kill()
        self._worker.close()
        self._log.close()
