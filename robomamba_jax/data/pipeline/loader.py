# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Batches in the plan's order: grain reads ahead, workers decode, the plan decides.

The state is ``{seed, step, plan_hash}``: a batch is a pure function of it, so a run goes on
exactly where it was, with any number of processes and workers.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.cache.prepared import PreparedDataset
from robomamba_jax.data.pipeline.batch_plan import BatchPlan, local_rows
from robomamba_jax.data.pipeline.ledger import Ledger, Problem
from robomamba_jax.data.pipeline.sample_index import SampleIndex, joined
from robomamba_jax.data.pipeline.tasks import DataPool, problems_of
from robomamba_jax.errors import InputError

_SCAN = 1024  # samples per job
# Steps of any run: more than anybody takes, and few enough for grain's own arithmetic.
_ENDLESS = 2**40


@dataclasses.dataclass(frozen=True)
class StepBatch:
    """One process's rows of one step.

    Attributes:
      step: from 0.
      epoch: from 0.
      arrays: see ``batches``.
      samples: each row's samples by their numbers in ``BatchPlan.sample_index``, those that turned
        out to be bad included.
      problems: samples that turned out to be bad.
    """

    step: int
    epoch: int
    arrays: dict[str, np.ndarray]
    samples: list[list[int]]
    problems: list[Problem]


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
        on_progress: Any = None,
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
            numbered = [[row] for row in range(config.batch.batch_size)]
            rows = [row for (row,) in local_rows(numbered, process_id, num_processes)]
        self._rows = list(rows)
        self._pool = DataPool(config, workers)
        try:
            self.sample_index = _measured(self._pool, on_progress)
            if self.sample_index.problems and config.on_error == "raise":
                raise self.sample_index.problems[0].as_error()
            if self._ledger is not None and not process_id:
                self._ledger.add(self.sample_index.problems)
            weights = {dataset.name: dataset.weight for dataset in self._pool.tasks.datasets}
            given = {name: weight for name, weight in weights.items() if weight is not None}
            self.plan = BatchPlan(self.sample_index, config.batch, config.seed, given or None)
        except BaseException:
            self.close()
            raise

    def state(self, step: int) -> dict[str, Any]:
        """What a checkpoint keeps before ``step``: enough to go on from there."""
        return {"seed": self.config.seed, "step": step, "plan_hash": self.plan.sha256}

    def restore(self, state: Mapping[str, Any]) -> int:
        """The step to go on from.

        Raises:
          InputError: the state is of other data, or of another order.
        """
        mine = self.state(int(state["step"]))
        for name, what in (("seed", "seed"), ("plan_hash", "data, batches or mixture")):
            if state[name] != mine[name]:
                raise InputError(
                    "other_data",
                    f"the checkpoint was made with another {what}: {name} "
                    f"{str(state[name])[:12]}, now {str(mine[name])[:12]}",
                    "restore the configuration and the files, or begin a new run",
                )
        return mine["step"]

    def batch(self, step: int) -> StepBatch:
        """One step's batch, whatever was read before."""
        layout = self.plan.layout(step)
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
        import grain

        threads = max(1, 2 * self._pool.workers)
        dataset = grain.MapDataset.source(_Steps(self, start, stop))
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads + prefetch)
        for batch in dataset.to_iter_dataset(options):
            if batch.problems and self._ledger is not None:
                self._ledger.add(batch.problems)
            yield batch

    def ids(self, batch: StepBatch) -> list[list[str]]:
        """The names of each row's samples."""
        return [[self.sample_index.sample_id(number) for number in row] for row in batch.samples]

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def Pipeline(
    config: DataConfig, *, process: int = 0, processes: int = 1, tell: Any = None, **rest: Any
) -> BatchLoader:
    """``BatchLoader`` by the name that it had before; for one version."""
    print("robomamba: data.pipeline.loader.Pipeline is now BatchLoader", file=sys.stderr)
    return BatchLoader(
        config, process_id=process, num_processes=processes, on_progress=tell, **rest
    )


class _Steps:
    """Steps as grain's random-access source."""

    def __init__(self, pipeline: BatchLoader, start: int, stop: int | None) -> None:
        self._pipeline, self._start = pipeline, start
        self._count = max(0, (_ENDLESS if stop is None else stop) - start)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> StepBatch:
        return self._pipeline.batch(self._start + int(index))


def _own_ledger(path: Path, process_id: int) -> Path:
    """Processes must not write into one file."""
    return path if process_id == 0 else path.with_name(f"{path.stem}.{process_id}{path.suffix}")


def _measured(pool: DataPool, on_progress: Any) -> SampleIndex:
    """All samples' sizes: of prepared parts from their index, of others by reading."""
    datasets = pool.tasks.datasets
    names = tuple(dataset.name for dataset in datasets)
    jobs: list[dict[str, Any]] = []
    for number, dataset in enumerate(datasets):
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
