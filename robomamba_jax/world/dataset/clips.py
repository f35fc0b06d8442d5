# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a gripper at work: single ones, and clips of it coming and pulling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.colors import COLORS, DARK, STEEL
from robomamba_jax.world.objects.meshes import box, cone, cylinder
from robomamba_jax.world.objects.model import Solid
from robomamba_jax.world.sim.gripper import FINGERS, Executor, Grip, Outcome, perform
from robomamba_jax.world.sim.simulator import Stage

Array = npt.NDArray[np.float64]
Frame = npt.NDArray[np.uint8]


class GripperBody:
    """A gripper to look at: a cup on a stem, or a hand with two fingers. Nothing bumps into it."""

    def __init__(self, stage: Stage, grip: Grip) -> None:
        """Put it into the scene, out of sight."""
        self._stage, self._grip = stage, grip
        pieces = [
            Solid("stem", cylinder(0.035, 0.5, (0, 0, -0.36)), STEEL, True),
            Solid("palm", box((0.14, 0.2, 0.08), (0, 0, -0.14)), COLORS["orange"]),
        ]
        if grip.gripper_open is not None and grip.gripper_open >= 0.5:
            for side in (-1, 1):
                finger = box((0.03, 0.02, 0.13), (0, side * FINGERS / 2, -0.05))
                pieces.append(Solid("finger", finger, DARK))
        else:
            pieces.append(Solid("cup", cone(0.05, 0.025, 0.1, (0, 0, -0.05), (0, 0, -1)), DARK))
        self._entity: Any = stage.add(stage.simulator.render_body(pieces))

    def move(self, point: Array) -> None:
        """Its tip goes to a world point."""
        pose = np.eye(4)
        closing = self._grip.closing - self._grip.approach * (
            self._grip.closing @ self._grip.approach
        )
        closing /= np.linalg.norm(closing)
        # The body's +z is the approach, its y the closing axis.
        pose[:3, :3] = np.stack(
            [np.cross(closing, self._grip.approach), closing, self._grip.approach], axis=1
        )
        pose[:3, 3] = point
        self._entity.set_pose(self._stage.simulator.sapien.Pose(pose.astype(np.float32)))

    def remove(self) -> None:
        """Take it out of the scene."""
        self._stage.scene.remove_entity(self._entity)


def film(
    stage: Stage, link: int, grip: Grip, executor: Executor = perform
) -> tuple[list[Frame], int, Outcome]:
    """Carry out a grip and take pictures.

    Returns:
      The frames, uint8[H, W, 3] each; the number of those before contact; the outcome.
    """
    # An arm is in the scene itself.
    body = GripperBody(stage, grip) if executor is perform else None
    frames: list[Frame] = []
    coming = 0

    def watch(phase: str, point: Array) -> None:
        nonlocal coming
        if body is not None:
            body.move(point)
        frames.append(stage.look().rgb)
        coming += phase == "approach"

    try:
        outcome = executor(stage, link, grip, watch)
    finally:
        if body is not None:
            body.remove()
    return frames, coming, outcome


def even(frames: list[Frame], count: int) -> list[Frame]:
    """As many frames as wanted, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [frames[place] for place in places]
