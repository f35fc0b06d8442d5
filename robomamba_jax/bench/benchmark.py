# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a benchmark is: settings that are flags of its command, and the cases that they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from robomamba_jax.errors import unknown_name

Value = TypeVar("Value")


class BenchCase(NamedTuple):
    """One piece of work and who does it; the first side is the one compared with.

    Attributes:
      name: for the table.
      sides: names in ``worker.SIDES``.
      work: what the sides' builders read; see ``bench.records``.
      rounds: measurements per side; 0 = as many as all cases have.
    """

    name: str
    sides: tuple[str, ...]
    work: Mapping[str, Any]
    rounds: int = 0


def option(default: Value, help_text: str, *old: str) -> Value:
    """A field that is a flag of the command line; ``cli.options`` reads what it says.

    Args:
      default: the field's.
      help_text: the flag's help; its default is added there.
      old: earlier names of the flag, which work too.
    """
    return dataclasses.field(default=default, metadata={"help": help_text, "old": old})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """Settings of a benchmark; the docstring of a class of its own is the command's help.

    Attributes:
      what: the command's name, and ``what`` in its result.
    """

    what: ClassVar[str]

    rounds: int = option(5, "measurements per side")
    no_peers: bool = option(False, "leave torch out")

    def make_cases(self) -> list[BenchCase]:
        """The work, with every name checked: what is wrong is said before anything starts.

        Raises:
          InputError: a setting names nothing that there is.
        """
        raise NotImplementedError

    def sides(self, ours: Iterable[str], *theirs: str) -> tuple[str, ...]:
        """Who takes part: the others only where they are wanted."""
        return (*ours, *(() if self.no_peers else theirs))


def check_names(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ``InputError`` for the first of ``names`` that is not in ``known``."""
    for name in names:
        if name not in known:
            raise unknown_name("bad_arguments", what, name, known)
