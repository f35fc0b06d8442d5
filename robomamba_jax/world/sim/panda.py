# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A Franka Panda that carries out the flying gripper's commands by inverse kinematics.

Its URDF is not ours to ship: mani_skill's wheel has one that works, see docs/world.md. The arm
stands on a lift: its base is put where it reaches contact and pull. It holds at its tool centre
point by the same ``DriveConstraint``, and pulls with joint drives whose torques are limited as in
ManiSkill, so a stiff part may move less than with the flying gripper.
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
    PULL,
    DriveConstraint,
    ExecutionResult,
    GraspCommand,
    HeldPoint,
    OnMotion,
    grasps,
    holding_forces,
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
class _Motion:
    """Where the base stands (float64[4, 4]), and the joint values (float64[9] each): before the
    contact, at it, and along the pull."""

    base: Array
    before: Array
    waypoints: tuple[Array, ...]


class PandaExecutor:
    """Carries out commands with the arm; called as ``gripper.execute`` is."""

    def __init__(self, urdf: Path) -> None:
        """Check the URDF; it is loaded into each trial's scene.

        Args:
          urdf: of a Panda, with a link panda_hand_tcp and nine joints.

        Raises:
          InputError: there is no such file, or it is not a robot's.
        """
        if not urdf.is_file():
            raise InputError("missing_file", f"{urdf} is not a file", _FIX)
        parse_xml(urdf)  # whose entities cannot grow: SAPIEN's own reader would not ask
        self._urdf = urdf

    def __call__(
        self, scene: SimScene, link: int, command: GraspCommand, on_motion: OnMotion | None = None
    ) -> ExecutionResult:
        """As ``gripper.execute``; "unreachable" where no base lets the arm reach."""
        not_held = ExecutionResult.not_held(scene, command, obstacle(scene, link, command))
        if not_held.why:
            return not_held
        arm = self._load(scene)
        motion = _find_motion(scene, arm, command)
        if motion is None:
            scene.sapien_scene.remove_articulation(arm.robot)
            return dataclasses.replace(not_held, why="unreachable")
        held = HeldPoint.at(scene, link, command.point)
        there = _reach(scene, arm, motion, command, on_motion)
        if there and command.pull:
            _pull(scene, arm, motion, held, command, on_motion)
        moved, after = held.in_world(scene) - command.point, scene.joints
        scene.sapien_scene.remove_articulation(arm.robot)
        if not there:
            return dataclasses.replace(not_held, why="missed")
        return ExecutionResult(True, "", moved, not_held.before, after, -command.approach)

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
            raise InputError("bad_urdf", f"{self._urdf} is not a Panda with a hand", _FIX)
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
        # The fingers do not help to reach.
        mask = np.array([1] * _ARM + [0, 0])
        values, good, _ = self.kinematics.compute_inverse_kinematics(
            self.tcp,
            sapien.Pose(target.astype(np.float32)),
            initial_qpos=start,
            active_qmask=mask,
            max_iterations=200,
        )
        limits = np.asarray(self.robot.get_qlimits())[:_ARM]
        # The solver may add whole turns.
        arm = (values[:_ARM] + np.pi) % (2 * np.pi) - np.pi
        inside = np.all((arm > limits[:, 0]) & (arm < limits[:, 1]))
        return np.concatenate([arm, start[_ARM:]]) if good and inside else None


def _find_motion(scene: SimScene, arm: _Arm, command: GraspCommand) -> _Motion | None:
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
    # The hand's z is the approach, its y the axis along which the fingers close.
    tool[:3, :3] = np.stack([np.cross(second, third), second, third], axis=1)
    offsets = [-_STAND_OFF, *(-PULL * k / _WAYPOINTS for k in range(_WAYPOINTS + 1))]
    for distance, below, around in _BASES:
        base = np.eye(4)
        angle = heading + around
        forward = np.array([np.cos(angle), np.sin(angle), 0.0])
        base[:3, :3] = np.stack([forward, np.cross((0, 0, 1), forward), (0, 0, 1)], axis=1)
        base[:3, 3] = command.point - distance * forward - (0, 0, below)
        # World to base: the kinematic model knows the base's frame alone.
        inverse = np.linalg.inv(base)
        # Each waypoint starts from the solution before it, so that the arm stays in one branch.
        found, last = [], ready
        for offset in offsets:
            tool[:3, 3] = command.point + offset * command.approach
            values = arm.solve(scene.simulator.sapien, inverse @ tool, last)
            # More than a radian between two waypoints is another branch of the solution: the arm
            # would swing through the object on its way.
            if values is None or (found and np.abs(values - last).max() > 1.0):
                break
            found.append(values)
            last = values
        if len(found) == len(offsets):
            return _Motion(base, found[0], tuple(found[1:]))
    return None


def _drive(scene: SimScene, arm: _Arm, values: Array, steps: int) -> None:
    for joint, value in zip(arm.robot.active_joints, values, strict=True):
        joint.set_drive_target(float(value))
    for _ in range(steps):
        scene.sapien_scene.step()


def _reach(
    scene: SimScene, arm: _Arm, motion: _Motion, command: GraspCommand, on_motion: OnMotion | None
) -> bool:
    """Come to the contact; whether the tool is there."""
    arm.robot.set_root_pose(scene.simulator.sapien.Pose(motion.base.astype(np.float32)))
    arm.robot.set_qpos(motion.before.astype(np.float32))
    contact = motion.waypoints[0]
    # By way of points between, or each joint would take its way at its own pace.
    for share in (0.25, 0.5, 0.75, 1.0):
        _drive(scene, arm, motion.before + share * (contact - motion.before), _REACH_STEPS // 4)
        if on_motion is not None:
            on_motion("approach", arm.tool()[:3, 3])
    _drive(scene, arm, contact, _REACH_STEPS)
    return float(np.linalg.norm(arm.tool()[:3, 3] - command.point)) < _CLOSE


def _pull(
    scene: SimScene,
    arm: _Arm,
    motion: _Motion,
    held: HeldPoint,
    command: GraspCommand,
    on_motion: OnMotion | None,
) -> None:
    """Hold on, and go back along the approach."""
    tool = arm.robot.links[arm.tcp].entity
    drive = DriveConstraint(scene, tool, held, -command.approach, holding_forces(command))
    for values in motion.waypoints[1:]:
        _drive(scene, arm, values, _PULL_STEPS // _WAYPOINTS)
        if on_motion is not None:
            on_motion("pull", arm.tool()[:3, 3])
    drive.remove()
