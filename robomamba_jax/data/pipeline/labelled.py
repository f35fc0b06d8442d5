# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled images as training data: words that are true of them, what their pixels show, how far
away that is; each time that one is seen it is moved a little, and perhaps mirrored.

They are held in memory, so that a batch needs no more than indexing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.images.variation import Variation, mirrored_places, mirrored_words
from robomamba_jax.data.pipeline.step_data import (
    DataState,
    StepBatch,
    StepContents,
    checked_step,
    read_ahead,
)


class Labelled(NamedTuple):
    """Images with labels. S is the crop's side, G that of the maps.

    Attributes:
      mapped: uint8[B, S, S, 3], images whose every pixel is known.
      classes: uint8[B, G, G], places in ``class_names``.
      depth: float16[B, G, G], metres, 0 where nothing is.
      words: float32[A, W], 1 where a word is true of one of the first A images.
      vocabulary: the W words, sorted.
      class_names: what a pixel may show.
      names: of the B images.
    """

    mapped: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    words: npt.NDArray[np.float32]
    vocabulary: tuple[str, ...]
    class_names: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def described(self) -> npt.NDArray[np.uint8]:
        """uint8[A, S, S, 3], the images of which words are known."""
        return self.mapped[: len(self.words)]


class LabelledBatches:
    """Batches of labelled images as a loop reads them (``step_data.StepData``).

    A row is two images: one with its words, and one with its maps, cut into the patches that an
    encoder sees.
    """

    def __init__(
        self,
        data: Labelled,
        *,
        grid: int,
        batch_size: int,
        seed: int,
        shift: int = 0,
        mirrors: bool = False,
        shuffle: bool = True,
        rows: Sequence[int] | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
          data: what to read; the maps' side G is a multiple of ``grid`` and divides S.
          grid: patches along each side.
          batch_size: rows of the global batch.
          seed: of the order and of how images are changed.
          shift: how far images are moved, at most, each way: cells of the maps.
          mirrors: half of the images are mirrored, left and right in their words too.
          shuffle: rows are drawn, with replacement; else image k stands in row k of all, once.
          rows: which rows of every batch this process reads; None = all.
        """
        self._data, self._grid, self.batch_size, self._seed = data, grid, batch_size, seed
        self._shift, self._mirrors, self._shuffle = shift, mirrors, shuffle
        self._rows = list(range(batch_size) if rows is None else rows)

    @property
    def epoch_steps(self) -> int:
        """Steps until as many rows have been seen as there are images with words."""
        return len(self._data.words) // self.batch_size

    @cached_property
    def _plan_hash(self) -> str:
        """Of all that decides what is in which row of which step."""
        data = self._data
        digest = hashlib.sha256("\0".join((*data.vocabulary, *data.class_names)).encode())
        settings = (self._grid, self.batch_size, self._shift, self._mirrors, self._shuffle)
        digest.update(repr(settings).encode())
        for array in (data.mapped, data.classes, data.depth, data.words):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def state(self, step: int) -> DataState:
        """What a checkpoint keeps before ``step``."""
        return {"seed": self._seed, "step": step, "plan_hash": self._plan_hash}

    def restore(self, state: Mapping[str, Any]) -> int:
        """The step to go on from.

        Raises:
          InputError: the state is of other images, labels or settings.
        """
        return checked_step(state, self.state(int(state["step"])))

    def sample_ids(self, step: int) -> list[list[str]]:
        """The names of each row's two images, the rows of all processes."""
        names = self._data.names
        pairs = zip(*self._drawn(step), strict=True)
        return [[names[a] for a, _ in pair] for pair in pairs]

    def contents(self, step: int) -> StepContents:
        """What every step holds: two images a row, whose patches are its tokens."""
        del step
        images = 2 * self.batch_size
        return StepContents(images * self._grid**2, images, images)

    def batches(
        self, start: int = 0, stop: int | None = None, *, prefetch: int = 2
    ) -> Iterator[StepBatch]:
        """This process's rows of the steps from ``start`` to before ``stop``, read ahead."""
        return read_ahead(self.batch, start, stop, prefetch=prefetch)

    def batch(self, step: int) -> StepBatch:
        """This process's rows of one step, which depend on the seed and the step alone.

        Returns:
          ``described`` uint8[B, S, S, 3] with ``words`` float32[B, W]; ``mapped``
          uint8[B, S, S, 3] with ``classes`` int32[B, P, cells] and ``depth``
          float32[B, P, cells], the maps' cells patch by patch.
        """
        data, grid, side = self._data, self._grid, self._data.classes.shape[1]
        cells, pixels = side // grid, data.mapped.shape[1] // side
        # All rows are drawn, then this process's taken: what is in a row must not depend on how
        # many processes there are.
        described, mapped = ([draws[row] for row in self._rows] for draws in self._drawn(step))
        count = len(self._rows)

        def varied(of: np.ndarray, by: list[tuple[int, Variation]], cell: int) -> np.ndarray:
            """The chosen images or maps, each changed as drawn; ``cell`` pixels are one cell."""
            return np.stack([change.apply(of[k], cell) for k, change in by])

        def by_patch(maps: np.ndarray) -> np.ndarray:
            """Maps [N, G, G] -> the chosen ones' cells by patch, [B, P, cells]."""
            # [B, G, G] -> [B, grid, cells, grid, cells] -> [B, P, cells * cells]
            x = varied(maps, mapped, 1)
            x = x.reshape(count, grid, cells, grid, cells).transpose(0, 1, 3, 2, 4)
            return x.reshape(count, grid * grid, cells * cells)

        places = mirrored_places(data.vocabulary)
        words = [
            mirrored_words(data.words[k], places) if change.mirrored else data.words[k]
            for k, change in described
        ]
        arrays = {
            "described": varied(data.described, described, pixels),
            "words": np.stack(words),
            "mapped": varied(data.mapped, mapped, pixels),
            "classes": by_patch(data.classes).astype(np.int32),
            "depth": by_patch(data.depth).astype(np.float32),
        }
        samples = [[a, b] for (a, _), (b, _) in zip(described, mapped, strict=True)]
        return StepBatch(step, step // max(self.epoch_steps, 1), arrays, samples)

    def _drawn(self, step: int) -> list[list[tuple[int, Variation]]]:
        """Of a step's images with words, and of those with maps: which, and how changed."""
        # A new generator for every step, so that a resumed run needs no state of it. The order of
        # the draws below is part of the released encoder's recipe: to change it is to train
        # another one.
        rng = np.random.default_rng([self._seed, step])
        if self._shuffle:
            sizes = (len(self._data.described), len(self._data.mapped))
            chosen = [rng.integers(size, size=self.batch_size) for size in sizes]
        else:
            chosen = 2 * [np.arange(self.batch_size) + step * self.batch_size]
        return [
            [(int(k), Variation(rng, self._shift, self._mirrors)) for k in numbers]
            for numbers in chosen
        ]

    def close(self) -> None:
        """Nothing is open."""
