# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A Franka Panda that carries out the same grips as the flying gripper, by inverse kinematics.

Its description is not ours to ship: mani_skill's wheel has one that works, see docs/world.md.
The arm stands on a lift: its base is put where it reaches contact and pull. It holds at its
tool centre point by the same limited tie, and pulls with joint drives, whose forces are limited
as in ManiSkill, so a stiff part may move less than with the flying gripper.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.world.objects.urdf_xml import parse_xml
from robomamba_jax.world.sim.gripper import (
    ACROSS,
    FORCE,
    GRASP,
    PULL,
    DriveConstraint,
    ExecutionResult,
    GraspCommand,
    OnMotion,
    grasps,
    obstacle,
)
from robomamba_jax.world.sim.simulator import SimScene

Array = npt.NDArray[np.float64]

TCP = "panda_hand_tcp"
_ARM = 7
_READY = np.array([0, np.pi / 8, 0, -np.pi * 5 / 8, 0, np.pi * 3 / 4, np.pi / 4])
_OPEN = 0.04  # metres of each finger
_STIFF, _DAMP, _LIMIT = 1e3, 1e2, 100.0  # ManiSkill's arm controller
_STAND_OFF = 0.15  # metres before the contact, from where the arm comes
_REACH_STEPS, _PULL_STEPS, _WAYPOINTS = 150, 450, 15
_CLOSE = 0.02  # metres that the tool may miss the contact by
# Where the base may stand: metres before the contact and below it, radians around it.
_BASES = tuple(
    (distance, below, around)
    for around in (0.0, 0.6, -0.6, 1.2, -1.2)
    for distance in (0.55, 0.45, 0.65)
    for below in (0.35, 0.1, 0.6)
)
_FIX = "give mani_skill's panda_v2.urdf, see docs/world.md"


@dataclasses.dataclass(frozen=True, eq=False)
class _Plan:
    """Where the base stands, and joint values for contact and pull."""

    base: Array
    before: Array
    ways: tuple[Array, ...]


class PandaExecutor:
    """Carries out grips with the arm; called as ``gripper.perform`` is."""

    def __init__(self, urdf: Path) -> None:
        """Remember the description.

        Args:
          urdf: a Panda's, with a link panda_hand_tcp and nine joints.

        Raises:
          InputError: there is no such file, or it is not a robot's description.
        """
        if not urdf.is_file():
            raise InputError("missing_file", f"{urdf} is no file", _FIX)
        parse_xml(urdf)  # whose entities cannot grow: SAPIEN's own reader would not ask
        self._urdf = urdf

    def __call__(
        self, scene: SimScene, link: int, command: GraspCommand, on_motion: OnMotion | None = None
    ) -> ExecutionResult:
        """As ``gripper.perform``; "unreachable" where no base lets the arm reach."""
        before = scene.joints
        nothing = ExecutionResult(False, "", np.zeros(3), before, before, -command.approach)
        why = obstacle(scene, link, command)
        if why:
            return dataclasses.replace(nothing, why=why)
        arm = self._load(scene)
        plan = _find_plan(scene, arm, command)
        if plan is None:
            scene.sapien_scene.remove_articulation(arm.robot)
            return dataclasses.replace(nothing, why="unreachable")
        start = scene.link_pose(link)
        local = start[:3, :3].T @ (command.point - start[:3, 3])
        held = _reach(scene, arm, plan, command, on_motion)
        if held and command.pull:
            _pull(scene, arm, plan, (link, local), command, on_motion)
        end = scene.link_pose(link)
        moved = end[:3, :3] @ local + end[:3, 3] - command.point
        after = scene.joints
        scene.sapien_scene.remove_articulation(arm.robot)
        if not held:
            return dataclasses.replace(nothing, why="missed")
        return ExecutionResult(True, "", moved, before, after, -command.approach)

    def _load(self, scene: SimScene) -> _Arm:
        loader = scene.sapien_scene.create_urdf_loader()
        loader.fix_root_link = True
        loader.load_multiple_collisions_from_file = False
        try:
            robot = loader.load(str(lasting_plain_path(self._urdf)))
        except Exception as error:  # whatever its XML and mesh readers raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError("bad_urdf", f"cannot read {self._urdf}: {reason}", _FIX) from error
        names = [body.name for body in robot.links]
        if TCP not in names or len(robot.active_joints) != _ARM + 2:
            raise InputError("bad_urdf", f"{self._urdf} is no Panda with a hand", _FIX)
        for body in robot.links:
            body.disable_gravity = True
            for shape in body.collision_shapes:
                # The object has no collision shapes either: nothing bumps into anything.
                shape.set_collision_groups([0, 0, 0, 0])
        for joint in robot.active_joints:
            joint.set_drive_properties(_STIFF, _DAMP, _LIMIT, "force")
        return _Arm(robot, robot.create_pinocchio_model(), names.index(TCP))


@dataclasses.dataclass(frozen=True, eq=False)
class _Arm:
    """The robot in a scene."""

    robot: Any
    kinematics: Any
    tcp: int

    def tool(self) -> Array:
        """float64[4, 4]: where the tool centre point is, world."""
        pose = self.robot.links[self.tcp].entity_pose.to_transformation_matrix()
        return np.asarray(pose, np.float64)

    def solve(self, sapien: Any, target: Array, start: Array) -> Array | None:
        """Arm joints for a tool pose in the base's frame, inside their limits."""
        mask = np.array([1] * _ARM + [0, 0])
        values, good, _ = self.kinematics.compute_inverse_kinematics(
            self.tcp,
            sapien.Pose(target.astype(np.float32)),
            initial_qpos=start,
            active_qmask=mask,
            max_iterations=200,
        )
        limits = np.asarray(self.robot.get_qlimits())[:_ARM]
        arm = (values[:_ARM] + np.pi) % (2 * np.pi) - np.pi
        inside = np.all((arm > limits[:, 0]) & (arm < limits[:, 1]))
        return np.concatenate([arm, start[_ARM:]]) if good and inside else None


def _find_plan(scene: SimScene, arm: _Arm, command: GraspCommand) -> _Plan | None:
    """The first base from which contact and the whole pull can be reached."""
    fingers = _OPEN if grasps(command) else 0.0
    ready = np.concatenate([_READY, [fingers, fingers]])
    flat = command.approach[:2]
    # A pull straight up leaves open where to stand: at the viewer's side.
    heading = float(np.arctan2(flat[1], flat[0])) if np.linalg.norm(flat) > 0.3 else 0.0
    tool = np.eye(4)
    third = command.approach
    second = command.closing - third * (command.closing @ third)
    second = second / float(np.linalg.norm(second))
    tool[:3, :3] = np.stack([np.cross(second, third), second, third], axis=1)
    offsets = [-_STAND_OFF, *(-PULL * k / _WAYPOINTS for k in range(_WAYPOINTS + 1))]
    for distance, below, around in _BASES:
        base = np.eye(4)
        angle = heading + around
        forward = np.array([np.cos(angle), np.sin(angle), 0.0])
        base[:3, :3] = np.stack([forward, np.cross((0, 0, 1), forward), (0, 0, 1)], axis=1)
        base[:3, 3] = command.point - distance * forward - (0, 0, below)
        inverse = np.linalg.inv(base)
        ways, last = [], ready
        for offset in offsets:
            tool[:3, 3] = command.point + offset * command.approach
            found = arm.solve(scene.simulator.sapien, inverse @ tool, last)
            if found is None or (ways and np.abs(found - last).max() > 1.0):
                break
            ways.append(found)
            last = found
        if len(ways) == len(offsets):
            return _Plan(base, ways[0], tuple(ways[1:]))
    return None


def _drive(scene: SimScene, arm: _Arm, values: Array, steps: int) -> None:
    for joint, value in zip(arm.robot.active_joints, values, strict=True):
        joint.set_drive_target(float(value))
    for _ in range(steps):
        scene.sapien_scene.step()


def _reach(
    scene: SimScene, arm: _Arm, plan: _Plan, command: GraspCommand, on_motion: OnMotion | None
) -> bool:
    """Come to the contact; whether the tool is there."""
    arm.robot.set_root_pose(scene.simulator.sapien.Pose(plan.base.astype(np.float32)))
    arm.robot.set_qpos(plan.before.astype(np.float32))
    contact = plan.ways[0]
    for share in (0.25, 0.5, 0.75, 1.0):
        _drive(scene, arm, plan.before + share * (contact - plan.before), _REACH_STEPS // 4)
        if on_motion is not None:
            on_motion("approach", arm.tool()[:3, 3])
    _drive(scene, arm, contact, _REACH_STEPS)
    return float(np.linalg.norm(arm.tool()[:3, 3] - command.point)) < _CLOSE


def _pull(
    scene: SimScene,
    arm: _Arm,
    plan: _Plan,
    held: tuple[int, Array],
    command: GraspCommand,
    on_motion: OnMotion | None,
) -> None:
    """Hold on, and go back along the approach."""
    link, local = held
    body = arm.robot.links[arm.tcp]
    forces = (GRASP * FORCE, GRASP * FORCE) if grasps(command) else (FORCE, ACROSS * FORCE)
    tie = DriveConstraint(scene, body.entity, link, local, -command.approach, forces)
    for values in plan.ways[1:]:
        _drive(scene, arm, values, _PULL_STEPS // _WAYPOINTS)
        if on_motion is not None:
            on_motion("pull", arm.tool()[:3, 3])
    tie.remove()
