# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the moment at which a robot's gripper closes becomes a pose to learn."""

from __future__ import annotations

import dataclasses
import math

from robomamba_jax.config.checks import not_negative, one_of
from robomamba_jax.errors import InputError

ROTATION_FORMS = {
    "quaternion_xyzw": 4,
    "quaternion_wxyz": 4,
    "rpy": 3,
    "rotation_vector": 3,
    "rotation_6d": 6,
    "matrix": 9,
}
"""How many numbers each form of a rotation has; ``data.sources.rotations`` says what they are."""

SIDES = ("above", "below")
AXES = ("x", "y", "z", "-x", "-y", "-z")


@dataclasses.dataclass(frozen=True)
class Entries:
    """Some numbers of a column.

    Attributes:
      column: such as "observation.state".
      at: which of its numbers, counted from 0, in their order; () = all of them.
    """

    column: str
    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for place in self.at:
            not_negative(f"an entry of {self.column}", place)


@dataclasses.dataclass(frozen=True)
class GraspConfig:
    """The end-effector's pose at the first step at which the gripper closes, seen by a camera.

    Nothing here is guessed: which numbers are what, and on which side of the threshold the
    gripper is closed, no data set says.

    Attributes:
      camera: path of the camera file, see ``data.geometry.camera``; it must have
        ``camera_to_world``, whose world is the frame of ``position``, often the robot's base.
      position: x, y, z of the end-effector, metres.
      orientation: of the end-effector's (tool's) frame in the same world.
      orientation_form: what the orientation's numbers are, one of ``ROTATION_FORMS``.
      gripper: the one number that says how far the gripper is open or closed.
      threshold: of that number.
      closed: the gripper is closed where its number is "above" or "below" the threshold.
      before: the image is that of so many steps before the gripper closes; None = of the
        episode's first step.
      tip: metres from the end-effector's origin to the point of contact, along the approach.
      approach_axis: the tool frame's axis that points to the surface, one of ``AXES``.
      left_axis: the tool frame's axis along which the fingers close.
    """

    camera: str
    position: Entries
    orientation: Entries
    orientation_form: str
    gripper: Entries
    threshold: float
    closed: str
    before: int | None = None
    tip: float = 0.0
    approach_axis: str = "z"
    left_axis: str = "y"

    def __post_init__(self) -> None:
        one_of("orientation_form", self.orientation_form, tuple(ROTATION_FORMS))
        one_of("closed", self.closed, SIDES)
        one_of("approach_axis", self.approach_axis, AXES)
        one_of("left_axis", self.left_axis, AXES)
        # "-z" and "z" are one line: their cross product, the third axis, would be 0.
        if self.approach_axis[-1] == self.left_axis[-1]:
            raise InputError(
                "bad_config",
                f"approach_axis is {self.approach_axis} and left_axis is {self.left_axis}",
                "give two different axes",
            )
        if self.before is not None:
            not_negative("before", self.before)
        # JSON as Python reads it knows NaN and Infinity; a comparison with NaN is never true.
        for name in ("threshold", "tip"):
            if not math.isfinite(getattr(self, name)):
                raise InputError("bad_config", f"{name} is not finite", "give a number")
