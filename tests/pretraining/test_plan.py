# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The plans of a pre-training."""

from __future__ import annotations

import dataclasses

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.pretraining.plan import PLANS, VALIDATION_CATEGORIES, pretrain_plan
from robomamba_jax.world.dataset.tasks import WORLDS
from robomamba_jax.world.objects.categories import SEEN


def test_plans_by_name() -> None:
    """The language model of the shipped weights reads at most what its rivals are owed, too."""
    assert pretrain_plan("full").tokens <= 140e6
    assert sum(pretrain_plan("full").hours) <= 12
    assert all(plan.name == name for name, plan in PLANS.items())
    with pytest.raises(InputError, match="did you mean smoke") as caught:
        pretrain_plan("smok")
    assert caught.value.kind == "unknown_plan"


def test_short_plans_leave_one_thing_out() -> None:
    """Each differs from the short one in its name and in what it is named after."""
    whole = pretrain_plan("short")
    alike = {"images", "encoder_steps", "language_steps", "rows", "row_tokens", "encoder_rows"}
    for name, field, value in (
        ("short-no-assemblies", "assemblies", False),
        ("short-no-texts", "texts", 0),
    ):
        plan = pretrain_plan(name)
        assert getattr(plan, field) == value != getattr(whole, field)
        assert dataclasses.replace(plan, name="short", **{field: getattr(whole, field)}) == whole
        assert all(getattr(plan, one) == getattr(whole, one) for one in alike)
    assert (whole.rows, whole.row_tokens) == (PLANS["full"].rows, PLANS["full"].row_tokens)
    assert (whole.world, pretrain_plan("short-no-assemblies").world) == (
        "broad",
        "broad-categories",
    )
    assert {plan.world for plan in PLANS.values()} <= set(WORLDS)


def test_what_is_chosen_is_chosen_on_seen_categories() -> None:
    """Four of the twenty stand for those that are never seen."""
    assert len(set(VALIDATION_CATEGORIES)) == 4
    assert set(VALIDATION_CATEGORIES) <= set(SEEN)
