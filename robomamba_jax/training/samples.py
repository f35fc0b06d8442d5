# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the model says in the middle of training: answers beside the wanted ones, or poses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.examples import Encoder, Example
from robomamba_jax.data.pipeline.datasets import open_datasets
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.processor import Processor
from robomamba_jax.errors import InputError
from robomamba_jax.inference.engine import Engine
from robomamba_jax.inference.prompts import Prompt, join
from robomamba_jax.models.model import Model
from robomamba_jax.models.params import Params
from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.freeze import merge
from robomamba_jax.training.program import Program
from robomamba_jax.utils.json_types import Json

SampleMaker = Callable[[Params, Params], list[dict[str, Json]]]
"""(trained, frozen) -> what the model says, beside what it should say."""


def open_samples(program: Program, pipeline: BatchLoader) -> SampleMaker:
    """What says something of the first samples of a data set: poses, or answers."""
    count = program.config.run.samples
    if program.config.loss.kind == "pose":
        return Poses(program, pipeline, count)
    if program.features:
        return no_samples  # the encoder is not loaded, so no image can be read
    return Answers(program, pipeline.config, count)


def no_samples(trained: Params, frozen: Params) -> list[dict[str, Json]]:
    """The ``SampleMaker`` of those that have nothing to say."""
    del trained, frozen
    return []


class Answers:
    """Greedy answers to the first questions of a data set."""

    def __init__(self, program: Program, data: DataConfig, count: int) -> None:
        """Read the questions; what cannot be read is passed over."""
        encoder = Encoder.open(data)
        self._program, self._transform = program, encoder.transform
        self._processor = Processor(encoder.tokenizer, encoder.transform, encoder.template)
        self._budget = program.config.run.sample_tokens
        self._examples: list[Example] = []
        for part in open_datasets(data, encoder):
            # Some may be unreadable; but a set of broken ones shall not be searched to its end.
            for index in range(min(len(part), 4 * count)):
                if len(self._examples) < count:
                    self._take(part, index)

    def _take(self, part: Any, index: int) -> None:
        try:
            self._examples.append(part.example(index, hashes=False))
        except InputError:  # the pipeline has it in its ledger
            return

    def __call__(self, trained: Params, frozen: Params) -> list[dict[str, Any]]:
        """For each question: id, prompt, wanted and said."""
        if not self._examples:
            return []
        program, decode = self._program, self._processor.need_tokenizer().decode
        cuts = [_cut(example) for example in self._examples]
        model = Model(merge(trained, frozen), program.model, "stacked")
        engine = Engine(model, self._processor, mesh=program.mesh)
        prompts = [
            self._prompt(example, ids)
            for example, (ids, _) in zip(self._examples, cuts, strict=True)
        ]
        settings = engine.settings(max_new_tokens=self._budget)
        answers = engine.generate(join(prompts), settings)
        return [
            {
                "id": example.id,
                "prompt": decode(ids),
                "wanted": decode(learned),
                "said": answer.text,
            }
            for example, (ids, learned), answer in zip(self._examples, cuts, answers, strict=True)
        ]

    def _prompt(self, example: Example, ids: list[int]) -> Prompt:
        """The beginning of an example, with its images."""
        positions = np.asarray(example.image_positions, np.int32)
        if self._transform is None or example.images is None or not len(positions):
            return Prompt(ids, None, positions)
        return Prompt(ids, self._transform.normalize(example.images), positions)


def _cut(example: Example) -> tuple[list[int], list[int]]:
    """A conversation up to its first learned token, and what is learned behind it."""
    # Of supervised 0 0 1 1 0 1: asked with the first two tokens, the next two are wanted; later
    # turns of the conversation would need the model's own answer in front of them.
    learned = np.flatnonzero(example.supervised)
    start = int(learned[0])
    rest = example.supervised[start:]
    length = int(np.argmin(rest)) if not rest.all() else len(rest)
    return example.ids[:start].tolist(), example.ids[start : start + length].tolist()


class Poses:
    """Predicted poses of the first rows of a data set beside their targets."""

    def __init__(self, program: Program, pipeline: BatchLoader, count: int) -> None:
        """Of the first batch of a pipeline."""
        self._pipeline, self._count = pipeline, count
        self._feed = DeviceFeeder(program.mesh, pipeline.config.batch.batch_size)
        assert program.outputs is not None
        self._predict = program.outputs

    def __call__(self, trained: Params, frozen: Params) -> list[dict[str, Any]]:
        """For each: id, contact, the contact wanted, degrees between the rotations."""
        batch = self._pipeline.batch(0)
        arrays = self._feed.put(batch.arrays)
        found = jax.device_get(self._predict(trained, frozen, arrays))
        layout = self._pipeline.plan.layout(0)
        rows = []
        for row, members in enumerate(layout.rows):
            # A row of no weight pads the last batch, or its sample turned out to be bad.
            if found["weight"][row] > 0 and len(rows) < self._count:
                rows.append(
                    {
                        "id": self._pipeline.sample_index.sample_id(members[0]),
                        "contact": found["contact"][row].tolist(),
                        "wanted": found["target"][row].tolist(),
                        "degrees": float(np.degrees(found["angle"][row])),
                    }
                )
        return rows
