# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every list's rule: hundreds of sentences, and none that the test or validation holds out."""

import re

import pytest

from robomamba_jax.world.language.grammar import fill, plain_words
from robomamba_jax.world.language.imagined import imagined_record
from robomamba_jax.world.language.intents import lists, rules
from robomamba_jax.world.language.splits import Answers, phrases_of
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.categories import CATEGORIES, UNSEEN
from robomamba_jax.world.objects.rng import Rng

LISTS, RULES = lists(), rules()
SHARED = {
    "count": "two",
    "color": "red",
    "side": "left",
    "thing": "ball",
    "are": "are",
    "motion": "slides in and out",
    "surface": "table",
    "a_surface": "a white table",
    "one": "cube",
    "two": "ball",
    "a_two": "an orange box",
    "options": "a cube, a ball or a hat",
    "a_thing": "a red safe",
    "place": " on a gray table",
    "state": "open",
    "shape": "cube",
    "x": "1",
    "y": "2",
}
# An everyday filling of several words, and one of invented words.
FILLINGS = [
    {"noun": "pair of pliers", "part": "side handle", "action": "open the lid of the pot further"},
    {"noun": "dax", "part": "zog", "action": "move the zog of the dax"},
]


def filled(phrase: str, fields: dict[str, str]) -> str:
    """A phrase about something."""
    more = {f"a_{name}": f"a {fields['noun']}" for name in ("noun", "one")}
    known = {**SHARED, **fields, **more, "parts": f"{fields['part']}s"}
    if "{place}" in phrase:
        known["parts"] = " with an open door"
    return fill(phrase, known | {f"{name}_upper": text for name, text in known.items()})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("split", ["test", "validation"])
def test_no_held_out_phrase_is_in_the_training_grammar(name: str, split: str) -> None:
    """Of any list, under the rule of any other; whatever fills its slots."""
    if split == "validation" and isinstance(LISTS[name], Answers):
        pytest.skip("validation hears training's answers")
    for phrase in phrases_of(LISTS[name], split):
        for fields in FILLINGS:
            text = filled(phrase, fields)
            assert not [other for other, rule in RULES.items() if rule.parses(text)], text


@pytest.mark.parametrize("name", RULES)
def test_hundreds_of_ways(name: str) -> None:
    """Counted without what differs in spelling, politeness and marks alone."""
    assert RULES[name].count() >= (100 if name.startswith("robovqa") or name == "SHORT" else 200)


@pytest.mark.parametrize("name", RULES)
def test_rules_need_no_more_than_their_lists(name: str) -> None:
    """Who fills a phrase's fields fills a rule's; the object's noun comes with a part's name."""
    fields = {slot for phrase in LISTS[name] for slot in re.findall(r"\{(\w+)\}", phrase)}
    also = {"noun"} if name in AND_THE_NOUN else set()
    assert RULES[name].slots <= fields | also


AND_THE_NOUN = {
    *("ASK_SIDE", "ASK_TURN_OR_SLIDE", "ASK_IS_OPEN", "ASK_IS_CLOSED", "ASK_HAS_HANDLE"),
    "ASK_IF_PULLED",
}


@pytest.mark.parametrize("name", RULES)
def test_what_is_drawn_is_no_held_out_phrase(name: str) -> None:
    """The other way round: many draws in training, compared with all phrases of the test."""
    rule = RULES[name]
    fields = dict.fromkeys(rule.slots, "zog")
    held = {
        plain_words(fill(phrase, dict.fromkeys(re.findall(r"\{(\w+)\}", phrase), "zog")))
        for phrases in LISTS.values()
        for phrase in phrases_of(phrases, "test")
    }
    for seed in range(60):
        text = rule.expand(Rng((seed,)), fields)
        assert plain_words(text) not in held
        assert "{" not in text


def test_every_word_of_the_test_is_heard_in_training() -> None:
    """In another phrasing: what is new is the order, not the word."""
    heard = frozenset().union(*(rule.vocabulary() for rule in RULES.values()))
    heard |= {
        word
        for name, phrases in LISTS.items()
        if name not in RULES
        for phrase in phrases_of(phrases, "train")
        for word in plain_words(phrase)
    }
    held = {
        word
        for phrases in LISTS.values()
        for split in ("test", "validation")
        for phrase in phrases_of(phrases, split)
        for word in plain_words(phrase)
    }
    assert held <= heard


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_say_their_lists(split: str) -> None:
    """Letter by letter, whatever the seed."""
    for name, phrases in LISTS.items():
        allowed = {filled(phrase, FILLINGS[1]) for phrase in phrases_of(phrases, split)}
        more = {"a_noun": "a dax", "a_one": "a dax", "parts": "zogs", **FILLINGS[1]}
        fields = {**SHARED, **more}
        if "{place}" in phrases[0]:
            fields["parts"] = " with an open door"
        fields |= {f"{key}_upper": text for key, text in fields.items()}
        for seed in range(5):
            assert Wording(Rng((seed,)), split).say(phrases, **fields) in allowed, name


def test_nothing_imagined_is_called_as_an_unseen_category() -> None:
    """No noun of the ten, in words alone either."""
    nouns = [CATEGORIES[name].noun for name in UNSEEN if name not in ("Table", "Switch")]
    for seed in range(60):
        for pair in imagined_record(Rng((seed,)), "train"):
            text = f"{pair.question} {pair.answer}"
            assert not any(re.search(rf"\b{noun}s?\b", text) for noun in nouns)
