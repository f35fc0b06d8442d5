# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked about that is not there, or wrong: drawn as often as it is asked about where it is
there, so that no word of a question gives its answer away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from robomamba_jax.world.language.facts import Facts
from robomamba_jax.world.language.vocabulary import SEEN_NOUNS
from robomamba_jax.world.objects.assemblies.nouns import draw_noun
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.plain_things import MORE_SHAPES, SHAPES
from robomamba_jax.world.objects.rng import Rng

T = TypeVar("T")

# How often scenes of the training split ask about a part that is there: measured over 600 of them
# as the mean of 1 / (parts in view), over the share of scenes without it, which alone can ask about
# it as absent. In per mille; what is rarer than two is left out.
PART_WEIGHTS: Mapping[str, float] = {
    "handle": 144,
    "door": 96,
    "lid": 77,
    "label": 57,
    "button": 57,
    "screen": 53,
    "cap": 50,
    "lever": 38,
    "window": 32,
    "flap": 31,
    "stand": 26,
    "drawer": 25,
    "shade": 24,
    "dial": 24,
    "wheel": 24,
    "power button": 23,
    "nozzle": 22,
    "pump": 22,
    "arm": 19,
    "backrest": 17,
    "seat": 17,
    "knob": 16,
    "hinge": 15,
    "bar": 13,
    "pin": 13,
    "left button": 13,
    "right button": 13,
    "cover": 11,
    "control panel": 12,
    "jaw": 10,
    "shelf": 10,
    "keyboard": 9,
    "touchpad": 9,
    "bread": 9,
    "pedal": 9,
    "rim": 8,
    "chimney": 7,
    "long handle": 7,
    "tape": 6,
    "keypad": 6,
    "upper arm": 6,
    "armrest": 5,
    "zip": 4,
    "logo": 3,
    "spring": 3,
    "joint": 3,
    "cable": 3,
    "side handle": 2,
}
# Of parts that open and are the only ones of their name, and of parts that are counted.
STATE_WEIGHTS = {"door": 231, "lid": 176, "cap": 111, "cover": 26, "drawer": 5, "flap": 2}
COUNT_WEIGHTS = {"door": 297, "lever": 56, "flap": 40, "drawer": 27}
COUNTS_SEEN = {1: 237, 2: 100, 3: 13, 4: 17, 5: 8, 6: 7}
COLORS_SEEN = {
    "red": 150,
    "black": 140,
    "gray": 118,
    "blue": 108,
    "green": 107,
    "white": 100,
    "beige": 77,
    "pink": 57,
    "orange": 45,
    "brown": 42,
    "yellow": 40,
    "purple": 17,
}
THING_COLORS = {
    "purple": 118,
    "pink": 112,
    "orange": 100,
    "red": 85,
    "blue": 83,
    "green": 80,
    "yellow": 77,
}
SURFACE_COLORS = {"blue": 90, "beige": 88, "white": 83, "green": 82, "brown": 80, "gray": 80}


def drawn(rng: Rng, weights: Mapping[T, float]) -> T:
    """A key, by its weight."""
    at = rng.uniform(0, sum(weights.values()))
    for key, weight in weights.items():
        at -= weight
        if at < 0:
            return key
    return next(reversed(list(weights)))


def means(name: str, known: Collection[str]) -> bool:
    """Whether a name may mean something known: "handle" means a side handle, too."""
    words = set(name.split())
    return any(words <= set(other.split()) or words >= set(other.split()) for other in known)


class World:
    """What images show: a scene's names, and what other scenes have.

    Attributes:
      alone: the share of scenes without a plain thing.
      two: the share of scenes with two of them.
      bare: the share of scenes whose object stands on nothing.
      handles: the share of single movable parts with a handle.
      attributes: how often each way to ask about what is there is drawn, where each that a scene
        allows is as likely.
    """

    alone, two, bare, handles = 0.467, 0.122, 0.497, 0.24
    attributes: Mapping[str, float] = {
        "color": 45,
        "state": 15,
        "thing color": 15,
        "side": 15,
        "count": 10,
    }

    def noun(self, facts: Facts, rng: Rng) -> str:
        """Another object's noun. Invented words are told from others of their kind alone: who asks
        for one that is never there would teach that unknown words mean no."""
        here = [facts.noun, *facts.visible, *facts.resembles]
        if facts.noun in SEEN_NOUNS:
            return self._other(rng, lambda: rng.choice(SEEN_NOUNS), here)
        if facts.noun in (*SHAPES, *MORE_SHAPES):
            # A plain thing by itself: other plain things are what might stand there.
            here += [thing.shape for thing in facts.things]
            return self._other(rng, lambda: rng.choice((*SHAPES, *MORE_SHAPES)), here)
        return self._other(rng, lambda: draw_noun(rng), here)

    def shape(self, facts: Facts, rng: Rng) -> str:
        """A plain thing that is not there."""
        return rng.choice(facts.absent_shapes or SHAPES)

    def part(self, facts: Facts, rng: Rng) -> str:
        """A part that is not in view; those that the object might have a little more often."""
        there = [*parts_of(facts), facts.noun, *facts.resembles]
        weights = {
            part: weight * (3 if part in facts.lacks else 1)
            for part, weight in PART_WEIGHTS.items()
            if not means(part, there)
        }
        return drawn(rng, weights)

    def state_part(self, facts: Facts, rng: Rng) -> str:
        """A part that opens and is not there."""
        return self._absent(rng, STATE_WEIGHTS, facts)

    def count_part(self, facts: Facts, rng: Rng) -> str:
        """A part that would be counted and is not there."""
        return self._absent(rng, COUNT_WEIGHTS, facts)

    def color(self, facts: Facts, rng: Rng) -> str:
        """A color that the object does not have."""
        del facts
        return drawn(rng, COLORS_SEEN)

    def thing_color(self, rng: Rng) -> str:
        """A color of plain things."""
        return drawn(rng, THING_COLORS)

    def surface_color(self, rng: Rng) -> str:
        """A color of floors and tables."""
        return drawn(rng, SURFACE_COLORS)

    def count(self, rng: Rng) -> int:
        """A number of parts."""
        return drawn(rng, COUNTS_SEEN)

    def _absent(self, rng: Rng, weights: Mapping[str, float], facts: Facts) -> str:
        there = [*parts_of(facts), facts.noun, *facts.resembles]
        left = {name: weight for name, weight in weights.items() if not means(name, there)}
        return drawn(rng, left or weights)

    @staticmethod
    def _other(rng: Rng, draw: Callable[[], str], known: Collection[str]) -> str:
        for _ in range(100):
            name = draw()
            if not means(name, known):
                return name
        return rng.choice([name for name in SEEN_NOUNS if name not in known])


def parts_of(facts: Facts) -> list[str]:
    """Names of the parts in view, each once, without one that is called as the object is."""
    names = {*facts.visible, *(part.part for part in facts.parts)} - {facts.noun}
    return sorted(names)


def other_color(rng: Rng, draw: Callable[[], str], than: str) -> str:
    """A drawn color that is not this one."""
    for _ in range(100):
        color = draw()
        if color != than:
            return color
    return next(name for name in COLORS if name != than)
