# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes that nobody has drawn, told in words, with questions about them: a language to begin with.

A scene is facts as an image's are, with everyday and invented nouns, parts and colors besides the
world's. What is told holds all of the facts, so that each question has its answer there, or none.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from robomamba_jax.world.language.absent import World, drawn, means, other_color
from robomamba_jax.world.language.captions import COUNTS, OPENS, Pair, motion_of, upper
from robomamba_jax.world.language.conversations import conversation
from robomamba_jax.world.language.details import listed
from robomamba_jax.world.language.facts import Facts, PartState, ThingFact
from robomamba_jax.world.language.grammar import Rule
from robomamba_jax.world.language.intents import held_out
from robomamba_jax.world.language.rules import told as rules
from robomamba_jax.world.language.vocabulary import (
    EVERYDAY_NOUNS,
    MORE_COLORS,
    MORE_SHAPES,
    MOVING_PARTS,
    PARTS,
    SEEN_NOUNS,
    WORLD_COLORS,
    nonce_word,
    plural,
)
from robomamba_jax.world.language.wording import Wording, article
from robomamba_jax.world.objects.assemblies.nouns import draw_noun
from robomamba_jax.world.objects.plain_things import SHAPES
from robomamba_jax.world.objects.rng import Rng

TOKENS = 230
"""About how many tokens a record has: what is told, questions and answers."""

_THINGS = {0: 25, 1: 40, 2: 25, 3: 10}
_COUNTS = {1: 25, 2: 30, 3: 20, 4: 15, 5: 6, 6: 4}
_OPENED = {"closed": (0.0, 0.05), "slightly open": (0.1, 0.28), "open": (0.4, 1.0)}
_TURNS = (6, 12)


def imagined_record(rng: Rng, split: str) -> list[Pair]:
    """A scene told in words and a conversation about it.

    Args:
      rng: draws both.
      split: whose questions.

    Returns:
      Turns, of which the first begins with the scene.
    """
    facts = imagined_facts(rng)
    text = told(facts, rng)
    words = Wording(rng, split)
    budget = TOKENS - round(len(text) / 3.6)
    pairs = conversation(facts, words, Imagined(), budget, rng.integer(*_TURNS))
    first = pairs[0]
    return [Pair(first.kind, f"{text}\n{first.question}", first.answer), *pairs[1:]]


class Imagined(World):
    """What other imagined scenes have."""

    alone, two, bare, handles = 0.25, 0.25, 1 / 3, 0.5
    attributes: Mapping[str, float] = {
        "color": 33,
        "state": 18,
        "thing color": 18,
        "side": 18,
        "count": 13,
    }

    def noun(self, facts: Facts, rng: Rng) -> str:
        """Another object's noun, of any kind."""
        return self._other(rng, lambda: _noun(rng), [facts.noun, *facts.visible])

    def shape(self, facts: Facts, rng: Rng) -> str:
        """A thing that is not there."""
        there = [thing.shape for thing in facts.things]
        return self._other(rng, lambda: _shape(rng), [*there, facts.noun])

    def part(self, facts: Facts, rng: Rng) -> str:
        """A part that was not told of."""
        return self._other(rng, lambda: _part_name(rng), [facts.noun, *facts.visible])

    def state_part(self, facts: Facts, rng: Rng) -> str:
        """A part that opens."""
        return self._other(rng, lambda: rng.choice(_OPENING), [facts.noun, *facts.visible])

    def count_part(self, facts: Facts, rng: Rng) -> str:
        """A part that is counted."""
        return self._other(rng, lambda: rng.choice(MOVING_PARTS), [facts.noun, *facts.visible])

    def color(self, facts: Facts, rng: Rng) -> str:
        """Any."""
        return _color(rng)

    def thing_color(self, rng: Rng) -> str:
        """Any."""
        return _color(rng)

    def surface_color(self, rng: Rng) -> str:
        """Any."""
        return _color(rng)

    def count(self, rng: Rng) -> int:
        """A number of parts."""
        return drawn(rng, _COUNTS)


_OPENING = tuple(sorted(OPENS))


def _noun(rng: Rng) -> str:
    kind = drawn(rng, {"seen": 45, "everyday": 35, "new": 20})
    if kind == "new":
        return draw_noun(rng) if rng.chance(0.4) else nonce_word(rng)
    return rng.choice(SEEN_NOUNS if kind == "seen" else EVERYDAY_NOUNS)


def _color(rng: Rng) -> str:
    return rng.choice(WORLD_COLORS if rng.chance(0.85) else MORE_COLORS)


def _shape(rng: Rng) -> str:
    return rng.choice(SHAPES if rng.chance(0.7) else MORE_SHAPES)


def _part_name(rng: Rng) -> str:
    return nonce_word(rng) if rng.chance(0.06) else rng.choice(PARTS)


def imagined_facts(rng: Rng) -> Facts:
    """A scene of any noun, parts, colors and things."""
    noun = _noun(rng)
    known = [noun]

    def fresh(names: Sequence[str] | None = None) -> str:
        """A part's name that means nothing yet named."""
        for _ in range(50):
            name = _part_name(rng) if names is None else rng.choice(names)
            if not means(name, known):
                known.append(name)
                return name
        known.append(nonce_word(rng))
        return known[-1]

    still = [fresh() for _ in range(rng.integer(0, 2))]
    parts: list[PartState] = []
    counts: list[tuple[str, int]] = []
    for _ in range(drawn(rng, {0: 15, 1: 50, 2: 35})):
        name = fresh(_OPENING if rng.chance(0.65) else MOVING_PARTS)
        number = 1 if counts or rng.chance(0.6) else drawn(rng, _COUNTS)
        if number > 1 or rng.chance(0.2):
            counts.append((name, number))
        slides, lifts, handle = rng.chance(0.5), rng.chance(0.3), rng.chance(0.5)
        for _ in range(number):
            opened = rng.uniform(*_OPENED[rng.choice(tuple(_OPENED))])
            kind = "prismatic" if slides else "revolute"
            parts.append(PartState(name, len(parts) + 1, kind, opened, handle, slides and lifts))
    things: list[ThingFact] = []
    for _ in range(drawn(rng, _THINGS)):
        shape = _shape(rng)
        if not means(shape, [*known, *(thing.shape for thing in things)]):
            taken = {thing.color for thing in things}
            color = other_color(rng, lambda: _color(rng), next(iter(taken), ""))
            things.append(ThingFact(shape, color, rng.choice(("left", "right"))))
    surface = rng.choice(("none", "floor", "table"))
    visible = tuple(sorted({*still, *(part.part for part in parts)}))
    places: list[tuple[str, int, int]] = []
    if visible and rng.chance(0.3):
        # A name that stands for several parts has no one place.
        once = [name for name in visible if sum(part.part == name for part in parts) <= 1]
        places += [(name, rng.integer(5, 94), rng.integer(5, 94)) for name in rng.shuffled(once, 2)]
    touch = (rng.integer(5, 94), rng.integer(5, 94)) if rng.chance(0.12) else None
    return Facts(
        category="",
        noun=noun,
        color=_color(rng),
        parts=tuple(parts),
        visible=visible,
        lacks=(),
        counts=tuple(counts),
        surface=surface,
        surface_color=_color(rng),
        things=tuple(things),
        absent_shapes=tuple(s for s in SHAPES if s not in {thing.shape for thing in things}),
        places=tuple(places),
        touch=touch,
    )


@functools.cache
def _rule(text: str) -> Rule:
    return Rule(text, held_out())


def told(facts: Facts, rng: Rng) -> str:
    """All of the facts in words: sentences, a list, or as a telegram has them."""
    way = drawn(rng, {"sentences": 55, "list": 20, "telegram": 25})
    if way == "sentences":
        return _in_sentences(facts, rng)
    notes = [f"{facts.color} {facts.noun}", *rng.shuffled(_notes(facts, rng))]
    if way == "telegram":
        return upper(rng.choice((", ", "; ", ". ")).join(notes)) + "."
    head = _rule(rules.HEAD).expand(rng, {}, exact=True)
    return "\n".join([upper(head), *(f"- {note}" for note in notes)])


def _in_sentences(facts: Facts, rng: Rng) -> str:
    noun = facts.noun

    def say(text: str, **fields: str) -> str:
        """One of a rule's sentences."""
        return upper(_rule(text).expand(rng, {"noun": noun, **fields}, exact=True))

    first = say(rules.OBJECT, a_thing=article(f"{facts.color} {noun}"))
    rest = []
    if facts.surface != "none":
        rest.append(say(rules.PLACE, a_surface=article(f"{facts.surface_color} {facts.surface}")))
    elif rng.chance(0.5):
        rest.append(say(rules.NOWHERE))
    counted = {name for name, number in facts.counts if number > 1}
    named = [article(name) for name in rng.shuffled(facts.visible) if name not in counted]
    if named:
        rest.append(say(rules.PARTS, parts=listed(named)))
    for name, number in facts.counts:
        many = name if number == 1 else plural(name)
        rest.append(say(rules.COUNT, parts=many, count=COUNTS[number]))
    for part in facts.single_parts:
        if part.part in OPENS:
            rest.append(say(rules.STATE, part=part.part, state=part.state))
        rest.append(say(rules.MOTION, part=part.part, motion=motion_of(part)))
        rest.append(say(rules.HANDLE if part.has_handle else rules.NO_HANDLE, part=part.part))
    for thing in facts.things:
        name = article(f"{thing.color} {thing.shape}")
        rest.append(say(rules.THING, a_thing=name, side=thing.side))
    if not facts.things and rng.chance(0.5):
        rest.append(say(rules.ALONE))
    for name, x, y in facts.places:
        rest.append(say(rules.POINT, part=name, x=str(x), y=str(y)))
    if facts.touch is not None:
        x, y = facts.touch
        rest.append(say(rules.TOUCH, x=str(x), y=str(y)))
    return " ".join([first, *rng.shuffled(rest)])


def _notes(facts: Facts, rng: Rng) -> list[str]:
    found = []
    if facts.surface != "none":
        found.append(f"on {article(f'{facts.surface_color} {facts.surface}')}")
    counted = {name for name, _ in facts.counts}
    found += [name for name in facts.visible if name not in counted]
    found += [f"{COUNTS[n]} {name if n == 1 else plural(name)}" for name, n in facts.counts]
    for part in facts.single_parts:
        state = [part.state] if part.part in OPENS else []
        handle = "with a handle" if part.has_handle else "without a handle"
        found.append(f"{part.part}: {', '.join([*state, motion_of(part), handle])}")
    sides = rng.choice(("{name} on the {side}", "{side}: {name}", "{name}, {side}"))
    for thing in facts.things:
        found.append(sides.format(name=f"{thing.color} {thing.shape}", side=thing.side))
    found += [f"{name} at {x}, {y}" for name, x, y in facts.places]
    if facts.touch is not None:
        found.append(f"touch at {facts.touch[0]}, {facts.touch[1]}")
    return found
