# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Facts into words: captions, questions with answers, and questions about what is not there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language import wording_lists as w
from robomamba_jax.world.language.absent import World
from robomamba_jax.world.language.facts import Facts, PartState
from robomamba_jax.world.language.wording import Wording, article
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN
from robomamba_jax.world.objects.colors import COLORS

COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclasses.dataclass(frozen=True)
class Pair:
    """A question and its answer.

    Attributes:
      kind: what it is about, such as "color" or "absent part".
      question: in words.
      answer: in words.
    """

    kind: str
    question: str
    answer: str


def upper(text: str) -> str:
    """With a capital first letter."""
    # Not capitalize(), which would lower the rest of "USB stick".
    return text[:1].upper() + text[1:]


def thing_name(facts: Facts) -> str:
    """Such as "a red microwave"."""
    return article(f"{facts.color} {facts.noun}")


def caption(facts: Facts, words: Wording) -> Pair:
    """A caption and the request for it."""
    opened = [p for p in facts.parts if p.state != "closed" and p.part in OPENS]
    parts = ""
    if opened:
        parts = f" with {article(opened[0].state)} {opened[0].part}"
    elif facts.visible and words.rng.chance(0.5):
        parts = f" with {article(words.rng.choice(facts.visible))}"
    around = ""
    if facts.surface != "none":
        around = f" on {article(facts.surface_color)} {facts.surface}"
    sided = [thing for thing in facts.things if thing.side]
    if sided:
        thing = sided[0]
        around += f", beside {article(thing.color)} {thing.shape}"
    text = words.say(w.CAPTIONS, a_thing=thing_name(facts), parts=parts, place=around)
    return Pair("caption", words.say(w.CAPTION_ASKS), text)


def motion_of(part: PartState) -> str:
    """How a part moves, as a verb."""
    if part.kind == "revolute":
        return "turns on a hinge"
    return "slides up and down" if part.lifts else "slides in and out"


# What people call open or closed; other parts are moved, raised or pulled.
OPENS = frozenset({"door", "lid", "drawer", "flap", "cap", "cover"})


def action_of(part: PartState, noun: str, *, way: int = 0) -> str:
    """What one would do with a part: such as "open the door of the safe".

    Args:
      part: as it stands.
      noun: whose part.
      way: 1 if its joint goes away from rest, -1 if back to it, 0 = what its state suggests.
    """
    what = f"the {part.part}" if part.part == noun else f"the {part.part} of the {noun}"
    way = way or (-1 if part.state == "open" else 1)
    if part.part in OPENS:
        if way < 0:
            return f"close {what}"
        return f"open {what}" if part.state == "closed" else f"open {what} further"
    if part.lifts:
        return f"pull up {what}" if way > 0 else f"push down {what}"
    return f"move {what}"


def plan_steps(part: PartState, *, pulls: bool = False) -> tuple[str, ...]:
    """What the gripper does, which depends on whether there is a handle to hold.

    Args:
      part: which.
      pulls: whether it pulls in any case; an open part is otherwise pushed shut.
    """
    direction = "up" if part.lifts else "back"
    if part.state == "open" and part.part in OPENS and not pulls:
        return ("move the gripper to the {0}", "touch the {0}", "push the {0}", "let go")
    if part.has_handle:
        return ("move the gripper to the handle", "hold the handle", f"pull {direction}", "let go")
    return (
        "move the gripper to the {0}",
        # The longest lever needs the least force.
        "attach to the {0}, far from its hinge" if part.kind == "revolute" else "attach to the {0}",
        f"pull {direction}",
        "let go",
    )


def numbered(steps: tuple[str, ...], part: str) -> str:
    """ "1- ... 2- ...", as RoboVQA writes plans."""
    return " ".join(f"{k}- {step.format(part)}" for k, step in enumerate(steps, 1))


def plan(facts: Facts, words: Wording) -> Pair | None:
    """A plan for one of the parts, or for a part that is not there."""
    if not facts.parts:
        return None
    part = words.rng.choice(facts.parts)
    question = words.say(w.ASK_PLAN, action=action_of(part, facts.noun))
    return Pair("plan", question, numbered(plan_steps(part), part.part) + ".")


def questions(facts: Facts, words: Wording) -> list[Pair]:
    """General questions, one of each kind that the scene allows."""
    noun = facts.noun
    found = [
        _pair("category", words, w.ASK_CATEGORY, w.SAY_CATEGORY, a_noun=article(noun)),
        _pair("color", words, w.ASK_COLOR, w.SAY_COLOR, noun=noun, color=facts.color),
    ]
    if facts.parts:
        found += _part_questions(facts, words)
    if facts.counts:
        name, count = words.rng.choice(facts.counts)
        are, many = ("is", name) if count == 1 else ("are", f"{name}s")
        # Who asks does not know how many there are; who answers does.
        asked = words.say(w.ASK_COUNT, noun=noun, parts=f"{name}s")
        fields = _with_capitals(noun=noun, parts=many, count=COUNTS[count], are=are)
        found.append(Pair("count", asked, words.say(w.SAY_COUNT, **fields)))
    thing = facts.beside
    if thing is not None:  # of two, "beside the door" would not say which
        fields = {"side": thing.side, "color": thing.color, "shape": thing.shape}
        found.append(_pair("thing", words, w.ASK_THING, w.SAY_THING, noun=noun, **fields))
    steps = plan(facts, words)
    return [*found, steps] if steps else found


def _pair(
    kind: str, words: Wording, asks: Sequence[str], answers: Sequence[str], **fields: str
) -> Pair:
    """A question and its answer about the same things."""
    fields = _with_capitals(**fields)
    # The question's phrase is drawn first: the other order would be another data set.
    return Pair(kind, words.say(asks, **fields), words.say(answers, **fields))


def _with_capitals(**fields: str) -> dict[str, str]:
    """Each field as ``name_upper`` too, for the beginning of a sentence."""
    return fields | {f"{name}_upper": upper(text) for name, text in fields.items()}


def _part_questions(facts: Facts, words: Wording) -> list[Pair]:
    """What moves and how, and how a part stands if there is but one of its kind."""
    noun, part = facts.noun, words.rng.choice(facts.parts)
    fields = {"noun": noun, "part": part.part, "motion": motion_of(part)}
    found = [
        _pair("movable", words, w.ASK_MOVABLE, w.SAY_MOVABLE, **fields),
        _pair("motion", words, w.ASK_MOTION, w.SAY_MOTION, **fields),
    ]
    single = [part for part in facts.single_parts if part.part in OPENS]
    if single:
        part = words.rng.choice(single)
        fields = {"noun": noun, "part": part.part, "state": part.state}
        found.append(_pair("state", words, w.ASK_STATE, w.SAY_STATE, **fields))
    return found


_Makers = tuple[list[Callable[[], Pair]], list[Callable[[], Pair]]]  # objects, parts


def yes_no(facts: Facts, words: Wording, count: int) -> list[Pair]:
    """Questions for yes or no, as many of each answer as the scene allows, answers short or in
    sentences. Of each answer objects and parts take turns: parts are many, and benchmarks ask
    about objects."""
    # A safe has a door: asking for "a door" there is no question about an absent object.
    there = {facts.noun, *facts.visible, *(part.part for part in facts.parts), *facts.resembles}
    others = [noun for noun in nouns_of(words.split) if noun not in there]
    shapes = words.rng.shuffled(facts.absent_shapes, 2)

    def thing(color: str, shape: str, there: bool) -> Pair:
        """With its colour or without, as people ask."""
        return _object(f"{color} {shape}" if words.rng.chance(0.5) else shape, there, words)

    def check(kind: str, part: str, there: bool) -> Pair:
        """Of the object's parts."""
        return _check(kind, there, words, noun=facts.noun, part=part)

    # Each is made when it is taken: what is never asked must not draw random numbers.
    yes: _Makers = (
        [
            lambda: _object(facts.noun, True, words),
            *(lambda t=t: thing(t.color, t.shape, True) for t in facts.things),
        ],
        [
            *(lambda p=p: check("part", p, True) for p in facts.visible),
            *(lambda p=p: check("use", p, True) for p in facts.visible if p in _HOLDS),
        ],
    )
    no: _Makers = (
        [
            lambda: _object(words.rng.choice(others), False, words),
            lambda: _object(words.rng.choice(others), False, words),
            *(lambda s=s: thing(words.rng.choice(tuple(COLORS)), s, False) for s in shapes),
        ],
        [
            *[lambda: check("part", World().part(facts, words.rng), False)] * 4,
            *(lambda p=p: check("use", p, False) for p in facts.lacks if p in _HOLDS),
        ],
    )
    chosen, turn = [], int(words.rng.chance(0.5))
    for k in range(count):
        # Yes and no take turns, and after both the groups do; an empty group gives way to the
        # other.
        makers = yes if k % 2 == 0 else no
        group = makers[(k // 2 + turn) % 2] or makers[0] or makers[1]
        if group:
            chosen.append(group.pop(int(words.rng.generator.integers(len(group))))())
    return chosen


_HOLDS = frozenset({"handle", "side handle", "long handle", "knob", "lever"})


def nouns_of(split: str) -> tuple[str, ...]:
    """Objects that may be named: the test split alone hears of the unseen categories."""
    return tuple(CATEGORIES[name].noun for name in (CATEGORIES if split == "test" else SEEN))


# Of a kind of check how it is asked, and the long answers for what is there and what is not.
_CHECKS = {
    "object": (wc.ASK_OBJECT, wc.YES_OBJECT, wc.NO_OBJECT),
    "part": (wc.ASK_PART, wc.YES_PART, wc.NO_PART),
    "use": (wc.ASK_USE, wc.YES_USE, wc.NO_USE),
}


def _object(noun: str, there: bool, words: Wording) -> Pair:
    return _check("object", there, words, noun=noun, a_noun=article(noun))


def _check(kind: str, there: bool, words: Wording, **fields: str) -> Pair:
    """Whether something is there, answered in a sentence or, if that is asked for, by a word."""
    asks, yes, no = _CHECKS[kind]
    question = words.say(asks, **fields)
    # Drawn also where the short answer will do, so that what follows draws the same numbers.
    long = words.say(yes if there else no, **fields)
    kind = kind if there else f"absent {kind}"
    if words.rng.chance(0.6):
        return Pair(kind, f"{question} {words.say(wc.SHORT)}", "Yes" if there else "No")
    return Pair(kind, question, long)
