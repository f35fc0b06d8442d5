# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The pieces of work that data workers do, or the run itself where it has none.

Each is a function of JSON values and the opened data, so it gives the same wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.data.cache.features import FeatureReader
from robomamba_jax.data.examples import Encoder
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.data.pipeline.batches import build_rows
from robomamba_jax.data.pipeline.datasets import open_parts
from robomamba_jax.data.pipeline.inspection import inspect_range
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.data.pipeline.prepare import write_shard
from robomamba_jax.data.pipeline.sample_index import scan

Reply = tuple[dict[str, Any], dict[str, np.ndarray]]


class Jobs:
    """Opened data, and what can be asked of it."""

    def __init__(self, config: DataConfig) -> None:
        """Open the sources, once.

        Raises:
          InputError: see ``open_parts``.
        """
        self.config = config
        self.encoder = Encoder.open(config)
        self.parts = open_parts(config, self.encoder)

    @classmethod
    def of_json(cls, config: Any) -> Jobs:
        """From a configuration as JSON."""
        return cls(tree_from_json(DataConfig, config, "config"))

    @cached_property
    def features(self) -> FeatureReader | None:
        """The cache, where there is one."""
        folder = self.config.features
        return None if folder is None else FeatureReader(folder)

    def run(self, job: Mapping[str, Any]) -> Reply:
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

    def _scan(self, job: Mapping[str, Any]) -> Reply:
        table, problems = scan(self.parts, job["part"], job["start"], job["stop"])
        return {"problems": [list(problem) for problem in problems]}, table.to_arrays()

    def _rows(self, job: Mapping[str, Any]) -> Reply:
        transform = self.encoder.transform
        arrays, problems = build_rows(
            self.parts,
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

    def _shard(self, job: Mapping[str, Any]) -> Reply:
        facts = write_shard(
            self.parts[job["part"]],
            job["start"],
            job["stop"],
            Path(job["path"]),
            self.config.prepare.codec,
            skip=self.config.on_error == "skip",
        )
        return facts, {}

    def _inspect(self, job: Mapping[str, Any]) -> Reply:
        part = self.parts[job["part"]]
        return inspect_range(part, job["numbers"], images=job["images"])


def problems_of(reply: Mapping[str, Any]) -> list[Problem]:
    """The problems in a reply."""
    return [Problem(*problem) for problem in reply["problems"]]
