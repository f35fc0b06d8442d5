# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A grammar of sentences: rules that stand for hundreds of ways to say one thing.

A rule is a text in which

- ``(a|b|c)`` is one of some alternatives; ``(5*a|b)`` takes the first five times as often,
- ``[a]`` is there or not, each half of the time,
- ``{noun}`` is a slot that the caller fills, and ``{a_noun}`` one filled with its article.

Rules hold no others, so that each stands for finitely many sentences, and all of them can be
counted and searched. Two sentences are the same here if they differ in nothing but capitals,
punctuation, spelling ("colour"), contractions ("what's"), articles before a vowel, politeness
("please"), or in what their slots are called: see ``plain_words``.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from robomamba_jax.world.language.vocabulary import COLOR_WORDS, NUMBER_WORDS
from robomamba_jax.world.objects.rng import Rng

Words = tuple[str, ...]

SLOT = "_"
"""What stands for a slot in ``plain_words``."""

# What fills a slot never has these words in it, so that "the door of the safe" is no single part:
# without them one rule would seem to say nearly everything.
_NEVER_IN_A_NAME = frozenset(
    {
        *("the", "a", "an", "is", "are", "was", "it", "its", "'s", "on", "in", "to", "at", "by"),
        *("with", "which", "what", "how", "where", "here", "there", "this", "that", "have", "has"),
        *("does", "do", "can", "and", "or", "if", "when", "one", "you", "i", "me", "of", "either"),
        *("lies", "stands"),
        # What is asked for is no part either: "show the place of the lid".
        *("place", "position", "point", "spot", "joint", "state", "color", "number", "name"),
        "shape",
    }
)
_NAME_WORDS, _PHRASE_WORDS = 4, 14
# Slots that hold more than a name, or less: the words that they may begin with.
_FIRST_WORDS = {
    "action": frozenset(
        {"open", "close", "pull", "push", "move", "lift", "turn", "slide", "press", "raise"}
    ),
    "motion": frozenset({"turns", "slides"}),
    "place": frozenset({"on", "beside"}),
    "color": frozenset(COLOR_WORDS),
    "side": frozenset({"left", "right"}),
    "surface": frozenset({"floor", "table"}),
    "count": frozenset((*NUMBER_WORDS, *map(str, range(len(NUMBER_WORDS))))),
}
_ONE_WORD = frozenset({"color", "side", "surface", "count"})
_PHRASES = frozenset({"action", "motion", "place", "options"})

_POLITE = frozenset({"please"})
_SPELLINGS = {"colour": "color", "coloured": "colored", "grey": "gray", "an": "a"}
_SHORT_FORMS = {
    "'s": ("'s",),
    "i'd": ("i", "would"),
    "i'm": ("i", "am"),
    "let's": ("let", "us"),
    **{
        f"{word}'s": (word, "is")
        for word in ("what", "where", "how", "it", "there", "that", "here", "who", "one")
    },
    "isn't": ("is", "not"),
    "doesn't": ("does", "not"),
    "don't": ("do", "not"),
    "can't": ("can", "not"),
}
_TOKEN = re.compile(r"\{\w+\}|[\w-]+(?:'\w+)?|'s")
_ARTICLE = re.compile(r"\b([Aa])n? (\{(\w+)\})")

# How often a sentence is written carelessly, as people type.
_SMALL_LETTER, _NO_MARK = 0.12, 0.10


class Rule:
    """One rule, ready to be said, counted and searched.

    Attributes:
      text: as it is written.
      slots: names of what callers fill in.
    """

    def __init__(self, text: str, without: frozenset[Words] = frozenset()) -> None:
        """Read a rule.

        Args:
          text: see the module.
          without: sentences, as ``plain_words``, that it must not say.

        Raises:
          ValueError: brackets do not match, or a weight is none.
        """
        self.text, self._without = text, without
        self._node = _parse(text)
        self.slots = frozenset(re.findall(r"\{(\w+)\}", text))

    def expand(self, rng: Rng, fields: Mapping[str, str], *, exact: bool = False) -> str:
        """One of its sentences.

        Args:
          rng: draws it.
          fields: what fills the slots.
          exact: as the rule is written; otherwise it begins with a capital, and now and then a
            capital or a mark is missing.

        Raises:
          KeyError: a slot is not filled.
        """
        template = self._template(rng)
        text = fill(template, fields)
        if exact:
            return text
        # Both are drawn for every sentence, so that what follows draws the same numbers.
        small, bare = rng.chance(_SMALL_LETTER), rng.chance(_NO_MARK)
        text = text if small else sentence(text)
        return text.rstrip(".?!") if bare else text

    def _template(self, rng: Rng) -> str:
        for _ in range(1000):
            pieces: list[str] = []
            _draw(self._node, rng, pieces)
            template = _tidy("".join(pieces))
            if plain_words(template) not in self._without:
                return template
        raise ValueError(f"nearly all that a rule says is held out: {self.text[:80]}")

    @functools.cached_property
    def _graph(self) -> _Graph:
        return _Graph(self._node)

    def count(self) -> int:
        """How many different sentences it has, in the sense of the module."""
        held = sum(any(w == words for w in self._graph.templates(words)) for words in self._without)
        return self._graph.count() - held

    def vocabulary(self) -> frozenset[str]:
        """All the words that it may say."""
        return frozenset(word for word in self._graph.words if word != SLOT)

    def parses(self, text: str) -> bool:
        """Whether it may say a text, whatever fills its slots: names of one to four words."""
        found = self._graph.templates(plain_words(text))
        return any(template not in self._without for template in found)


def plain_words(text: str) -> Words:
    """A sentence, or a phrase with slots, as what tells it from others."""
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if token.startswith("{"):
            found += ["a", SLOT] if token.startswith("{a_") else [SLOT]
            continue
        word = token.lower()
        if word not in _SHORT_FORMS and word.endswith("'s"):
            found += [_SPELLINGS.get(word[:-2], word[:-2]), "'s"]
        else:
            found += _SHORT_FORMS.get(word, (_SPELLINGS.get(word, word),))
    return tuple(word for word in found if word not in _POLITE)


def fill(template: str, fields: Mapping[str, str]) -> str:
    """A template's slots filled in, with "an" where "a" stood before a vowel."""

    def articled(match: re.Match[str]) -> str:
        name = fields[match[3]]
        # No "u": a USB stick.
        return f"{match[1]}{'n' if name[:1].lower() in 'aeio' else ''} {match[2]}"

    return _tidy(_ARTICLE.sub(articled, template).format_map(fields))


def sentence(text: str) -> str:
    """With a capital first letter."""
    # Not capitalize(), which would lower the rest of "USB stick".
    return text[:1].upper() + text[1:]


def _tidy(text: str) -> str:
    text = re.sub(r" +", " ", text).strip()
    return re.sub(r" ([.,?!:;]|'s\b)", r"\1", text)


# A text, a sequence, or alternatives: where each one's share of the weights ends, and the texts.
_Alternatives: TypeAlias = "tuple[tuple[float, ...], tuple[_Node, ...]]"
_Node: TypeAlias = "str | list[_Node] | _Alternatives"


def _parse(text: str) -> _Node:
    node, end = _sequence(text, 0)
    if end != len(text):
        raise ValueError(f"a bracket too many at {end}: {text[max(0, end - 40) : end + 10]!r}")
    return node


def _sequence(text: str, at: int) -> tuple[list[_Node], int]:
    """A run of texts and brackets, and where it ends."""
    found: list[_Node] = []
    while at < len(text) and text[at] not in "|)]":
        if text[at] in "([":
            node, at = _alternatives(text, at + 1, ")" if text[at] == "(" else "]")
            found.append(node)
            continue
        end = re.compile(r"[\[\]()|]|$").search(text, at)
        assert end is not None
        found.append(text[at : end.start()])
        at = end.start()
    return found, at


def _alternatives(text: str, at: int, close: str) -> tuple[_Alternatives, int]:
    """Alternatives behind their opening bracket; nothing is one of those in square brackets."""
    weights: list[float] = []
    options: list[_Node] = []
    while True:
        weight = re.compile(r"(\d+)\*").match(text, at)
        if weight:
            at = weight.end()
        weights.append(float(weight[1]) if weight else 1.0)
        node, at = _sequence(text, at)
        options.append(node)
        if at >= len(text) or text[at] not in ("|", close):
            raise ValueError(f"a bracket is not closed: {text[max(0, at - 40) : at + 10]!r}")
        at += 1
        if text[at - 1] == close:
            break
    if min(weights) <= 0:
        raise ValueError(f"a weight is 0: {text!r}")
    if close == "]":
        weights.append(sum(weights))
        options.append("")
    return (tuple(itertools.accumulate(weights)), tuple(options)), at


def _draw(node: _Node, rng: Rng, found: list[str]) -> None:
    """Append the pieces of one sentence."""
    if isinstance(node, str):
        found.append(node)
    elif isinstance(node, list):
        for part in node:
            _draw(part, rng, found)
    else:
        edges, options = node
        # Many a question is drawn for each that is asked: this is where the time goes.
        at = bisect.bisect_right(edges[:-1], rng.uniform(0.0, edges[-1]))
        _draw(options[at], rng, found)


class _Graph:
    """A rule as states with words between them: every path from 0 to the end is a sentence."""

    def __init__(self, node: _Node) -> None:
        self._words: list[dict[str, set[int]]] = [{}]
        self._free: list[set[int]] = [set()]
        self._slots: dict[int, str] = {}  # the slot behind a state
        self.end = self._add(node, 0)
        self.words = frozenset(word for edges in self._words for word in edges)

    def _new(self) -> int:
        self._words.append({})
        self._free.append(set())
        return len(self._words) - 1

    def _add(self, node: _Node, start: int) -> int:
        if isinstance(node, str):
            for token in _TOKEN.findall(node):
                for word in plain_words(token):
                    after = self._new()
                    self._words[start].setdefault(word, set()).add(after)
                    if word == SLOT:
                        self._slots[start] = token.strip("{}")
                    start = after
            return start
        if isinstance(node, list):
            for part in node:
                start = self._add(part, start)
            return start
        end = self._new()
        for option in node[1]:
            fresh = self._new()
            self._free[start].add(fresh)
            self._free[self._add(option, fresh)].add(end)
        return end

    def _closed(self, states: Sequence[int] | set[int]) -> frozenset[int]:
        """The states and all that no word leads to."""
        found, waiting = set(states), list(states)
        while waiting:
            for after in self._free[waiting.pop()] - found:
                found.add(after)
                waiting.append(after)
        return frozenset(found)

    def count(self) -> int:
        """How many different word sequences there are."""
        known: dict[frozenset[int], int] = {}

        def below(states: frozenset[int]) -> int:
            if states not in known:
                after: dict[str, set[int]] = {}
                for state in states:
                    for word, ends in self._words[state].items():
                        after.setdefault(word, set()).update(ends)
                known[states] = int(self.end in states) + sum(
                    below(self._closed(ends)) for ends in after.values()
                )
            return known[states]

        return below(self._closed({0}))

    def templates(self, words: Words) -> Iterator[Words]:
        """Word sequences, slots as SLOT, that say these words when their slots are filled."""
        dead: set[tuple[int, int]] = set()

        def walk(state: int, at: int) -> Iterator[Words]:
            if (state, at) in dead:
                return
            some = False
            if at == len(words) and state == self.end:
                some = True
                yield ()
            for after in self._free[state]:
                for rest in walk(after, at):
                    some = True
                    yield rest
            for word, ends in self._words[state].items():
                reach = self._slot_ends(state, words, at) if word == SLOT else ()
                if word != SLOT and at < len(words) and words[at] == word:
                    reach = (at + 1,)
                for end in ends:
                    for stop in reach:
                        for rest in walk(end, stop):
                            some = True
                            yield (word, *rest)
            if not some:
                dead.add((state, at))

        return walk(0, 0)

    def _slot_ends(self, state: int, words: Words, at: int) -> tuple[int, ...]:
        """Where a slot that begins at a word may end."""
        name = self._slots[state]
        if name in _FIRST_WORDS and not set(words[at : at + 1]) <= _FIRST_WORDS[name]:
            return ()
        long, found = name in _PHRASES, []
        most = 1 if name in _ONE_WORD else _PHRASE_WORDS if long else _NAME_WORDS
        for stop in range(at, min(len(words), at + most)):
            word = words[stop]
            pair = word == "of" and stop > at and words[stop - 1] == "pair"
            if not (long or pair) and word in _NEVER_IN_A_NAME:
                break
            found.append(stop + 1)
        return tuple(found)
