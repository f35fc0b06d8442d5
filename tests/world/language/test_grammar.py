# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rules: what they say, how much, and whether they may say a sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.world.language.grammar import Rule, fill, plain_words
from robomamba_jax.world.objects.rng import Rng

ASK = "(3*what|which) (color|colour) is the {noun}[ here]?"
FIELDS = {"noun": "safe"}


def said(rule: Rule, fields: dict[str, str], count: int = 200) -> set[str]:
    """What many draws say."""
    return {rule.expand(Rng((seed,)), fields, exact=True) for seed in range(count)}


def test_alternatives_options_and_slots() -> None:
    """All sentences come up, and no other."""
    rule = Rule(ASK)
    assert rule.slots == {"noun"}
    assert said(rule, FIELDS) == {
        f"{word} {color} is the safe{here}?"
        for word in ("what", "which")
        for color in ("color", "colour")
        for here in ("", " here")
    }
    # Spelling tells no sentences apart.
    assert rule.count() == 4


def test_weights() -> None:
    """Three times as often."""
    rule = Rule(ASK)
    drawn = [rule.expand(Rng((seed,)), FIELDS, exact=True) for seed in range(400)]
    assert 0.68 < sum(text.startswith("what") for text in drawn) / 400 < 0.82


def test_the_same_seed_says_the_same() -> None:
    """And a capital or a mark is missing now and then only."""
    rule = Rule(ASK)
    texts = [rule.expand(Rng((seed,)), FIELDS) for seed in range(300)]
    assert texts == [rule.expand(Rng((seed,)), FIELDS) for seed in range(300)]
    assert 0.8 < sum(text[0].isupper() for text in texts) / 300 < 0.95
    assert 0.8 < sum(text.endswith("?") for text in texts) / 300 < 0.97


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("is there a {part}?", "arm", "is there an arm?"),
        ("an {part}", "door", "a door"),
        ("a {part}", "USB stick", "a USB stick"),
        ("the {part}", "arm", "the arm"),
        ("{part} 's  color , please", "arm", "arm's color, please"),
    ],
)
def test_articles_and_spaces(text: str, name: str, expected: str) -> None:
    """As people write."""
    assert fill(text, {"part": name}) == expected


@pytest.mark.parametrize(
    ("text", "parses"),
    [
        ("What colour is the safe?", True),
        ("which color is the computer mouse here", True),
        ("what color is the pair of pliers", True),
        ("please, what color is the safe?", True),
        ("What color is the door of the safe?", False),
        ("what color is the", False),
        ("what color is the safe here here", False),
        ("what color is a safe", False),
        ("", False),
    ],
)
def test_parsing(text: str, parses: bool) -> None:
    """Whatever fills the slot, as long as it is a name."""
    assert Rule(ASK).parses(text) == parses


def test_slots_of_few_words_take_those_alone() -> None:
    """Colors, sides, numbers, actions and motions are known."""
    rule = Rule("is the {noun} {color}?")
    assert rule.parses("is the safe red?")
    assert not rule.parses("is the safe open?")
    assert Rule("how do you {action}?").parses("How do you open the lid of the pair of pliers?")
    assert not Rule("how do you {action}?").parses("How do you see the lid?")


def test_what_is_held_out_is_never_said() -> None:
    """Nor counted, nor parsed; not in another spelling either."""
    held = frozenset({plain_words("Which colour is the {part}?")})
    rule = Rule(ASK, held)
    assert rule.count() == 3
    assert not rule.parses("which color is the lid")
    assert rule.parses("which color is the lid here")
    assert not any(text in said(rule, FIELDS) for text in ("which color is the safe?",))
    with pytest.raises(ValueError, match="held out"):
        Rule("a|b".join(("(", ")")), frozenset({("a",), ("b",)})).expand(Rng((0,)), {})


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("What's the {noun}'s color?", "what is the {part} 's colour", True),
        ("Is there {a_noun}?", "is there an {part}", True),
        ("Isn't it gray", "is not it grey?", True),
        ("Say it, please.", "say it", True),
        ("Is the {noun} red?", "is a {noun} red?", False),
    ],
)
def test_plain_words(first: str, second: str, same: bool) -> None:
    """What tells sentences apart."""
    assert (plain_words(first) == plain_words(second)) == same


@pytest.mark.parametrize("text", ["(a|b", "a)", "[a", "(a]", "(0*a|b)", "a|b"])
def test_bad_rules(text: str) -> None:
    """Brackets must match and weights be some."""
    with pytest.raises(ValueError, match=r"bracket|weight"):
        Rule(text)


WORD = st.sampled_from(["red", "is", "it", "so", "{noun}"])
RULES = st.recursive(
    WORD,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: f"({'|'.join(found)})"),
        inner.map(lambda text: f"[{text}]"),
    ),
    max_leaves=8,
)


@given(text=RULES, seed=st.integers(0, 1000))
def test_what_is_said_parses(text: str, seed: int) -> None:
    """Any rule: it may say what it says, and has at least as many sentences as were drawn."""
    rule = Rule(text)
    drawn = rule.expand(Rng((seed,)), {"noun": "dax"})
    assert rule.parses(drawn)
    assert not re.search(r"[\[\](){}|]", drawn)
    found = {plain_words(text) for text in said(rule, {"noun": "dax"}, 20)}
    assert len(found) <= rule.count()
