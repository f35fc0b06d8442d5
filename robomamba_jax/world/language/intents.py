# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which rule of the grammar says what a list of phrases says.

The lists hold the phrases of the test and of validation; training draws from the rules, which say
none of what any list holds out.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import ModuleType

from robomamba_jax.world.language import (
    robovqa_phrases,
    wording_checks,
    wording_details,
    wording_lists,
    wording_more,
)
from robomamba_jax.world.language.grammar import Rule, Words, plain_words
from robomamba_jax.world.language.rules import frames, objects, parts, robot, scenes
from robomamba_jax.world.language.splits import Answers, phrases_of

Phrases = tuple[str, ...]

MODULES: tuple[ModuleType, ...] = (
    wording_lists,
    wording_checks,
    wording_more,
    wording_details,
    robovqa_phrases,
)

# By the list's name, with its module's in front where two modules have it.
_RULES = {
    "CAPTION_ASKS": scenes.CAPTION_ASK,
    "CAPTIONS": scenes.CAPTION,
    "ASK_CATEGORY": objects.CATEGORY,
    "ASK_COLOR": objects.COLOR,
    "ASK_STATE": parts.STATE,
    "ASK_COUNT": parts.COUNT,
    "ASK_THING": objects.THING,
    "ASK_MOVABLE": parts.MOVABLE,
    "ASK_MOTION": parts.MOTION,
    "ASK_PLAN": robot.PLAN,
    "ASK_PART": parts.IS_PART,
    "ASK_OBJECT": objects.IS_OBJECT,
    "ASK_USE": parts.IS_USE,
    "ASK_POINT": robot.POINT,
    "ASK_TOUCH": robot.TOUCH,
    "ASK_IS_COLOR": objects.IS_COLOR,
    "ASK_IS_COUNT": parts.IS_COUNT,
    "ASK_IS_SIDE": objects.IS_SIDE,
    "ASK_IS_MOTION": parts.IS_MOTION,
    "ASK_POSE": robot.POSE,
    "ASK_SHAPE": objects.SHAPE,
    "ASK_SIDE": objects.SIDE,
    "ASK_SURFACE": objects.SURFACE,
    "ASK_SURFACE_COLOR": objects.SURFACE_COLOR,
    "ASK_THINGS": objects.THINGS,
    "ASK_TURN_OR_SLIDE": parts.TURN_OR_SLIDE,
    "ASK_IS_OPEN": parts.IS_OPEN,
    "ASK_IS_CLOSED": parts.IS_CLOSED,
    "ASK_HAS_HANDLE": parts.HAS_HANDLE,
    "ASK_WHICH": objects.WHICH,
    "ASK_NOT_THERE": objects.NOT_THERE,
    "ASK_IF_PULLED": parts.IF_PULLED,
    "ASK_COMPARE": objects.COMPARE,
    "ASK_IS_SURFACE": objects.IS_SURFACE,
    "ASK_ARE_THINGS": objects.ARE_THINGS,
    "ASK_PARTS": parts.PARTS,
    "SHORT": frames.SHORT,
    "details ASK": scenes.DETAILS_ASK,
    "robovqa GOALS": robot.GOAL,
    "robovqa ASK_NEXT": robot.NEXT,
    "robovqa ASK_FIVE": robot.FIVE,
    "robovqa ASK_PLAN": robot.HOW,
    "robovqa ASK_POSSIBLE": robot.POSSIBLE,
    "robovqa ASK_ACTION": robot.ACTION,
    "robovqa ASK_PAST": robot.PAST,
    "robovqa ASK_FUTURE": robot.FUTURE,
    "robovqa ASK_SUCCESS": robot.SUCCESS,
}
# RoboVQA's texts are read by their marks: no capital or question mark may be missing or new.
_EXACT = frozenset(name for name in _RULES if name.startswith("robovqa ")) | {"CAPTIONS"}


def lists() -> dict[str, Phrases]:
    """All lists of phrases, by their names."""
    found: dict[str, Phrases] = {}
    prefixes = {wording_details: "details ", robovqa_phrases: "robovqa "}
    for module in MODULES:
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, tuple):
                found[prefixes.get(module, "") + name] = value
    return found


@functools.cache
def held_out() -> frozenset[Words]:
    """Every phrase that training must never say, of the test and of validation."""
    return frozenset(
        plain_words(phrase)
        for phrases in lists().values()
        for split in ("validation", "test")
        if split == "test" or not isinstance(phrases, Answers)
        for phrase in phrases_of(phrases, split)
    )


@functools.cache
def rules() -> Mapping[str, Rule]:
    """The training grammar: a rule for each list of requests, by the list's name."""
    return {name: Rule(text, held_out()) for name, text in _RULES.items()}


@functools.cache
def _by_list() -> dict[Phrases, tuple[Rule, bool]]:
    known = lists()
    return {known[name]: (rule, name in _EXACT) for name, rule in rules().items()}


def rule_of(phrases: Phrases) -> tuple[Rule, bool] | None:
    """The rule that stands for a list in training, and whether it is said letter by letter; None
    for lists that training hears as they are."""
    return _by_list().get(phrases)
