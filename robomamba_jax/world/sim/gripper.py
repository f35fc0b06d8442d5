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
from robomamba_jax.world.sim.simulator import TIMESTEP, Stage
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
class Grip:
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
    steer: Callable[[Stage, int, Array], Array] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
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


Watch = Callable[[str, Array], None]
Executor = Callable[[Stage, int, Grip, Watch | None], Outcome]


def perform(stage: Stage, link: int, grip: Grip, watch: Watch | None = None) -> Outcome:
    """Carry out a grip on a link.

    Args:
      stage: the scene, at rest.
      link: what the contact pixel shows.
      grip: how to take hold.
      watch: told of the gripper's place again and again: (phase, float64[3]).
    """
    before = stage.joints
    nothing = Outcome(False, "", np.zeros(3), before, before, -grip.approach)
    why = obstacle(stage, link, grip)
    if watch is not None:
        for share in np.linspace(1, 0, 5):
            watch("approach", grip.point - share * START * grip.approach)
    if why:
        return dataclasses.replace(nothing, why=why)
    if not grip.pull:
        for _ in range(STEPS):
            stage.scene.step()
        return dataclasses.replace(nothing, held=True, after=stage.joints)
    start = stage.link_pose(link)
    local = start[:3, :3].T @ (grip.point - start[:3, 3])
    forces = (GRASP * FORCE, GRASP * FORCE) if grasps(grip) else (FORCE, ACROSS * FORCE)
    first = _pull(stage, link, grip, local, forces, watch)
    end = stage.link_pose(link)
    moved = end[:3, :3] @ local + end[:3, 3] - grip.point
    return Outcome(True, "", moved, before, stage.joints, first)


def obstacle(stage: Stage, link: int, grip: Grip) -> str:
    """Why the gripper would get no hold of a link, or "": geometry alone, nothing moves."""
    origin = grip.point - START * grip.approach
    met, distance = first_hit(stage, origin, grip.approach)
    if met != link or abs(distance - START) > NEAR:
        return "blocked"
    if grasps(grip):
        return "" if _fits(stage, grip) else "empty"
    corners = stage.link_mesh(link).corners()
    normal = cast(origin[None], grip.approach[None], corners).normal[0]
    return "tilted" if -float(grip.approach @ normal) < TILT else ""


def grasps(grip: Grip) -> bool:
    """Whether open fingers are to close around something."""
    return grip.gripper_open is not None and grip.gripper_open >= 0.5


def _fits(stage: Stage, grip: Grip) -> bool:
    """Whether both fingers find free space beside what lies between them.

    Each finger comes down beside the contact, half the opening away; neither may meet
    anything before its tip is a little deeper than the contact.
    """
    depth = START + 0.015
    for side in (-1, 1):
        beside = grip.point - START * grip.approach + side * FINGERS / 2 * grip.closing
        if first_hit(stage, beside, grip.approach)[1] < depth:
            return False
    return True


def _pull(
    stage: Stage,
    link: int,
    grip: Grip,
    local: Array,
    forces: tuple[float, float],
    watch: Watch | None,
) -> Array:
    """Tie the contact point to a body that moves away; returns where it went first."""
    sapien = stage.simulator.sapien
    entity, body = sapien.Entity(), sapien.physx.PhysxRigidDynamicComponent()
    body.kinematic = True
    entity.add_component(body)
    direction = -grip.approach if grip.steer is None else grip.steer(stage, link, grip.point)
    first, place = direction, grip.point.copy()
    frame = _frame(direction)  # not in every step: it would cost as much as all else of a pull
    entity.set_pose(_pose(sapien, place, frame))
    stage.scene.add_entity(entity)
    tie = Tie(stage, entity, link, local, direction, forces)
    for step in range(STEPS):
        if grip.steer is not None and step and step % _REPLAN == 0:
            pose = stage.link_pose(link)
            direction = grip.steer(stage, link, pose[:3, :3] @ local + pose[:3, 3])
            frame = _frame(direction)
        place = place + direction * PULL / STEPS
        body.set_kinematic_target(_pose(sapien, place, frame))
        stage.scene.step()
        if watch is not None and step % (STEPS // 12) == 0:
            pose = stage.link_pose(link)
            watch("pull", pose[:3, :3] @ local + pose[:3, 3])
    tie.remove()
    stage.scene.remove_entity(entity)
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


class Tie:
    """A spring between the gripper's own point and a link's, with limited force, free to turn."""

    def __init__(
        self,
        stage: Stage,
        entity: Any,
        link: int,
        local: Array,
        direction: Array,
        forces: tuple[float, float],
    ) -> None:
        sapien = stage.simulator.sapien
        # The tie's first axis is the pull, at both of its ends: its limits hold along axes.
        frame = _frame(direction)
        inside, outside = np.eye(4), np.eye(4)
        pose = stage.link_pose(link)
        inside[:3, :3], inside[:3, 3] = pose[:3, :3].T @ frame, local
        holder = np.asarray(entity.pose.to_transformation_matrix(), np.float64)
        outside[:3, :3] = holder[:3, :3].T @ frame
        self._drive = stage.scene.create_drive(
            entity,
            sapien.Pose(outside.astype(np.float32)),
            stage.links[link].entity,
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
