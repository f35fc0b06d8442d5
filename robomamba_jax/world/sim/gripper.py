# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The free-flying gripper: it comes along its approach axis, holds on, and pulls back.

As in ManipLLM's executor it flies, and holds by suction at the contact point. Unlike there its
force is limited, as a real cup's is: FORCE along the pull, ACROSS of it across. A pull at an
angle t to the way in which the part can move has FORCE (cos t - ACROSS sin t) for it, since the
contact must slip across the cup's way; times the lever, where it turns. So a pull near a hinge,
or far from the part's own way, does not suffice.

With a hand (seven degrees of freedom), open fingers grasp what fits between them and hold much
better; closed fingers hold by suction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.vectors import cross
from robomamba_jax.world.sim.simulator import TIMESTEP, SimScene
from robomamba_jax.world.sim.surfaces import cast, first_hit

Array = npt.NDArray[np.float64]

FORCE = 100.0  # newton, along the pull
ACROSS = 0.35  # of it, across the pull
GRASP = 3.0  # times the force, in all directions
PULL = 0.4  # metres
START = 0.3  # metres before the contact
TILT = np.cos(np.radians(60))  # a cup that leans more does not seal
FINGERS = 0.16  # metres between open fingers
STEPS = 300  # of physics while pulling
_REPLAN = 10  # steps between two looks of a policy that steers
_STIFF, _DAMP = 4e4, 2e3
NEAR = 0.03  # metres: how far a depth image may be off


@dataclasses.dataclass(frozen=True, eq=False)
class GraspCommand:
    """What a policy asks for, in the world frame.

    Attributes:
      point: float64[3], the contact.
      approach: float64[3], unit vector towards the surface; the pull goes the other way.
      closing: float64[3], unit vector, the fingers' axis.
      gripper_open: whether fingers arrive open; None for suction.
      pull: whether to pull at all.
      steer: a direction to pull in, asked for again and again; None = straight back.
    """

    point: Array
    approach: Array
    closing: Array
    gripper_open: float | None = None
    pull: bool = True
    steer: Callable[[SimScene, int, Array], Array] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ExecutionResult:
    """What came of it.

    Attributes:
      held: whether the gripper got hold; "why" says why not.
      why: "blocked", "tilted" or "empty" (nothing between the fingers), or "".
      moved: float64[3], the contact point's way, world.
      before: float64[J], joints, scaled units.
      after: float64[J].
      pulled: float64[3], unit vector, where the pull went first.
    """

    held: bool
    why: str
    moved: Array
    before: Array
    after: Array
    pulled: Array


OnMotion = Callable[[str, Array], None]
Executor = Callable[[SimScene, int, GraspCommand, OnMotion | None], ExecutionResult]


def execute(
    scene: SimScene, link: int, command: GraspCommand, on_motion: OnMotion | None = None
) -> ExecutionResult:
    """Carry out a grip on a link.

    Args:
      scene: the scene, at rest.
      link: what the contact pixel shows.
      command: how to take hold.
      on_motion: told of the gripper's place again and again: (phase, float64[3]).
    """
    before = scene.joints
    nothing = ExecutionResult(False, "", np.zeros(3), before, before, -command.approach)
    why = obstacle(scene, link, command)
    if on_motion is not None:
        for share in np.linspace(1, 0, 5):
            on_motion("approach", command.point - share * START * command.approach)
    if why:
        return dataclasses.replace(nothing, why=why)
    if not command.pull:
        for _ in range(STEPS):
            scene.sapien_scene.step()
        return dataclasses.replace(nothing, held=True, after=scene.joints)
    start = scene.link_pose(link)
    local = start[:3, :3].T @ (command.point - start[:3, 3])
    forces = (GRASP * FORCE, GRASP * FORCE) if grasps(command) else (FORCE, ACROSS * FORCE)
    first = _pull(scene, link, command, local, forces, on_motion)
    end = scene.link_pose(link)
    moved = end[:3, :3] @ local + end[:3, 3] - command.point
    return ExecutionResult(True, "", moved, before, scene.joints, first)


def obstacle(scene: SimScene, link: int, command: GraspCommand) -> str:
    """Why the gripper would get no hold of a link, or "": geometry alone, nothing moves."""
    origin = command.point - START * command.approach
    met, distance = first_hit(scene, origin, command.approach)
    if met != link or abs(distance - START) > NEAR:
        return "blocked"
    if grasps(command):
        return "" if _fits(scene, command) else "empty"
    corners = scene.link_mesh(link).corners()
    normal = cast(origin[None], command.approach[None], corners).normal[0]
    return "tilted" if -float(command.approach @ normal) < TILT else ""


def grasps(command: GraspCommand) -> bool:
    """Whether open fingers are to close around something."""
    return command.gripper_open is not None and command.gripper_open >= 0.5


def _fits(scene: SimScene, command: GraspCommand) -> bool:
    """Whether both fingers find free space beside what lies between them.

    Each finger comes down beside the contact, half the opening away; neither may meet
    anything before its tip is a little deeper than the contact.
    """
    depth = START + 0.015
    for side in (-1, 1):
        beside = command.point - START * command.approach + side * FINGERS / 2 * command.closing
        if first_hit(scene, beside, command.approach)[1] < depth:
            return False
    return True


def _pull(
    scene: SimScene,
    link: int,
    command: GraspCommand,
    local: Array,
    forces: tuple[float, float],
    on_motion: OnMotion | None,
) -> Array:
    """Tie the contact point to a body that moves away; returns where it went first."""
    sapien = scene.simulator.sapien
    entity, body = sapien.Entity(), sapien.physx.PhysxRigidDynamicComponent()
    body.kinematic = True
    entity.add_component(body)
    direction = (
        -command.approach if command.steer is None else command.steer(scene, link, command.point)
    )
    first, place = direction, command.point.copy()
    frame = _frame(direction)  # not in every step: it would cost as much as all else of a pull
    entity.set_pose(_pose(sapien, place, frame))
    scene.sapien_scene.add_entity(entity)
    tie = DriveConstraint(scene, entity, link, local, direction, forces)
    for step in range(STEPS):
        if command.steer is not None and step and step % _REPLAN == 0:
            pose = scene.link_pose(link)
            direction = command.steer(scene, link, pose[:3, :3] @ local + pose[:3, 3])
            frame = _frame(direction)
        place = place + direction * PULL / STEPS
        body.set_kinematic_target(_pose(sapien, place, frame))
        scene.sapien_scene.step()
        if on_motion is not None and step % (STEPS // 12) == 0:
            pose = scene.link_pose(link)
            on_motion("pull", pose[:3, :3] @ local + pose[:3, 3])
    tie.remove()
    scene.sapien_scene.remove_entity(entity)
    return first


def _frame(direction: Array) -> Array:
    """float64[3, 3]: axes of which the first is a direction."""
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    y = cross(direction, helper)
    y = y / float(np.linalg.norm(y))
    axes = np.stack([direction, y, cross(direction, y)], axis=1)
    return axes.astype(np.float64)


def _pose(sapien: Any, place: Array, frame: Array) -> Any:
    """The gripper's place, its first axis along the pull: the tie's limits hold along axes."""
    pose = np.eye(4, dtype=np.float32)
    pose[:3, :3], pose[:3, 3] = frame, place
    return sapien.Pose(pose)


class DriveConstraint:
    """A spring between the gripper's own point and a link's, with limited force, free to turn."""

    def __init__(
        self,
        scene: SimScene,
        entity: Any,
        link: int,
        local: Array,
        direction: Array,
        forces: tuple[float, float],
    ) -> None:
        sapien = scene.simulator.sapien
        # The tie's first axis is the pull, at both of its ends: its limits hold along axes.
        frame = _frame(direction)
        inside, outside = np.eye(4), np.eye(4)
        pose = scene.link_pose(link)
        inside[:3, :3], inside[:3, 3] = pose[:3, :3].T @ frame, local
        holder = np.asarray(entity.pose.to_transformation_matrix(), np.float64)
        outside[:3, :3] = holder[:3, :3].T @ frame
        self._drive = scene.sapien_scene.create_drive(
            entity,
            sapien.Pose(outside.astype(np.float32)),
            scene.links[link].entity,
            sapien.Pose(inside.astype(np.float32)),
        )
        # PhysX takes these limits as impulses of one step.
        along, across = (force * TIMESTEP for force in forces)
        self._drive.set_drive_property_x(_STIFF, _DAMP, along, "force")
        self._drive.set_drive_property_y(_STIFF, _DAMP, across, "force")
        self._drive.set_drive_property_z(_STIFF, _DAMP, across, "force")

    def remove(self) -> None:
        """Let go."""
        for setter in ("x", "y", "z"):
            getattr(self._drive, f"set_drive_property_{setter}")(0.0, 0.0, 0.0, "force")
