# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The gripper's physics against the lever rule: force times arm against the joint's resistance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.world.sim.episodes import EVALUATION, judge
from robomamba_jax.world.sim.gripper import ACROSS, FORCE, PULL, TILT, Grip, obstacle, perform
from robomamba_jax.world.sim.simulator import Simulator
from robomamba_jax.world.sim.surfaces import reach, true_flow, within_tilt, world_axis
from tests.world.made import FRONT, door_stage, front_point, pull


@pytest.mark.parametrize("along", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("side", [0.8, 1.05])
def test_the_lever_rule(simulator: Simulator, along: float, side: float) -> None:
    """A pull moves the door when its torque exceeds the hinge's resistance by a quarter, and
    not when it falls short by 5 %. In between it may begin and stick: the cup goes straight,
    the door turns, and what holds across holds back."""
    stage = door_stage(simulator, 0.5)
    point = front_point(stage, along)
    origin, axis = world_axis(stage, 1, stage.spec.model.links[1].joint)
    torque = FORCE * abs(np.cross(point - origin, FRONT) @ axis)
    resistance = side * torque / (FORCE * reach(stage, 1))
    stage = door_stage(simulator, float(resistance))
    outcome = perform(stage, 1, pull(point))
    assert outcome.held
    verdict = judge(stage, 1, outcome, EVALUATION)
    if side > 1:
        assert abs(outcome.after[0] - outcome.before[0]) < 1e-3  # it stands, it does not creep
        assert not verdict.success
        assert not verdict.initial
    else:
        assert outcome.after[0] > 0.03
        assert verdict.success
        assert verdict.initial


@pytest.mark.parametrize("degrees", [25, 50])
def test_a_slanted_pull_is_a_weaker_pull(simulator: Simulator, degrees: float) -> None:
    """By its cosine, less what the cup holds across: the contact must slip along it."""
    angle = np.radians(degrees)
    up = np.array([-np.cos(angle), 0, np.sin(angle)])
    point = front_point(door_stage(simulator, 0.5), 0.9)
    share = 0.9 * (np.cos(angle) - ACROSS * np.sin(angle))
    for factor, moves in ((0.75, True), (1.3, False)):
        stage = door_stage(simulator, float(factor * share))
        outcome = perform(stage, 1, pull(point, up))
        assert outcome.held
        assert (outcome.after[0] > 0.03) == moves
        assert (outcome.after[0] < 1e-2) != moves


def test_what_gets_no_hold(simulator: Simulator) -> None:
    """From inside, at too flat an angle, past another link, and off the surface."""
    stage = door_stage(simulator, 0.3)
    point = front_point(stage, 0.7)
    assert obstacle(stage, 1, pull(point)) == ""
    assert obstacle(stage, 1, pull(point, -FRONT)) == "blocked"
    flat = np.array([-0.4, 0, 1.0])
    assert obstacle(stage, 1, pull(point, flat)) == "tilted"
    assert obstacle(stage, 0, pull(point)) == "blocked"
    assert obstacle(stage, 1, pull(point + 0.1 * FRONT)) == "blocked"
    outcome = perform(stage, 1, pull(point, flat))
    assert (outcome.held, outcome.why) == (False, "tilted")
    assert not judge(stage, 1, outcome, EVALUATION).success


def test_the_oracle_leans_less_than_the_cup_allows() -> None:
    """Its pull keeps away from where the seal breaks, however flat the flow."""
    normal, flow = np.array([0, 0, 1.0]), np.array([1.0, 0, 0])
    assert within_tilt(flow, normal) @ normal > TILT


def test_a_touch_moves_nothing(simulator: Simulator) -> None:
    """An approach without a pull, on a door that stands ajar too."""
    for opened in (0.0, 0.6):
        stage = door_stage(simulator, 0.05, opened=opened)
        pose = stage.link_pose(1)
        point = pose[:3, :3] @ (front_point(door_stage(simulator, 0.3), 0.8)) + pose[:3, 3]
        outcome = perform(stage, 1, pull(point, pose[:3, :3] @ FRONT, pull=False))
        assert outcome.held
        assert_allclose(outcome.after, outcome.before, atol=1e-6)
        assert not judge(stage, 1, outcome, EVALUATION).initial


def test_heavy_doors_need_a_grasp(simulator: Simulator) -> None:
    """Closed fingers suck in vain; open ones around the bar move it; elsewhere they are empty."""
    stage = door_stage(simulator, 1.5, handle=True)
    suction = pull(front_point(stage, 0.7), gripper_open=0.0)
    outcome = perform(stage, 1, suction)
    assert outcome.held
    assert not judge(stage, 1, outcome, EVALUATION).initial
    bar = stage.spec.model.links[1].solids[1].mesh.vertices
    middle = np.array([bar[:, 0].min(), bar[:, 1].mean(), 0.1])
    across = Grip(middle, -FRONT, np.array([0, 1.0, 0]), gripper_open=1.0)
    along = Grip(middle, -FRONT, np.array([0, 0, 1.0]), gripper_open=1.0)
    assert obstacle(stage, 1, along) == "empty"
    assert judge(stage, 1, perform(stage, 1, across), EVALUATION).success
    stage = door_stage(simulator, 1.5, handle=True)
    flat = pull(front_point(stage, 0.4), gripper_open=1.0)
    assert obstacle(stage, 1, flat) == "empty"


def test_steering_follows_the_arc(simulator: Simulator) -> None:
    """A policy that looks again pulls along the way of the part: the arc is as long as the pull."""
    stage = door_stage(simulator, 0.3)
    point = front_point(stage, 0.6)
    origin, axis = world_axis(stage, 1, stage.spec.model.links[1].joint)
    arm = np.linalg.norm(np.cross(axis, point - origin))
    outcome = perform(stage, 1, pull(point, steer=true_flow))
    assert_allclose(outcome.after[0], PULL / arm, rtol=0.03)


def test_two_runs_are_the_same(simulator: Simulator) -> None:
    """To the bit."""
    ends = []
    for _ in range(2):
        stage = door_stage(simulator, 0.4)
        ends.append(perform(stage, 1, pull(front_point(stage, 0.8))).after.tobytes())
    assert ends[0] == ends[1]
