# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a gripper at work: single ones, and clips of it coming and pulling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.colors import COLORS, DARK, STEEL
from robomamba_jax.world.objects.meshes import box, cone, cylinder
from robomamba_jax.world.objects.model import Solid
from robomamba_jax.world.sim.gripper import (
    FINGERS,
    ExecutionResult,
    Executor,
    GraspCommand,
    execute,
)
from robomamba_jax.world.sim.simulator import SimScene

Array = npt.NDArray[np.float64]
Frame = npt.NDArray[np.uint8]


class GripperBody:
    """A gripper to look at: a cup on a stem, or a hand with two fingers. Nothing bumps into it."""

    def __init__(self, scene: SimScene, command: GraspCommand) -> None:
        """Put it into the scene, out of sight."""
        self._stage, self._grip = scene, command
        # The tip is the body's origin and +z its approach, so that everything lies behind, at z
        # below 0.
        pieces = [
            Solid("stem", cylinder(0.035, 0.5, (0, 0, -0.36)), STEEL, True),
            Solid("palm", box((0.14, 0.2, 0.08), (0, 0, -0.14)), COLORS["orange"]),
        ]
        if command.gripper_open is not None and command.gripper_open >= 0.5:
            for side in (-1, 1):
                finger = box((0.03, 0.02, 0.13), (0, side * FINGERS / 2, -0.05))
                pieces.append(Solid("finger", finger, DARK))
        else:
            pieces.append(Solid("cup", cone(0.05, 0.025, 0.1, (0, 0, -0.05), (0, 0, -1)), DARK))
        self._entity: Any = scene.add(scene.simulator.render_body(pieces))

    def move(self, point: Array) -> None:
        """Its tip goes to a world point."""
        pose = np.eye(4)
        # A command's closing axis need not be square to its approach: what lies along it goes.
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
        self._stage.sapien_scene.remove_entity(self._entity)


def film(
    scene: SimScene, link: int, command: GraspCommand, executor: Executor = execute
) -> tuple[list[Frame], int, ExecutionResult]:
    """Carry out a grip and take images.

    Returns:
      The frames, uint8[H, W, 3] each; the number of those before contact; the outcome.
    """
    # An arm is in the scene itself.
    body = GripperBody(scene, command) if executor is execute else None
    frames: list[Frame] = []
    coming = 0

    def on_motion(phase: str, point: Array) -> None:
        """Move the body along, and take an image."""
        nonlocal coming
        if body is not None:
            body.move(point)
        frames.append(scene.render().rgb)
        coming += phase == "approach"

    try:
        result = executor(scene, link, command, on_motion)
    finally:
        if body is not None:
            body.remove()
    return frames, coming, result


def evenly_sampled(frames: list[Frame], count: int) -> list[Frame]:
    """As many frames as wanted, evenly spread, the first and the last among them."""
    indices = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [frames[index] for index in indices]
