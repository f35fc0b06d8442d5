# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Many ways to say a thing, some of which training never hears.

The test and validation have lists of phrases, split by place (``splits``); training has the
grammar's rules in place of its part of each list (``intents``).
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from robomamba_jax.world.language.intents import rule_of
from robomamba_jax.world.language.splits import phrases_of
from robomamba_jax.world.objects.rng import Rng


def article(noun: str) -> str:
    """A noun with "a" or "an" in front."""
    # No "u": a USB stick.
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


class Wording:
    """Says things in a split's words."""

    def __init__(self, rng: Rng, split: str) -> None:
        """Begin.

        Args:
          rng: chooses among the phrases.
          split: "train", "validation" or "test".
        """
        self.rng, self.split = rng, split

    def say(self, phrases: Sequence[str], **fields: str) -> str:
        """One of the phrases, its fields filled in; in training one of its rule's sentences."""
        rule = rule_of(tuple(phrases)) if self.split == "train" else None
        if rule is not None:
            return rule[0].expand(self.rng, fields, exact=rule[1])
        chosen = self.rng.choice(phrases_of(phrases, self.split))
        return string.Formatter().vformat(chosen, (), fields)
