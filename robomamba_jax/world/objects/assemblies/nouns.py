# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What an assembly is called: a word that fits anything, or one that nobody has heard."""

from __future__ import annotations

from robomamba_jax.world.objects.rng import Rng

GENERIC = (
    *("device", "unit", "fixture", "apparatus", "gadget", "machine", "contraption", "object"),
    *("appliance", "mechanism", "instrument", "construction", "thing", "module", "prototype"),
)
# Made so that they can be said and are no words: letters that English does not begin or end with
# in that way stand at one place at least.
_ONSETS = ("vr", "zl", "gw", "dz", "kv", "zw", "mw", "shm", "vl", "tw", "pl", "fr", "gl", "bl")
_VOWELS = ("a", "e", "i", "o", "u", "oo", "ee", "au")
_MIDDLES = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "v", "z", "nd", "lv", "rk", "mp")
_ENDS = ("x", "zz", "v", "rg", "lb", "nk", "mp", "kt", "sh", "bo", "zu", "vi", "ga")
_SHUT = 9  # the first so many ends have no vowel
_STRANGE = 7  # the first so many onsets begin no English word


def nonce(rng: Rng) -> str:
    """A word of two or three syllables that no dictionary has, such as "zlomburg"."""
    longer = rng.chance(0.5)
    middle = "".join(rng.choice(_VOWELS) + rng.choice(_MIDDLES) for _ in range(1 + longer))
    # One end at least is strange, so that no real word comes out.
    onset = rng.choice(_ONSETS[:_STRANGE])
    # The last ends are syllables of their own.
    ends = _ENDS[:_SHUT] if longer else _ENDS
    return onset + middle + rng.choice(_VOWELS[:5]) + rng.choice(ends)


def draw_noun(rng: Rng) -> str:
    """Half the time a plain word for anything, otherwise a nonce word."""
    return rng.choice(GENERIC) if rng.chance(0.5) else nonce(rng)
