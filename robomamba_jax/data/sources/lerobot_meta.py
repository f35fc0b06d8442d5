# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The folder meta/ of a LeRobot data set, v2.1 and v3.0: what its columns, tasks and episodes are,
and in which files they lie.

v2.1 has a file per episode, named by its number; v3.0 has many episodes per file, and a table that
says in which file each of them lies and, of videos, from when to when.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.data.sources.lerobot_info import (
    AGAIN,
    INFO,
    fill_template,
    is_count,
    need_file,
    read_info,
    read_lines,
)
from robomamba_jax.data.sources.parquet_rows import ParquetFiles
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError, unknown_name


class VideoSpan(NamedTuple):
    """Where an episode's video is: the file's name, and its first and last second in it."""

    name: str
    start: float
    stop: float


@dataclasses.dataclass(frozen=True)
class LeRobotMeta:
    """What meta/ says.

    Attributes:
      path: the data set's folder.
      version: "v2.1" or "v3.0".
      info: meta/info.json.
      tasks: task_index -> text.
      subtasks: subtask_index -> text, where there are any.
      episodes: int64[E], their numbers, rising.
      lengths: int64[E], steps.
      locations: of v3.0: column of the table of episodes -> array[E].
    """

    path: Path
    version: str
    info: Mapping[str, Any]
    tasks: Mapping[int, str]
    subtasks: Mapping[int, str]
    episodes: np.ndarray
    lengths: np.ndarray
    locations: Mapping[str, np.ndarray]

    @property
    def fps(self) -> float:
        """Steps per second."""
        return float(self.info["fps"])

    @property
    def features(self) -> Mapping[str, Mapping[str, Any]]:
        """Column -> {"dtype", "shape", ...}; cameras have the dtype "image" or "video"."""
        return self.info["features"]

    @property
    def cameras(self) -> list[str]:
        """The columns that are images."""
        return [name for name, how in self.features.items() if how["dtype"] in ("image", "video")]

    def size(self, camera: str) -> tuple[int, int] | None:
        """(width, height) of a camera's images, where info.json says it."""
        how = self.features[camera]
        names, shape = how.get("names"), how.get("shape")
        if not isinstance(shape, list) or len(shape) != 3 or not all(map(is_count, shape)):
            return None
        if isinstance(names, list) and {"width", "height"} <= {str(name) for name in names}:
            return shape[names.index("width")], shape[names.index("height")]
        return None

    def data_name(self, number: int) -> str:
        """The file of an episode's rows, below the data set's folder."""
        return self._filled("data_path", number, "data", {})

    def video(self, number: int, camera: str) -> VideoSpan:
        """The file of an episode's video.

        Raises:
          InputError: info.json or the table of episodes names none.
        """
        name = self._filled("video_path", number, f"videos/{camera}", {"video_key": camera})
        start, stop = 0.0, math.inf
        if self.version == "v3.0":
            start, stop = (
                float(self.locations[f"videos/{camera}/{end}_timestamp"][number])
                for end in ("from", "to")
            )
            if not 0 <= start <= stop < math.inf:
                raise self._nowhere(number, f"videos/{camera}")
        return VideoSpan(name, start, stop)

    def _filled(self, key: str, number: int, prefix: str, more: dict[str, str]) -> str:
        episode = int(self.episodes[number])
        values: dict[str, Any] = {"episode_index": episode, **more}
        if self.version == "v2.1":
            values["episode_chunk"] = episode // self.info["chunks_size"]
        else:
            for name in ("chunk_index", "file_index"):
                values[name] = int(self.locations[f"{prefix}/{name}"][number])
                if values[name] < 0:
                    raise self._nowhere(number, prefix)
        return fill_template(self.info.get(key), key, values, f"{self.path / INFO}")

    def _nowhere(self, number: int, prefix: str) -> InputError:
        where = f"{self.path}: episode {self.episodes[number]}"
        return bad_record(where, f"has no {prefix} in meta/episodes")


def read_meta(path: Path, files: ParquetFiles) -> LeRobotMeta:
    """Read and check meta/.

    Args:
      path: the data set's folder.
      files: reads the Parquet files.

    Raises:
      InputError: a file is missing or broken, the version is not known, or the files do
        not have what info.json states.
    """
    info = read_info(path)
    version = info["codebase_version"]
    subtasks: dict[int, str] = {}
    locations: dict[str, np.ndarray] = {}
    if version == "v2.1":
        tasks = _tasks_of_lines(path / "meta/tasks.jsonl")
        episodes, lengths = _episodes_of_lines(path / "meta/episodes.jsonl")
    else:
        tasks = _texts_of_table(path / "meta/tasks.parquet", "task", files)
        if (path / "meta/subtasks.parquet").is_file():
            subtasks = _texts_of_table(path / "meta/subtasks.parquet", "subtask", files)
        locations = _episodes_of_tables(path, info, files)
        episodes, lengths = locations["episode_index"], locations["length"]
    _check_counts(path, info, episodes, lengths)
    return LeRobotMeta(path, version, info, tasks, subtasks, episodes, lengths, locations)


def _tasks_of_lines(path: Path) -> dict[int, str]:
    rows = read_lines(path)
    return _texts([(where, row.get("task_index"), row.get("task")) for where, row in rows], "task")


def _texts_of_table(path: Path, name: str, files: ParquetFiles) -> dict[int, str]:
    """tasks.parquet: the text is the table's index, which pandas writes as a column too."""
    need_file(path)
    there = files.names(path)
    column = next((each for each in (name, "__index_level_0__") if each in there), None)
    if column is None:
        raise InputError("bad_dataset", f"{path} has no column {name!r}", AGAIN)
    rows = files.rows(path, 0, files.count(path), (f"{name}_index", column))
    pairs = zip(rows[f"{name}_index"], rows[column], strict=True)
    return _texts([(f"{path}: row {n}", *pair) for n, pair in enumerate(pairs)], name)


def _texts(rows: list[tuple[str, Any, Any]], name: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for where, number, text in rows:
        if not is_count(number) or not isinstance(text, str):
            raise InputError("bad_dataset", f"{where} has no {name}_index and {name}", AGAIN)
        if found.setdefault(number, text) != text:
            raise InputError(
                "bad_dataset", f"{where} has {name}_index {number}, another one has it too", AGAIN
            )
    return found


def _episodes_of_lines(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found: dict[int, int] = {}
    for where, row in read_lines(path):
        number, length = row.get("episode_index"), row.get("length")
        if number is None or length is None or not (is_count(number) and is_count(length)):
            raise InputError("bad_dataset", f"{where} has no episode_index and length", AGAIN)
        if number in found:
            raise InputError("bad_dataset", f"{where} has episode {number} again", AGAIN)
        found[number] = length
    numbers = sorted(found)
    return np.array(numbers, np.int64), np.array([found[n] for n in numbers], np.int64)


def _episodes_of_tables(
    path: Path, info: Mapping[str, Any], files: ParquetFiles
) -> dict[str, np.ndarray]:
    """The columns of meta/episodes that say where an episode lies, in the episodes' order."""
    folder = path / "meta/episodes"
    tables = sorted(folder.glob("chunk-*/file-*.parquet"))
    if not tables:
        raise InputError("missing_file", f"{folder} has no chunk-*/file-*.parquet", AGAIN)
    whole = ["episode_index", "length", "data/chunk_index", "data/file_index"]
    times = []
    for camera, how in info["features"].items():
        if how["dtype"] == "video":
            whole += [f"videos/{camera}/{name}_index" for name in ("chunk", "file")]
            times += [f"videos/{camera}/{name}_timestamp" for name in ("from", "to")]
    found: dict[str, list[Any]] = {name: [] for name in (*whole, *times)}
    for table in tables:
        for name, values in files.rows(table, 0, files.count(table), (*whole, *times)).items():
            found[name] += values
    try:
        # A video that was never encoded has no place: its episode's reading says so.
        locations: dict[str, np.ndarray] = {
            name: np.array([-1 if value is None else value for value in found[name]], np.int64)
            for name in whole
        }
        for name in times:
            values = [math.nan if value is None else value for value in found[name]]
            locations[name] = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("bad_dataset", f"{folder}: {error}", AGAIN) from error
    order = np.argsort(locations["episode_index"], kind="stable")
    numbers = locations["episode_index"][order]
    if np.any(numbers < 0) or np.any(locations["length"] < 0) or np.any(np.diff(numbers) == 0):
        raise InputError("bad_dataset", f"{folder} has an episode twice, or without number", AGAIN)
    return {name: values[order] for name, values in locations.items()}


def _check_counts(
    path: Path, info: Mapping[str, Any], episodes: np.ndarray, lengths: np.ndarray
) -> None:
    for name, count in (("episodes", len(episodes)), ("frames", int(lengths.sum()))):
        stated = info[f"total_{name}"]
        if stated != count:
            what = f"{path / INFO} states {stated} {name}, meta/episodes has {count}"
            raise InputError("count_mismatch", what, f"{AGAIN}, or fix total_{name}")


def chosen_episodes(meta: LeRobotMeta, split: str) -> np.ndarray:
    """int64[N]: indices into ``meta.episodes`` of a split.

    LeRobot reads all episodes whatever "splits" says, and writes "train": "0:N" alone; only where
    somebody has written several are they told apart.

    Raises:
      InputError: there are several, and this is not one of them, or it is not such a range.
    """
    splits = meta.info.get("splits")
    if not isinstance(splits, dict) or len(splits) < 2:
        return np.arange(len(meta.episodes))
    if split not in splits:
        raise unknown_name("unknown_split", "split", split, splits)
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", str(splits[split]))
    if match is None:
        shown = str(splits[split])[:40]
        what = f"{meta.path / INFO}: split {split} is {shown!r}"
        raise InputError("bad_dataset", what, 'write it as episodes, "0:80"')
    low, high = int(match[1]), int(match[2])
    return np.flatnonzero((meta.episodes >= low) & (meta.episodes < high))
