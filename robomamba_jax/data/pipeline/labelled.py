# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled images as training data: words that are true of an image, and what its pixels show, how
far away that is, how it is turned and how it would move; each time that an image is seen it is
shifted a little, and perhaps mirrored.

The arrays are held in memory, or lie in a folder from which a batch reads the rows that it needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
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
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import read_json, write_text

GROUPS = ("nothing", "body", "moving part", "thing")
"""What a pixel shows: nothing of interest, the object, a part of it that moves, a plain thing."""

UNIT = 127
"""What a component of 1 is in a map of vectors, which are bytes."""

_FEW_CELLS = 2  # of a patch that must show a name before the patch is said to
_NOTE = "labels.json"


class Labelled(NamedTuple):
    """Images with labels. S is the crop's side, G that of the maps.

    Attributes:
      images: uint8[B, S, S, 3].
      pixels: uint8[B, G, G], places in ``pixel_names``.
      depth: float16[B, G, G], metres, 0 where nothing is.
      normals: int8[B, G, G, 3], unit vectors times 127 in the camera's frame, towards it; 0 where
        unknown.
      motion: int8[B, G, G, 3], how a pixel's part moves when its joint opens further, camera
        frame, its fastest point with 127; 0 where nothing moves.
      words: uint8[B, W], 1 where a word is true of an image.
      described: bool[B], whether an image's words are known.
      vocabulary: the W words, sorted.
      pixel_names: what a pixel may show, "nothing" and "body" first, then names of parts, then
        shapes of things.
      pixel_groups: of each of these names its place in GROUPS.
      names: of the B images.
      digest: a hash of all of it, where it is known beforehand ("" = it is worked out).
    """

    images: npt.NDArray[np.uint8]
    pixels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    normals: npt.NDArray[np.int8]
    motion: npt.NDArray[np.int8]
    words: npt.NDArray[np.uint8]
    described: npt.NDArray[np.bool_]
    vocabulary: tuple[str, ...]
    pixel_names: tuple[str, ...]
    pixel_groups: tuple[int, ...]
    names: tuple[str, ...]
    digest: str = ""

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by their names."""
        return {name: getattr(self, name) for name in ARRAYS}


ARRAYS = ("images", "pixels", "depth", "normals", "motion", "words", "described")
"""Those of ``Labelled``."""


def array_file(folder: Path, name: str) -> Path:
    """Where an array of labels lies in a folder."""
    return folder / f"{name}.npy"


def close_labels(
    folder: Path,
    vocabulary: Sequence[str],
    pixel_names: Sequence[str],
    pixel_groups: Sequence[int],
    names: Sequence[str],
) -> None:
    """Say that a folder's arrays are whole, and what their numbers mean.

    Args:
      folder: holds the ARRAYS as ``array_file`` says.
      vocabulary: see ``Labelled``, as the others.
      pixel_names: of the maps' numbers.
      pixel_groups: of these.
      names: of the images.
    """
    digest = hashlib.sha256()
    for name in ARRAYS:
        with array_file(folder, name).open("rb") as file:
            while chunk := file.read(1 << 24):
                digest.update(chunk)
    note = {
        "vocabulary": list(vocabulary),
        "pixel_names": list(pixel_names),
        "pixel_groups": list(pixel_groups),
        "names": list(names),
    }
    digest.update(json.dumps(note).encode())
    # Last of all: where the note is the arrays are whole.
    write_text(folder / _NOTE, json.dumps({"digest": digest.hexdigest(), **note}) + "\n")


def has_labels(folder: Path) -> bool:
    """Whether a folder's arrays are there and whole."""
    return (folder / _NOTE).is_file()


def open_labels(folder: Path) -> Labelled:
    """The labels of a folder; of the arrays a batch's rows are read when it is made.

    Raises:
      InputError: something of it is missing, or of another length.
    """
    fix = "remove the folder: it is made again"
    note = read_json(folder / _NOTE, fix=fix)
    try:
        # Never a pickle: an object array in such a file is an error.
        arrays: dict[str, Any] = {
            name: np.load(array_file(folder, name), mmap_mode="r", allow_pickle=False)
            for name in ARRAYS
        }
        lists: dict[str, tuple[Any, ...]] = {
            name: tuple(note[name])
            for name in ("vocabulary", "pixel_names", "pixel_groups", "names")
        }
        digest = str(note["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("bad_labels", f"{folder} cannot be read: {error}", fix) from error
    for name, array in arrays.items():
        if len(array) != len(lists["names"]):
            what = f"{array_file(folder, name)} has {len(array)} rows of {len(lists['names'])}"
            raise InputError("bad_labels", what, fix)
    fields: dict[str, Any] = {**arrays, **lists}
    return Labelled(**fields, digest=digest)


class LabelledBatches:
    """Batches of labelled images as a loop reads them (``step_data.StepData``): a row is an image
    with its words and its maps, which are cut into the patches that an encoder sees."""

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
        """Steps until as many rows have been seen as there are images."""
        return len(self._data.names) // self.batch_size

    @cached_property
    def _plan_hash(self) -> str:
        """Of all that decides what is in which row of which step."""
        data = self._data
        settings = (self._grid, self.batch_size, self._shift, self._mirrors, self._shuffle)
        digest = hashlib.sha256(repr(settings).encode())
        if data.digest:
            digest.update(data.digest.encode())
            return digest.hexdigest()
        texts = (*data.vocabulary, *data.pixel_names, *map(str, data.pixel_groups), *data.names)
        digest.update("\0".join(texts).encode())
        for array in data.arrays.values():
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
        """The name of each row's image, the rows of all processes."""
        return [[self._data.names[number]] for number, _ in self._drawn(step)]

    def contents(self, step: int) -> StepContents:
        """What every step holds: an image a row, whose patches are its tokens."""
        del step
        return StepContents(self.batch_size * self._grid**2, self.batch_size, self.batch_size)

    def batches(
        self, start: int = 0, stop: int | None = None, *, prefetch: int = 2
    ) -> Iterator[StepBatch]:
        """This process's rows of the steps from ``start`` to before ``stop``, read ahead."""
        return read_ahead(self.batch, start, stop, prefetch=prefetch)

    def batch(self, step: int) -> StepBatch:
        """This process's rows of one step, which depend on the seed and the step alone.

        Returns:
          ``images`` uint8[B, S, S, 3]; ``words`` float32[B, W] and ``described`` float32[B], 1
          where they are known; the maps' cells patch by patch: ``groups`` int32[B, P, cells],
          ``depth`` float32[B, P, cells], ``normals`` and ``motion`` int8[B, P, cells, 3]; and
          ``named`` float32[B, P, names], the names of parts and things that a patch shows.
        """
        data, side = self._data, self._data.pixels.shape[1]
        pixels = data.images.shape[1] // side
        # All rows are drawn, then this process's taken: what is in a row must not depend on how
        # many processes there are.
        draws = self._drawn(step)
        mine = [draws[row] for row in self._rows]

        def varied(of: npt.NDArray[Any], cell: int) -> npt.NDArray[Any]:
            """The chosen images or maps, each changed as drawn; ``cell`` pixels are one cell."""
            return np.stack([change.apply(of[k], cell) for k, change in mine])

        def vectors(of: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
            """Maps of vectors: in a mirror what points right points left."""
            found = varied(of, 1)
            for row, (_, change) in enumerate(mine):
                if change.mirrored:
                    found[row, ..., 0] *= -1
            return found

        places = mirrored_places(data.vocabulary)
        words = [
            mirrored_words(data.words[k], places) if change.mirrored else data.words[k]
            for k, change in mine
        ]
        shown = self._by_patch(varied(data.pixels, 1))
        arrays = {
            "images": varied(data.images, pixels),
            "words": np.stack(words).astype(np.float32),
            "described": np.asarray([data.described[k] for k, _ in mine], np.float32),
            "groups": np.asarray(data.pixel_groups, np.int32)[shown],
            "named": names_of_patches(shown, len(data.pixel_names)),
            "depth": self._by_patch(varied(data.depth, 1)).astype(np.float32),
            "normals": self._by_patch(vectors(data.normals)),
            "motion": self._by_patch(vectors(data.motion)),
        }
        samples = [[k] for k, _ in mine]
        return StepBatch(step, step // max(self.epoch_steps, 1), arrays, samples)

    def _by_patch(self, maps: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Maps [B, G, G, ...] -> their cells by patch, [B, P, cells, ...]."""
        rows, side, *rest = len(maps), maps.shape[1], *maps.shape[3:]
        grid, cells = self._grid, side // self._grid
        # [B, G, G] -> [B, grid, cells, grid, cells] -> [B, P, cells * cells]
        x = maps.reshape(rows, grid, cells, grid, cells, *rest).swapaxes(2, 3)
        return x.reshape(rows, grid * grid, cells * cells, *rest)

    def _drawn(self, step: int) -> list[tuple[int, Variation]]:
        """A step's images: which, and how changed."""
        # A new generator for every step, so that a resumed run needs no state of it.
        rng = np.random.default_rng([self._seed, step])
        if self._shuffle:
            chosen = rng.integers(len(self._data.names), size=self.batch_size)
        else:
            chosen = np.arange(self.batch_size) + step * self.batch_size
        return [(int(k), Variation(rng, self._shift, self._mirrors)) for k in chosen]

    def close(self) -> None:
        """Nothing is open."""


def names_of_patches(shown: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.float32]:
    """Which names the cells of each patch show.

    Args:
      shown: uint8[B, P, cells], places in a list of names.
      count: how many names; "nothing" and "body" come first and are not counted.

    Returns:
      float32[B, P, count - 2], 1 where at least two cells of a patch show a name.
    """
    rows, patches, cells = shown.shape
    # One histogram for all patches: each patch's names are a range of numbers of their own.
    place = np.arange(rows * patches)[:, None] * count + shown.reshape(-1, cells)
    counts = np.bincount(place.ravel(), minlength=rows * patches * count)
    counts = counts.reshape(rows, patches, count)[..., 2:]
    return (counts >= min(_FEW_CELLS, cells)).astype(np.float32)
