# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time goes: waiting for data, steps, tokens a second, the share of the peak."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from robomamba_jax.data.pipeline.loader import StepBatch
from robomamba_jax.training.flops import flops_per_token, peak_flops, step_flops
from robomamba_jax.training.setup import Session


class Clock:
    """Times the steps, and compiles them while nobody counts."""

    def __init__(self, session: Session) -> None:
        """Look up or measure what the device could do."""
        self._session = session
        self._compiled: dict[Any, Any] = {}
        self._waited: dict[int, float] = {}
        self._mark: float | None = None
        program = session.program
        self._per_token = flops_per_token(program.state.trained, program.frozen, program.model)
        devices = program.mesh.devices.reshape(-1)
        local = [d for d in devices if d.process_index == jax.process_index()]
        self.device = local[0]
        peak, self.peak_source = peak_flops(self.device)
        # Devices of one CPU share its cores.
        shared = self.device.platform == "cpu"
        self.peak = peak * (jax.process_count() if shared else len(devices))
        self.temporaries: int | None = None

    def waiting(self, batches: Iterator[StepBatch]) -> Iterator[StepBatch]:
        """The same batches, with the time that each was waited for."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            self._waited[batch.step] = time.perf_counter() - start
            yield batch

    def compiled(self, arrays: dict[str, jax.Array], say: Callable[[str], None]) -> Any:
        """The step for batches of this shape; compiling is said, and counts for no step."""
        key = tuple((name, array.shape, str(array.dtype)) for name, array in arrays.items())
        if key not in self._compiled:
            session, start = self._session, time.perf_counter()
            lowered = session.program.step.lower(session.state, session.frozen, arrays)
            compiled = lowered.compile()
            memory = compiled.memory_analysis()
            self.temporaries = None if memory is None else memory.temp_size_in_bytes
            rows, length = arrays["input_ids"].shape
            text = "" if memory is None else f", {memory.temp_size_in_bytes / 2**20:,.0f} MiB work"
            took = time.perf_counter() - start
            say(f"compiled the step for {rows} rows of {length} in {took:.1f} s{text}")
            self._compiled[key] = compiled
            self.skip()
        return self._compiled[key]

    def skip(self) -> None:
        """What has passed since the last step belongs to none."""
        self._mark = None

    def step_done(self, step: int) -> dict[str, float | None]:
        """Seconds and rates of a step whose metrics have just arrived; None where unknown."""
        now = time.perf_counter()
        seconds = None if self._mark is None else now - self._mark
        self._mark = now
        found: dict[str, float | None] = {"seconds": seconds, "data_wait": self._waited.pop(step)}
        tokens, images, samples = self._contents(step)
        vision = self._session.program.model.vision
        patches = 0 if vision is None else vision.num_patches
        work = step_flops(self._per_token, tokens, images, patches, samples)
        for name, amount in (("tokens_per_s", tokens), ("samples_per_s", samples)):
            found[name] = None if not seconds else amount / seconds
        found["mfu"] = None if not seconds else work / seconds / self.peak
        found["memory_bytes"] = memory_in_use(self.device)
        return found

    def _contents(self, step: int) -> tuple[int, int, int]:
        """Tokens (text and images), images and samples of a step, over all processes."""
        plan = self._session.pipeline.plan
        members = [n for row in plan.layout(step).rows for n in row]
        table, size = plan.sample_index, plan.batch.image_tokens
        images = int(np.sum(table.images[members]))
        return int(np.sum(table.text[members])) + images * size, images, len(members)


def memory_in_use(device: Any) -> float:
    """Peak bytes on a device; of a CPU, of this process."""
    stats = device.memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return float(stats["peak_bytes_in_use"])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
