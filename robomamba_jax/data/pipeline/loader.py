# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Batches in the plan's order: grain reads ahead, workers decode, the plan decides.

The state is ``{seed, step, plan_hash}``: a batch is a pure function of it, so a run goes on
exactly where it was, with any number of processes and workers.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.cache.prepared import PreparedPart
from robomamba_jax.data.pipeline.batch_plan import Plan, local_rows
from robomamba_jax.data.pipeline.ledger import Ledger, Problem
from robomamba_jax.data.pipeline.sample_index import SampleTable, joined
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
      samples: the numbers in ``Plan.table`` of each row's samples, late bad ones included.
      problems: samples that turned out to be bad.
    """

    step: int
    epoch: int
    arrays: dict[str, np.ndarray]
    samples: list[list[int]]
    problems: list[Problem]


class Pipeline:
    """The data of a training run.

    Attributes:
      config: what it reads.
      table: all usable samples.
      plan: their order.
    """

    def __init__(
        self,
        config: DataConfig,
        *,
        workers: int = 0,
        process: int = 0,
        processes: int = 1,
        rows: Sequence[int] | None = None,
        ledger: str | os.PathLike[str] | None = None,
        tell: Any = None,
    ) -> None:
        """Open the data, measure every sample's text, and plan.

        Args:
          config: what to read, see ``config.data``.
          workers: processes that decode; 0 = this one does.
          process: which of the run's processes this is.
          processes: how many there are; each reads its own rows.
          rows: which rows of every step this process reads, where its devices do not hold just
            the slice that ``process`` stands for.
          ledger: the file for what is left out. Each further process writes what it finds
            late into a file of its own beside it: ledger.1.jsonl, ...
          tell: called with (samples measured, samples in all).

        Raises:
          InputError: something in the configuration or the data is wrong; with
            ``on_error="raise"`` also the first sample that cannot be used.
        """
        self.config = config
        self._ledger = None if ledger is None else Ledger(_own_ledger(Path(ledger), process))
        if rows is None:
            numbered = [[row] for row in range(config.batch.batch_size)]
            rows = [row for (row,) in local_rows(numbered, process, processes)]
        self._rows = list(rows)
        self._pool = DataPool(config, workers)
        try:
            self.table = _table(self._pool, tell)
            if self.table.problems and config.on_error == "raise":
                raise self.table.problems[0].as_error()
            if self._ledger is not None and not process:
                self._ledger.add(self.table.problems)
            weights = {part.name: part.weight for part in self._pool.tasks.parts}
            given = {name: weight for name, weight in weights.items() if weight is not None}
            self.plan = Plan(self.table, config.batch, config.seed, given or None)
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
        table = self.table
        places = [[(int(table.part[n]), int(table.index[n])) for n in row] for row in rows]
        job = {"op": "rows", "rows": places, "shape": list(layout.shape), "step": step}
        reply, arrays = self._pool.run(job)
        return StepBatch(step, layout.epoch, arrays, rows, problems_of(reply))

    def batches(
        self, start: int = 0, stop: int | None = None, *, ahead: int = 2
    ) -> Iterator[StepBatch]:
        """The batches from ``start`` on, read ahead by grain.

        Args:
          start: the first step.
          stop: behind the last; None = endless.
          ahead: batches that wait beside those being built.

        Raises:
          InputError: see ``build_rows``, where nothing may be skipped.
        """
        import grain

        threads = max(1, 2 * self._pool.workers)
        dataset = grain.MapDataset.source(_Steps(self, start, stop))
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads + ahead)
        for batch in dataset.to_iter_dataset(options):
            if batch.problems and self._ledger is not None:
                self._ledger.add(batch.problems)
            yield batch

    def ids(self, batch: StepBatch) -> list[list[str]]:
        """The names of each row's samples."""
        return [[self.table.sample_id(number) for number in row] for row in batch.samples]

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Steps:
    """Steps as grain's random-access source."""

    def __init__(self, pipeline: Pipeline, start: int, stop: int | None) -> None:
        self._pipeline, self._start = pipeline, start
        self._count = max(0, (_ENDLESS if stop is None else stop) - start)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> StepBatch:
        return self._pipeline.batch(self._start + int(index))


def _own_ledger(path: Path, process: int) -> Path:
    """Processes must not write into one file."""
    return path if process == 0 else path.with_name(f"{path.stem}.{process}{path.suffix}")


def _table(pool: DataPool, tell: Any) -> SampleTable:
    """All samples' sizes: of prepared parts from their index, of others by reading."""
    parts = pool.tasks.parts
    names = tuple(part.name for part in parts)
    jobs: list[dict[str, Any]] = []
    for number, part in enumerate(parts):
        size = len(part) if isinstance(part, PreparedPart) else _SCAN
        jobs += [
            {"op": "scan", "part": number, "start": at, "stop": min(at + size, len(part))}
            for at in range(0, len(part), max(size, 1))
        ]
    tables, problems, done = [], [], 0
    total = sum(len(part) for part in parts)
    for job, (reply, arrays) in zip(jobs, pool.map(jobs), strict=True):
        tables.append(SampleTable.from_arrays(names, arrays))
        problems += problems_of(reply)
        done += job["stop"] - job["start"]
        if tell is not None:
            tell(done, total)
    return joined(tables, problems)
