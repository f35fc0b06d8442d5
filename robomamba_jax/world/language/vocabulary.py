# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Words that fill slots: of the world, and for imagined scenes everyday and invented ones.

None of the nouns of the unseen categories is here, nor another word for one of them.
"""

from __future__ import annotations

from robomamba_jax.world.objects.categories import CATEGORIES, SEEN
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.plain_things import SHAPES
from robomamba_jax.world.objects.rng import Rng

NUMBER_WORDS = (*("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),)
SEEN_NOUNS = tuple(CATEGORIES[name].noun for name in SEEN)
WORLD_COLORS = (*COLORS, "silver")
# Rare ones teach that a color is a word like any other.
MORE_COLORS = (
    *("turquoise", "violet", "golden", "navy", "cream", "maroon", "olive", "lime", "coral"),
    *("copper", "bronze", "tan", "scarlet", "indigo", "mint", "rose", "crimson", "teal"),
)
COLOR_WORDS = (*WORLD_COLORS, *MORE_COLORS)
MORE_SHAPES = (
    *("pyramid", "plate", "disc", "cup", "vase", "book", "brick", "star", "bowl", "coin", "egg"),
    *("shell", "stone", "candle", "pebble", "jar", "bell", "shoe", "glove", "feather", "block"),
)
# What the imagined scenes show, beside the seen categories.
EVERYDAY_NOUNS = (
    *("wardrobe", "drum", "basket", "guitar", "bench", "tractor", "oven", "teapot", "piano"),
    *("printer", "camera", "radio", "clock", "bicycle", "wagon", "barrel", "chest"),
    *("shelf", "freezer", "dishwasher", "grill", "toolbox", "mailbox", "locker", "crate"),
    *("birdhouse", "greenhouse", "tent", "truck", "van", "boat", "cart", "jewelry box", "cooler"),
    *("vending machine", "bread box", "lunch box", "sewing machine", "coffee machine", "blender"),
    *("music box", "treasure chest", "fuse box", "filing cabinet", "bookcase", "dresser", "stove"),
    *("fireplace", "gate", "window", "briefcase", "backpack", "handbag", "thermos"),
    *("water tank", "tool cart", "aquarium", "cage", "dollhouse", "lantern", "telescope", "robot"),
)
# Parts of seen categories' objects, and of imagined ones.
PARTS = (
    *("door", "drawer", "lid", "handle", "knob", "button", "lever", "flap", "cap", "cover"),
    *("dial", "keypad", "screen", "hinge", "panel", "hatch", "crank", "pedal", "grip", "latch"),
    *("wheel", "bar", "tray", "side handle", "glass pane", "vent", "label", "window", "rim"),
)
_MOVES = ("door", "drawer", "lid", "lever", "flap", "cap", "cover", "hatch", "crank", "tray")
MOVING_PARTS = _MOVES

_STARTS = (
    *("b", "bl", "br", "d", "dr", "f", "fl", "g", "gl", "gr", "h", "j", "k", "kl", "l", "m", "n"),
    *("p", "pl", "pr", "qu", "r", "s", "sk", "sl", "sn", "sp", "t", "tr", "v", "w", "z"),
)
_MIDDLES = ("a", "e", "i", "o", "u", "oo", "ee", "ai", "ou")
_ENDS = ("b", "ck", "d", "f", "g", "ld", "m", "mp", "n", "nd", "p", "r", "rk", "sh", "t", "x", "zz")
_TAILS = ("", "", "", "er", "et", "le", "o", "y", "ing", "us", "ix", "on")


def plural(noun: str) -> str:
    """Such as "drawers", "switches", "keys"."""
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def nonce_word(rng: Rng) -> str:
    """A word that means nothing yet, such as "blicket"."""
    word = rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS) + rng.choice(_TAILS)
    # Syllables meet in real words at times; those that name something here would be no news.
    return f"{word}o" if word in _KNOWN else word


_KNOWN = frozenset(
    word
    for names in (
        *(SEEN_NOUNS, COLOR_WORDS, SHAPES, MORE_SHAPES, EVERYDAY_NOUNS, PARTS),
        tuple(category.noun for category in CATEGORIES.values()),
    )
    for name in names
    for word in name.split()
)
