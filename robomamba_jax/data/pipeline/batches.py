# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A step's rows as arrays.

B rows, T text tokens, M images of side S, K the most samples of a row:

- ``input_ids`` int32[B, T], the samples of a row one behind the other, padded on the right
- ``mask`` bool[B, T], True = real
- ``segment_ids`` int32[B, T], the sample's place in its row, from 0
- ``loss_mask`` bool[B, T], True = the model learns to say this token
- ``image_positions`` int32[B, M], the text index before which an image stands, -1 = none
- ``images`` uint8[B, M, S, S, 3], not yet normalised; or ``features`` [B, M, P, W] from a
  cache, [B, W] for pooled ones, [B, J, W] for states
- for poses ``contact`` float32[B, 2], ``rotation`` float32[B, 3, 3], ``gripper``
  float32[B] (NaN = unknown) and ``weight`` float32[B], 0 for a row without a pose

A sample that turns out to be bad is not there: what is left of its row closes up. Where a
row has nothing else, it is empty: no token is real, none is learned, its weight is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robomamba_jax.data.cache.features import FeatureReader
from robomamba_jax.data.examples import Example
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.data.pipeline.datasets import Dataset
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.errors import InputError

Arrays = dict[str, np.ndarray]


def build_rows(
    datasets: Sequence[Dataset],
    rows: Sequence[Sequence[tuple[int, int]]],
    shape: BatchShape,
    *,
    pad_id: int,
    side: int | None,
    pose: bool,
    features: FeatureReader | None = None,
    step: int | None = None,
) -> tuple[Arrays, list[Problem]]:
    """The arrays of some rows, all images decoded.

    Args:
      datasets: what the rows' samples are numbered by.
      rows: (part, index) of each sample, row by row.
      shape: sizes; ``shape.rows`` is not read.
      pad_id: where no token is.
      side: S; None = no images.
      pose: whether samples are poses.
      features: read these instead of images.
      step: for the problems.

    Returns:
      Arrays, and what could not be used.
    """
    plain = features is None
    arrays = _empty(len(rows), shape, pad_id, side if plain else None, pose)
    if features is not None:
        arrays["features"] = features.empty(len(rows), shape.images)
    problems = []
    for number, members in enumerate(rows):
        filled, pictures, place = 0, 0, 0
        for dataset, index in members:
            try:
                example = datasets[dataset].example(index, pixels=plain, hashes=not plain)
                found = None if features is None else features.of(example)
            except InputError as error:
                name = datasets[dataset].name
                problem = (
                    name,
                    index,
                    str(index),
                    error.kind,
                    error.message,
                    "late",
                    step,
                    error.fix,
                )
                problems.append(Problem(*problem))
                continue
            _put(arrays, number, filled, pictures, place, example)
            if found is not None and features is not None:
                features.put(arrays["features"], number, pictures, found)
            filled, pictures = filled + len(example.ids), pictures + len(example.image_positions)
            place += 1
    return arrays, problems


def _empty(count: int, shape: BatchShape, pad_id: int, side: int | None, pose: bool) -> Arrays:
    """A batch of empty rows."""
    arrays: dict[str, Any] = {
        "input_ids": np.full((count, shape.text), pad_id, np.int32),
        "mask": np.zeros((count, shape.text), bool),
        "segment_ids": np.zeros((count, shape.text), np.int32),
        "loss_mask": np.zeros((count, shape.text), bool),
        "image_positions": np.full((count, shape.images), -1, np.int32),
    }
    if side is not None and shape.images:
        arrays["images"] = np.zeros((count, shape.images, side, side, 3), np.uint8)
    if pose:
        arrays["contact"] = np.zeros((count, 2), np.float32)
        # Not zeros: the loss of an empty row must be finite before its weight of 0 counts.
        arrays["rotation"] = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
        arrays["gripper"] = np.full(count, np.nan, np.float32)
        arrays["weight"] = np.zeros(count, np.float32)
    return arrays


def _put(arrays: Arrays, row: int, start: int, picture: int, place: int, example: Example) -> None:
    """Writes one sample behind what its row has."""
    end, last = start + len(example.ids), picture + len(example.image_positions)
    arrays["input_ids"][row, start:end] = example.ids
    arrays["mask"][row, start:end] = True
    arrays["segment_ids"][row, start:end] = place
    arrays["loss_mask"][row, start:end] = example.supervised
    arrays["image_positions"][row, picture:last] = example.image_positions + start
    if "images" in arrays and example.images is not None:
        arrays["images"][row, picture:last] = example.images
    if example.pose is not None:
        for name, value in example.pose._asdict().items():
            arrays[name][row] = value
        arrays["weight"][row] = 1.0
