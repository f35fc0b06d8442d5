# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Start every side of a case in its own process and let them take turns."""

from __future__ import annotations

import math
import os
import platform
import statistics
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.bench import worker
from robomamba_jax.errors import InputError
from robomamba_jax.utils.process_pool import WorkerError, WorkerProcess
from robomamba_jax.utils.progress import Log
from robomamba_jax.utils.version import __version__

_FAILURES = (WorkerError, InputError)
PACKAGES = ("jax", "jaxlib", "flax", "numpy", "torch", "transformers", "mambapy")


class Case(NamedTuple):
    """One piece of work and who does it; the first side is the one compared with.

    Attributes:
      name: for the table.
      sides: names in ``worker.SIDES``.
      work: what the sides' builders read.
      rounds: measurements per side; 0 = as many as all cases have.
    """

    name: str
    sides: tuple[str, ...]
    work: dict[str, Any]
    rounds: int = 0


def run_case(case: Case, rounds: int, tell: Log) -> dict[str, Any]:
    """All sides of one case, taking turns for ``rounds`` rounds.

    Args:
      case: the work.
      rounds: measurements per side; the order turns round by round.
      tell: called with a line when something begins.

    Returns:
      {"name", "work", "sides": {side: figures}, "ratios": {side: peer's seconds over the
      first side's, median over rounds}}. A side that could not run holds {"skipped": why}.

    Raises:
      RuntimeError: the first side failed.
    """
    rounds = case.rounds or rounds
    running: dict[str, _Process] = {}
    results: dict[str, dict[str, Any]] = {}
    try:
        for side in case.sides:
            tell(f"{case.name}: {side} builds")
            running[side] = _Process(side, case.work)
            try:
                results[side] = {**running[side].facts(), "times": [], "cpu": []}
            except _FAILURES as error:
                results[side] = _skipped(running.pop(side), error)
        for turn in range(rounds):
            tell(f"{case.name}: round {turn + 1} of {rounds}")
            order = list(running)
            for side in order[turn % len(order) :] + order[: turn % len(order)] if order else ():
                try:
                    reply = running[side].ask("seconds")
                except _FAILURES as error:
                    results[side] = _skipped(running.pop(side), error)
                    continue
                results[side]["times"].append(reply["seconds"])
                results[side]["cpu"].append(reply["cpu_seconds"])
        for side, process in running.items():
            results[side].update(process.ask("memory"))
    finally:
        for process in running.values():
            process.close()
    first = results[case.sides[0]]
    if "skipped" in first:
        raise RuntimeError(f"{case.name}: {case.sides[0]} failed: {first['skipped']}")
    ratios = {
        side: statistics.median(
            theirs / ours for theirs, ours in zip(result["times"], first["times"], strict=True)
        )
        for side, result in results.items()
        if side != case.sides[0] and "skipped" not in result
    }
    figures = {side: _figures(result) for side, result in results.items()}
    return {"name": case.name, "work": case.work, "sides": figures, "ratios": ratios}


def machine_facts() -> dict[str, Any]:
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
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _skipped(process: _Process, error: Exception) -> dict[str, Any]:
    """The result of a side that could not run."""
    why = process.why(error)
    process.close()
    return {"skipped": why}


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    if "skipped" in result:
        return result
    times, cpu = result.pop("times"), result.pop("cpu")
    return {
        "seconds": statistics.median(times),
        "seconds_min": min(times),
        "seconds_max": max(times),
        "seconds_p99": sorted(times)[math.ceil(0.99 * len(times)) - 1],
        "cpu_seconds": statistics.median(cpu),
        "rounds": len(times),
        **result,
    }


class _Process:
    """A worker, and what it wrote to stderr."""

    def __init__(self, side: str, work: dict[str, Any]) -> None:
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

    def facts(self) -> dict[str, Any]:
        """Wait until the work is built and warm."""
        self._worker.ready()
        return self.ask("facts")

    def ask(self, what: str) -> dict[str, Any]:
        """See ``worker.Side.run``."""
        return self._worker.run({"op": what})[0]

    def why(self, error: Exception) -> str:
        """Why it failed, in one line: its exception, or the last thing on its stderr."""
        self._log.seek(0)
        found = str(error) if "crashed" in str(error) else self._log.read()
        lines = [line for line in found.splitlines() if line.strip()]
        return lines[-1].strip() if lines else str(error)

    def close(self) -> None:
        """End it, however far it is."""
        self._worker.kill()
        self._worker.close()
        self._log.close()
