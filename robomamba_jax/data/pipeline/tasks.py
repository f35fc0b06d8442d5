# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks of data workers, or of the run itself where it has none; and the pool of them.

Each is a function of JSON values and the opened data, so it gives the same wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.cache.features import FeatureReader
from robomamba_jax.data.examples import Encoder
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.data.pipeline.batches import build_rows
from robomamba_jax.data.pipeline.datasets import open_datasets
from robomamba_jax.data.pipeline.inspection import inspect_range
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.data.pipeline.prepare import write_shard
from robomamba_jax.data.pipeline.sample_index import scan
from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.utils.process_pool import ProcessPool


class DataTasks:
    """Opened data, and what can be asked of it."""

    def __init__(self, config: DataConfig) -> None:
        """Open the sources, once.

        Raises:
          InputError: see ``open_datasets``.
        """
        self.config = config
        self.encoder = Encoder.open(config)
        self.datasets = open_datasets(config, self.encoder)

    @cached_property
    def features(self) -> FeatureReader | None:
        """The cache, where there is one."""
        folder = self.config.features
        return None if folder is None else FeatureReader(folder)

    def run(self, job: Job) -> Reply:
        """Do one piece of work: "scan", "rows", "shard" or "inspect".

        Raises:
          InputError: a sample is bad and none may be skipped.
        """
        work = {
            "scan": self._scan,
            "rows": self._rows,
            "shard": self._shard,
            "inspect": self._inspect,
        }
        return work[job["op"]](job)

    def _scan(self, job: Job) -> Reply:
        sample_index, problems = scan(self.datasets, job["dataset"], job["start"], job["stop"])
        return {"problems": [list(problem) for problem in problems]}, sample_index.to_arrays()

    def _rows(self, job: Job) -> Reply:
        transform = self.encoder.transform
        arrays, problems = build_rows(
            self.datasets,
            job["rows"],
            BatchShape(*job["shape"]),
            pad_id=self.encoder.tokenizer.pad_id,
            side=None if transform is None else transform.size,
            pose=self.config.encoding.target == "pose",
            features=self.features,
            step=job["step"],
        )
        if problems and self.config.on_error == "raise":
            raise problems[0].as_error()
        return {"problems": [list(problem) for problem in problems]}, arrays

    def _shard(self, job: Job) -> Reply:
        facts = write_shard(
            self.datasets[job["dataset"]],
            job["start"],
            job["stop"],
            Path(job["path"]),
            self.config.prepare.codec,
            skip=self.config.on_error == "skip",
        )
        return facts, {}

    def _inspect(self, job: Job) -> Reply:
        dataset = self.datasets[job["dataset"]]
        return inspect_range(dataset, job["numbers"], images=job["images"])


def open_tasks(config: Any) -> DataTasks:
    """What a worker process calls: the data of a configuration as JSON."""
    return DataTasks(tree_from_json(DataConfig, config, "config"))


class DataPool(ProcessPool):
    """Workers that have opened the data; see ``ProcessPool``.

    grain's own workers import grain, which imports jax, and run the user's main script again; so
    what decodes and tokenises are processes of ours, behind a source that grain reads with threads.

    Attributes:
      tasks: the data, opened here too: for facts, and for jobs without workers.
    """

    def __init__(self, config: DataConfig, workers: int = 0) -> None:
        """Open the data and start the workers.

        Args:
          config: what to open.
          workers: how many processes.

        Raises:
          InputError: the data cannot be opened, or ``workers`` is negative.
        """
        if workers < 0:
            raise InputError("bad_config", f"workers is {workers}", "give 0 or more")
        self.tasks = DataTasks(config)
        # One core per worker: they are as many as the user wants busy.
        threads = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        super().__init__(
            f"{__name__}:{open_tasks.__name__}",
            tree_to_json(config),
            workers,
            name="data",
            local=self.tasks,
            environment=threads,
        )


def problems_of(reply: Mapping[str, Any]) -> list[Problem]:
    """The problems in a reply."""
    return [Problem(*problem) for problem in reply["problems"]]
