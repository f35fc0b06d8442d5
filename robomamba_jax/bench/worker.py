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
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict

from robomamba_jax.bench.control import LLAMA
from robomamba_jax.utils.ipc import Job, Reply

# Side -> the module here whose ``build`` makes the work of a case. By name, because each imports
# its framework: a worker loads the one that it measures and no other.
SIDES = {
    "machine": "machine",
    **dict.fromkeys(("jax-chunked", "jax-associative", "jax-sequential"), "scan_jax"),
    **dict.fromkeys(("transformers-loop", "transformers-mambapy"), "scan_torch"),
    **dict.fromkeys(("robomamba-data", "robomamba-packed"), "data_ours"),
    "torch-dataloader": "data_torch",
    "robomamba": "lm_jax",
    **dict.fromkeys(("transformers", "mambapy"), "lm_torch"),
    "robomamba-train": "train_ours",
    "robomamba-step": "step_ours",
    **dict.fromkeys(("torch-mambapy", "torch-loop"), "train_torch"),
    "robomamba-control": "control_ours",
    **{f"llama-{name}": "control_torch" for name in LLAMA},
    **dict.fromkeys(("world", "sapien-default"), "world_ours"),
    "device-facts": "device.facts",
    **{
        f"device-scan-{name}": "device.scan"
        for name in ("kernel", "chunk-8", "chunk-16", "chunk-64", "steps-32")
    },
    **{f"device-scan-lanes-{lanes}": "device.scan" for lanes in (1, 2, 4)},
    "device-products": "device.products",
    **dict.fromkeys(("device-step-kernel", "device-step-chunked"), "device.step"),
    **dict.fromkeys(("torch-mamba-ssm", "torch-mambapy-scan"), "device.peers"),
}

SHORTEST_RUN = 0.2  # seconds; shorter work is repeated within one measurement


class Workload(NamedTuple):
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


class Setup(TypedDict):
    """What a worker process is started with."""

    side: str
    case: Mapping[str, Any]


class Side:
    """The built work of a side, warm."""

    def __init__(self, side: str, case: Mapping[str, Any]) -> None:
        """Build it and run it twice: to warm up, and to see how long it takes."""
        started = time.perf_counter()
        module = importlib.import_module(f"robomamba_jax.bench.{SIDES[side]}")
        work: Workload = module.build(side, case)
        # Once for what is compiled, paged in and cached on first use; then once to know how long.
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
            # In KiB on Linux. The highest since the process began: building and compiling are in
            # it.
            return {"peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}, {}
        seconds, cpu = _measure(self._run, self._repeats)
        return {"seconds": seconds, "cpu_seconds": cpu}, {}


def open_side(setup: Setup) -> Side:
    """What a worker process calls: {"side": a name in ``SIDES``, "case": what it reads}."""
    return Side(setup["side"], setup["case"])


def _measure(run: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Wall and CPU seconds of one run, the mean of ``repeats``."""
    # Python's collector would run in the middle of whichever measurement it is due in.
    gc.collect()
    gc.disable()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.enable()
    return wall / repeats, cpu / repeats
