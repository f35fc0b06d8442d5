# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Items of a data set as JSON, without a simulator."""

import dataclasses
import json
from collections import Counter

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset import tasks
from robomamba_jax.world.language.bench_questions import facts_of
from robomamba_jax.world.objects import assemblies, plain_things
from robomamba_jax.world.objects.categories import SEEN
from tests.demo.small_world import facts

PLAN = tasks.WorldPlan(60, 120, 0, 0, "train", 224, 6, SEEN, world="broad")


def test_a_scene_without_a_place_to_touch_says_so() -> None:
    """null is no gap: what only the broad world has is left out, and comes back as it was."""
    nowhere = dataclasses.replace(facts(0), touch=None)
    record = tasks._facts_record(nowhere)
    assert record["touch"] is None
    assert not set(record) & set(tasks._BROAD_FACTS)
    assert facts_of(json.loads(json.dumps(record))) == nowhere
    broad = dataclasses.replace(nowhere, surface_clear=False)
    assert facts_of(json.loads(json.dumps(tasks._facts_record(broad)))) == broad


def test_whose_turn_it_is_in_the_broad_world() -> None:
    """Half of the images are of assemblies, or none, and as many of plain things; the rest goes
    round the categories, each as often as the others."""
    bare = dataclasses.replace(PLAN, world="broad-categories")
    for plan, share in ((PLAN, 60), (bare, 0)):
        language = Counter(plan.category_of("language", item) for item in range(120))
        assert language.pop(assemblies.CATEGORY, 0) == share
        assert language.pop(plain_things.CATEGORY) == 20
        assert set(language) == set(SEEN)
        assert len(set(language.values())) == 1
        poses = Counter(plan.category_of("poses", item) for item in range(60))
        assert poses.pop(assemblies.CATEGORY, 0) == share / 2
        assert set(poses) <= set(SEEN)
    assert PLAN.broad
    assert bare.broad
    assert len({PLAN.digest(), bare.digest(), paper().digest()}) == 3


def paper() -> tasks.WorldPlan:
    """The same numbers in the paper's world."""
    return dataclasses.replace(PLAN, world="paper")


@pytest.mark.parametrize("world", ["broad", "broad-categories"])
def test_no_broad_world_is_a_test(world: str) -> None:
    """They are for training."""
    with pytest.raises(InputError, match=f"--world {world} with --split test"):
        tasks.check_plan(dataclasses.replace(PLAN, world=world, split="test"))
    tasks.check_plan(dataclasses.replace(PLAN, world=world))
    assert not paper().broad
