# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The random source of objects, scenes and words: numbers, choices and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.model import Color

T = TypeVar("T")


class Rng:
    """One stream of random numbers: the same seed and the same calls give the same numbers.

    So a call more or less in front of others changes all that come after it, and with them the
    bytes of a data set (see ``dataset.tasks.VERSION``).

    Attributes:
      generator: numpy's, which all methods advance.
    """

    def __init__(self, seed: Sequence[int]) -> None:
        """Begin a stream.

        Args:
          seed: non-negative whole numbers.
        """
        self.generator = np.random.default_rng(list(seed))

    def uniform(self, low: float, high: float) -> float:
        """A number, evenly spread."""
        return float(self.generator.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True with a probability."""
        return bool(self.generator.random() < share)

    def choice(self, things: Sequence[T]) -> T:
        """One of some things."""
        return things[int(self.generator.integers(len(things)))]

    def shuffled(self, things: Sequence[T], most: int | None = None) -> list[T]:
        """Things in a drawn order: all, or the first so many of that order."""
        # All are permuted however few are taken: how many are wanted changes no later draw.
        return [things[int(k)] for k in self.generator.permutation(len(things))[:most]]

    def color(self, *names: str) -> Color:
        """One of the named colours, a little lighter or darker; any if none is named."""
        color = COLORS[self.choice(names or tuple(COLORS))]
        factor = self.uniform(0.85, 1.12)
        r, g, b = (min(1.0, part * factor) for part in color.rgb)
        return Color(color.name, (r, g, b))

    def other_color(self, than: Color, *names: str) -> Color:
        """As color, but never the name of another colour."""
        return self.color(*(name for name in names or tuple(COLORS) if name != than.name))
