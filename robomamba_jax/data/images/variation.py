# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Training images seen a little differently each time: moved, and mirrored with their words."""

from __future__ import annotations

import functools
import re
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)
# Mirrored images are as likely as the world's own, once left and right change places in the words;
# moved ones have their border drawn out instead of black, which would tell how far they were moved.
_OTHER = {"left": "right", "right": "left"}


@functools.cache
def mirrored_places(vocabulary: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """For every word where to look up whether it is true of the mirrored image.

    Args:
      vocabulary: W words; left and right stand in some of them.

    Returns:
      int64[W]; W itself where the counterpart is no word.
    """
    places = {word: place for place, word in enumerate(vocabulary)}
    other = [re.sub(r"\b(left|right)\b", lambda m: _OTHER[m[1]], word) for word in vocabulary]
    return np.asarray([places.get(word, len(vocabulary)) for word in other])


def mirrored_words(
    words: npt.NDArray[Scalar], places: npt.NDArray[np.int64]
) -> npt.NDArray[Scalar]:
    """[W] -> [W], what is true of the mirrored image; 0 for words without a counterpart."""
    return np.append(words, words.dtype.type(0))[places]


def moved(pixels: npt.NDArray[Scalar], down: int, right: int) -> npt.NDArray[Scalar]:
    """An image moved by some pixels, its border drawn out into what is then empty.

    Args:
      pixels: [S, S, ...].
      down: how far; negative is up.
      right: how far; negative is left.
    """
    rows = np.clip(np.arange(pixels.shape[0]) - down, 0, pixels.shape[0] - 1)
    columns = np.clip(np.arange(pixels.shape[1]) - right, 0, pixels.shape[1] - 1)
    return pixels[rows][:, columns]


class Variation:
    """How one image is changed.

    Attributes:
      down: cells that it moves down.
      right: cells that it moves right.
      mirrored: left and right change places.
    """

    def __init__(self, draw: np.random.Generator, most: int, mirrors: bool) -> None:
        """Draw one.

        Args:
          draw: random numbers.
          most: cells, each way.
          mirrors: whether half of the images are mirrored.
        """
        self.down, self.right = (int(x) for x in draw.integers(-most, most + 1, size=2))
        self.mirrored = mirrors and bool(draw.integers(2))

    def apply(self, pixels: npt.NDArray[Scalar], cell: int = 1) -> npt.NDArray[Scalar]:
        """The changed image or map.

        Args:
          pixels: [S, S, ...].
          cell: pixels of a cell's side.
        """
        found = moved(pixels, self.down * cell, self.right * cell)
        return found[:, ::-1] if self.mirrored else found
