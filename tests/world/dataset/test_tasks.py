# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Items of a data set as JSON, without a simulator."""

import dataclasses
import json

from robomamba_jax.world.dataset import tasks
from robomamba_jax.world.language.bench_questions import facts_of
from tests.demo.small_world import facts


def test_a_scene_without_a_place_to_touch_says_so() -> None:
    """null is no gap: what only the broad world has is left out, and comes back as it was."""
    nowhere = dataclasses.replace(facts(0), touch=None)
    record = tasks._facts_record(nowhere)
    assert record["touch"] is None
    assert not set(record) & set(tasks._BROAD_FACTS)
    assert facts_of(json.loads(json.dumps(record))) == nowhere
    broad = dataclasses.replace(nowhere, surface_clear=False)
    assert facts_of(json.loads(json.dumps(tasks._facts_record(broad)))) == broad
