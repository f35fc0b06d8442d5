# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``make demo``: data, pre-training, three stages, benchmarks, rollouts, a report.

A phase does what is not done yet, so that the same command resumes after any interruption; what
it took is added up in ``phases.json``.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.phases import WORK, Demo, Phase
from robomamba_jax.demo.plan import PHASES, DemoPlan
from robomamba_jax.demo.results import Results, Spent
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.question_files import write_json
from robomamba_jax.pretraining.runs import Console
from robomamba_jax.utils.json_types import JsonObject


class PhaseLog:
    """What is done, and what it took: phases.json.

    Attributes:
      done: the results of the phases that are done.
      seconds: phase -> what it took, interrupted attempts included.
      cpu_seconds: likewise, the processors' time of all processes.
      peak_rss: bytes of the largest process.
    """

    def __init__(self, root: Path) -> None:
        """Read what an earlier call has left.

        Raises:
          InputError: an older version left results that this one cannot read.
        """
        self._path = root / "phases.json"
        self.done, self.peak_rss = Results(), 0
        self.seconds, self.cpu_seconds = dict[str, float](), dict[str, float]()
        if self._path.is_file():
            try:
                content = json.loads(self._path.read_bytes())
                # "report" was listed by older versions; it is always written again.
                done = {name: part for name, part in content["done"].items() if name != "report"}
                self.done = Results.from_json(done)
                self.seconds, self.peak_rss = content["seconds"], content["peak_rss"]
                # Not counted by older versions.
                self.cpu_seconds = content.get("cpu_seconds", {})
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InputError(
                    "demo_mismatch",
                    f"{self._path} was written by another version of this program: {error}",
                    "remove it: what is in the folder's other files is not done again",
                ) from error

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times a phase, also one that is interrupted."""
        started, worked = time.monotonic(), cpu_seconds()
        try:
            yield
        finally:
            # Added up over attempts: a report must not look faster for having been interrupted.
            spent = time.monotonic() - started, cpu_seconds() - worked
            for kept, more in zip((self.seconds, self.cpu_seconds), spent, strict=True):
                kept[name] = round(kept.get(name, 0.0) + more, 2)
            self.peak_rss = max(self.peak_rss, peak_rss())
            self._write()

    def finish(self, name: str, result: object) -> None:
        """A phase is done, with this result."""
        self.done = dataclasses.replace(self.done, **{name: result})
        self._write()

    def _write(self) -> None:
        content = {"done": self.done.to_json(), **dataclasses.asdict(self.spent)}
        write_json(self._path, content)

    @property
    def spent(self) -> Spent:
        """What the phases took so far."""
        return Spent(dict(self.seconds), dict(self.cpu_seconds), self.peak_rss)


def peak_rss() -> int:
    """Bytes of the largest process so far, this one and those that it has started."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    # Linux counts in KiB.
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def cpu_seconds() -> float:
    """The processors' time so far, of this process and of those that it has started and that have
    ended: the workers of a phase end with it."""
    usages = [resource.getrusage(k) for k in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_demo(
    plan: DemoPlan, root: Path, console: Console, work: Mapping[str, Phase] = WORK
) -> JsonObject:
    """Carry out a plan, or the rest of it.

    Args:
      plan: the mode.
      root: the demo's folder.
      console: for lines and progress.
      work: phase -> what it does.

    Returns:
      The report, which lies in ``report.json`` and ``report.html`` too.

    Raises:
      InputError: the folder holds another demo, or something that is needed is missing.
    """
    _claim(plan, root)
    log, budget = PhaseLog(root), dict(plan.budget)
    for number, name in enumerate(PHASES, 1):
        # A mode does without the phases for which it plans no time: most have no ablations.
        if name not in budget:
            continue
        if name in log.done.done():
            console.log(f"[{number}/{len(PHASES)}] {name}: done before")
            continue
        console.log(f"[{number}/{len(PHASES)}] {name}: about {budget[name]:g} minutes")
        # The report tells of the phases before it: it cannot know its own time in the first run.
        demo = Demo(plan, DemoPaths(root), console, log.spent)
        with log.phase(name):
            result = work[name](demo, log.done)
        if name != "report":  # whose result is two files, written again by every call
            log.finish(name, result)
        console.log(
            f"    {name} took {log.seconds[name] / 60:.1f} minutes "
            f"({log.cpu_seconds[name] / 60:.1f} of CPU)"
        )
    return json.loads((root / "report.json").read_bytes())


def _claim(plan: DemoPlan, root: Path) -> None:
    """One folder, one plan: a resumed phase must continue what was begun, not something else."""
    # Through JSON, which has lists for tuples: as the note will be read back.
    note, content = root / "plan.json", json.loads(json.dumps(tree_to_json(plan)))
    if not note.is_file():
        write_json(note, content)
        return
    known = json.loads(note.read_bytes())
    changed = sorted(
        key for key in known.keys() | content.keys() if known.get(key) != content.get(key)
    )
    if changed:
        raise InputError(
            "demo_mismatch",
            f"{root} holds a demo of mode {known.get('mode')!r} with other {changed[0]}",
            f"remove it, or give another folder: make demo DEMO={plan.mode} DEMO_DIR=DIR",
        )
