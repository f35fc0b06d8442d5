# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a training loop asks of its data, whatever they are: batches that the step decides.

The state is ``{seed, step, plan_hash}``: a batch is a pure function of it, so a run goes on
exactly where it was, with any number of processes and workers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypedDict

import numpy as np

from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.errors import InputError

# Steps of any run: more than anybody takes, and few enough for grain's own arithmetic.
_ENDLESS = 2**40


@dataclasses.dataclass(frozen=True)
class StepBatch:
    """One process's rows of one step.

    Attributes:
      step: from 0.
      epoch: from 0.
      arrays: by name; every first axis is this process's rows.
      samples: each row's samples by their numbers in the data set, those that turned out to be
        bad included.
      problems: samples that turned out to be bad.
    """

    step: int
    epoch: int
    arrays: dict[str, np.ndarray]
    samples: list[list[int]]
    problems: list[Problem] = dataclasses.field(default_factory=list)


class StepContents(NamedTuple):
    """How much a step holds, over all processes and without padding.

    Attributes:
      tokens: of text and images together.
      images: how many.
      samples: how many.
    """

    tokens: int
    images: int
    samples: int


class DataState(TypedDict):
    """What a checkpoint keeps of the data: batches are a pure function of it."""

    seed: int
    step: int
    plan_hash: str


class StepData(Protocol):
    """The data of a run, as its loop reads them."""

    @property
    def batch_size(self) -> int:
        """Rows of the global batch."""
        ...

    @property
    def epoch_steps(self) -> int:
        """Steps of the first epoch."""
        ...

    def batches(
        self, start: int = 0, stop: int | None = None, *, prefetch: int = 2
    ) -> Iterator[StepBatch]:
        """This process's rows of the steps from ``start`` to before ``stop`` (None = endless),
        with so many batches read ahead."""
        ...

    def state(self, step: int) -> DataState:
        """What a checkpoint keeps before ``step``."""
        ...

    def restore(self, state: Mapping[str, Any]) -> int:
        """The step to go on from; ``InputError`` where the state is of other data."""
        ...

    def sample_ids(self, step: int) -> list[list[str]]:
        """The names of each row's samples, the rows of all processes."""
        ...

    def contents(self, step: int) -> StepContents:
        """What a step holds."""
        ...

    def close(self) -> None:
        """End what reads."""
        ...


def checked_step(state: Mapping[str, Any], mine: DataState) -> int:
    """The step of a checkpoint's data state, if it is of these data.

    Args:
      state: the checkpoint's.
      mine: that of the data at hand before the same step.

    Raises:
      InputError: the state is of other data, or of another order.
    """
    for name, what in (("seed", "seed"), ("plan_hash", "data, batches or mixture")):
        if state[name] != mine[name]:
            raise InputError(
                "data_mismatch",
                f"the checkpoint was made with another {what}: {name} "
                f"{str(state[name])[:12]}, now {str(mine[name])[:12]}",
                "restore the configuration and the files, or begin a new run",
            )
    return mine["step"]


def read_ahead(
    batch: Callable[[int], StepBatch],
    start: int,
    stop: int | None,
    *,
    threads: int = 1,
    prefetch: int = 2,
) -> Iterator[StepBatch]:
    """``batch(step)`` of one step after the other, read ahead by grain.

    Args:
      batch: called in threads, for any step at any time.
      start: the first step.
      stop: behind the last; None = endless.
      threads: how many steps are built at a time.
      prefetch: batches that wait beside those being built.
    """
    # Here and not above: grain imports jax, which workers must not load.
    import grain

    dataset = grain.MapDataset.source(_Steps(batch, start, stop))
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads + prefetch)
    # grain keeps the order of the steps whatever thread is done first, so what comes out is
    # deterministic.
    return iter(dataset.to_iter_dataset(options))


class _Steps:
    """Steps as grain's random-access source."""

    def __init__(self, batch: Callable[[int], StepBatch], start: int, stop: int | None) -> None:
        self._batch, self._start = batch, start
        self._count = max(0, (_ENDLESS if stop is None else stop) - start)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> StepBatch:
        return self._batch(self._start + int(index))
