# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that is asked about a scene: true, balanced, and never asked behind its answer."""

import dataclasses
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.world.language import turns as t
from robomamba_jax.world.language.absent import World, means, parts_of
from robomamba_jax.world.language.captions import COUNTS, motion_of
from robomamba_jax.world.language.conversations import conversation, tokens_of
from robomamba_jax.world.language.facts import Facts
from robomamba_jax.world.language.imagined import (
    TOKENS,
    Imagined,
    imagined_facts,
    imagined_record,
)
from robomamba_jax.world.language.vocabulary import SEEN_NOUNS, plural
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng
from tests.world.recorded import recorded

SEEDS = st.integers(0, 10**6)
CHECKS = list(t.CHECKED)


def scene(seed: int, style: str = "short") -> t.Scene:
    """An imagined one, whose questions can be read back."""
    return t.Scene(imagined_facts(Rng((seed, 1))), recorded(seed, "train"), style, Imagined())


def names(facts: Facts) -> set[str]:
    """All that is there."""
    return {facts.noun, *parts_of(facts), *(thing.shape for thing in facts.things)}


def is_so(facts: Facts, fields: dict[str, str]) -> bool:
    """Whether a question for yes or no, read back, has yes for its answer."""
    listed = fields["list"]
    part = next((p for p in facts.single_parts if p.part == fields.get("part")), None)
    things = {(thing.shape, thing.color, thing.side) for thing in facts.things}
    if listed == "ASK_OBJECT":
        name = fields["a_noun"].split(" ", 1)[1]
        colored = {f"{facts.color} {facts.noun}", *(f"{color} {one}" for one, color, _ in things)}
        return name in names(facts) | colored
    if listed in ("ASK_PART", "ASK_USE"):
        return fields["part"] in parts_of(facts)
    if listed == "ASK_IS_COLOR":
        known = {shape: color for shape, color, _ in things}
        return fields["color"] == known.get(fields["noun"], facts.color)
    if listed == "ASK_IS_SIDE":
        return (fields["thing"], fields["side"]) in {(shape, side) for shape, _, side in things}
    if listed == "ASK_IS_COUNT":
        wanted = {plural(name): count for name, count in facts.counts}
        return (
            wanted[fields["parts"]] in (COUNTS.index(fields["count"]),)
            if not fields["count"].isdigit()
            else wanted[fields["parts"]] == int(fields["count"])
        )
    if listed == "ASK_IS_SURFACE":
        told = fields["a_surface"].split(" ", 1)[1]
        return told in (facts.surface, f"{facts.surface_color} {facts.surface}")
    if listed == "ASK_ARE_THINGS":
        return len(facts.things) == COUNTS.index(fields["count"])
    assert part is not None
    if listed == "ASK_IS_MOTION":
        return fields["motion"] == motion_of(part)
    if listed == "ASK_HAS_HANDLE":
        return part.has_handle
    return part.state == {"ASK_IS_OPEN": "open", "ASK_IS_CLOSED": "closed"}[listed]


@pytest.mark.parametrize("make", CHECKS)
@given(seed=SEEDS)
def test_yes_means_yes(make: t.Maker, seed: int) -> None:
    """Each kind of check against the facts."""
    asked = scene(seed)
    turn = make(asked)
    if turn is not None:
        so = is_so(asked.facts, json.loads(turn.pair.question))
        assert turn.pair.answer == ("yes" if so else "no")


@pytest.mark.parametrize("make", CHECKS)
def test_yes_is_as_frequent_as_no(make: t.Maker) -> None:
    """Of every kind, and all scenes together."""
    turns = [turn for seed in range(500) if (turn := make(scene(seed)))]
    yes = sum(turn.pair.answer == "yes" for turn in turns)
    # What scenes have nothing to say yes to asks less often, see ``turns``.
    assert 0.38 < yes / len(turns) < 0.68


@given(seed=SEEDS)
def test_what_has_no_answer_is_not_there(seed: int) -> None:
    """And what has one is."""
    asked = scene(seed, "unanswerable")
    turn = t.maybe_unanswerable(asked)
    assert turn is not None
    fields = json.loads(turn.pair.question)
    name = fields.get("thing") or fields.get("part") or fields.get("parts") or fields["noun"]
    there = names(asked.facts) | {plural(one) for one in names(asked.facts)} | {"object"}
    there |= {"thing in the middle"}
    assert (turn.pair.answer == t.UNANSWERABLE) == (name not in there)


def test_nouns_are_there_as_often_as_not() -> None:
    """Of what may have no answer: a noun, a shape or a part says nothing by itself."""
    asked: Counter[tuple[str, bool]] = Counter()
    for seed in range(600):
        turn = t.maybe_unanswerable(scene(seed, "unanswerable"))
        assert turn is not None
        fields = json.loads(turn.pair.question)
        name = fields.get("thing") or fields.get("part") or fields.get("noun")
        asked[name, turn.pair.answer == t.UNANSWERABLE] += 1
    for name in ("ball", "cube", "cone", "door", "lid"):
        there, absent = asked[name, False], asked[name, True]
        assert there + absent > 8
        assert 0.15 < there / (there + absent) < 0.85


@given(seed=SEEDS, split=st.sampled_from(["train", "validation", "test"]))
def test_nothing_is_asked_behind_its_answer(seed: int, split: str) -> None:
    """No question twice, and none for what an earlier turn said."""
    facts = imagined_facts(Rng((seed,)))
    pairs = conversation(facts, recorded(seed, split), Imagined(), 220)
    assert pairs
    assert sum(map(tokens_of, pairs[:-1])) < 260 or pairs[0].kind == "details"
    asked = [pair.question for pair in pairs]
    assert len(set(asked)) == len(asked)
    kinds = [pair.kind for pair in pairs]
    # The object's name is asked for before anything names it.
    if "category" in kinds:
        before = " ".join(f"{p.question} {p.answer}" for p in pairs[: kinds.index("category")])
        assert f'"{facts.noun}"' not in before


@given(seed=SEEDS)
def test_letters_name_their_option(seed: int) -> None:
    """Two to four different options, of which the letter's is right."""
    asked = scene(seed)
    turn = t.letters(asked)
    question, *lines = turn.pair.question.split("\n")[:-1]
    options = dict(line.split(". ", 1) for line in lines)
    assert 2 <= len(set(options.values())) == len(options) <= 4
    facts, fields = asked.facts, json.loads(question)
    right = options[turn.pair.answer]
    things = {one for thing in facts.things for one in (thing.shape, thing.color, thing.side)}
    known = {facts.noun, facts.color, facts.surface, facts.surface_color, "nothing", *things}
    known |= {part.state for part in facts.parts}
    assert right in known, fields


def test_letters_are_equally_frequent() -> None:
    """Whatever the number of options, each is right as often as the others."""
    answers: dict[int, Counter[str]] = {2: Counter(), 3: Counter(), 4: Counter()}
    for seed in range(350):
        pair = t.letters(scene(seed)).pair
        answers[pair.question.count("\n") - 1][pair.answer] += 1
    for count, found in answers.items():
        assert len(found) == count
        assert min(found.values()) > 0.5 * sum(found.values()) / count


@given(seed=SEEDS)
def test_what_is_told_holds_all_answers(seed: int) -> None:
    """The scene is told in front of the first question; it names all that is there."""
    facts = imagined_facts(Rng((seed,)))
    pairs = imagined_record(Rng((seed,)), "train")
    text = pairs[0].question.lower()
    for name in [facts.color, *names(facts), *(thing.color for thing in facts.things)]:
        assert name.lower() in text
    assert sum(map(tokens_of, pairs)) < 1.5 * TOKENS


@given(seed=SEEDS)
def test_absent_names_are_none_that_are_there(seed: int) -> None:
    """Of images: seen categories among themselves, and invented nouns likewise."""
    facts = imagined_facts(Rng((seed,)))
    world, rng = World(), Rng((seed, 2))
    noun = world.noun(facts, rng)
    assert not means(noun, [facts.noun, *facts.visible])
    assert facts.noun not in SEEN_NOUNS or noun in SEEN_NOUNS
    assert not means(world.part(facts, rng), [facts.noun, *parts_of(facts)])


def test_a_bare_scene_has_questions_too() -> None:
    """Nothing but an object: no maker fails, and the conversation has turns."""
    bare = dataclasses.replace(
        imagined_facts(Rng((1,))),
        **dict.fromkeys(("parts", "visible", "counts", "things", "places"), ()),
        surface="none",
        touch=None,
    )
    for seed in range(12):
        words = Wording(Rng((seed,)), "test")
        for make in (*t.ASKED, *t.CHECKED, *t.MARKED, t.maybe_unanswerable, t.captioned):
            make(t.Scene(bare, words, "sentence", World()))
        assert conversation(bare, words, World(), 200)
