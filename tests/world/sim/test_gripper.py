# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The gripper's physics against the lever rule: force times arm against the joint's resistance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.world.sim.episodes import EVALUATION, evaluate
from robomamba_jax.world.sim.gripper import (
    ACROSS,
    FORCE,
    PULL,
    TILT,
    GraspCommand,
    execute,
    obstacle,
)
from robomamba_jax.world.sim.simulator import Simulator
from robomamba_jax.world.sim.surfaces import joint_axis_in_world, reach, true_flow, within_tilt
from tests.world.made import FRONT, door_scene, front_point, pull


@pytest.mark.parametrize("along", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("side", [0.8, 1.05])
def test_the_lever_rule(simulator: Simulator, along: float, side: float) -> None:
    """A pull moves the door when its torque exceeds the hinge's resistance by a quarter, and
    not when it falls short by 5 %. In between it may begin and stick: the cup goes straight,
    the door turns, and what holds across holds back."""
    scene = door_scene(simulator, 0.5)
    point = front_point(scene, along)
    origin, axis = joint_axis_in_world(scene, 1, scene.spec.model.links[1].joint)
    torque = FORCE * abs(np.cross(point - origin, FRONT) @ axis)
    resistance = side * torque / (FORCE * reach(scene, 1))
    scene = door_scene(simulator, float(resistance))
    result = execute(scene, 1, pull(point))
    assert result.held
    verdict = evaluate(scene, 1, result, EVALUATION)
    if side > 1:
        assert abs(result.after[0] - result.before[0]) < 1e-3  # it stands, it does not creep
        assert not verdict.success
        assert not verdict.initial
    else:
        assert result.after[0] > 0.03
        assert verdict.success
        assert verdict.initial


@pytest.mark.parametrize("degrees", [25, 50])
def test_a_slanted_pull_is_a_weaker_pull(simulator: Simulator, degrees: float) -> None:
    """By its cosine, less what the cup holds across: the contact must slip along it."""
    angle = np.radians(degrees)
    up = np.array([-np.cos(angle), 0, np.sin(angle)])
    point = front_point(door_scene(simulator, 0.5), 0.9)
    share = 0.9 * (np.cos(angle) - ACROSS * np.sin(angle))
    for factor, moves in ((0.75, True), (1.3, False)):
        scene = door_scene(simulator, float(factor * share))
        result = execute(scene, 1, pull(point, up))
        assert result.held
        assert (result.after[0] > 0.03) == moves
        assert (result.after[0] < 1e-2) != moves


def test_what_gets_no_hold(simulator: Simulator) -> None:
    """From inside, at too flat an angle, past another link, and off the surface."""
    scene = door_scene(simulator, 0.3)
    point = front_point(scene, 0.7)
    assert obstacle(scene, 1, pull(point)) == ""
    assert obstacle(scene, 1, pull(point, -FRONT)) == "blocked"
    flat = np.array([-0.4, 0, 1.0])
    assert obstacle(scene, 1, pull(point, flat)) == "tilted"
    assert obstacle(scene, 0, pull(point)) == "blocked"
    assert obstacle(scene, 1, pull(point + 0.1 * FRONT)) == "blocked"
    result = execute(scene, 1, pull(point, flat))
    assert (result.held, result.why) == (False, "tilted")
    assert not evaluate(scene, 1, result, EVALUATION).success


def test_the_oracle_leans_less_than_the_cup_allows() -> None:
    """Its pull keeps away from where the seal breaks, however flat the flow."""
    normal, flow = np.array([0, 0, 1.0]), np.array([1.0, 0, 0])
    assert within_tilt(flow, normal) @ normal > TILT


def test_a_touch_moves_nothing(simulator: Simulator) -> None:
    """An approach without a pull, on a door that stands ajar too."""
    for opened in (0.0, 0.6):
        scene = door_scene(simulator, 0.05, opened=opened)
        pose = scene.link_pose(1)
        point = pose[:3, :3] @ (front_point(door_scene(simulator, 0.3), 0.8)) + pose[:3, 3]
        result = execute(scene, 1, pull(point, pose[:3, :3] @ FRONT, pull=False))
        assert result.held
        assert_allclose(result.after, result.before, atol=1e-6)
        assert not evaluate(scene, 1, result, EVALUATION).initial


def test_heavy_doors_need_a_grasp(simulator: Simulator) -> None:
    """Closed fingers suck in vain; open ones around the bar move it; elsewhere they are empty."""
    scene = door_scene(simulator, 1.5, handle=True)
    suction = pull(front_point(scene, 0.7), gripper_open=0.0)
    result = execute(scene, 1, suction)
    assert result.held
    assert not evaluate(scene, 1, result, EVALUATION).initial
    bar = scene.spec.model.links[1].solids[1].mesh.vertices
    middle = np.array([bar[:, 0].min(), bar[:, 1].mean(), 0.1])
    across = GraspCommand(middle, -FRONT, np.array([0, 1.0, 0]), gripper_open=1.0)
    along = GraspCommand(middle, -FRONT, np.array([0, 0, 1.0]), gripper_open=1.0)
    assert obstacle(scene, 1, along) == "empty"
    assert evaluate(scene, 1, execute(scene, 1, across), EVALUATION).success
    scene = door_scene(simulator, 1.5, handle=True)
    flat = pull(front_point(scene, 0.4), gripper_open=1.0)
    assert obstacle(scene, 1, flat) == "empty"


def test_steering_follows_the_arc(simulator: Simulator) -> None:
    """A policy that looks again pulls along the way of the part: the arc is as long as the pull."""
    scene = door_scene(simulator, 0.3)
    point = front_point(scene, 0.6)
    origin, axis = joint_axis_in_world(scene, 1, scene.spec.model.links[1].joint)
    arm = np.linalg.norm(np.cross(axis, point - origin))
    result = execute(scene, 1, pull(point, steer=true_flow))
    assert_allclose(result.after[0], PULL / arm, rtol=0.03)


def test_two_runs_are_the_same(simulator: Simulator) -> None:
    """To the bit."""
    ends = []
    for _ in range(2):
        scene = door_scene(simulator, 0.4)
        ends.append(execute(scene, 1, pull(front_point(scene, 0.8))).after.tobytes())
    assert ends[0] == ends[1]


def test_a_hands_axes() -> None:
    """The approach, and of the closing axis what is square to it; right-handed."""
    approach = np.array([0.6, 0.0, -0.8])
    axes = GraspCommand(np.zeros(3), approach, np.array([1.0, 2.0, 0.0])).hand_axes()
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) > 0
    np.testing.assert_array_equal(axes[:, 2], approach)
    assert axes[1, 1] > 0.9
