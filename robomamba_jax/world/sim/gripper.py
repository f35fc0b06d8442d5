# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The free-flying gripper: it comes along its approach axis, holds on, and pulls back.

As in ManipLLM's executor (arXiv 2312.16217) it flies, and holds by suction at the contact point.
Unlike there its force is limited, as a real cup's is: FORCE along the pull, ACROSS of it sideways.
With a hand (seven degrees of freedom), open fingers grasp what fits between them and hold much
better; closed fingers hold by suction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.vectors import cross
from robomamba_jax.world.sim.simulator import TIMESTEP, SimScene
from robomamba_jax.world.sim.surfaces import cast, first_hit

Array = npt.NDArray[np.float64]

# A pull at an angle t to the direction in which the part can move has
#     FORCE (cos t - ACROSS sin t)
# for it: the contact cannot follow the pull, so it slips sideways against ACROSS. 100 N at 0
# degrees, 69 N at 30, 20 N at 60, nothing from 71 on. A hinge sees that times the lever: a contact
# halfway between hinge and edge turns the part with half of it. Joints resist with a quarter to a
# half of what FORCE does at the longest lever (episodes.RESISTANCE): a pull near a hinge, or one
# far from the part's own direction, does not suffice.
FORCE = 100.0  # newton, along the pull
ACROSS = 0.35  # of it, across the pull
GRASP = 3.0  # times the force, in all directions: fingers hold by form and not by friction
PULL = 0.4  # metres
START = 0.3  # metres before the contact
TILT = np.cos(np.radians(60))  # a cup that leans more does not seal
FINGERS = 0.16  # metres between open fingers
STEPS = 300  # of physics while pulling: 0.6 s, 0.67 m/s
NEAR = 0.03  # metres: how far a depth image may be off
_REPLAN = 10  # steps between two times that a policy steers
# Of the drive, N/m and N s/m. Stiff, so that its limits decide and not the spring: FORCE stretches
# it by 2.5 mm. Damped above critical for a link's 1 kg, which is 2 sqrt(4e4 * 1) = 400.
_STIFFNESS, _DAMPING = 4e4, 2e3


@dataclasses.dataclass(frozen=True, eq=False)
class GraspCommand:
    """What the gripper is to do, in the world frame.

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
    """What physics made of a command.

    Attributes:
      held: whether the gripper got hold; "why" says why not.
      why: "blocked", "tilted" or "empty" (nothing between the fingers), or "".
      moved: float64[3], displacement of the contact point, world, metres.
      before: float64[J], joint values, radians or metres of the scaled object.
      after: float64[J].
      pulled: float64[3], unit vector, the direction in which the pull began.
    """

    held: bool
    why: str
    moved: Array
    before: Array
    after: Array
    pulled: Array

    @classmethod
    def not_held(cls, scene: SimScene, command: GraspCommand, why: str) -> ExecutionResult:
        """Nothing has moved, and why."""
        joints = scene.joints
        return cls(False, why, np.zeros(3), joints, joints, -command.approach)


class HeldPoint(NamedTuple):
    """A contact that goes with its link while physics runs.

    Attributes:
      link: the link's index.
      local: float64[3], the contact in the link's own frame.
    """

    link: int
    local: Array

    @classmethod
    def at(cls, scene: SimScene, link: int, point: Array) -> HeldPoint:
        """The contact at a world point, float64[3], as the link stands now."""
        pose = scene.link_pose(link)
        # The rotation's transpose is its inverse: from the world into the link's frame.
        return cls(link, pose[:3, :3].T @ (point - pose[:3, 3]))

    def in_world(self, scene: SimScene) -> Array:
        """float64[3]: where it is now."""
        pose = scene.link_pose(self.link)
        return pose[:3, :3] @ self.local + pose[:3, 3]


OnMotion = Callable[[str, Array], None]
Executor = Callable[[SimScene, int, GraspCommand, OnMotion | None], ExecutionResult]


def execute(
    scene: SimScene, link: int, command: GraspCommand, on_motion: OnMotion | None = None
) -> ExecutionResult:
    """Approach a link, take hold and pull.

    Args:
      scene: the scene, at rest.
      link: what the contact pixel shows.
      command: how to take hold.
      on_motion: called with ("approach" or "pull", the gripper's tip as float64[3], world).
    """
    not_held = ExecutionResult.not_held(scene, command, obstacle(scene, link, command))
    if on_motion is not None:
        # Also for a gripper that will be blocked: a clip shows how it came.
        for share in np.linspace(1, 0, 5):
            on_motion("approach", command.point - share * START * command.approach)
    if not_held.why:
        return not_held
    if not command.pull:
        # As long as a pull takes: what moves by itself has the time to.
        for _ in range(STEPS):
            scene.sapien_scene.step()
        return dataclasses.replace(not_held, held=True, after=scene.joints)
    held = HeldPoint.at(scene, link, command.point)
    first = _pull(scene, held, command, on_motion)
    moved = held.in_world(scene) - command.point
    return ExecutionResult(True, "", moved, not_held.before, scene.joints, first)


def obstacle(scene: SimScene, link: int, command: GraspCommand) -> str:
    """Why the gripper would get no hold of a link, or "": geometry alone, nothing moves."""
    origin = command.point - START * command.approach
    met, distance = first_hit(scene, origin, command.approach)
    # The contact was lifted by the depth image: it may be off the surface by what that is off.
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


def holding_forces(command: GraspCommand) -> tuple[float, float]:
    """Newton along the pull and across it, up to which the gripper holds on."""
    return (GRASP * FORCE, GRASP * FORCE) if grasps(command) else (FORCE, ACROSS * FORCE)


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
    scene: SimScene, held: HeldPoint, command: GraspCommand, on_motion: OnMotion | None
) -> Array:
    """Hold the contact point by a body that moves away.

    Returns:
      float64[3], unit vector: the direction in which the pull began.
    """
    sapien = scene.simulator.sapien
    entity, body = sapien.Entity(), sapien.physx.PhysxRigidDynamicComponent()
    body.kinematic = True
    entity.add_component(body)
    direction = (
        -command.approach
        if command.steer is None
        else command.steer(scene, held.link, command.point)
    )
    first, tip = direction, command.point.copy()
    frame = _frame(direction)  # not in every step: it would cost as much as all else of a pull
    entity.set_pose(_pose(sapien, tip, frame))
    scene.sapien_scene.add_entity(entity)
    holding = holding_forces(command)
    drive = DriveConstraint(scene, entity, held, direction, holding)
    for step in range(STEPS):
        if command.steer is not None and step and step % _REPLAN == 0:
            direction = command.steer(scene, held.link, held.in_world(scene))
            frame = _frame(direction)
        # Kinematic: it goes where it is told whatever hangs on it, and the drive alone decides with
        # how much force the link follows.
        tip = tip + direction * PULL / STEPS
        body.set_kinematic_target(_pose(sapien, tip, frame))
        scene.sapien_scene.step()
        # About a dozen frames of a pull.
        if on_motion is not None and step % (STEPS // 12) == 0:
            on_motion("pull", held.in_world(scene))
    drive.remove()
    scene.sapien_scene.remove_entity(entity)
    return first


def _frame(direction: Array) -> Array:
    """float64[3, 3]: axes of which the first is a direction."""
    # The axis that is least parallel to the direction.
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    y = cross(direction, helper)
    y = y / float(np.linalg.norm(y))
    axes = np.stack([direction, y, cross(direction, y)], axis=1)
    return axes.astype(np.float64)


def _pose(sapien: Any, tip: Array, frame: Array) -> Any:
    """A SAPIEN pose of the gripper, its axes the frame's columns."""
    pose = np.eye(4, dtype=np.float32)
    pose[:3, :3], pose[:3, 3] = frame, tip
    return sapien.Pose(pose)


class DriveConstraint:
    """A spring between the gripper's tip and a point of a link, with limited force, free to turn.

    A PhysX 6D joint (``scene.create_drive``) whose three linear drives pull the two points
    together, and whose angular drives are left at zero: a cup lets a door turn under it.
    """

    # PhysX takes a drive's limit as an impulse per step, unless its constraint has the flag
    # eDRIVE_LIMITS_ARE_FORCES, which SAPIEN does not set: FORCE newton are FORCE * TIMESTEP,
    # 100 N * 1/500 s = 0.2 N s. Without the factor the cup would hold 50,000 N, every pull would
    # move its part, and success would be a matter of the direction alone.
    #
    # The limits hold per axis of the constraint's own frame. So its x axis lies along the pull at
    # both of its ends: x is limited by FORCE, y and z by ACROSS of it each. (The limit across is a
    # square then and not a disk: 1.41 times as much on its diagonals.) Where a policy steers, the
    # gripper's body turns with the pull, and the frame with it.
    #
    # All this counts on PhysX's older solver, PGS (see Simulator). TGS lets a joint creep whose
    # friction exceeds the pull: by 0.016 rad in the 300 steps, 1.6 cm at a lever of 1 m, which
    # would count as `initial`. With PGS the same joint moves by 1e-4 rad.

    def __init__(
        self,
        scene: SimScene,
        entity: Any,
        held: HeldPoint,
        direction: Array,
        forces: tuple[float, float],
    ) -> None:
        """Connect the two.

        Args:
          scene: of both.
          entity: SAPIEN's, of the gripper; its tip is its origin.
          held: the contact.
          direction: float64[3], unit vector, world: the pull.
          forces: newton along the pull and across it, see ``holding_forces``.
        """
        sapien = scene.simulator.sapien
        frame = _frame(direction)
        at_link, at_gripper = np.eye(4), np.eye(4)
        # The pull's axes as either body sees them, and the point at which each is tied.
        pose = scene.link_pose(held.link)
        at_link[:3, :3], at_link[:3, 3] = pose[:3, :3].T @ frame, held.local
        gripper = np.asarray(entity.pose.to_transformation_matrix(), np.float64)
        at_gripper[:3, :3] = gripper[:3, :3].T @ frame
        self._drive = scene.sapien_scene.create_drive(
            entity,
            sapien.Pose(at_gripper.astype(np.float32)),
            scene.links[held.link].entity,
            sapien.Pose(at_link.astype(np.float32)),
        )
        along, across = (force * TIMESTEP for force in forces)
        self._drive.set_drive_property_x(_STIFFNESS, _DAMPING, along, "force")
        self._drive.set_drive_property_y(_STIFFNESS, _DAMPING, across, "force")
        self._drive.set_drive_property_z(_STIFFNESS, _DAMPING, across, "force")

    def remove(self) -> None:
        """Let go."""
        # SAPIEN cannot take a drive out of a scene; without stiffness and damping it does nothing.
        for axis in "xyz":
            getattr(self._drive, f"set_drive_property_{axis}")(0.0, 0.0, 0.0, "force")
