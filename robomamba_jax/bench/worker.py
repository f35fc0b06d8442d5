# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One side of a comparison, alone in its process; spoken to by lines of JSON.

    python -m robomamba_jax.bench.worker '{"side": "jax-chunked", "case": {...}}'

It builds the work, warms up, says it is ready, and then runs it once for every line
that comes in. Alone, so that one framework's threads, caches and memory are not
counted as another's.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

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


def main(argv: list[str]) -> int:
    """Serve the side named in the argument until stdin ends."""
    # Libraries may print to stdout; the protocol keeps the real one for itself.
    out, sys.stdout = sys.stdout, sys.stderr

    def say(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=out, flush=True)

    spec = json.loads(argv[0])
    module, function = SIDES[spec["side"]].split(":")
    started = time.perf_counter()
    work = getattr(importlib.import_module(module), function)(spec["side"], spec["case"])
    work.run()
    ready = time.perf_counter() - started
    took, _ = _measure(work.run, 1)
    repeats = max(1, round(SHORTEST_RUN / max(took, 1e-6))) if work.repeat else 1
    say({"ready_seconds": ready, "repeats": repeats, **work.facts})
    for _ in sys.stdin:
        seconds, cpu = _measure(work.run, repeats)
        say({"seconds": seconds, "cpu_seconds": cpu})
    say({"peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
    return 0


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
