# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that every configuration makes of its fields."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Self

from robomamba_jax.errors import InputError, unknown_name


class Replaceable:
    """A frozen dataclass of which copies with other fields are made, checked anew."""

    def replace(self, **changes: object) -> Self:
        """A copy with some fields changed.

        Raises:
          InputError: a field does not exist, or its value is not allowed.
        """
        fields = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        for name in changes:
            if name not in fields:
                raise unknown_name("unknown_field", f"{type(self).__name__} field", name, fields)
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def positive(name: str, value: object) -> None:
    """Raise ``InputError`` unless ``value`` is a whole number above 0."""
    # bool is a subclass of int: steps=True would be one step.
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError("bad_config", f"{name} is {value!r}", "give a whole number above 0")


def not_negative(name: str, value: object) -> None:
    """Raise ``InputError`` unless ``value`` is a whole number from 0 on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError("bad_config", f"{name} is {value!r}", "give a whole number, 0 or more")


def path_of(name: str, value: object) -> Path:
    """A path that was given as text, bytes or an object that is one.

    Raises:
      InputError: it is none of these.
    """
    if isinstance(value, str | bytes | os.PathLike):
        return Path(os.fsdecode(value))
    raise InputError("bad_arguments", f"{name} is a {type(value).__name__}", "give a path")


def share(name: str, value: float) -> None:
    """Raise ``InputError`` unless ``value`` is from 0 to 1."""
    if not 0 <= value <= 1:  # which NaN is not, either
        raise InputError("bad_config", f"{name} is {value}", "give 0 to 1")


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ``InputError`` unless ``value`` is one of the ``allowed`` names."""
    if value not in allowed:
        raise unknown_name("bad_config", name, value, allowed)
