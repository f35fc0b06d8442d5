# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The thirty categories as functions that draw an object from a seed."""

from __future__ import annotations

from collections.abc import Callable

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import (
    appliances,
    containers,
    devices,
    furniture,
    tools,
    vessels,
)
from robomamba_jax.world.objects.categories import CATEGORIES, find_category
from robomamba_jax.world.objects.model import Assembly, Color, ObjectModel
from robomamba_jax.world.objects.rng import Rng

Builder = Callable[[Rng, Assembly], tuple[Color, tuple[str, ...]]]

BUILDERS: dict[str, Builder] = {
    "Safe": appliances.safe,
    "Door": appliances.door,
    "Display": devices.display,
    "Refrigerator": appliances.refrigerator,
    "Laptop": devices.laptop,
    "Lighter": tools.lighter,
    "Microwave": appliances.microwave,
    "Mouse": devices.mouse,
    "Box": containers.carton,
    "TrashCan": containers.trash_can,
    "KitchenPot": containers.pot,
    "Suitcase": containers.suitcase,
    "Pliers": tools.pliers,
    "StorageFurniture": appliances.storage,
    "Remote": devices.remote,
    "Bottle": vessels.bottle,
    "FoldingChair": furniture.folding_chair,
    "Toaster": appliances.toaster,
    "Lamp": furniture.lamp,
    "Dispenser": vessels.dispenser,
    "Toilet": furniture.toilet,
    "Scissors": tools.scissors,
    "Table": furniture.table,
    "Stapler": tools.stapler,
    "Kettle": vessels.kettle,
    "USB": devices.usb,
    "Switch": furniture.switch,
    "WashingMachine": appliances.washing_machine,
    "Faucet": furniture.faucet,
    "Phone": devices.phone,
}

# How many objects of a category each split has; like PartNet-Mobility's, they come back in
# many scenes. A split's place is part of its objects' seeds.
INSTANCES = {"train": 200, "test": 100, "validation": 100}
_ORDER = tuple(CATEGORIES)


def make_object(category: str, split: str, number: int) -> ObjectModel:
    """One object of the embedded world.

    Args:
      category: one of the thirty.
      split: "train", "validation" or "test"; their objects are drawn from different seeds.
      number: which one, from 0 to below INSTANCES[split].

    Raises:
      InputError: the category or the split is unknown, or the number none of it.
    """
    find_category(category)
    if split not in INSTANCES or not 0 <= number < INSTANCES[split]:
        raise InputError(
            "unknown_instance",
            f"no object {number} of {category} in the split {split!r}",
            f"give {' or '.join(f'{name}: 0 to {count - 1}' for name, count in INSTANCES.items())}",
        )
    # Without dataset.tasks.VERSION: object 12 stays object 12, whatever a version draws of it.
    seed = (7, list(INSTANCES).index(split), _ORDER.index(category), number)
    a = Assembly()
    color, optional = BUILDERS[category](Rng(seed), a)
    return a.finish(category, f"{split}-{category}-{number:04d}", color, optional)
