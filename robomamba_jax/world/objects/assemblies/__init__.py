# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Random articulated objects: how parts look and move, without the categories.

A body of one of twelve families, one to four movable parts on any of its faces, in random sizes,
colours, limits and turns. They are data for training alone, the category ``Assembly``.

How they relate to the ten categories that only the test has: the generator imports no builder of
any category, was written from what hinged, sliding and turning things are like in general, and has
never been compared with those ten, nor have its numbers been chosen by any result on them. A part
alone (a lever, a lid, a knob) is what both have; nothing here puts parts together to be one of the
ten as a whole: there are no blades with finger rings, no seat below a lid, no board on long legs,
no basin or vessel with a neck over it on purpose, no round door in a box, no plug in a cap. Chance
may come near to one, as it may to any category.
"""

from __future__ import annotations

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.assemblies.build import draw_assembly
from robomamba_jax.world.objects.model import ObjectModel
from robomamba_jax.world.objects.rng import Rng

CATEGORY = "Assembly"
# Far more than a run draws: nearly every image shows another one.
INSTANCES = {"train": 1_000_000, "validation": 10_000}
_CODE = 8  # of their seeds; the catalogue's begin with 7


def make_assembly(split: str, number: int) -> ObjectModel:
    """One assembly.

    Args:
      split: "train" or "validation"; their assemblies are drawn from different seeds.
      number: which one, from 0 to below INSTANCES[split].

    Raises:
      InputError: the split has none, or not that number.
    """
    if split not in INSTANCES or not 0 <= number < INSTANCES[split]:
        raise InputError(
            "unknown_instance",
            f"no object {number} of {CATEGORY} in the split {split!r}",
            f"give {' or '.join(f'{name}: 0 to {count - 1}' for name, count in INSTANCES.items())}",
        )
    rng = Rng((_CODE, list(INSTANCES).index(split), number))
    return draw_assembly(rng, CATEGORY, f"{split}-{CATEGORY}-{number:07d}")
