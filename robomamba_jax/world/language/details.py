# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""All that is known of a scene in some sentences, as LLaVA's detailed descriptions."""

from __future__ import annotations

from collections.abc import Sequence

from robomamba_jax.world.language import wording_details as wd
from robomamba_jax.world.language.captions import COUNTS, OPENS, Pair, motion_of, thing_name, upper
from robomamba_jax.world.language.facts import Facts
from robomamba_jax.world.language.wording import Wording, article


def description(facts: Facts, words: Wording) -> Pair:
    """The object, what it stands on, its parts in view, how they stand and move, how many they are,
    and what is beside it; behind the first sentence in a drawn order."""
    noun = facts.noun
    sentences = []
    if facts.surface != "none":
        surface = article(f"{facts.surface_color} {facts.surface}")
        sentences.append(words.say(wd.PLACE, noun=noun, a_surface=surface))
    named = [name for name in facts.visible if name != noun]
    if named:
        parts = listed([article(name) for name in words.rng.shuffled(named)])
        sentences.append(words.say(wd.PARTS, noun=noun, parts=parts))
    sentences += _states(facts, words)
    for name, count in facts.counts:
        # The phrases have plurals.
        if count > 1:
            sentences.append(words.say(wd.COUNT, noun=noun, count=COUNTS[count], parts=f"{name}s"))
    for thing in facts.things:
        if not thing.side:
            continue
        a_thing = article(f"{thing.color} {thing.shape}")
        sentences.append(words.say(wd.THING, noun=noun, a_thing=a_thing, side=thing.side))
    if not facts.things and not facts.partly:
        sentences.append(words.say(wd.ALONE, noun=noun))
    rest = [upper(sentence) for sentence in words.rng.shuffled(sentences)]
    text = " ".join([words.say(wd.OBJECT, a_thing=thing_name(facts)), *rest])
    return Pair("details", words.say(wd.ASK), text)


def _states(facts: Facts, words: Wording) -> list[str]:
    """Of parts that are the only ones of their name: a sentence must be true of just one."""
    sentences = []
    for part in facts.single_parts:
        if part.part == facts.noun:
            continue
        if part.part in OPENS:
            sentences.append(words.say(wd.STATE, noun=facts.noun, part=part.part, state=part.state))
        sentences.append(
            words.say(wd.MOTION, noun=facts.noun, part=part.part, motion=motion_of(part))
        )
    return sentences


def listed(names: Sequence[str]) -> str:
    """ "a door, a handle and a keypad"."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
