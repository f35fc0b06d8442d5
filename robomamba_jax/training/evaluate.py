# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Held-out losses and scores in the middle of training, and what the model says there."""

from __future__ import annotations

from typing import Any

import jax

from robomamba_jax.training.device_put import Feed
from robomamba_jax.training.samples import Answers, Poses
from robomamba_jax.training.setup import Session


class Evaluation:
    """The same batches every time, so that figures can be compared."""

    def __init__(self, session: Session) -> None:
        """Nothing is read or compiled before it is asked for."""
        self._session = session
        self._say: Any = None
        self._feed: Feed | None = None

    def scores(self) -> dict[str, float]:
        """Means over the evaluation's batches; {} without evaluation data."""
        session = self._session
        pipeline = session.held_out
        if pipeline is None:
            return {}
        if self._feed is None:
            self._feed = Feed(session.program.mesh, pipeline.config.batch.batch_size)
        steps = min(session.config.run.eval_steps, pipeline.plan.start_of(1))
        totals: dict[str, list[float]] = {}
        for batch in pipeline.batches(0, steps):
            arrays = self._feed.put(batch.arrays)
            found = session.program.evaluate(session.state.trained, session.frozen, arrays)
            for name, (value, count) in jax.device_get(found).items():
                sums = totals.setdefault(name, [0.0, 0.0])
                sums[0] += float(value)
                sums[1] += float(count)
        return {name: value / max(count, 1.0) for name, (value, count) in totals.items()}

    def samples(self) -> list[dict[str, Any]]:
        """Answers or poses beside the wanted ones."""
        session, program = self._session, self._session.program
        if self._say is None:
            pipeline = session.held_out or session.pipeline
            count = session.config.run.samples
            if session.config.loss.kind == "pose":
                self._say = Poses(program, pipeline, count)
            elif program.features:
                return []  # the encoder is not loaded, so no picture can be read
            else:
                self._say = Answers(program, pipeline.config, count)
        return self._say(session.state.trained, session.frozen)
