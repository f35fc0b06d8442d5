# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets, v2.1 and v3.0, from a local folder, without torch and ``datasets``.

Rows come out of Parquet files, images out of these or out of videos. "task" (and "subtask", where
there is one) stands for the text that a step's task_index means, as in LeRobot's own items; every
other name of a ``FieldMap`` is a column. A field that is None:

- image: the only camera; "" = none.
- answer: "task", where there is no pose.
- question: ``ask``; without it "task", or ``ASK`` where the task is the answer.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import FieldMap
from robomamba_jax.data.sources.field_maps import asked_turns, check_contact, field_action
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.lerobot_meta import LeRobotMeta, chosen_episodes, read_meta
from robomamba_jax.data.sources.lerobot_poses import GraspReader
from robomamba_jax.data.sources.lerobot_rows import EpisodeRows
from robomamba_jax.data.sources.manipulation import Action, PoseSample, answer_text
from robomamba_jax.data.sources.parquet_rows import ParquetFiles
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, below
from robomamba_jax.data.sources.sample import ImageRef, Sample, VideoMoment, bad_record
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import Json

ASK = "What is the robot doing?"

_TEXTS = ("task", "subtask")
# Of an episode's images that are files: v2.1's name and v3.0's.
_IMAGE_FILES = (
    "images/{}/episode_{:06d}/frame_{:06d}.png",
    "images/{}/episode-{:06d}/frame-{:06d}.png",
)


class LeRobotSource:
    """Samples of a LeRobot data set: steps of its episodes, or the grasp of each."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        fields: FieldMap | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        split: str = "train",
        pixel_order: str | None = None,
        frame: str | None = None,
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Read meta/, and compare its counts.

        Args:
          path: the data set's folder, with meta/info.json.
          fields: which columns mean what; None = the only camera, and the task as the answer.
          root: the folder with videos/ and images/; None = the data set's own.
          split: which of several, see ``lerobot_meta.chosen_episodes``.
          pixel_order: of ``fields.contact``, "xy" or "rowcol"; needed with it.
          frame: of ``fields.approach``, "manipllm" or "opencv"; needed with it.
          allowed: where links may lead, such as a hub cache's blobs/.

        Raises:
          InputError: it is not a LeRobot data set of a known version, its files differ from what
            they state, or a column or a setting is missing, unknown or ambiguous.
        """
        self.path = Path(path)
        self._root = self.path if root is None else Path(root)
        self._files, self._allowed = ParquetFiles(), allowed
        self.meta = read_meta(self.path, self._files)
        self._how = {"pixel_order": pixel_order, "frame": frame}
        self._fields = _resolved(fields or FieldMap(), self.meta, self._how)
        self._rows = EpisodeRows(self.meta, self._files, allowed)
        self._episodes = chosen_episodes(self.meta, split)
        self._grasp = self._open_grasp()
        lengths = self.meta.lengths[self._episodes]
        each = lengths if self._fields.step == "all" else np.ones_like(lengths)
        self._ends = np.cumsum(each)
        self._columns = self._needed()

    def _open_grasp(self) -> GraspReader | None:
        if self._fields.grasp is None:
            return None
        shapes = {name: how.get("shape") for name, how in self.meta.features.items()}
        camera = self._fields.image
        return GraspReader(self._fields.grasp, shapes, self.meta.size(camera) if camera else None)

    def _needed(self) -> tuple[str, ...]:
        """The columns that a sample is made of."""
        fields, features = self._fields, self.meta.features
        names = {"timestamp", *map(_index, _texts(fields)), *_numbers(fields)}
        if fields.image and features[fields.image]["dtype"] == "image":
            names.add(fields.image)
        return tuple(sorted(names))

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Sample:
        """One sample.

        Raises:
          InputError: a file is missing or damaged, or a value is not what its meaning needs.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        # side="right": _ends has where each episode ends, and the index itself belongs to the next
        # one.
        position = int(np.searchsorted(self._ends, index, side="right"))
        number = int(self._episodes[position])
        step = index - (int(self._ends[position - 1]) if position else 0)
        name = f"{self.meta.episodes[number]}"
        if self._fields.step == "all":
            name = f"{name}/{step}"
        elif self._fields.step == "last":
            step = int(self.meta.lengths[number]) - 1
        where = f"{self.path}: episode {self.meta.episodes[number]}"
        if self.meta.lengths[number] < 1:
            raise bad_record(where, "has no steps")
        action = None
        if self._grasp is not None:
            states = self._rows.read(number, 0, int(self.meta.lengths[number]), self._grasp.columns)
            step, action = self._grasp.find(states, where)
        rows = self._rows.read(number, step, step + 1, self._columns)
        values = {column: cells[0] for column, cells in rows.items()}
        return self._sample(name, number, values, action, f"{where} step {step}")

    def _sample(
        self, name: str, number: int, values: Mapping[str, Any], action: Action | None, where: str
    ) -> Sample:
        fields = self._fields
        if fields.id:
            name = self._text(values, fields.id, where)
        images = () if not fields.image else (self._image(number, values, where),)
        task = self._text(values, fields.task, where) if fields.task else None
        question = fields.ask or self._text(values, str(fields.question), where)
        answer = self._text(values, fields.answer, where) if fields.answer else ""
        if fields.contact:
            action = field_action(values, fields, where, self._how)  # type: ignore[arg-type]
        if action is None:
            return Sample(name, images, asked_turns(images, question, answer), task)
        turns = asked_turns(images, question, answer or answer_text(action))
        return PoseSample(name, images, turns, task, action)

    def _text(self, values: Mapping[str, Any], name: str, where: str) -> str:
        """A column's text or number as text, or the text of a task's number."""
        value = values[_index(name)]
        if name in _TEXTS:
            texts = self.meta.tasks if name == "task" else self.meta.subtasks
            if value not in texts:
                raise bad_record(where, f"has {name}_index {value}, which no {name} of meta/ has")
            value = texts[value]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, str | int | float) or value == "":
            raise bad_record(where, f"has no text as {name}")
        return str(value)

    def _image(self, number: int, values: Mapping[str, Any], where: str) -> ImageRef:
        camera = str(self._fields.image)
        if self.meta.features[camera]["dtype"] == "video":
            return self._moment(number, camera, values["timestamp"], where)
        cell = values[camera]
        data = cell.get("bytes") if isinstance(cell, dict) else None
        if isinstance(data, bytes):
            ref: ImageRef = data
        else:
            path = cell.get("path") if isinstance(cell, dict) else cell
            ref = self._image_file(camera, values, path, where)
        if self._grasp is not None:
            self._grasp.camera.check_size(f"the image of {where}", *open_ref(ref).size)
        return ref

    def _moment(self, number: int, camera: str, timestamp: Any, where: str) -> VideoMoment:
        """A step's frame: the nearest to its time, at most half a step away."""
        if not isinstance(timestamp, int | float) or not 0 <= timestamp < math.inf:
            raise bad_record(where, f"has the timestamp {timestamp!r}"[:100])
        span, half = self.meta.video(number, camera), 0.5 / self.meta.fps
        path = below(self._root, span.name, self._allowed)
        if not path.is_file():
            raise InputError(
                "missing_image", f"{where}: video {path} does not exist", "download the videos too"
            )
        # v3.0 has many episodes in one video: without this the frame of the next episode would be
        # taken where a video is too short.
        if span.start + timestamp > span.stop - half:
            raise bad_record(
                where, f"is at {timestamp:.4f} s of a video of {span.stop - span.start:.4f} s"
            )
        size = self.meta.size(camera)
        if self._grasp is not None:
            # Its contact is in pixels of this camera.
            size = self._grasp.camera.width, self._grasp.camera.height
        return VideoMoment(path, span.start + timestamp, half, size)

    def _image_file(self, camera: str, values: Mapping[str, Any], path: Any, where: str) -> Path:
        """An image that is a file: where the cell says, or where LeRobot puts it."""
        # A cell may have the absolute path of the machine that wrote it, which is never followed.
        names = [] if not isinstance(path, str) or path.startswith("/") else [path]
        step = (values["episode_index"], values["frame_index"])
        names += [name.format(camera, *step) for name in _IMAGE_FILES]
        for name in names:
            found = below(self._root, name, self._allowed)
            if found.is_file():
                return found
        raise InputError(
            "missing_image",
            f"{where}: image {names[0][:200]!r} is not below {self._root}",
            "download the images too, or give the right root",
        )

    def facts(self) -> Mapping[str, Json]:
        """Format and version, how much there is, and which fields are read."""
        fields, meta = self._fields, self.meta
        return {
            "format": "lerobot",
            "version": meta.version,
            "records": len(self),
            "episodes": len(self._episodes),
            "frames": int(meta.lengths[self._episodes].sum()),
            "fps": meta.fps,
            "tasks": [meta.tasks[number] for number in sorted(meta.tasks)],
            "robot_type": meta.info.get("robot_type"),
            "cameras": meta.cameras,
            "fields": list(meta.features),
            "read": {
                "image": fields.image or None,
                "question": fields.ask or fields.question,
                "answer": fields.answer or "pose",
            },
        }


def _resolved(fields: FieldMap, meta: LeRobotMeta, how: Mapping[str, str | None]) -> FieldMap:
    """The field map with what it leaves out, checked."""
    _check_poses(fields, how)
    for name in ("tagged", "turns", "steps"):
        if getattr(fields, name):
            raise InputError(
                "bad_config",
                f"fields.{name} is not read from LeRobot data sets",
                "use question and answer, step, and the columns' names",
            )
    if fields.ask and fields.question:
        raise InputError("bad_config", "fields.ask and fields.question at once", "give one of them")
    answer = fields.answer or (None if fields.poses else "task")
    ask, question = fields.ask, fields.question
    if not ask and not question:
        ask, question = (ASK, None) if answer == "task" else (None, "task")
    if question is not None and question == answer:
        raise InputError(
            "bad_config", f"question and answer are both {question}", "give fields.ask"
        )
    fields = dataclasses.replace(
        fields, image=_camera(fields, meta), ask=ask, question=question, answer=answer
    )
    columns = [name for name in meta.features if name not in meta.cameras]
    texts = ["task", *(["subtask"] if meta.subtasks else []), *columns]
    for names, known in ((_texts(fields), texts), (_numbers(fields), columns)):
        for name in names:
            if name not in known:
                raise unknown_name("unknown_field", f"field of {meta.path}:", name, known)
    return fields


def _camera(fields: FieldMap, meta: LeRobotMeta) -> str | None:
    if fields.image is None and len(meta.cameras) > 1:
        raise InputError(
            "bad_config",
            f"{meta.path} has {len(meta.cameras)} cameras: {', '.join(meta.cameras)}"[:400],
            "say with fields.image which one is read",
        )
    if fields.image is None:
        image = meta.cameras[0] if meta.cameras else None
    else:
        image = fields.image or None
    if image is not None and image not in meta.cameras:
        raise unknown_name("unknown_field", f"camera of {meta.path}:", image, meta.cameras)
    if image is None and fields.poses:
        raise InputError("bad_config", f"{meta.path}: a pose needs a camera", "give fields.image")
    return image


def _check_poses(fields: FieldMap, how: Mapping[str, str | None]) -> None:
    single = [name for name in ("approach", "left", "gripper") if getattr(fields, name)]
    check_contact(fields, how)
    if not fields.contact and single:
        raise InputError(
            "bad_config", f"fields.{single[0]} stands without contact", "give fields.contact too"
        )
    if fields.grasp is None:
        return
    more = [name for name in ("contact", "answer") if getattr(fields, name)]
    more += [name for name, value in how.items() if value is not None]
    if fields.step == "all":
        more.append('step "all"')
    if more:
        raise InputError(
            "bad_config", f"{more[0]} stands beside fields.grasp, which decides it", "give one"
        )


def _texts(fields: FieldMap) -> list[str]:
    """What the map names as text."""
    names = (fields.question, fields.answer, fields.id, fields.task)
    return [name for name in names if name]


def _numbers(fields: FieldMap) -> list[str]:
    """What the map names as numbers."""
    names = [fields.contact, fields.approach, fields.left, fields.gripper]
    if fields.grasp is not None:
        grasp = fields.grasp
        names += [each.column for each in (grasp.position, grasp.orientation, grasp.gripper)]
    return [name for name in names if name]


def _index(name: str) -> str:
    """The column behind a name."""
    return f"{name}_index" if name in _TEXTS else name
