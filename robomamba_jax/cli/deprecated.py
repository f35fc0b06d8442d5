# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Flags and values of earlier versions: they work for one version, and a line on stderr says what
they are called now.

    add_renamed(parser, "--batch-size", "--rows", type=int, default=8, help="of a batch (8)")
    add_renamed(
        parser,
        "--on-error",
        "--on-bad",
        values={"error": "raise"},
        choices=("raise", "skip"),
        default="raise",
    )
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from robomamba_jax.utils.renamed import warn_renamed


def add_renamed(
    parser: argparse._ActionsContainer,
    flag: str,
    *old: str,
    values: Mapping[str, str] | None = None,
    **options: Any,
) -> argparse.Action:
    """``parser.add_argument(flag, **options)`` whose earlier names work too.

    Help shows ``flag`` alone. Where both are given the last one counts, as for any flag.

    Args:
      parser: or a group of one.
      flag: the name to use.
      old: its earlier names; none where only values were renamed.
      values: earlier values -> what they are now.
      options: as for ``add_argument``, but not ``required``.

    Returns:
      The action of ``flag``.
    """
    if options.get("required"):
        # argparse counts actions, not destinations: the alias alone would not satisfy it.
        raise ValueError(f"{flag} has other names and cannot be required")
    if values:
        # As a type, because argparse compares with `choices` what the type has returned.
        options["type"] = _Values(flag, values, options.get("type", str))
    action = parser.add_argument(flag, **options)
    for name in old:
        # An action of its own, because argparse's help would print all names of one action.
        parser.add_argument(
            name, dest=action.dest, action=_Alias, of=action, default=argparse.SUPPRESS
        )
    return action


class _Values:
    """An argument's type that also takes earlier values."""

    def __init__(self, flag: str, renamed: Mapping[str, str], kind: Callable[[str], Any]) -> None:
        self._flag, self._renamed, self._kind = flag, renamed, kind
        self.__name__ = getattr(kind, "__name__", "value")  # "invalid int value: 'x'"

    def __call__(self, text: str) -> Any:
        if text in self._renamed:
            warn_renamed(f"{self._flag} {text}", f"{self._flag} {self._renamed[text]}")
            text = self._renamed[text]
        return self._kind(text)


class _Alias(argparse.Action):
    """An earlier name: warns, and does what the flag does."""

    def __init__(self, option_strings: list[str], dest: str, of: argparse.Action, **_: Any) -> None:
        super().__init__(
            option_strings,
            dest,
            nargs=of.nargs,
            const=of.const,
            default=argparse.SUPPRESS,  # the flag has it already
            type=of.type if callable(of.type) else None,  # the stubs allow a name there, too
            choices=of.choices,
            metavar=of.metavar,
            help=argparse.SUPPRESS,
        )
        self._of = of

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        # The new name is passed on, so that errors and other actions speak of that.
        flag = self._of.option_strings[0]
        warn_renamed(option_string or self.option_strings[0], flag)
        self._of(parser, namespace, values, flag)
