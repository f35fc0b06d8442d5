# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Held-out losses and scores in the middle of training, and what the model says there."""

from __future__ import annotations

import jax

from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.samples import SampleMaker
from robomamba_jax.training.setup import Session
from robomamba_jax.utils.json_types import Json


class Evaluation:
    """The same batches every time, so that metrics of different steps can be compared."""

    def __init__(self, session: Session) -> None:
        """Nothing is read or compiled before it is asked for."""
        self._session = session
        self._sampler: SampleMaker | None = None
        self._feeder: DeviceFeeder | None = None

    def scores(self) -> dict[str, float]:
        """Means over the evaluation's batches; {} without evaluation data."""
        session = self._session
        pipeline = session.held_out
        if pipeline is None:
            return {}
        if self._feeder is None:
            self._feeder = DeviceFeeder(session.program.mesh, pipeline.batch_size)
        steps = min(session.config.run.eval_steps, pipeline.epoch_steps)
        # Sums and counts are added first and divided in the end: batches with few answers weigh as
        # much as they hold. On the host, in float64.
        totals: dict[str, list[float]] = {}
        for batch in pipeline.batches(0, steps):
            arrays = self._feeder.put(batch.arrays)
            found = session.program.evaluate(session.state.trained, session.frozen, arrays)
            for name, (value, count) in jax.device_get(found).items():
                sums = totals.setdefault(name, [0.0, 0.0])
                sums[0] += float(value)
                sums[1] += float(count)
        return {name: value / max(count, 1.0) for name, (value, count) in totals.items()}

    def samples(self) -> list[dict[str, Json]]:
        """Answers or poses beside their references."""
        session = self._session
        self._sampler = self._sampler or session.open_samples()
        return self._sampler(session.state.trained, session.frozen)
