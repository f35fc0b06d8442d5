# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a robot's states to a pose: where its end-effector was when the gripper closed, as a camera
sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robomamba_jax.config.grasp import ROTATION_FORMS, Entries, GraspConfig
from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.sources.manipulation import Action, make_action
from robomamba_jax.data.sources.rotations import rotation_matrix
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError


class GraspReader:
    """Finds the grasp in an episode.

    Attributes:
      camera: the one whose images are read.
      columns: what ``find`` needs of an episode.
    """

    def __init__(
        self, config: GraspConfig, shapes: Mapping[str, Any], size: tuple[int, int] | None
    ) -> None:
        """Read the camera file.

        Args:
          config: what means what.
          shapes: column -> its shape, as info.json has it.
          size: (width, height) of the images, where it is known.

        Raises:
          InputError: the camera file is wrong, has no ``camera_to_world`` or another size, or a
            column has not so many numbers.
        """
        self._config = config
        self.camera = Camera.from_json(config.camera)
        if self.camera.camera_to_world is None:
            fix = "add it: the camera's pose in the frame of the end-effector's positions"
            raise InputError("no_camera_pose", f"{config.camera} has no camera_to_world", fix)
        if size is not None:
            self.camera.check_size("the data set's image", *size)
        read = {
            "position": (config.position, 3),
            "orientation": (config.orientation, ROTATION_FORMS[config.orientation_form]),
            "gripper": (config.gripper, 1),
        }
        for name, (entries, count) in read.items():
            _check_entries(name, entries, count, shapes[entries.column])
        self.columns = tuple(dict.fromkeys(entries.column for entries, _ in read.values()))
        self._to_camera = np.linalg.inv(self.camera.camera_to_world)

    def find(self, rows: Mapping[str, Sequence[Any]], where: str) -> tuple[int, Action]:
        """The step whose image is looked at, and the pose that is to be learned from it.

        Args:
          rows: column -> one value per step of the episode.
          where: the episode, for messages.

        Returns:
          The step, from 0; and the action: the end-effector's point (moved by ``tip``) in pixels
          of the image, and its axes in the camera's OpenCV frame. How far the gripper is open
          is not set: it closes.

        Raises:
          InputError: the gripper never closes, or closes too early for ``before``, or the point
            is behind the camera or outside of its image, or the numbers are not what the
            configuration says.
        """
        config = self._config
        closing = self._closing(_numbers(rows, config.gripper, where)[:, 0], where)
        # The image from before the grasp, the pose from the moment of closing: what the model is
        # asked is where to go, seen from where it is.
        seen_step = 0 if config.before is None else closing - config.before
        if seen_step < 0:
            raise bad_record(
                where, f"closes its gripper at step {closing}, less than {config.before} steps in"
            )
        position = _numbers(rows, config.position, where)[closing]
        numbers = _numbers(rows, config.orientation, where)[closing]
        if not np.all(np.isfinite(position)):
            raise bad_record(where, f"has a position that is not finite at step {closing}")
        turn = rotation_matrix(numbers.tolist(), config.orientation_form, f"{where}: {closing}")
        approach, left = (
            _axis(self._to_camera[:3, :3] @ turn, name)
            for name in (config.approach_axis, config.left_axis)
        )
        point = self._to_camera[:3, :3] @ position + self._to_camera[:3, 3]
        # The end-effector's frame often lies in the flange; ``tip`` metres along the approach are
        # the fingertips.
        pixel = self._pixel(point + config.tip * approach, where)
        action = make_action(pixel, approach, left, None, where, pixel_order="xy", frame="opencv")
        # A projected point is no whole pixel of a file, to which half of one is added.
        return seen_step, dataclasses.replace(action, contact_xy=pixel)

    def _closing(self, values: np.ndarray, where: str) -> int:
        """The first step at which the gripper is closed and was open one step before."""
        config, entries = self._config, self._config.gripper
        name = f"{entries.column}[{entries.at[0]}]" if entries.at else entries.column
        if not np.all(np.isfinite(values)):
            raise bad_record(where, f"has a {name} that is not finite")
        limit = config.threshold
        closed = values > limit if config.closed == "above" else values < limit
        # A transition from open to closed: a gripper that begins closed does not count.
        steps = np.flatnonzero(closed[1:] & ~closed[:-1])
        if not len(steps):
            raise InputError(
                "no_grasp",
                f"{where} never closes its gripper: {name} goes from {values.min():.4g} to "
                f"{values.max():.4g}, closed is {config.closed} {limit:g}",
                "fix threshold or closed, or skip bad records",
            )
        return int(steps[0]) + 1

    def _pixel(self, point: np.ndarray, where: str) -> tuple[float, float]:
        camera = self.camera
        shown = ", ".join(f"{part:.3f}" for part in point)
        if point[2] <= 0:
            raise InputError(
                "behind_camera",
                f"{where} grasps behind the camera, at ({shown}) m in its frame",
                "fix camera_to_world or the position's entries, or skip bad records",
            )
        x, y = (float(part) for part in camera.project(point))
        if not (0 <= x <= camera.width and 0 <= y <= camera.height):
            raise InputError(
                "outside_image",
                f"{where} grasps outside of the {camera.width}x{camera.height} image, at "
                f"({x:.1f}, {y:.1f})",
                "fix camera_to_world or the position's entries, or skip bad records",
            )
        return x, y


def _axis(columns: np.ndarray, name: str) -> np.ndarray:
    """An axis of the tool frame such as "-z", out of a matrix whose columns are its axes."""
    column = columns[:, "xyz".index(name[-1])]
    return -column if name.startswith("-") else column


def _check_entries(name: str, entries: Entries, count: int, shape: Any) -> None:
    """Whether a column can have the numbers that are asked of it."""
    sides = shape if isinstance(shape, list) else [1]
    total = int(np.prod([side for side in sides if isinstance(side, int)]))
    asked = len(entries.at) if entries.at else total
    if asked != count or max(entries.at, default=0) >= total:
        which = f"its entries {list(entries.at)}" if entries.at else "all of it"
        what = f"grasp.{name} needs {count} of the {total} numbers of {entries.column}, not {which}"
        raise InputError("bad_config", what, f"give at: {count} indices from 0 to {total - 1}")


def _numbers(rows: Mapping[str, Sequence[Any]], entries: Entries, where: str) -> np.ndarray:
    """float64[steps, entries]."""
    try:
        table = np.array(rows[entries.column], np.float64).reshape(len(rows[entries.column]), -1)
        return table[:, list(entries.at)] if entries.at else table
    except (TypeError, ValueError, IndexError) as error:
        raise bad_record(where, f"has no such numbers in {entries.column}: {error}") from error
