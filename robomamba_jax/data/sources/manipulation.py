# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where and how to touch: RoboMamba's JSON and ManipLLM's folders, in one convention.

Out come pixels (x, y) of the original image, pixel centres at +0.5 (files count whole
pixels from 0, so half a pixel is added), and the gripper's first two axes in the camera's
OpenCV frame (x right, y down, z forward): approach, towards the surface, and left, the
closing axis.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.config.checks import one_of
from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.json_source import JsonFileSource
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, below, find_image
from robomamba_jax.data.sources.sample import (
    Sample,
    bad_record,
    conversation,
    image_field,
    text_field,
)
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json

PIXEL_ORDERS = ("xy", "rowcol")
FRAMES = ("manipllm", "opencv")
_SCALE = 50  # a direction is written as whole fiftieths of a unit vector
_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_POINT = re.compile(rf"\({_NUMBER},{_NUMBER}\)")
_VECTOR = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER}\]")
_GRIPPER = re.compile(r"gripper is (open|closed)")
_PROMPT = "Specify the contact point and gripper direction of manipulating the object."


@dataclasses.dataclass(frozen=True)
class Action:
    """What the policy head learns from a sample.

    Attributes:
      contact_xy: pixels of the original image, x right, y down.
      approach: unit vector, OpenCV frame; column 1 of the rotation.
      left: unit vector, OpenCV frame; column 2, not yet made orthogonal.
      gripper_open: 1 = open, 0 = closed, None where the sample does not say.
    """

    contact_xy: tuple[float, float]
    approach: tuple[float, float, float]
    left: tuple[float, float, float]
    gripper_open: float | None = None

    def rotation(self) -> np.ndarray:
        """float64[3, 3]: the gripper's axes as columns, left made orthogonal to the approach."""
        first, left = np.array(self.approach, np.float64), np.array(self.left, np.float64)
        second = left - first * (first @ left)
        second = second / np.linalg.norm(second)
        return np.stack([first, second, np.cross(first, second)], axis=1)


@dataclasses.dataclass(frozen=True)
class PoseSample(Sample):
    """A sample with an action.

    Attributes:
      action: what the answer says, as numbers.
    """

    action: Action | None = None


def parse_action(text: str, where: str, *, pixel_order: str, frame: str) -> Action:
    """An answer such as "The contact point is (169, 175), the gripper direction is [-18, 15,
    43], left is [33, 35, 2]", with ", gripper is open." or "closed." behind it or without.

    Args:
      text: the answer.
      where: the sample, for messages.
      pixel_order: what the point's two numbers are, "xy" or "rowcol"; no file says it.
      frame: of the directions, "manipllm" (forward, left, up) or "opencv".

    Raises:
      InputError: a number is missing, or a direction has no length.
    """
    one_of("pixel_order", pixel_order, PIXEL_ORDERS)
    one_of("frame", frame, FRAMES)
    point, vectors = _POINT.search(text), _VECTOR.findall(text)
    if point is None or len(vectors) < 2:
        raise bad_record(where, "has an answer without (point), [direction] and [left]")
    gripper = _GRIPPER.search(text)
    return make_action(
        (float(point[1]), float(point[2])),
        [float(part) / _SCALE for part in vectors[0]],
        [float(part) / _SCALE for part in vectors[1]],
        None if gripper is None else float(gripper[1] == "open"),
        where,
        pixel_order=pixel_order,
        frame=frame,
    )


def make_action(
    point: tuple[float, float],
    approach: npt.ArrayLike,
    left: npt.ArrayLike,
    gripper_open: float | None,
    where: str,
    *,
    pixel_order: str,
    frame: str,
) -> Action:
    """An action out of numbers in a file's own convention; arguments as above."""
    # ManipLLM's "(x, y)" is (row, column), since its writer and its reader both swap; files of
    # RoboMamba's form exist in both orders. Nothing in a file tells which, so it is configured and
    # never guessed.
    x, y = point if pixel_order == "xy" else point[::-1]
    turn = MANIPLLM_TO_OPENCV if frame == "manipllm" else np.eye(3)
    axes = [turn @ np.asarray(axis, np.float64) for axis in (approach, left)]
    lengths = [float(np.linalg.norm(axis)) for axis in axes]
    if min(lengths) < 1e-6 or not all(map(math.isfinite, (x, y, *lengths))):
        raise bad_record(where, "has a direction without length")
    first, second = (axis / length for axis, length in zip(axes, lengths, strict=True))
    # Parallel directions span no frame; nearly parallel ones would give one of noise.
    if np.linalg.norm(np.cross(first, second)) < 1e-3:
        raise bad_record(where, "has two directions that are parallel")
    return Action(
        # Files count pixels from 0 at their centres; here centres lie at +0.5.
        (x + 0.5, y + 0.5),
        (float(first[0]), float(first[1]), float(first[2])),
        (float(second[0]), float(second[1]), float(second[2])),
        gripper_open,
    )


def parse_detection(
    value: Json, where: str, *, pixel_order: str = "xy", frame: str = "manipllm"
) -> Action:
    """RoboMamba's result: a point, two columns of a rotation, and the gripper's logit or not.

    A network's point is no whole pixel: the half that is added to files' pixels is not here.

    Args:
      value: a list of 8 or 9 numbers.
      where: the prediction, for messages.
      pixel_order: as for ``parse_action``.
      frame: as for ``parse_action``.

    Raises:
      InputError: it is no such list, or a direction has no length.
    """
    numbers = np.asarray(value, np.float64) if _all_numbers(value) else np.zeros(0)
    if numbers.shape not in ((8,), (9,)) or not np.all(np.isfinite(numbers)):
        fix = "give [x, y, six numbers of a rotation]"
        raise InputError("bad_record", f"{where} has no 8 numbers as its detection", fix)
    x, y = (float(part) for part in numbers[:2])
    action = make_action(
        (x, y),
        numbers[2:5],
        numbers[5:8],
        # A logit: above 0 is a probability above 1/2.
        float(numbers[8] > 0) if len(numbers) == 9 else None,
        where,
        pixel_order=pixel_order,
        frame=frame,
    )
    contact = (action.contact_xy[0] - 0.5, action.contact_xy[1] - 0.5)
    return dataclasses.replace(action, contact_xy=contact)


def detection(contact_xy: tuple[float, float], rotation: np.ndarray) -> list[float]:
    """A pose as RoboMamba's result list has it: pixels (x, y), then the first two columns of an
    OpenCV rotation in ManipLLM's frame."""
    columns = MANIPLLM_TO_OPENCV.T.astype(np.float64) @ np.asarray(rotation, np.float64)[:, :2]
    return [float(part) for part in (*contact_xy, *columns[:, 0], *columns[:, 1])]


def _all_numbers(value: Any) -> bool:
    """Whether a value is a list of numbers; True is none, though Python counts it as 1."""
    return isinstance(value, list) and all(type(part) in (int, float) for part in value)


class RoboMambaPoses(JsonFileSource):
    """RoboMamba's own file: a JSON list of ``{"image", "conversations"}``."""

    _format, _fields = "robomamba-poses", ("id", "image", "conversations")
    _folders = ("", "images", "robot_pics")

    def __init__(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        pixel_order: str,
        frame: str = "manipllm",
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Find the records.

        Args:
          path: the JSON file.
          root: the folder of the images; None = the file's own.
          pixel_order: "xy" or "rowcol".
          frame: of the directions, "manipllm" or "opencv".
          allowed: where links below the root may lead.

        Raises:
          InputError: the file is missing or broken, or a name is unknown.
        """
        one_of("pixel_order", pixel_order, PIXEL_ORDERS)
        one_of("frame", frame, FRAMES)
        super().__init__(path, root, allowed=allowed)
        self._how = {"pixel_order": pixel_order, "frame": frame}

    def __getitem__(self, index: int) -> PoseSample:
        """One sample.

        Raises:
          InputError: the record lacks something, or its image is missing.
        """
        record, where = self._record(index)
        turns = conversation(record.get("conversations"), where)
        answer = next(text for role, text in turns if role == "gpt")
        image_field(record, where)
        image = text_field(record, "image", where)
        return PoseSample(
            text_field(record, "id", where) if "id" in record else f"{image}#{index}",
            (self._image(image),),
            turns,
            "manipulation",
            parse_action(answer, where, **self._how),
        )

    def facts(self) -> Mapping[str, Json]:
        """Format, number of records, and how they are read."""
        return {**super().facts(), **self._how}


class ManipLlmPoses:
    """ManipLLM's folders: ``<shape>_<category>_<n>_pulling_<trial>/`` with original_rgb.png
    and result.json. Only trials that succeeded are samples.

    ``gripper_up_direction_camera`` is the approach; left is up x forward. Points are
    (row, column) in these files, directions in ManipLLM's frame (forward, left, up).
    """

    def __init__(self, root: str | os.PathLike[str], *, allowed: AllowedRoots = NO_ROOTS) -> None:
        """Read every result.json once.

        Args:
          root: the folder of the trials.
          allowed: where links below it may lead.

        Raises:
          InputError: there is no such folder, or none with a result.
        """
        self._root, self._allowed = Path(root), allowed
        if not self._root.is_dir():
            what = f"{self._root} is not a folder"
            raise InputError("missing_file", what, "give ManipLLM's folder")
        found = sorted(path.parent.name for path in self._root.glob("*/result.json"))
        if not found:
            raise InputError(
                "missing_file",
                f"{self._root} has no */result.json",
                "give the folder of the trials",
            )
        self._names = [name for name in found if self._succeeded(name)]
        self._failed = len(found) - len(self._names)

    def _result(self, name: str) -> dict[str, Any]:
        records = JsonRecords(below(self._root, f"{name}/result.json", self._allowed))
        try:
            return records[0]
        finally:
            records.close()

    def _succeeded(self, name: str) -> bool:
        """Whether it is a sample; a broken result is one, whose reading says why."""
        try:
            return str(self._result(name).get("mani_succ")).lower() in ("true", "1")
        except InputError:
            return True

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> PoseSample:
        """One sample.

        Raises:
          InputError: a field or the image is missing.
        """
        name = self._names[index]
        where, result = f"{self._root}/{name}", self._result(name)
        row, column = _numbers(result.get("pixel_locs"), 2, where, "pixel_locs")
        key = "gripper_{}_direction_camera"
        up, forward = (
            _numbers(result.get(key.format(axis)), 3, where, key.format(axis))
            for axis in ("up", "forward")
        )
        action = make_action(
            (row, column),
            up,
            np.cross(up, forward),
            None,
            where,
            pixel_order="rowcol",
            frame="manipllm",
        )
        image_path = find_image(self._root, f"{name}/original_rgb.png", allowed=self._allowed)
        turns = (("human", f"<image>\n{_PROMPT}"), ("gpt", answer_text(action)))
        parts = name.split("_")
        task = parts[1] if len(parts) > 1 else None
        return PoseSample(name, (image_path,), turns, task, action)

    def facts(self) -> Mapping[str, Json]:
        """Format, samples, and trials that failed and are none."""
        return {"format": "manipllm", "records": len(self), "failed_trials": self._failed}


def answer_text(action: Action) -> str:
    """An action as RoboMamba's files write it: whole pixels (x, y), fiftieths, and the
    gripper where it is known; directions in the OpenCV frame."""
    x, y = (math.floor(part) for part in action.contact_xy)
    approach, left = (
        ", ".join(str(round(part * _SCALE)) for part in axis)
        for axis in (action.approach, action.left)
    )
    gripper = ""
    if action.gripper_open is not None:
        gripper = f", gripper is {'open' if action.gripper_open >= 0.5 else 'closed'}."
    return f"The contact point is ({x}, {y}), the gripper direction is [{approach}], " + (
        f"left is [{left}]{gripper}"
    )


def _numbers(value: Any, count: int, where: str, name: str) -> list[float]:
    """``count`` finite numbers, in a list or in a list of one such list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not _all_numbers(value) or len(value) != count or not all(map(math.isfinite, value)):
        raise bad_record(where, f"has no {count} numbers as {name}")
    return [float(part) for part in value]
