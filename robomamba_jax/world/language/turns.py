# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that can be asked about a scene, one turn at a time.

Each maker returns a turn or, where the scene has nothing for it, None. A turn says what it asks and
what it gives away, so that no conversation asks what was said before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from robomamba_jax.evaluation.benchmarks.mmbench import with_options
from robomamba_jax.evaluation.benchmarks.prompts import apply_style
from robomamba_jax.evaluation.metrics.multiple_choice import LETTERS
from robomamba_jax.world.language import robovqa_phrases as rv
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language import wording_lists as w
from robomamba_jax.world.language import wording_more as wm
from robomamba_jax.world.language.absent import World, drawn, other_color, parts_of
from robomamba_jax.world.language.captions import (
    COUNTS,
    OPENS,
    Pair,
    action_of,
    caption,
    motion_of,
    numbered,
    plan_steps,
)
from robomamba_jax.world.language.details import listed
from robomamba_jax.world.language.facts import Facts, PartState, ThingFact
from robomamba_jax.world.language.vocabulary import plural
from robomamba_jax.world.language.wording import Wording, article

STYLES = ("short", "sentence", "verify", "unanswerable")
UNANSWERABLE = "unanswerable"
_MOTIONS = ("turns on a hinge", "slides in and out", "slides up and down")

# What was said of a scene. "category" covers the object's noun, "parts" all parts' names, "things"
# all plain things.
Said = frozenset[str]


@dataclasses.dataclass(frozen=True)
class Turn:
    """A question with its answer.

    Attributes:
      pair: both, with the kind.
      asks: what it asks for: keys, none of which may have been said.
      says: what is known once it was answered.
    """

    pair: Pair
    asks: Said
    says: Said


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a maker looks at.

    Attributes:
      facts: of the scene.
      words: of the split.
      style: one of STYLES: how answers are given.
      world: where absent things come from.
      drawn: what was drawn once for the whole conversation, see ``once``.
    """

    facts: Facts
    words: Wording
    style: str
    world: World
    drawn: dict[str, float] = dataclasses.field(default_factory=dict)

    def once(self, what: str, share: float) -> bool:
        """Whether scenes of which a share is asked something are asked it in this conversation:
        drawn anew at each attempt, it would be asked in the end in all of them."""
        if what not in self.drawn:
            self.drawn[what] = self.words.rng.uniform(0.0, 1.0)
        return self.drawn[what] < share

    def chance(self, share: float) -> bool:
        """Drawn."""
        return self.words.rng.chance(share)

    def who(self) -> tuple[str, Said]:
        """How to call the object, and what that gives away."""
        if self.chance(0.2):
            return self.words.rng.choice(("object", "object", "thing in the middle")), frozenset()
        return self.facts.noun, frozenset({"category"})

    def whose(self, part: str) -> tuple[str, Said]:
        """The same for one of its parts, which may be called as the object is."""
        return ("object", frozenset()) if part == self.facts.noun else self.who()

    def answer(self, short: str, *sentences: str) -> str:
        """As the style wants it; sentences are briefly "yes" or "no" now and then, too."""
        if self.style != "sentence" or not sentences:
            return short
        return self.words.rng.choice(sentences)

    def yes_no(self, yes: bool, sentence: str) -> str:
        """Yes or no; in sentences half of the time with what is so."""
        word = "yes" if yes else "no"
        if self.style == "verify":
            return word.capitalize()
        if self.style != "sentence":
            return word
        return f"{word.capitalize()}, {sentence}." if self.chance(0.5) else f"{word.capitalize()}."


# Yes where there is something to say yes to; so often that all in all it is half of the answers.
_YES_WHERE_POSSIBLE = 0.65


def _no_share(nothing: float) -> float:
    """Of scenes that have nothing to say yes to: how many are asked, for no as often as yes."""
    return (2 * _YES_WHERE_POSSIBLE - 1) * (1 - nothing) / nothing


# Where things are, other turns soon tell of them, and nothing is left to ask; where none are, it is
# never told. So much less are those scenes asked: measured over whole conversations.
_LEFT_OVER = 0.35

Maker = Callable[[Scene], Turn | None]


def _turn(kind: str, question: str, answer: str, asks: Sequence[str], says: Said) -> Turn:
    return Turn(Pair(kind, question, answer), frozenset(asks), says | frozenset(asks))


def category(scene: Scene) -> Turn:
    """What it is."""
    noun = scene.facts.noun
    asked = scene.words.say(w.ASK_CATEGORY)
    answer = scene.answer(noun, f"It is {article(noun)}.", f"This is {article(noun)}.")
    return _turn("category", asked, answer, ["category"], frozenset())


def color(scene: Scene) -> Turn:
    """Of the object."""
    who, says = scene.who()
    asked = scene.words.say(w.ASK_COLOR, noun=who)
    color = scene.facts.color
    answer = scene.answer(color, f"The {who} is {color}.", f"It is {color}.")
    return _turn("color", asked, answer, ["color"], says)


def _thing(scene: Scene) -> ThingFact | None:
    things = scene.facts.things
    return scene.words.rng.choice(things) if things else None


def _alone_in(scene: Scene, thing: ThingFact, *names: str) -> bool:
    """Whether nothing else there shares what a question calls a thing by."""
    same = [other for other in scene.facts.things if other != thing]
    return not any(getattr(thing, name) == getattr(other, name) for other in same for name in names)


def thing_color(scene: Scene) -> Turn | None:
    """Of a plain thing."""
    thing = _thing(scene)
    if thing is None or not _alone_in(scene, thing, "shape"):
        return None
    asked = scene.words.say(w.ASK_COLOR, noun=thing.shape)
    answer = scene.answer(thing.color, f"The {thing.shape} is {thing.color}.")
    return _turn("thing color", asked, answer, [f"color {thing.shape}"], frozenset({"things"}))


def shape(scene: Scene) -> Turn | None:
    """Of a plain thing of a color."""
    thing = _thing(scene)
    if thing is None or thing.color == scene.facts.color or not _alone_in(scene, thing, "color"):
        return None
    if scene.facts.partly:  # whose color may be the same
        return None
    asked = scene.words.say(wm.ASK_SHAPE, color=thing.color)
    answer = scene.answer(thing.shape, f"It is {article(thing.shape)}.")
    says = frozenset({"things", f"color {thing.shape}"})
    return _turn("shape", asked, answer, [f"shape {thing.color}", "things"], says)


def side(scene: Scene) -> Turn | None:
    """Of a plain thing."""
    thing = _thing(scene)
    if thing is None or not thing.side or not _alone_in(scene, thing, "shape"):
        return None
    who, says = scene.who()
    asked = scene.words.say(wm.ASK_SIDE, thing=thing.shape, noun=who)
    answer = scene.answer(thing.side, f"It is on the {thing.side}.", f"On the {thing.side}.")
    return _turn("side", asked, answer, [f"side {thing.shape}"], says | {"things"})


def beside(scene: Scene) -> Turn | None:
    """What stands on one side, or next to the object."""
    thing = _thing(scene)
    if thing is None or scene.facts.beside is None:
        return None
    who, says = scene.who()
    asked = scene.words.say(w.ASK_THING, noun=who, side=thing.side)
    name = f"{thing.color} {thing.shape}"
    answer = scene.answer(name, f"It is {article(name)}.", f"There is {article(name)}.")
    says |= {"things", f"color {thing.shape}", f"side {thing.shape}"}
    return _turn("beside", asked, answer, ["things"], says)


def compare(scene: Scene) -> Turn | None:
    """Which of two things is on a side."""
    things = {thing.side: thing for thing in scene.facts.things}
    if len(scene.facts.things) != 2 or set(things) != {"left", "right"}:
        return None
    one, two = scene.words.rng.shuffled([thing.shape for thing in scene.facts.things])
    if one == two:
        return None
    which = scene.words.rng.choice(("left", "right"))
    asked = scene.words.say(wm.ASK_COMPARE, one=one, two=two, side=which)
    right = things[which].shape
    answer = scene.answer(right, f"The {right}.", f"The {right} is on the {which}.")
    return _turn("compare", asked, answer, [f"side {one}", f"side {two}"], frozenset({"things"}))


def surface(scene: Scene) -> Turn | None:
    """What the object stands on."""
    if not scene.facts.surface_clear:
        return None
    who, says = scene.who()
    name = scene.facts.surface
    asked = scene.words.say(wm.ASK_SURFACE, noun=who)
    if name == "none":
        answer = scene.answer("nothing", f"The {who} stands on nothing.", "On nothing.")
    else:
        answer = scene.answer(name, f"It stands on a {name}.", f"On a {name}.")
    return _turn("surface", asked, answer, ["surface"], says)


def surface_color(scene: Scene) -> Turn | None:
    """Of what the object stands on."""
    facts = scene.facts
    if facts.surface == "none":
        return None
    who, says = scene.who()
    asked = scene.words.say(wm.ASK_SURFACE_COLOR, surface=facts.surface, noun=who)
    answer = scene.answer(facts.surface_color, f"The {facts.surface} is {facts.surface_color}.")
    return _turn("surface color", asked, answer, ["surface color"], says | {"surface"})


def things(scene: Scene) -> Turn | None:
    """How many there are beside the object."""
    if scene.facts.partly:  # of which one cannot say whether they count
        return None
    who, says = scene.who()
    asked = scene.words.say(wm.ASK_THINGS, noun=who)
    count = len(scene.facts.things)
    noun = "thing" if count == 1 else "things"
    said = f"There {'is' if count == 1 else 'are'} {COUNTS[count] if count else 'no'} {noun}."
    return _turn("things", asked, scene.answer(str(count), said), ["number of things"], says)


def count(scene: Scene) -> Turn | None:
    """Of parts that are all in view."""
    if not scene.facts.counts:
        return None
    name, number = scene.words.rng.choice(scene.facts.counts)
    who, says = scene.whose(name)
    asked = scene.words.say(w.ASK_COUNT, noun=who, parts=plural(name))
    many = name if number == 1 else plural(name)
    answer = scene.answer(str(number), f"The {who} has {COUNTS[number]} {many}.")
    return _turn("count", asked, answer, [f"count {name}"], says | {"parts"})


def _single(scene: Scene, opens: bool) -> PartState | None:
    parts = [part for part in scene.facts.single_parts if part.part in OPENS or not opens]
    return scene.words.rng.choice(parts) if parts else None


def state(scene: Scene) -> Turn | None:
    """How far a part is open."""
    part = _single(scene, True)
    if part is None:
        return None
    who, says = scene.whose(part.part)
    asked = scene.words.say(w.ASK_STATE, noun=who, part=part.part)
    answer = scene.answer(part.state, f"The {part.part} is {part.state}.", f"It is {part.state}.")
    return _turn("state", asked, answer, [f"state {part.part}"], says | {"parts"})


def is_open(scene: Scene) -> Turn | None:
    """Whether a part is open, or closed; not of one that stands ajar, of which both may be said."""
    part = _single(scene, True)
    if part is None or part.state == "slightly open":
        return None
    who, says = scene.whose(part.part)
    asked_open = scene.chance(0.5)
    phrases = wm.ASK_IS_OPEN if asked_open else wm.ASK_IS_CLOSED
    asked = scene.words.say(phrases, noun=who, part=part.part)
    yes = (part.state == "open") == asked_open
    answer = scene.yes_no(yes, f"it is {part.state}")
    return _turn("is open", asked, answer, [f"state {part.part}"], says | {"parts"})


def movable(scene: Scene) -> Turn | None:
    """Which part moves."""
    if not scene.facts.parts:
        return None
    part = scene.words.rng.choice(scene.facts.parts).part
    who, says = scene.whose(part)
    asked = scene.words.say(w.ASK_MOVABLE, noun=who)
    answer = scene.answer(part, f"The {part}.", f"The {part} can be moved.")
    return _turn("movable", asked, answer, ["movable", "parts"], says)


def motion(scene: Scene) -> Turn | None:
    """How a part moves, or which of two ways it is."""
    part = _single(scene, False)
    if part is None:
        return None
    who, says = scene.whose(part.part)
    fields = {"noun": who, "part": part.part}
    way = motion_of(part)
    if scene.chance(0.5):
        asked = scene.words.say(w.ASK_MOTION, **fields)
        answer = scene.answer(way, f"The {part.part} {way}.", f"It {way}.")
    else:
        asked = scene.words.say(wm.ASK_TURN_OR_SLIDE, **fields)
        verb = way.split()[0]
        answer = scene.answer(verb, f"It {verb}.", f"The {part.part} {verb}.")
    return _turn("motion", asked, answer, [f"motion {part.part}"], says | {"parts"})


def if_pulled(scene: Scene) -> Turn | None:
    """What a part would do."""
    part = _single(scene, False)
    if part is None:
        return None
    who, says = scene.whose(part.part)
    asked = scene.words.say(wm.ASK_IF_PULLED, noun=who, part=part.part)
    way = motion_of(part).removeprefix("turns ").removeprefix("slides ")
    verb = "turn" if part.kind == "revolute" else "slide"
    answer = scene.answer(f"{verb} {way}", f"It would {verb} {way}.")
    return _turn("if pulled", asked, answer, [f"motion {part.part}"], says | {"parts"})


def has_handle(scene: Scene) -> Turn | None:
    """Whether one sits on a part; of parts without one as many as of those with one."""
    part = _single(scene, False)
    share = scene.world.handles
    if part is None or not (part.has_handle or scene.once("handle", share / (1 - share))):
        return None
    who, says = scene.whose(part.part)
    asked = scene.words.say(wm.ASK_HAS_HANDLE, noun=who, part=part.part)
    so = f"the {part.part} has {'a' if part.has_handle else 'no'} handle"
    answer = scene.yes_no(part.has_handle, so)
    return _turn("handle", asked, answer, [f"handle {part.part}"], says | {"parts"})


def is_object(scene: Scene) -> Turn:
    """Whether the object, or another one, is there; with its color or without."""
    facts, rng = scene.facts, scene.words.rng
    yes, colored = scene.chance(0.5), scene.chance(0.3)
    noun, color = facts.noun, facts.color
    if not yes:
        # Half of the wrong ones are wrong in the color alone.
        if colored and scene.chance(0.5):
            color = other_color(rng, lambda: scene.world.color(facts, rng), color)
        else:
            noun = scene.world.noun(facts, rng)
    name = f"{color} {noun}" if colored else noun
    says = frozenset({"category", "color"} if yes and colored else {"category"} if yes else ())
    return _is_there(scene, name, yes, ["category", *(["color"] if colored else [])], says)


def is_thing(scene: Scene) -> Turn | None:
    """Whether a plain thing is there, with its color or without."""
    facts, rng = scene.facts, scene.words.rng
    yes, colored = scene.chance(_YES_WHERE_POSSIBLE), scene.chance(0.5)
    thing = _thing(scene)
    if thing is None and not scene.once("thing", _LEFT_OVER * _no_share(scene.world.alone)):
        return None
    color, shape = scene.world.thing_color(rng), scene.world.shape(facts, rng)
    if thing is not None and yes:
        color, shape = thing.color, thing.shape
    elif thing is not None and colored and scene.chance(0.5):
        same = {other.color for other in facts.things if other.shape == thing.shape}
        color, shape = (
            other_color(rng, lambda: scene.world.thing_color(rng), thing.color),
            thing.shape,
        )
        if color in same:
            return None
    name = f"{color} {shape}" if colored else shape
    return _is_there(scene, name, yes and thing is not None, ["things"], frozenset())


def is_part_here(scene: Scene) -> Turn | None:
    """Whether a part is in view, without a word on whose."""
    facts, rng = scene.facts, scene.words.rng
    there = parts_of(facts)
    yes = scene.chance(0.5)
    if not there:
        return None
    name = rng.choice(there) if yes else scene.world.part(facts, rng)
    return _is_there(scene, name, yes, ["parts"], frozenset())


def _is_there(scene: Scene, name: str, yes: bool, asks: Sequence[str], says: Said) -> Turn:
    """A question for a name. It must not stand behind what tells which things there are, nor behind
    another of its kind: what is there is soon asked about, and only absent names would be left."""
    asked = scene.words.say(wc.ASK_OBJECT, a_noun=article(name))
    answer = scene.yes_no(yes, f"there is {article(name) if yes else f'no {name}'}")
    known = frozenset({f"is {name}", f"asked for {asks[0]}"})
    return Turn(Pair("is there", asked, answer), known | frozenset(asks), says | known)


def is_part(scene: Scene) -> Turn | None:
    """Whether the object has a part."""
    facts, rng = scene.facts, scene.words.rng
    there = parts_of(facts)
    if not there:
        return None
    yes = scene.chance(0.5)
    name = rng.choice(there) if yes else scene.world.part(facts, rng)
    who, says = scene.who()
    use = scene.chance(0.25) and name in ("handle", "side handle", "long handle", "knob", "lever")
    asked = scene.words.say(wc.ASK_USE if use else wc.ASK_PART, noun=who, part=name)
    answer = scene.yes_no(yes, f"the {who} has {article(name) if yes else f'no {name}'}")
    known = frozenset({f"is {name}", "asked for one's parts"})
    return Turn(Pair("is part", asked, answer), known | {"parts"}, says | known)


def is_color(scene: Scene) -> Turn:
    """Whether the object, or a plain thing, has a color."""
    facts, rng = scene.facts, scene.words.rng
    yes, thing = scene.chance(0.5), _thing(scene)
    if thing is not None and scene.chance(0.5) and _alone_in(scene, thing, "shape"):
        name, right, says, asks = thing.shape, thing.color, frozenset({"things"}), "color "
        color = right if yes else other_color(rng, lambda: scene.world.thing_color(rng), right)
        asks += thing.shape
    else:
        (name, says), right, asks = scene.who(), facts.color, "color"
        color = right if yes else other_color(rng, lambda: scene.world.color(facts, rng), right)
    asked = scene.words.say(wc.ASK_IS_COLOR, noun=name, color=color)
    answer = scene.yes_no(yes, f"the {name} is {right}")
    return _turn("is color", asked, answer, [asks], says)


def is_side(scene: Scene) -> Turn | None:
    """Whether a thing is on a side."""
    thing = _thing(scene)
    if thing is None or not thing.side or not _alone_in(scene, thing, "shape"):
        return None
    who, says = scene.who()
    asked_side = scene.words.rng.choice(("left", "right"))
    asked = scene.words.say(wc.ASK_IS_SIDE, noun=who, thing=thing.shape, side=asked_side)
    answer = scene.yes_no(asked_side == thing.side, f"the {thing.shape} is on the {thing.side}")
    return _turn("is side", asked, answer, [f"side {thing.shape}"], says | {"things"})


def is_count(scene: Scene) -> Turn | None:
    """Whether there are so many of a part."""
    if not scene.facts.counts:
        return None
    rng = scene.words.rng
    name, number = rng.choice(scene.facts.counts)
    yes, asked_for = scene.chance(0.5), number
    # "Is there one door?" asks for something else, so that scenes with one only ever say no here.
    if number == 1 and (yes or scene.once("count", 0.5)):
        return None
    while not yes and asked_for == number:
        asked_for = scene.world.count(rng)
    who, says = scene.whose(name)
    many = name if asked_for == 1 else plural(name)
    text = COUNTS[asked_for] if scene.chance(0.7) or asked_for >= len(COUNTS) else str(asked_for)
    if asked_for == 1:
        return None
    asked = scene.words.say(wc.ASK_IS_COUNT, noun=who, parts=many, count=text)
    so = f"the {who} has {COUNTS[number]} {name if number == 1 else f'{name}s'}"
    answer = scene.yes_no(yes, so)
    return _turn("is count", asked, answer, [f"count {name}"], says | {"parts"})


def is_surface(scene: Scene) -> Turn | None:
    """Whether the object stands on a floor or a table, of a color or not."""
    facts, rng = scene.facts, scene.words.rng
    if not facts.surface_clear:
        return None
    colored, yes = scene.chance(0.5), scene.chance(_YES_WHERE_POSSIBLE)
    name, color = facts.surface, facts.surface_color
    if name == "none" and not scene.once("surface", _no_share(scene.world.bare)):
        return None
    if name == "none" or not yes:
        kinds = [kind for kind in ("floor", "table") if kind != facts.surface]
        if name != "none" and colored and scene.chance(0.5):
            color = other_color(rng, lambda: scene.world.surface_color(rng), color)
        else:
            name, color = rng.choice(kinds), scene.world.surface_color(rng)
        yes = False
    who, says = scene.who()
    told = article(f"{color} {name}" if colored else name)
    asked = scene.words.say(wm.ASK_IS_SURFACE, noun=who, a_surface=told)
    under = "nothing" if facts.surface == "none" else f"a {facts.surface_color} {facts.surface}"
    answer = scene.yes_no(yes, f"it stands on {under}")
    asks = ["surface", *(["surface color"] if colored else [])]
    return _turn("is surface", asked, answer, asks, says)


def is_motion(scene: Scene) -> Turn | None:
    """Whether a part moves in a way."""
    part = _single(scene, False)
    if part is None:
        return None
    right, yes = motion_of(part), scene.chance(0.5)
    way = right
    if not yes:
        way = scene.words.rng.choice([one for one in _MOTIONS[:2] if one != right])
    asked = scene.words.say(wc.ASK_IS_MOTION, part=part.part, motion=way)
    answer = scene.yes_no(yes, f"the {part.part} {right}")
    return _turn("is motion", asked, answer, [f"motion {part.part}"], frozenset({"parts"}))


def are_things(scene: Scene) -> Turn | None:
    """Whether so many things stand there."""
    number, asked_for = len(scene.facts.things), 2
    if scene.facts.partly:
        return None
    # Two are asked for: one has a name, and three are not there in any image.
    if number != 2 and not scene.once("things", scene.world.two / (1 - scene.world.two)):
        return None
    who, says = scene.who()
    asked = scene.words.say(wm.ASK_ARE_THINGS, noun=who, count=COUNTS[asked_for])
    so = "there is one thing" if number == 1 else f"there are {COUNTS[number]} things"
    answer = scene.yes_no(asked_for == number, so.replace("zero", "no"))
    return _turn("are things", asked, answer, ["number of things"], says)


def _about(scene: Scene) -> tuple[str, str, list[str], list[str], Said, str]:
    """A question with one word for its answer: what is asked, the right answer, and wrong ones;
    what it asks for and says; and what it is about."""
    facts, rng = scene.facts, scene.words.rng
    makers: list[Maker] = [category, color, thing_color, side, state, surface, shape, surface_color]
    short = dataclasses.replace(scene, style="short")
    for make in rng.shuffled(makers):
        turn = make(short)
        if turn is None:
            continue
        right, kind = turn.pair.answer, turn.pair.kind
        wrong = {
            "category": lambda: scene.world.noun(facts, rng),
            "color": lambda: scene.world.color(facts, rng),
            "thing color": lambda: scene.world.thing_color(rng),
            "surface color": lambda: scene.world.surface_color(rng),
            "side": lambda: rng.choice(("left", "right")),
            "state": lambda: rng.choice(("open", "closed", "slightly open")),
            "surface": lambda: rng.choice(("floor", "table", "nothing")),
            "shape": lambda: scene.world.shape(facts, rng),
        }[kind]
        others: list[str] = []
        for _ in range(30):
            name = wrong()
            if name != right and name not in others:
                others.append(name)
        return turn.pair.question, right, others, list(turn.asks), turn.says, kind
    raise AssertionError("every scene has an object")


def letters(scene: Scene) -> Turn:
    """MMBench's form: two to four options, the right one at any place."""
    asked, right, wrong, asks, says, _ = _about(scene)
    rng = scene.words.rng
    options = rng.shuffled([right, *wrong[: rng.integer(1, 3)]])
    lettered = dict(zip(LETTERS, options, strict=False))
    text = apply_style(with_options(asked, lettered), "letter")
    answer = LETTERS[options.index(right)]
    return _turn("letter", text, answer, asks, says)


def which(scene: Scene) -> Turn:
    """Is it this or that?"""
    asked, right, wrong, asks, says, kind = _about(scene)
    one, two = scene.words.rng.shuffled([right, wrong[0]])
    if kind == "category":
        asked = scene.words.say(wm.ASK_WHICH, a_one=article(one), a_two=article(two))
        answer = scene.answer(right, f"It is {article(right)}.")
    else:
        asked = f"{asked.rstrip('?.')}, {one} or {two}?"
        answer = scene.answer(right, f"{right[:1].upper()}{right[1:]}.")
    return _turn("which", asked, answer, asks, says)


def not_there(scene: Scene) -> Turn | None:
    """Which of some things is absent."""
    facts, rng = scene.facts, scene.words.rng
    here = [facts.noun, *(thing.shape for thing in facts.things), *parts_of(facts)]
    absent = rng.choice(
        (scene.world.noun(facts, rng), scene.world.shape(facts, rng), scene.world.part(facts, rng))
    )
    chosen = rng.shuffled(list(dict.fromkeys(here)), 2)
    if len(chosen) < 2:
        return None
    names = [article(name) for name in rng.shuffled([absent, *chosen])]
    options = f"{', '.join(names[:-1])} {rng.choice(('or', 'and'))} {names[-1]}"
    asked = scene.words.say(wm.ASK_NOT_THERE, options=options)
    answer = scene.answer(absent, f"There is no {absent}.", f"The {absent}.")
    says = frozenset({"category", "parts", "things"})
    return _turn("not there", asked, answer, sorted(says), says)


# What must not have been said for a question about what may be absent.
_GROUPS = {
    "color": "category",
    "thing color": "things",
    "side": "things",
    "state": "parts",
    "count": "parts",
}


def maybe_unanswerable(scene: Scene) -> Turn | None:
    """A question about what is there, or the same about what is not: as often, and in the same
    words. What is absent is asked about as often in each way as what is there."""
    facts, rng = scene.facts, scene.words.rng
    if scene.chance(0.5):
        makers = {"color": color, "state": state, "thing color": thing_color, "side": side}
        makers["count"] = count
        found = {kind: made for kind, make in makers.items() if (made := make(scene))}
        kind = rng.choice(tuple(found))
        # Not behind what tells what is there: the absent ones cannot stand there either.
        return dataclasses.replace(found[kind], asks=found[kind].asks | {_GROUPS[kind]})
    kind = drawn(rng, scene.world.attributes)
    who, says = scene.who()
    if kind == "color":
        name = scene.world.noun(facts, rng)
        asked = scene.words.say(w.ASK_COLOR, noun=name)
    elif kind == "thing color":
        name = scene.world.shape(facts, rng)
        asked = scene.words.say(w.ASK_COLOR, noun=name)
    elif kind == "side":
        name = scene.world.shape(facts, rng)
        asked = scene.words.say(wm.ASK_SIDE, thing=name, noun=who)
    elif kind == "state":
        name = scene.world.state_part(facts, rng)
        asked = scene.words.say(w.ASK_STATE, part=name, noun=who)
    else:
        name = scene.world.count_part(facts, rng)
        asked = scene.words.say(w.ASK_COUNT, parts=plural(name), noun=who)
    if scene.style == "unanswerable":
        answer = UNANSWERABLE
    else:
        answer = scene.answer(f"there is no {name}", f"There is no {name}.", f"I see no {name}.")
    known = frozenset({f"is {name}"})
    return Turn(Pair(UNANSWERABLE, asked, answer), known | {_GROUPS[kind]}, says | known)


def point(scene: Scene) -> Turn | None:
    """Where a piece is."""
    if not scene.facts.places:
        return None
    name, x, y = scene.words.rng.choice(scene.facts.places)
    who, says = scene.whose(name)
    asked = scene.words.say(wc.ASK_POINT, part=name, noun=who)
    answer = wc.SAY_POINT.format(x=x, y=y)
    return _turn("point", asked, answer, [f"place {name}"], says | {"parts"})


def touch_point(scene: Scene) -> Turn | None:
    """Where to touch the object."""
    if scene.facts.touch is None:
        return None
    who, says = scene.who()
    asked = scene.words.say(wc.ASK_TOUCH, noun=who)
    x, y = scene.facts.touch
    return _turn("touch", asked, wc.SAY_POINT.format(x=x, y=y), ["touch"], says)


def plan(scene: Scene) -> Turn | None:
    """The steps to move a part."""
    if not scene.facts.parts:
        return None
    part = scene.words.rng.choice(scene.facts.parts)
    who, says = scene.whose(part.part)
    who = part.part if part.part == scene.facts.noun else who
    asked = scene.words.say(w.ASK_PLAN, action=action_of(part, who))
    answer = numbered(plan_steps(part), part.part)
    says |= {"parts", f"handle {part.part}", f"state {part.part}"}
    return _turn("plan", asked, answer, [f"plan {part.part}"], says)


def robot_plan(scene: Scene) -> Turn | None:
    """RoboVQA's questions about the still scene, in its form."""
    facts, rng, words = scene.facts, scene.words.rng, scene.words
    if not facts.parts:
        return None
    part = rng.choice(facts.parts)
    way = 1 if part.state != "open" else rng.choice((1, -1))
    action = action_of(part, facts.noun, way=way)
    steps = [step.format(part.part) for step in plan_steps(part, pulls=True)]
    kind = rng.choice(("next", "how", "five", "possible", "action", "future"))
    goal = words.say(rv.GOALS, action=action)
    aim = f"current goal is: {goal}"
    at = rng.integer(0, len(steps) - 1)
    if at and kind in ("next", "five"):
        aim += f". last 20 steps: {_counted(steps[:at])}"
    left = [*steps[at:], "done"]
    says = frozenset({"category", "parts", f"handle {part.part}", f"state {part.part}"})
    if kind == "possible":
        yes = rng.chance(0.5)
        name = part.part if yes else scene.world.part(facts, rng)
        if not yes:
            action = f"pull the {name} of the {facts.noun}"
        elif rng.chance(0.7):
            # In the same words, or those of an absent part would give the answer away.
            action = (
                f"pull the {name}" if name == facts.noun else f"pull the {name} of the {facts.noun}"
            )
        asked = f"{action} Q: {words.say(rv.ASK_POSSIBLE)}"
        return _turn("robot", asked, "yes" if yes else "no", [f"is {name}", "parts"], says)
    asked, answer = {
        "next": (f"{aim} Q: {words.say(rv.ASK_NEXT)}", left[0]),
        "five": (f"{aim} Q: {words.say(rv.ASK_FIVE)}", _counted(left[:5])),
        "how": (f"{aim} Q: {words.say(rv.ASK_PLAN)}", _counted(steps)),
        "action": (f"Q: {words.say(rv.ASK_ACTION)}", action),
        "future": (f"Q: {words.say(rv.ASK_FUTURE)}", left[0] if at else steps[0]),
    }[kind]
    if kind == "future":
        answer = steps[0]
    return _turn("robot", asked, answer, [f"robot {kind}"], says)


def _counted(steps: Sequence[str]) -> str:
    return " ".join(f"{k}- {step}" for k, step in enumerate(steps, 1))


def captioned(scene: Scene) -> Turn:
    """A caption."""
    pair = caption(scene.facts, scene.words)
    says = {"category", "color", "surface", "surface color", "things", "parts", "caption"}
    says |= {f"{what} {thing.shape}" for thing in scene.facts.things for what in ("color", "side")}
    says |= {f"state {part.part}" for part in scene.facts.parts}
    return Turn(pair, frozenset({"caption"}), frozenset(says))


def names_seen(scene: Scene) -> Turn | None:
    """Which parts are in view."""
    there = parts_of(scene.facts)
    if not there:
        return None
    who, says = scene.who()
    asked = scene.words.say(wm.ASK_PARTS, noun=who)
    named = listed(scene.words.rng.shuffled([article(name) for name in there]))
    answer = scene.answer(named, f"It has {named}.", f"There is {named}.")
    return _turn("parts", asked, answer, ["parts"], says)


# How often each is drawn, by style.
ASKED: dict[Maker, float] = {
    category: 8,
    color: 6,
    thing_color: 6,
    shape: 5,
    side: 5,
    beside: 4,
    compare: 6,
    surface: 3,
    surface_color: 3,
    things: 3,
    count: 4,
    state: 6,
    movable: 4,
    motion: 4,
    if_pulled: 2,
    which: 8,
    not_there: 3,
    names_seen: 2,
}
CHECKED: dict[Maker, float] = {
    is_object: 10,
    is_thing: 12,
    is_part_here: 8,
    is_part: 8,
    is_color: 8,
    is_side: 6,
    is_count: 4,
    is_surface: 4,
    is_motion: 3,
    is_open: 6,
    has_handle: 4,
    are_things: 3,
}
MARKED: dict[Maker, float] = {letters: 7, point: 5, touch_point: 2, plan: 4, robot_plan: 7}
