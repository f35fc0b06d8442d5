# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's thirty categories: twenty to learn from, ten to be surprised by.

Names and their order are PartNet-Mobility's, as the paper's Table 2 shows them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from robomamba_jax.errors import InputError, unknown_name


@dataclasses.dataclass(frozen=True)
class Category:
    """One kind of object.

    Attributes:
      name: PartNet-Mobility's, such as "StorageFurniture".
      noun: as people say it, such as "cabinet".
      seen: whether training may see it.
    """

    name: str
    noun: str
    seen: bool


_SEEN = {
    "Safe": "safe",
    "Door": "door",
    "Display": "monitor",
    "Refrigerator": "refrigerator",
    "Laptop": "laptop",
    "Lighter": "lighter",
    "Microwave": "microwave",
    "Mouse": "computer mouse",
    "Box": "box",
    "TrashCan": "trash can",
    "KitchenPot": "pot",
    "Suitcase": "suitcase",
    "Pliers": "pair of pliers",
    "StorageFurniture": "cabinet",
    "Remote": "remote control",
    "Bottle": "bottle",
    "FoldingChair": "folding chair",
    "Toaster": "toaster",
    "Lamp": "lamp",
    "Dispenser": "soap dispenser",
}
_UNSEEN = {
    "Toilet": "toilet",
    "Scissors": "pair of scissors",
    "Table": "table",
    "Stapler": "stapler",
    "Kettle": "kettle",
    "USB": "USB stick",
    "Switch": "switch",
    "WashingMachine": "washing machine",
    "Faucet": "faucet",
    "Phone": "flip phone",
}

CATEGORIES: dict[str, Category] = {
    # `is`: which of the two tables the name stands in.
    name: Category(name, noun, names is _SEEN)
    for names in (_SEEN, _UNSEEN)
    for name, noun in names.items()
}
SEEN = tuple(_SEEN)
UNSEEN = tuple(_UNSEEN)
# Not of the paper, and data for training alone: only who names them gets them. Assemblies are
# random articulated objects, plain things have a shape and no part that moves.
BROAD: dict[str, Category] = {
    "Assembly": Category("Assembly", "device", True),
    "Plain": Category("Plain", "thing", True),
}
# The thirty keep their places in front: a place is part of a trial's seed.
ALL: dict[str, Category] = {**CATEGORIES, **BROAD}


def find_category(name: str) -> Category:
    """The category of a name.

    Raises:
      InputError: there is none.
    """
    if name not in CATEGORIES:
        raise unknown_name("unknown_category", "category", name, CATEGORIES)
    return CATEGORIES[name]


def split_of(name: str) -> str:
    """In which of the paper's averages a category counts, "seen" or "unseen"; "training" for those
    of ``BROAD``, which count in none."""
    if name in BROAD:
        return "training"
    return "seen" if CATEGORIES[name].seen else "unseen"


def known_noun(name: str) -> str:
    """What a category's objects are called; of one that is not known, its name."""
    return ALL[name].noun if name in ALL else name


def known_category(name: str) -> Category | None:
    """The category that a name of another list means: capitals, spaces, "_" and "-" do not count;
    None for one that is not of the thirty."""
    return _BY_LETTERS.get(_letters(name))


def _letters(name: str) -> str:
    # Lists have "TrashCan", "Trash Can" and "trash_can".
    return re.sub(r"[\s_-]", "", name).lower()


_BY_LETTERS = {_letters(name): category for name, category in CATEGORIES.items()}


def choose_categories(names: Iterable[str] | None, split: str) -> tuple[str, ...]:
    """The categories that a split may use, in the paper's order.

    Args:
      names: only these, ``BROAD`` ones among them for training; None = the paper's that the split
        has.
      split: "train" and "validation" have the seen ones, "test" all: by what validation says things
        are chosen, and nothing may be chosen by the unseen ones.

    Raises:
      InputError: a name is unknown, or a split has it not.
    """
    names = None if names is None else tuple(names)
    allowed = (*SEEN, *UNSEEN) if split == "test" else SEEN
    if names is None:
        return allowed
    # The test split has neither: what is measured there is measured on the paper's categories.
    more = () if split == "test" else tuple(BROAD)
    for name in {*BROAD} & set(names) - set(more):
        raise InputError(
            "unknown_category",
            f"the {split} split has no {name}: it is data for training",
            "give --split train or validation, or leave it out",
        )
    wanted = {name if name in more else find_category(name).name for name in names}
    for name in wanted - {*allowed, *more}:
        raise unknown_name("unknown_category", f"category of the {split} split", name, allowed)
    return tuple(name for name in (*allowed, *more) if name in wanted)
