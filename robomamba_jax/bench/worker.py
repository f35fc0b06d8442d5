# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One side of a comparison, the task of a worker process (``utils.process_pool``).

It builds the work, warms up, and then runs it once for every job. Alone in its process, so that
one framework's threads, caches and memory are not counted as another's.
"""

from __future__ import annotations

import gc
import importlib
import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from robomamba_jax.utils.ipc import Job, Reply

# side -> "module:function"; the function builds the work of a case.
SIDES = {
    "machine": "robomamba_jax.bench.machine:build",
    "jax-chunked": "robomamba_jax.bench.scan_jax:build",
    "jax-associative": "robomamba_jax.bench.scan_jax:build",
    "jax-sequential": "robomamba_jax.bench.scan_jax:build",
    "transformers-loop": "robomamba_jax.bench.scan_torch:build",
    "transformers-mambapy": "robomamba_jax.bench.scan_torch:build",
    "robomamba-data": "robomamba_jax.bench.data_ours:build",
    "robomamba-packed": "robomamba_jax.bench.data_ours:build",
    "torch-dataloader": "robomamba_jax.bench.data_torch:build",
    "robomamba": "robomamba_jax.bench.lm_jax:build",
    "transformers": "robomamba_jax.bench.lm_torch:build",
    "mambapy": "robomamba_jax.bench.lm_torch:build",
    "robomamba-train": "robomamba_jax.bench.train_ours:build",
    "torch-mambapy": "robomamba_jax.bench.train_torch:build",
    "torch-loop": "robomamba_jax.bench.train_torch:build",
    "robomamba-control": "robomamba_jax.bench.control_ours:build",
    **{
        f"llama-{name}": "robomamba_jax.bench.control_torch:build"
        for name in ("7b", "3b", "1b", "350m", "130m", "tiny")
    },
    "world": "robomamba_jax.bench.world_ours:build",
    "sapien-default": "robomamba_jax.bench.world_ours:build",
}

SHORTEST_RUN = 0.2  # seconds; shorter work is repeated within one measurement


class Work(NamedTuple):
    """What a side does once, finished when it returns, and facts about it.

    Attributes:
      run: does it.
      facts: for the result.
      repeat: whether short work is done several times within one measurement, of which the mean
        is taken; not where the slowest single run is of interest.
    """

    run: Callable[[], Any]
    facts: dict[str, Any]
    repeat: bool = True


class Side:
    """The built work of a side, warm."""

    def __init__(self, side: str, case: dict[str, Any]) -> None:
        """Build it and run it twice: to warm up, and to see how long it takes."""
        module, function = SIDES[side].split(":")
        started = time.perf_counter()
        work: Work = getattr(importlib.import_module(module), function)(side, case)
        work.run()
        ready = time.perf_counter() - started
        took, _ = _measure(work.run, 1)
        self._run = work.run
        self._repeats = max(1, round(SHORTEST_RUN / max(took, 1e-6))) if work.repeat else 1
        self._facts = {"ready_seconds": ready, "repeats": self._repeats, **work.facts}

    def run(self, job: Job) -> Reply:
        """Answer "facts" of the work, "seconds" of one measurement more, or "memory" of all."""
        if job["op"] == "facts":
            return self._facts, {}
        if job["op"] == "memory":
            return {"peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}, {}
        seconds, cpu = _measure(self._run, self._repeats)
        return {"seconds": seconds, "cpu_seconds": cpu}, {}


def open_side(setup: dict[str, Any]) -> Side:
    """What a worker process calls: {"side": a name in ``SIDES``, "case": what it reads}."""
    return Side(setup["side"], setup["case"])


def _measure(run: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Wall and CPU seconds of one run, the mean of ``repeats``."""
    gc.collect()
    gc.disable()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.enable()
    return wall / repeats, cpu / repeats
