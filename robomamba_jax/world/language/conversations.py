# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Conversations of many short turns about one scene, whose image is paid for once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from robomamba_jax.evaluation.benchmarks.prompts import apply_style
from robomamba_jax.evaluation.synthetic.export_benchmarks import MME_SUFFIX
from robomamba_jax.world.language import turns as t
from robomamba_jax.world.language.absent import World, drawn
from robomamba_jax.world.language.captions import Pair
from robomamba_jax.world.language.details import description
from robomamba_jax.world.language.facts import Facts
from robomamba_jax.world.language.wording import Wording

# Kinds of conversations, and how often.
KINDS = {"short": 30, "sentence": 22, "verify": 18, "unanswerable": 16, "letters": 10}
_DETAILS = 0.04  # and so many descriptions instead
_ATTEMPTS = 80

_ALL: dict[t.Maker, float] = {**t.ASKED, **t.CHECKED}
# Where "unanswerable" may be said, nothing is asked that always has an answer in the same words.
_ALSO_ANSWERABLE = (t.category, t.beside, t.surface, t.movable, t.which, t.is_object, t.is_color)
_MAKERS: Mapping[str, Mapping[t.Maker, float]] = {
    "short": {**_ALL, **t.MARKED},
    "sentence": {**_ALL, **t.MARKED, t.captioned: 4, t.maybe_unanswerable: 8},
    "verify": t.CHECKED,
    "unanswerable": {t.maybe_unanswerable: 60, **dict.fromkeys(_ALSO_ANSWERABLE, 2.0)},
    "letters": {t.letters: 1.0},
}


def conversation(
    facts: Facts, words: Wording, world: World, tokens: int, most: int = 14
) -> list[Pair]:
    """Turns about a scene, none of which asks what was said before.

    Args:
      facts: of the scene.
      words: of the split.
      world: where what is not there comes from.
      tokens: about how many it may have, see ``tokens_of``.
      most: so many turns at most.

    Returns:
      At least one turn.
    """
    if words.rng.chance(_DETAILS):
        return [description(facts, words)]
    kind = drawn(words.rng, KINDS)
    style = "short" if kind == "letters" else kind
    scene = t.Scene(facts, words, style, world)
    pairs: list[Pair] = []
    said: frozenset[str] = frozenset()
    left = tokens
    for _ in range(_ATTEMPTS):
        makers = _MAKERS[kind]
        if not pairs and kind in ("short", "unanswerable", "verify"):
            # What asks for the style stands behind the first question, which must be of it.
            makers = {make: weight for make, weight in makers.items() if make not in t.MARKED}
        turn = drawn(words.rng, makers)(scene)
        if turn is None or turn.asks & said:
            continue
        pair = _styled(turn.pair, kind, not pairs, words)
        cost = tokens_of(pair)
        if pairs and cost > left:
            continue
        pairs.append(pair)
        said |= turn.says
        left -= cost
        if len(pairs) == most or left < _SHORTEST:
            break
    return pairs


def image_conversations(facts: Facts, words: Wording) -> list[list[Pair]]:
    """One conversation about an image's scene, or two."""
    count = 1 + int(words.rng.chance(0.5))
    return [conversation(facts, words, World(), IMAGE_TOKENS) for _ in range(count)]


IMAGE_TOKENS = 222
"""About how many tokens of text a record about an image has, which has its image's beside them."""

_SHORTEST = 12  # tokens that a turn has at least


def _styled(pair: Pair, kind: str, first: bool, words: Wording) -> Pair:
    """The first question says how answers are wanted; later ones now and then."""
    if kind == "verify" and (first or words.rng.chance(0.3)):
        return dataclasses.replace(pair, question=f"{pair.question}{MME_SUFFIX}")
    if first and kind in ("short", "unanswerable"):
        return dataclasses.replace(pair, question=apply_style(pair.question, kind))
    return pair


def tokens_of(pair: Pair) -> int:
    """About how many tokens of a vocabulary of a thousand a turn has, its frame included: measured,
    a token for 3.7 characters and eight for the frame."""
    return 8 + round((len(pair.question) + len(pair.answer)) / 3.7)
