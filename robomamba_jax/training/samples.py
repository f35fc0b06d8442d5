# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the model says in the middle of training: answers beside the wanted ones, or poses."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.examples import Encoder, Example
from robomamba_jax.data.pipeline.datasets import open_parts
from robomamba_jax.data.pipeline.loader import Pipeline
from robomamba_jax.errors import InputError
from robomamba_jax.generation.generator import Generator
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.models.params import Params
from robomamba_jax.training.device_put import Feed
from robomamba_jax.training.freeze import merge
from robomamba_jax.training.program import Program, run_transform


class Answers:
    """Greedy answers to the first questions of a data set."""

    def __init__(self, program: Program, data: DataConfig, count: int) -> None:
        """Read the questions; what cannot be read is passed over."""
        encoder = Encoder.open(data)
        self._program, self._tokenizer = program, encoder.tokenizer
        self._transform = run_transform(data)
        self._tokens = program.config.run.sample_tokens
        self._examples: list[Example] = []
        for part in open_parts(data, encoder):
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
        program = self._program
        prompts, wanted = zip(*(_cut(example) for example in self._examples), strict=True)
        generator = Generator(
            program.model, merge(trained, frozen), layout="stacked", mesh=program.mesh
        )
        settings = GenerationSettings(
            max_new_tokens=self._tokens, eos_ids=(self._tokenizer.eos_id,)
        )
        done = generator.generate(prompts, settings, **self._pictures())
        decode = self._tokenizer.decode
        return [
            {
                "id": example.id,
                "prompt": decode(prompt),
                "wanted": decode(answer),
                "said": decode(completion.tokens),
            }
            for example, prompt, answer, completion in zip(
                self._examples, prompts, wanted, done, strict=True
            )
        ]

    def _pictures(self) -> dict[str, Any]:
        most = max(len(example.image_positions) for example in self._examples)
        if self._transform is None or not most:
            return {}
        side, count = self._transform.size, len(self._examples)
        images = np.zeros((count, most, side, side, 3), np.float32)
        places = np.full((count, most), -1, np.int32)
        for row, example in enumerate(self._examples):
            held = len(example.image_positions)
            if held and example.images is not None:
                images[row, :held] = self._transform.normalize(example.images)
                places[row, :held] = example.image_positions
        return {"images": jax.numpy.asarray(images), "image_positions": jax.numpy.asarray(places)}


def _cut(example: Example) -> tuple[list[int], list[int]]:
    """A conversation up to its first learned token, and what is learned behind it."""
    learned = np.flatnonzero(example.supervised)
    start = int(learned[0])
    rest = example.supervised[start:]
    length = int(np.argmin(rest)) if not rest.all() else len(rest)
    return example.ids[:start].tolist(), example.ids[start : start + length].tolist()


class Poses:
    """Predicted poses of the first rows of a data set beside their targets."""

    def __init__(self, program: Program, pipeline: Pipeline, count: int) -> None:
        """Of the first batch of a pipeline."""
        self._pipeline, self._count = pipeline, count
        self._feed = Feed(program.mesh, pipeline.config.batch.batch_size)
        self._predict = program.outputs

    def __call__(self, trained: Params, frozen: Params) -> list[dict[str, Any]]:
        """For each: id, contact, the contact wanted, degrees between the rotations."""
        batch = self._pipeline.batch(0)
        arrays = self._feed.put(batch.arrays)
        found = jax.device_get(self._predict(trained, frozen, arrays))
        layout = self._pipeline.plan.layout(0)
        rows = []
        for row, members in enumerate(layout.rows):
            if found["weight"][row] > 0 and len(rows) < self._count:
                rows.append(
                    {
                        "id": self._pipeline.table.sample_id(members[0]),
                        "contact": found["contact"][row].tolist(),
                        "wanted": found["target"][row].tolist(),
                        "degrees": float(np.degrees(found["angle"][row])),
                    }
                )
        return rows
