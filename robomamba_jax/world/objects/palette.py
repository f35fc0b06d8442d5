# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Named colours, and a random source that draws sizes, colours and choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from robomamba_jax.world.objects.model import Color

T = TypeVar("T")

# Far enough apart that a person names them alike.
COLORS: dict[str, Color] = {
    name: Color(name, rgb)
    for name, rgb in {
        "white": (0.86, 0.86, 0.84),
        "gray": (0.36, 0.37, 0.38),
        "black": (0.035, 0.035, 0.04),
        "red": (0.62, 0.04, 0.04),
        "orange": (0.85, 0.28, 0.03),
        "yellow": (0.88, 0.64, 0.05),
        "green": (0.06, 0.36, 0.09),
        "blue": (0.04, 0.14, 0.55),
        "purple": (0.24, 0.06, 0.38),
        "pink": (0.83, 0.33, 0.45),
        "brown": (0.24, 0.11, 0.04),
        "beige": (0.66, 0.53, 0.36),
    }.items()
}
SILVER = Color("silver", (0.55, 0.56, 0.58))
GLASS = Color("black", (0.02, 0.03, 0.045))
DARK = Color("black", (0.05, 0.05, 0.055))
STEEL = Color("silver", (0.42, 0.43, 0.45))


def darker(color: Color, factor: float) -> Color:
    """The same colour with less light."""
    r, g, b = (factor * part for part in color.rgb)
    return Color(color.name, (r, g, b))


class Draw:
    """Random numbers of one object: the same seed draws the same object."""

    def __init__(self, seed: Sequence[int]) -> None:
        """Begin a stream.

        Args:
          seed: non-negative whole numbers.
        """
        self.random = np.random.default_rng(list(seed))

    def between(self, low: float, high: float) -> float:
        """A number, evenly spread."""
        return float(self.random.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.random.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True with a probability."""
        return bool(self.random.random() < share)

    def one(self, things: Sequence[T]) -> T:
        """One of some things."""
        return things[int(self.random.integers(len(things)))]

    def mixed(self, things: Sequence[T], most: int | None = None) -> list[T]:
        """Things in a drawn order: all, or the first so many of that order."""
        return [things[int(k)] for k in self.random.permutation(len(things))[:most]]

    def color(self, *names: str) -> Color:
        """One of the named colours, a little lighter or darker; any if none is named."""
        color = COLORS[self.one(names or tuple(COLORS))]
        factor = self.between(0.85, 1.12)
        r, g, b = (min(1.0, part * factor) for part in color.rgb)
        return Color(color.name, (r, g, b))

    def other(self, than: Color, *names: str) -> Color:
        """As color, but never the name of another colour."""
        return self.color(*(name for name in names or tuple(COLORS) if name != than.name))
