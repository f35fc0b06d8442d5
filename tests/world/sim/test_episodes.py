# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What counts as moved, and that trials come out of seeds."""

import numpy as np
import pytest

from robomamba_jax.world.objects.library import EMBEDDED
from robomamba_jax.world.sim.episodes import (
    COLLECTION,
    EVALUATION,
    HEAVY,
    RESISTANCE,
    Thresholds,
    draw_episode,
    evaluate,
)
from robomamba_jax.world.sim.gripper import ExecutionResult
from robomamba_jax.world.sim.simulator import Simulator
from tests.world.made import door_scene


def made_result(delta: float, moved: float, cosine: float, held: bool = True) -> ExecutionResult:
    """A joint that turned by delta, a contact that moved so far, so well along the pull."""
    way = moved * np.array([cosine, np.sqrt(1 - cosine**2), 0])
    pulled = np.array([1.0, 0, 0])
    return ExecutionResult(held, "", way, np.array([0.2]), np.array([0.2 + delta]), pulled)


@pytest.mark.parametrize(
    ("case", "success", "initial", "long"),
    [
        (made_result(0.031, 0.02, 0.9), True, True, False),
        (made_result(0.029, 0.02, 0.9), False, True, False),
        (made_result(-0.031, 0.12, 0.9), True, True, True),
        (made_result(0.5, 0.2, 0.29), False, False, False),
        (made_result(0.5, 0.2, -0.9), False, False, False),
        (made_result(0.5, 0.2, 0.31), True, True, True),
        (made_result(0.031, 0.009, 0.9), True, False, False),
        (made_result(0.5, 0.2, 0.9, held=False), False, False, False),
        (made_result(0.0, 0.0, 1.0), False, False, False),
    ],
)
def test_verdicts(
    simulator: Simulator, case: ExecutionResult, success: bool, initial: bool, long: bool
) -> None:
    """ManipLLM's evaluation thresholds, and the two of the contact's way."""
    verdict = evaluate(door_scene(simulator, 0.3), 1, case, EVALUATION)
    assert (verdict.success, verdict.initial, verdict.long) == (success, initial, long)


def test_the_papers_threshold_beside(simulator: Simulator) -> None:
    """.1 of the joint, as the paper's text has it, or half of its range, whatever else counts."""
    scene = door_scene(simulator, 0.3)
    for moved, success, paper in ((0.05, True, False), (0.11, True, True), (0.02, False, False)):
        verdict = evaluate(scene, 1, made_result(moved, 0.2, 0.9), EVALUATION)
        assert (verdict.success, verdict.paper) == (success, paper)
    wide = evaluate(scene, 1, made_result(0.3, 0.2, 0.9), Thresholds(joint=9.0))
    assert (wide.success, wide.paper) == (False, True)
    assert not evaluate(scene, 1, made_result(0.5, 0.2, 0.9, held=False), EVALUATION).paper


def test_collection_is_stricter(simulator: Simulator) -> None:
    """0.1 of a joint and a cosine of 0.5; or half of the range, which is 1.5 here."""
    scene = door_scene(simulator, 0.3)
    assert not evaluate(scene, 1, made_result(0.09, 0.2, 0.9), COLLECTION).success
    assert not evaluate(scene, 1, made_result(0.2, 0.2, 0.4), COLLECTION).success
    assert evaluate(scene, 1, made_result(0.11, 0.2, 0.6), COLLECTION).success
    wide = Thresholds(joint=9.0)
    assert not evaluate(scene, 1, made_result(0.74, 0.5, 0.9), wide).success
    assert evaluate(scene, 1, made_result(0.76, 0.5, 0.9), wide).success


def test_episodes_come_out_of_seeds() -> None:
    """The same seed is the same trial; resistances lie where they should."""
    for category in ("Door", "Lamp"):
        one, two, other = (
            draw_episode(EMBEDDED, seed, category, "test", 64) for seed in ((1, 2), (1, 2), (1, 3))
        )
        assert one.resistance == two.resistance
        assert one.scene.joints == two.scene.joints
        assert np.array_equal(one.scene.camera.camera_to_world, two.scene.camera.camera_to_world)
        assert one.resistance != other.resistance
        assert all(RESISTANCE[0] <= share <= RESISTANCE[1] for share in one.resistance)
    drawn = [
        draw_episode(EMBEDDED, (k,), "Door", "train", 64, heavy_share=0.5).resistance[0]
        for k in range(40)
    ]
    assert 8 < sum(share >= HEAVY[0] for share in drawn) < 32
