# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An episode's steps out of a LeRobot data set's Parquet files, compared with what meta/ says."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.data.sources.lerobot_meta import LeRobotMeta
from robomamba_jax.data.sources.parquet_rows import ParquetFiles
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, below
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError

_KEPT = 64  # files whose episodes' row ranges are remembered


class EpisodeRows:
    """The steps of episodes. Picklable; what it remembers stays behind."""

    def __init__(
        self, meta: LeRobotMeta, files: ParquetFiles, allowed: AllowedRoots = NO_ROOTS
    ) -> None:
        """Add up how many rows each file must have.

        Raises:
          InputError: none of the files is there.
        """
        self._meta, self._files, self._allowed = meta, files, allowed
        self._stated: Counter[str] = Counter()
        for number, length in enumerate(meta.lengths):
            self._stated[self._name(number)] += int(length)
        self._spans: OrderedDict[str, dict[int, tuple[int, int]]] = OrderedDict()
        names = [name for name in self._stated if name]
        if names and not any(below(meta.path, name, allowed).is_file() for name in names):
            raise InputError(
                "missing_file",
                f"{meta.path / names[0]} does not exist, nor any other of {len(names)} data files",
                "download the whole data set",
            )

    def __getstate__(self) -> dict[str, Any]:
        # Every worker finds the spans it needs by itself; a pickle of them could be large.
        return {**self.__dict__, "_spans": OrderedDict()}

    def _name(self, number: int) -> str:
        """The file's, "" where meta/ does not say it, of which reading the episode complains."""
        try:
            return self._meta.data_name(number)
        except InputError as error:
            if error.kind != "bad_record":
                raise
            return ""

    def read(
        self, number: int, start: int, stop: int, names: Sequence[str]
    ) -> dict[str, list[Any]]:
        """Some steps of an episode.

        Args:
          number: the episode's index in ``meta.episodes``.
          start: the first step.
          stop: behind the last one.
          names: of columns.

        Returns:
          Column -> one value a step, with frame_index and episode_index among them.

        Raises:
          InputError: the file is missing or broken, or has other rows than meta/ says.
        """
        episode = int(self._meta.episodes[number])
        name = self._meta.data_name(number)
        path = below(self._meta.path, name, self._allowed)
        first, count = self._span(name, path, episode)
        if count != self._meta.lengths[number]:
            raise InputError(
                "count_mismatch",
                f"{path} has {count} rows of episode {episode}, its length is stated as "
                f"{self._meta.lengths[number]}",
                "download the file again, or skip bad records",
            )
        columns = tuple(dict.fromkeys((*names, "frame_index", "episode_index")))
        rows = self._files.rows(path, first + start, first + stop, columns)
        # Counts may agree and rows be swapped, as after a bad merge; an image of another step would
        # be trained on.
        if rows["frame_index"] != list(range(start, stop)):
            raise bad_record(
                f"{path}: episode {episode}", f"has other frame_index at steps {start} to {stop}"
            )
        return rows

    def _span(self, name: str, path: Path, episode: int) -> tuple[int, int]:
        """(first row, rows) of an episode in a file."""
        spans = self._spans.pop(name, None)
        if spans is None:
            count, stated = self._files.count(path), self._stated[name]
            if count != stated:
                raise InputError(
                    "count_mismatch",
                    f"{path} has {count} rows, its episodes' lengths add up to {stated}",
                    "download the file again, or skip bad records",
                )
            spans = _runs(self._files.column(path, "episode_index"), path)
        self._spans[name] = spans
        while len(self._spans) > _KEPT:
            self._spans.popitem(last=False)
        return spans.get(episode, (0, 0))


def _runs(values: list[Any], path: Path) -> dict[int, tuple[int, int]]:
    """Episode -> (first row, rows)."""
    try:
        numbers = np.array(values, np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_record(f"{path}: a row", "has no episode_index") from error
    # Where the episode's number changes; prepend=-1 makes row 0 a start.
    starts = np.flatnonzero(np.diff(numbers, prepend=-1)) if len(numbers) else np.zeros(0, int)
    ends = np.append(starts[1:], len(numbers))
    found: dict[int, tuple[int, int]] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if int(numbers[start]) in found:
            raise bad_record(
                f"{path}: episode {numbers[start]}", "does not have its rows one behind the other"
            )
        found[int(numbers[start])] = start, end - start
    return found
