# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Flags that several commands have, readers of their values, and flags made of a dataclass."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from robomamba_jax.cli.deprecated import add_renamed

Number = TypeVar("Number", int, float)
Settings = TypeVar("Settings")


def numeric(
    kind: Callable[[str], Number], allowed: Callable[[Number], bool], words: str
) -> Callable[[str], Number]:
    """The ``type`` of an argument that is a number.

    Args:
      kind: int or float.
      allowed: whether a value is one of those that may be given.
      words: which these are, behind "is not".
    """

    def read(text: str) -> Number:
        """The number, or argparse's own kind of error."""
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not allowed(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
        return value

    return read


natural = numeric(int, lambda n: n >= 0, "a whole number, 0 or more")
positive = numeric(int, lambda n: n >= 1, "a whole number above 0")
whole = numeric(int, lambda n: 0 <= n < 2**31, "a whole number from 0 to 2,147,483,647")
not_negative = numeric(float, lambda x: 0 <= x < math.inf, "0 or more")
share = numeric(float, lambda x: 0 < x <= 1, "above 0 and at most 1")


def counts(text: str) -> tuple[int, ...]:
    """Whole numbers above 0, separated by commas."""
    return tuple(positive(part) for part in text.split(","))


# What reads a field of a dataclass, by its type.
_READERS: dict[object, Callable[[str], object]] = {
    int: positive,
    int | None: positive,
    str: str,
    tuple[int, ...]: counts,
    tuple[int, ...] | None: lambda text: None if text == "none" else counts(text),
    tuple[str, ...]: lambda text: tuple(text.split(",")),
}


def flag_of(name: str) -> str:
    """The flag of an argument by its attribute's name."""
    return "--" + name.replace("_", "-")


def pick(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Arguments by name, for a function or a class that calls them the same."""
    return {name: getattr(args, name) for name in names}


def add_fields(parser: argparse.ArgumentParser, settings: type) -> None:
    """A flag for every field of a dataclass whose fields are ``bench.benchmark.option``s."""
    # Annotations are strings (postponed evaluation), and the readers are found by real types.
    kinds = get_type_hints(settings)
    for field in dataclasses.fields(settings):
        flag, text = flag_of(field.name), field.metadata["help"]
        if kinds[field.name] is bool:
            parser.add_argument(flag, action="store_true", help=text)
            continue
        default = field.default
        if default is not None:
            shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
            text = f"{text} ({shown})"
        # A type without a reader is a mistake of ours, and found by any call of the program.
        reader = _READERS[kinds[field.name]]
        add_renamed(parser, flag, *field.metadata["old"], type=reader, default=default, help=text)


def read_fields(args: argparse.Namespace, settings: type[Settings]) -> Settings:
    """The dataclass whose flags ``add_fields`` has added.

    Args:
      args: of the command.
      settings: a dataclass.

    Raises:
      InputError: its own checks refuse a value.
    """
    names = [field.name for field in dataclasses.fields(settings)]  # type: ignore[arg-type]
    return settings(**pick(args, *names))


def add_set(parser: argparse.ArgumentParser, what: str) -> None:
    """``--set``; ``what`` says what it changes, with an example."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=f"{what}; repeatable"
    )


def add_on_error(parser: argparse.ArgumentParser, help_text: str) -> None:
    """``--on-error raise|skip``, with its earlier name and values."""
    add_renamed(
        parser,
        "--on-error",
        "--on-bad",
        values={"error": "raise"},
        metavar="raise|skip",
        choices=("raise", "skip"),
        default="raise",
        help=f"{help_text} (raise)",
    )
