# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Policies with numbers in them: means of a training set, and a model."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.records import pose_record, save_image
from robomamba_jax.world.policies.interface import Proposal
from robomamba_jax.world.policies.learned import PriorPolicy
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.simulator import Simulator
from robomamba_jax.world.sim.view_geometry import rotation_for


@pytest.fixture
def training_set(tmp_path: Path) -> Path:
    """Two doors and a safe."""
    poses = {
        "Door_000000": ((10.5, 20.5), (0, 0, 1)),
        "Door_000001": ((30.5, 40.5), (1, 0, 1)),
        "Safe_000002": ((80.5, 60.5), (0, 1, 1)),
    }
    records = []
    (tmp_path / "images").mkdir()
    for name, (contact, approach) in poses.items():
        pose = Proposal(contact, rotation_for(np.array(approach, float)))
        records.append(pose_record(name, f"{name}.png", "Where?", pose))
        save_image(tmp_path / "images" / f"{name}.png", np.zeros((100, 100, 3), np.uint8))
    (tmp_path / "manip.json").write_text(json.dumps(records))
    (tmp_path / "plan.json").write_text(json.dumps({"size": 100}))
    return tmp_path


def said(policy: PriorPolicy, category: str, size: int) -> Proposal:
    """What it says of a picture of a size."""
    view = SimpleNamespace(depth=np.zeros((size, size)))
    return policy.propose(SimpleNamespace(category=category, view=view))  # type: ignore[arg-type]


def test_priors(training_set: Path) -> None:
    """The mean of all, and of a category; scaled to the picture; unknown kinds get the first."""
    overall = PriorPolicy(training_set)
    assert_allclose(said(overall, "Door", 200).contact_xy, (81, 81), atol=1e-9)
    own = PriorPolicy(training_set / "manip.json", by_category=True)
    assert_allclose(said(own, "Door", 100).contact_xy, (20.5, 30.5))
    assert_allclose(said(own, "Phone", 100).contact_xy, (40.5, 40.5))
    rotation = said(own, "Door", 100).rotation
    assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert_allclose(rotation[:, 0], (0.3827, 0, 0.9239), atol=0.02)
    assert (overall.parameters, own.parameters) == (8, 24)
    assert own.name == "prior-category"


def test_a_mean_needs_no_pictures(training_set: Path) -> None:
    """It is made of the answers' numbers alone."""
    whole = said(PriorPolicy(training_set), "Door", 100).contact_xy
    for path in (training_set / "images").iterdir():
        path.unlink()
    assert said(PriorPolicy(training_set), "Door", 100).contact_xy == whole


def test_a_prior_without_sizes(training_set: Path) -> None:
    """One line."""
    (training_set / "plan.json").unlink()
    with pytest.raises(InputError, match=r"plan\.json"):
        PriorPolicy(training_set)


def test_a_prior_of_a_plan_that_says_nothing(training_set: Path) -> None:
    """A size that is none, a plan that is not JSON: one line with the cause."""
    for text, message in (('{"size": 0}', "has the size 0"), ("{", "is not JSON")):
        (training_set / "plan.json").write_text(text)
        with pytest.raises(InputError, match=message):
            PriorPolicy(training_set)


@pytest.mark.slow
def test_a_model_acts(simulator: Simulator) -> None:
    """A preset with random weights goes the whole way; its result names its weights."""
    policy = choose_policy(None, "tiny")
    plan = RolloutPlan(("Door",), 2, size=96)
    result = rollout(simulator, policy, plan)
    assert result["categories"]["Door"]["n"] == 2
    assert len(result["checkpoint_sha"]) == 64
    assert result["trained_parameters"] > 1000
    assert rollout(simulator, policy, plan) == result
