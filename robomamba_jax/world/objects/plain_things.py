# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Plain things: a shape with a colour, and no part that moves. They stand beside objects, and are
what an image is about where the category ``Plain`` is drawn."""

from __future__ import annotations

import math

import numpy as np

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.meshes import (
    Mesh,
    box,
    cone,
    cylinder,
    ellipsoid,
    lathe,
    merge,
    prism,
    ring,
)
from robomamba_jax.world.objects.model import Color, Link, ObjectModel, Solid
from robomamba_jax.world.objects.rng import Rng

CATEGORY = "Plain"
SHAPES = ("cube", "ball", "cylinder", "cone", "ring")
"""What stands beside objects in the paper's world, and what benchmarks ask for."""

MORE_SHAPES = ("pyramid", "cross", "bowl", "arch", "star")
"""Of the broad world alone."""

SPLITS = ("train", "validation")
# What one could call a shape in good faith: nobody asks whether that is there as well.
RESEMBLES: dict[str, tuple[str, ...]] = {
    "cube": ("box", "safe", "cabinet"),
    "cylinder": ("pot", "bottle", "trash can", "lighter", "soap dispenser"),
    "cone": ("lamp", "pyramid"),
    "pyramid": ("cone",),
    "bowl": ("pot",),
    "arch": ("door",),
}
_CODE = 10  # of their seeds
_INSTANCES = 1_000_000
_FIVE = 0.75  # share of the five shapes that are asked for most


def thing_mesh(shape: str, size: float) -> Mesh:
    """A shape of a size (half of its width, in metres) that stands on z = 0."""
    makers = {
        "cube": lambda: box((2 * size, 2 * size, 2 * size), (0, 0, size)),
        "ball": lambda: ellipsoid((size, size, size), (0, 0, size)),
        "cylinder": lambda: cylinder(0.8 * size, 2.2 * size, (0, 0, 1.1 * size)),
        "cone": lambda: cone(size, 0.01, 2.2 * size, (0, 0, 1.1 * size)),
        "ring": lambda: ring(size, 0.35 * size, (0, 0, 0.35 * size)),
        "pyramid": lambda: _pyramid(size),
        "cross": lambda: _cross(size),
        "bowl": lambda: _bowl(size),
        "arch": lambda: _arch(size),
        "star": lambda: _star(size),
    }
    return makers[shape]()


def _pyramid(size: float) -> Mesh:
    # A cone of four sides, flat ones; a quarter turn of 45 degrees brings its edges to the axes.
    turn = np.array([[1, -1, 0], [1, 1, 0], [0, 0, math.sqrt(2)]]) / math.sqrt(2)
    points = [(0.0, 0.0), (1.25 * size, 0.0), (0.01 * size, 1.9 * size), (0.0, 1.9 * size)]
    return lathe(points, 4, smooth=False).moved((0, 0, 0), turn)


def _cross(size: float) -> Mesh:
    thick = 0.55 * size
    arm = (size - thick / 2) / 2
    pieces = [box((thick, thick, 2 * size), (0, 0, size))]
    for sign in (-1, 1):
        y = sign * (thick / 2 + arm / 2 + size / 8)
        pieces.append(box((thick, arm + size / 4, thick), (0, y, 1.1 * size)))
    return merge(pieces)


def _bowl(size: float) -> Mesh:
    profile = [(0.0, 0.0), (0.45 * size, 0.0), (0.8 * size, 0.35 * size), (size, 0.9 * size)]
    profile += [(0.88 * size, 0.9 * size), (0.68 * size, 0.4 * size), (0.35 * size, 0.12 * size)]
    return lathe([*profile, (0.0, 0.12 * size)])


def _arch(size: float) -> Mesh:
    thick = 0.5 * size
    pieces = [box((0.8 * size, 2 * size, thick), (0, 0, 2 * size - thick / 2))]
    for sign in (-1, 1):
        middle = (0, sign * (size - thick / 2), (2 * size - thick) / 2)
        pieces.append(box((0.8 * size, thick, 2 * size - thick), middle))
    return merge(pieces)


def _star(size: float) -> Mesh:
    pieces, inner = [], 0.42 * size
    for k in range(5):
        # Each ray and its share of the middle: a convex outline of four corners.
        corners = []
        for angle, radius in ((-0.2, inner), (0.0, 1.15 * size), (0.2, inner)):
            turn = 2 * math.pi * (k / 5 + angle / 2)
            corners.append((radius * math.cos(turn), radius * math.sin(turn)))
        pieces.append(prism([(0.0, 0.0), *corners], 0.7 * size).moved((0, 0, 0.35 * size)))
    return merge(pieces)


def draw_shape(rng: Rng) -> str:
    """One of all shapes, mostly one of the five."""
    return rng.choice(SHAPES if rng.chance(_FIVE) else MORE_SHAPES)


def plain_model(shape: str, color: Color, instance: str) -> ObjectModel:
    """A shape as an object."""
    body = Link("body", "body", -1, None, (Solid("body", thing_mesh(shape, 0.5), color),))
    like = RESEMBLES.get(shape, ())
    model = ObjectModel(CATEGORY, instance, (body,), color, noun=shape, resembles=like)
    return model.normalised()


def draw_plain(rng: Rng, split: str) -> ObjectModel:
    """A plain thing as the object of a scene.

    Raises:
      InputError: the split has none.
    """
    if split not in SPLITS:
        raise InputError(
            "unknown_instance",
            f"no object of {CATEGORY} in the split {split!r}",
            f"give {' or '.join(SPLITS)}",
        )
    number = rng.integer(0, _INSTANCES - 1)
    own = Rng((_CODE, SPLITS.index(split), number))
    return plain_model(draw_shape(own), own.color(), f"{split}-{CATEGORY}-{number:07d}")
