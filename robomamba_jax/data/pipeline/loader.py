# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Batches in the plan's order: grain reads ahead, workers decode, the plan decides.

The state is ``{seed, step, plan_hash}``: a batch is a pure function of it, so a run goes on
exactly where it was, with any number of processes and workers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.cache.prepared import PreparedDataset
from robomamba_jax.data.pipeline.batch_plan import BatchPlan, local_rows
from robomamba_jax.data.pipeline.ledger import Ledger
from robomamba_jax.data.pipeline.sample_index import SampleIndex, joined
from robomamba_jax.data.pipeline.step_data import (
    DataState,
    StepBatch,
    StepContents,
    checked_step,
    read_ahead,
)
from robomamba_jax.data.pipeline.tasks import DataPool, problems_of
from robomamba_jax.utils.progress import OnProgress

_SCAN = 1024  # samples per job


class BatchLoader:
    """The data of a training run.

    Attributes:
      config: what it reads.
      sample_index: all usable samples.
      plan: their order.
    """

    def __init__(
        self,
        config: DataConfig,
        *,
        workers: int = 0,
        process_id: int = 0,
        num_processes: int = 1,
        rows: Sequence[int] | None = None,
        ledger: str | os.PathLike[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Open the data, measure every sample's text, and plan.

        Args:
          config: what to read, see ``config.data``.
          workers: processes that decode; 0 = this one does.
          process_id: which of the run's processes this is.
          num_processes: how many there are; each reads its own rows.
          rows: which rows of every step this process reads, where its devices do not hold just
            the slice that ``process_id`` stands for.
          ledger: the file for what is left out. Each further process writes what it finds
            late into a file of its own beside it: ledger.1.jsonl, ...
          on_progress: called with (samples measured, samples in all).

        Raises:
          InputError: something in the configuration or the data is wrong; with
            ``on_error="raise"`` also the first sample that cannot be used.
        """
        self.config = config
        self._ledger = None if ledger is None else Ledger(_own_ledger(Path(ledger), process_id))
        if rows is None:
            # local_rows checks and cuts lists of samples; here the rows' own numbers are cut.
            numbered = [[row] for row in range(config.batch.batch_size)]
            rows = [row for (row,) in local_rows(numbered, process_id, num_processes)]
        self._rows = list(rows)
        self._pool = DataPool(config, workers)
        try:
            self.sample_index = _measured(self._pool, on_progress)
            if self.sample_index.problems and config.on_error == "raise":
                raise self.sample_index.problems[0].as_error()
            # All processes measure the same samples: one of them writes what it found. Late
            # problems are found by the process that has the row.
            if self._ledger is not None and not process_id:
                self._ledger.add(self.sample_index.problems)
            weights = {dataset.name: dataset.weight for dataset in self._pool.tasks.datasets}
            # All or none have weights, which DataConfig has checked.
            given = {name: weight for name, weight in weights.items() if weight is not None}
            self.plan = BatchPlan(self.sample_index, config.batch, config.seed, given or None)
        except BaseException:
            self.close()
            raise

    def state(self, step: int) -> DataState:
        """What a checkpoint keeps before ``step``: enough to go on from there."""
        return {"seed": self.config.seed, "step": step, "plan_hash": self.plan.sha256}

    def restore(self, state: Mapping[str, Any]) -> int:
        """The step to go on from.

        Raises:
          InputError: the state is of other data, or of another order.
        """
        return checked_step(state, self.state(int(state["step"])))

    def batch(self, step: int) -> StepBatch:
        """One step's batch, whatever was read before."""
        layout = self.plan.layout(step)
        # Every process computes the whole layout, which is cheap against decoding, and then
        # builds its own rows alone.
        rows = [layout.rows[row] for row in self._rows]
        sample_index = self.sample_index
        positions = [
            [(int(sample_index.dataset[n]), int(sample_index.index[n])) for n in row]
            for row in rows
        ]
        job = {"op": "rows", "rows": positions, "shape": list(layout.shape), "step": step}
        reply, arrays = self._pool.run(job)
        return StepBatch(step, layout.epoch, arrays, rows, problems_of(reply))

    def batches(
        self, start: int = 0, stop: int | None = None, *, prefetch: int = 2
    ) -> Iterator[StepBatch]:
        """The batches from ``start`` on, read ahead by grain.

        Args:
          start: the first step.
          stop: behind the last; None = endless.
          prefetch: batches that wait beside those being built.

        Raises:
          InputError: see ``build_rows``, where nothing may be skipped.
        """
        # Each thread waits for one reply at a time, and a worker takes two jobs
        # (ProcessPool.depth).
        threads = max(1, 2 * self._pool.workers)
        for batch in read_ahead(self.batch, start, stop, threads=threads, prefetch=prefetch):
            if batch.problems and self._ledger is not None:
                self._ledger.add(batch.problems)
            yield batch

    def ids(self, batch: StepBatch) -> list[list[str]]:
        """The names of each row's samples."""
        return self._names(batch.samples)

    def sample_ids(self, step: int) -> list[list[str]]:
        """The names of each row's samples, the rows of all processes."""
        return self._names(self.plan.layout(step).rows)

    def _names(self, rows: Sequence[Sequence[int]]) -> list[list[str]]:
        return [[self.sample_index.sample_id(number) for number in row] for row in rows]

    def contents(self, step: int) -> StepContents:
        """What a step holds over all processes, known to each from the plan. Padding is no work:
        a step of half-empty rows has half the utilisation."""
        members = [number for row in self.plan.layout(step).rows for number in row]
        images = int(np.sum(self.sample_index.images[members]))
        text = int(np.sum(self.sample_index.text[members]))
        tokens = text + images * self.config.batch.image_tokens
        return StepContents(tokens, images, len(members))

    @property
    def batch_size(self) -> int:
        """Rows of the global batch."""
        return self.config.batch.batch_size

    @property
    def epoch_steps(self) -> int:
        """Steps of the first epoch."""
        return self.plan.start_of(1)

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def Pipeline(
    config: DataConfig,
    *,
    process: int = 0,
    processes: int = 1,
    tell: OnProgress | None = None,
    **rest: Any,
) -> BatchLoader:
    """``BatchLoader`` by the name that it had before; for one version."""
    print("robomamba: data.pipeline.loader.Pipeline is now BatchLoader", file=sys.stderr)
    return BatchLoader(
        config, process_id=process, num_processes=processes, on_progress=tell, **rest
    )


def _own_ledger(path: Path, process_id: int) -> Path:
    """Processes must not write into one file."""
    return path if process_id == 0 else path.with_name(f"{path.stem}.{process_id}{path.suffix}")


def _measured(pool: DataPool, on_progress: OnProgress | None) -> SampleIndex:
    """All samples' sizes: of prepared parts from their index, of others by reading."""
    datasets = pool.tasks.datasets
    names = tuple(dataset.name for dataset in datasets)
    jobs: list[dict[str, Any]] = []
    for number, dataset in enumerate(datasets):
        # Of prepared data one job: its sizes are read out of an index. Other data is tokenised to
        # be measured, in jobs that are large against a message and small against the whole.
        size = len(dataset) if isinstance(dataset, PreparedDataset) else _SCAN
        jobs += [
            {"op": "scan", "dataset": number, "start": at, "stop": min(at + size, len(dataset))}
            for at in range(0, len(dataset), max(size, 1))
        ]
    indexes, problems, done = [], [], 0
    total = sum(len(dataset) for dataset in datasets)
    for job, (reply, arrays) in zip(jobs, pool.map(jobs), strict=True):
        indexes.append(SampleIndex.from_arrays(names, arrays))
        problems += problems_of(reply)
        done += job["stop"] - job["start"]
        if on_progress is not None:
            on_progress(done, total)
    return joined(indexes, problems)
