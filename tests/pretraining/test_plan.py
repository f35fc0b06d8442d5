# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The plans of a pre-training."""

from __future__ import annotations

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.pretraining.plan import PLANS, VALIDATION_CATEGORIES, pretrain_plan
from robomamba_jax.world.objects.categories import SEEN


def test_plans_by_name() -> None:
    """The language model of the shipped weights reads at most what its rivals are owed, too."""
    assert pretrain_plan("full").tokens <= 140e6
    assert sum(pretrain_plan("full").hours) <= 12
    assert all(plan.name == name for name, plan in PLANS.items())
    with pytest.raises(InputError, match="did you mean smoke") as caught:
        pretrain_plan("smok")
    assert caught.value.kind == "unknown_plan"


def test_what_is_chosen_is_chosen_on_seen_categories() -> None:
    """Four of the twenty stand for those that are never seen."""
    assert len(set(VALIDATION_CATEGORIES)) == 4
    assert set(VALIDATION_CATEGORIES) <= set(SEEN)
