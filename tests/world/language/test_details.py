# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Detailed descriptions say all that is known of a scene, and nothing that is not so."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.world.language.details import description, listed
from robomamba_jax.world.language.facts import Facts, PartState, ThingFact
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng

SCENE = Facts(
    category="Safe",
    noun="safe",
    color="black",
    parts=(PartState("door", 1, "revolute", 0.9, True, False),),
    visible=("door", "handle", "keypad"),
    lacks=("wheel",),
    counts=(("drawer", 3),),
    surface="floor",
    surface_color="gray",
    things=(ThingFact("cone", "green", "left"), ThingFact("ball", "orange", "right")),
    absent_shapes=("cube", "ring"),
)
SPLITS = st.sampled_from(["train", "test"])


def told(facts: Facts, seed: int, split: str) -> str:
    """What is said."""
    pair = description(facts, Wording(Rng((seed,)), split))
    assert pair.kind == "details"
    assert not set("{}") & set(pair.question + pair.answer)
    return pair.answer


@given(seed=st.integers(0, 10**6), split=SPLITS)
def test_all_that_is_known(seed: int, split: str) -> None:
    """Object, surface, parts, states, motions, counts and things with their sides."""
    text = told(SCENE, seed, split)
    wanted = ("black safe", "gray floor", "a door", "a handle", "a keypad", "turns on a hinge")
    for words in (*wanted, "three", "a green cone", "an orange ball"):
        assert words in text.lower()
    assert re.search(r"door (of the safe )?(is|stands) open", text)
    sentences = text.rstrip(".").split(". ")
    assert "black safe" in sentences[0]
    assert all(sentence[0].isupper() for sentence in sentences)
    for thing in SCENE.things:
        (said,) = [sentence for sentence in sentences if thing.shape in sentence]
        assert thing.side in said
        assert ({"left": "right", "right": "left"}[thing.side]) not in said


@given(seed=st.integers(0, 10**6), split=SPLITS, things=st.integers(0, 2))
def test_nothing_else(seed: int, split: str, things: int) -> None:
    """No part that it lacks, no shape that is not there, and that it stands alone where it does."""
    text = told(dataclasses.replace(SCENE, things=SCENE.things[:things]), seed, split)
    absent = (*SCENE.lacks, *SCENE.absent_shapes, *(t.shape for t in SCENE.things[things:]))
    assert not any(re.search(rf"\b{name}\b", text) for name in absent)
    alone = any(words in text for words in ("Nothing", "nothing", "alone", "No other"))
    assert alone == (things == 0)


def test_a_state_is_said_of_one_part_alone() -> None:
    """Of two doors neither is named: which of them?"""
    doors = tuple(PartState("door", k, "revolute", 0.9 * k, False, False) for k in (0, 1))
    facts = dataclasses.replace(SCENE, parts=doors, counts=(("door", 2),))
    for seed in range(20):
        text = told(facts, seed, "train")
        assert "hinge" not in text
        assert "two doors" in text


def test_a_door_has_no_door() -> None:
    """The object itself is not said to be one of its parts."""
    part = PartState("door", 1, "revolute", 0.0, False, False)
    facts = dataclasses.replace(SCENE, noun="door", parts=(part,), visible=("door",), counts=())
    for seed in range(20):
        assert len(re.findall(r"\ba door\b", told(facts, seed, "train"))) == 0


def test_a_bare_scene() -> None:
    """Nothing below it, nothing in view, nothing beside it."""
    facts = dataclasses.replace(SCENE, parts=(), visible=(), counts=(), surface="none", things=())
    assert len(told(facts, 0, "train").split(". ")) == 2


@pytest.mark.parametrize(
    ("names", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists(names: list[str], text: str) -> None:
    """As people write them."""
    assert listed(names) == text
