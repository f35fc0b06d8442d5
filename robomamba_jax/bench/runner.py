# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Start every side of a case in its own process and let them take turns."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import IO, Any, NamedTuple

from robomamba_jax.utils.version import __version__

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


def run_case(case: Case, rounds: int, tell: Callable[[str], None]) -> dict[str, Any]:
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
            process = _Process(side, case.work)
            facts = process.listen()
            if facts is None:
                results[side] = {"skipped": process.last_words()}
                continue
            running[side], results[side] = process, {**facts, "times": [], "cpu": []}
        for turn in range(rounds):
            tell(f"{case.name}: round {turn + 1} of {rounds}")
            order = list(running)
            for side in order[turn % len(order) :] + order[: turn % len(order)] if order else ():
                reply = running[side].ask()
                if reply is None:
                    results[side] = {"skipped": running.pop(side).last_words()}
                    continue
                results[side]["times"].append(reply["seconds"])
                results[side]["cpu"].append(reply["cpu_seconds"])
        for side, process in running.items():
            results[side].update(process.finish())
    finally:
        for process in running.values():
            process.kill()
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
    """A worker and the pipe to it."""

    def __init__(self, side: str, work: dict[str, Any]) -> None:
        spec = json.dumps({"side": side, "case": work})
        # Waiting threads must not spin: the other side is being measured.
        environment = {
            **os.environ,
            "OMP_WAIT_POLICY": "passive",
            "TOKENIZERS_PARALLELISM": "false",
        }
        # A file, not a pipe: a worker that warns a lot must not wait for us to read.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the worker)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "robomamba_jax.bench.worker", spec],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def listen(self) -> dict[str, Any] | None:
        """The next reply, or None if the worker has died."""
        line = _pipe(self._process.stdout).readline()
        return json.loads(line) if line else None

    def ask(self) -> dict[str, Any] | None:
        """Let it run once."""
        stdin = _pipe(self._process.stdin)
        try:
            stdin.write("run\n")
            stdin.flush()
        except BrokenPipeError:
            return None
        return self.listen()

    def finish(self) -> dict[str, Any]:
        """Close its input and take its last figures."""
        _pipe(self._process.stdin).close()
        return self.listen() or {}

    def last_words(self) -> str:
        """Why it died, in one line."""
        self._end()
        self._log.seek(0)
        lines = [line for line in self._log.read().splitlines() if line.strip()]
        self.kill()
        return lines[-1].strip() if lines else f"exit status {self._process.returncode}"

    def kill(self) -> None:
        """End it, however far it is, and close what leads to it."""
        self._end()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
