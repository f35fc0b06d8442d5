# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Coloured shapes, drawn when asked for: what the ``tiny`` variant of a run trains on.

Custom sources (``SourceConfig.factory``); the path says how many samples, and from which
number on: "64" or "16@1000". Sample n is the same picture and text everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.data.sources.manipulation import Action, PoseSample
from robomamba_jax.data.sources.sample import Sample
from robomamba_jax.errors import InputError

COLORS = {"red": (210, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 220)}
SHAPES = ("square", "disk")
SIDE = 32


class _Scene(NamedTuple):
    """One shape of a colour at a place, in pixels."""

    color: str
    shape: str
    x: float
    y: float
    radius: float


def captions(path: str, root: str | None) -> SyntheticSource:
    """Stage 1.1: "a red disk"."""
    return SyntheticSource("captions", path)


def questions(path: str, root: str | None) -> SyntheticSource:
    """Stage 1.2: "Is it red?" "Yes."; every third sample is text alone."""
    return SyntheticSource("questions", path)


def poses(path: str, root: str | None) -> SyntheticSource:
    """Stage 2: touch the shape's middle; the axes turn with its place."""
    return SyntheticSource("poses", path)


class SyntheticSource:
    """A source of one kind of samples."""

    def __init__(self, kind: str, path: str) -> None:
        """Read the path.

        Raises:
          InputError: it is no number of samples.
        """
        count, _, start = path.partition("@")
        if not count.isdigit() or (start and not start.isdigit()):
            raise InputError("bad_config", f"{path!r} is no number of samples", "give e.g. 64")
        self._kind, self._count, self._start = kind, int(count), int(start or 0)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        number = self._start + index
        rng = np.random.default_rng([7, number])
        scene = _Scene(
            str(rng.choice(list(COLORS))),
            str(rng.choice(SHAPES)),
            float(rng.integers(9, SIDE - 9)),
            float(rng.integers(9, SIDE - 9)),
            float(rng.integers(4, 8)),
        )
        name, pictures = f"{self._kind}-{number}", (_draw(scene, rng),)
        if self._kind == "poses":
            return _pose(name, pictures, scene)
        if self._kind == "captions":
            turns = (("human", "<image>\nWhat is this?"), ("gpt", f"a {scene.color} {scene.shape}"))
            return Sample(name, pictures, turns)
        if number % 3 == 2:
            return Sample(name, (), (("human", "What is the sum of 1 and 1?"), ("gpt", "2")))
        color = str(rng.choice(list(COLORS)))
        answer = "Yes." if color == scene.color else "No."
        turns = (("human", f"<image>\nIs it {color}?"), ("gpt", answer))
        return Sample(name, pictures, turns)

    def facts(self) -> Mapping[str, Any]:
        """Format and number of records."""
        return {"format": f"toy {self._kind}", "records": self._count}


def _draw(scene: _Scene, rng: np.random.Generator) -> np.ndarray:
    """uint8[SIDE, SIDE, 3], a little noisy."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    dx, dy = np.abs(x - scene.x), np.abs(y - scene.y)
    inside = np.maximum(dx, dy) if scene.shape == "square" else np.hypot(dx, dy)
    pixels = np.where((inside < scene.radius)[..., None], COLORS[scene.color], 235)
    return np.clip(pixels + rng.integers(-8, 9, pixels.shape), 0, 255).astype(np.uint8)


def _pose(name: str, pictures: tuple[np.ndarray, ...], scene: _Scene) -> PoseSample:
    angle = math.pi * (scene.x / SIDE - 0.5)
    approach = (math.sin(angle), 0.0, math.cos(angle))
    left = (math.cos(angle), 0.0, -math.sin(angle))
    gripper = float(scene.shape == "disk")
    action = Action((scene.x, scene.y), approach, left, gripper)
    turns = (("human", "<image>\nWhere do I touch it?"),)
    return PoseSample(name, pictures, turns, action=action)
