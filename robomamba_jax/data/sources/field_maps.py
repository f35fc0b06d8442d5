# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What readers of a ``FieldMap`` share: fields to turns, fields to an action."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from robomamba_jax.config.data import FieldMap
from robomamba_jax.data.sources.manipulation import Action, make_action
from robomamba_jax.data.sources.sample import ImageRef, bad_record
from robomamba_jax.data.text.prompts import IMAGE, Turn
from robomamba_jax.errors import InputError


def asked_turns(images: Sequence[ImageRef], question: str, answer: str) -> tuple[Turn, ...]:
    """A question behind its images' placeholders, where it does not place them itself."""
    text = question if IMAGE in question or not images else f"{IMAGE * len(images)}\n{question}"
    return ("human", text), ("gpt", answer)


def check_contact(fields: FieldMap, how: Mapping[str, str | None]) -> None:
    """Check that a contact has the directions and the conventions that make it a pose.

    Args:
      fields: the map.
      how: pixel_order and frame, None where they are not given.

    Raises:
      InputError: it lacks one of them.
    """
    if fields.contact and (not fields.approach or not fields.left or None in how.values()):
        raise InputError(
            "bad_config",
            "fields.contact stands alone",
            "give fields.approach, fields.left, pixel_order and frame too",
        )


def field_action(
    values: Mapping[str, npt.ArrayLike], fields: FieldMap, where: str, how: Mapping[str, str]
) -> Action:
    """The action in a record's ``contact``, ``approach``, ``left`` and ``gripper``.

    Args:
      values: field -> value.
      fields: with these four.
      where: the record, for messages.
      how: pixel_order and frame, see ``make_action``.

    Raises:
      InputError: a field does not have so many numbers, or a direction has no length.
    """
    numbers = {}
    for key, count in (("contact", 2), ("approach", 3), ("left", 3)):
        array = np.asarray(values[getattr(fields, key)])
        if array.shape != (count,) or array.dtype.kind not in "fiu":
            raise bad_record(where, f"has no {count} numbers as {getattr(fields, key)}")
        numbers[key] = array.astype(np.float64)
    gripper = float(np.asarray(values[fields.gripper])) if fields.gripper else None
    if gripper is not None and math.isnan(gripper):
        gripper = None
    point = (float(numbers["contact"][0]), float(numbers["contact"][1]))
    return make_action(point, numbers["approach"], numbers["left"], gripper, where, **how)
