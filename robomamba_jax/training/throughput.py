# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How fast a run is: waiting for data, seconds a step, tokens a second, the share of the peak."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import jax

from robomamba_jax.data.pipeline.step_data import StepBatch
from robomamba_jax.training.flops import peak_flops
from robomamba_jax.training.jax_types import Device
from robomamba_jax.training.setup import Session


class StepTimer:
    """Times the steps of a run.

    The host runs ahead of the device, so a step has no start that could be timed. Its seconds are
    those between the arrival of the metrics of the step before and of its own.
    """

    def __init__(self, session: Session) -> None:
        """Look up or measure what the device could do."""
        self._session = session
        self._waited: dict[int, float] = {}
        self._last_arrival: float | None = None
        devices = session.program.mesh.devices.reshape(-1)
        self._device = next(d for d in devices if d.process_index == jax.process_index())
        peak, _ = peak_flops(self._device)
        # Devices of one CPU share its cores: eight of them are not eight times as fast.
        shared = self._device.platform == "cpu"
        self._peak = peak * (jax.process_count() if shared else len(devices))

    def waiting(self, batches: Iterator[StepBatch]) -> Iterator[StepBatch]:
        """The same batches, with the time that each was waited for."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            self._waited[batch.step] = time.perf_counter() - start
            yield batch

    def skip(self) -> None:
        """What has passed since the last step (a compilation, a checkpoint) belongs to none."""
        self._last_arrival = None

    def step_done(self, step: int) -> dict[str, float | None]:
        """Seconds and rates of a step whose metrics have just arrived; None where unknown.

        Returns:
          ``seconds``, ``data_wait`` (seconds), ``tokens_per_s``, ``samples_per_s``, ``mfu`` (model
          FLOPs utilisation: a share of the peak, PaLM's definition, arXiv 2204.02311, appendix B)
          and ``memory_bytes``.
        """
        now = time.perf_counter()
        # None for the first step and for those behind a compilation or a checkpoint.
        seconds = None if self._last_arrival is None else now - self._last_arrival
        self._last_arrival = now
        found: dict[str, float | None] = {"seconds": seconds, "data_wait": self._waited.pop(step)}
        held = self._session.pipeline.contents(step)
        work = self._session.program.work(held) / self._peak
        for name, amount in (
            ("tokens_per_s", held.tokens),
            ("samples_per_s", held.samples),
            ("mfu", work),
        ):
            found[name] = None if not seconds else amount / seconds
        found["memory_bytes"] = memory_in_use(self._device)
        return found


def memory_in_use(device: Device) -> float:
    """Peak bytes on a device; of a CPU, of this process."""
    stats = device.memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return float(stats["peak_bytes_in_use"])
    # Linux counts ru_maxrss in KiB.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
