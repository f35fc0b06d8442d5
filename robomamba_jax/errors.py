# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can fix, each in one line.

A command prints an ``InputError`` as one line and exits with status 2; the
Python API raises it, and since it is a ``ValueError``, callers need not know it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """The caller's input is wrong; the message names the thing, ``fix`` what to do.

    Attributes:
      kind: short machine-readable name, such as "unknown_preset"; docs/errors.md lists all.
      message: what is wrong, in one line.
      fix: what to do about it, in one line.
    """

    def __init__(self, kind: str, message: str, fix: str) -> None:
        super().__init__(f"{message} ({fix})")
        self.kind = kind
        self.message = message
        self.fix = fix

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        # An exception is otherwise rebuilt from its one line, as when another process raised it.
        return type(self), (self.kind, self.message, self.fix)


def unknown_name(kind: str, what: str, name: object, known: Iterable[str]) -> InputError:
    """An ``InputError`` for a name that is not in ``known``, with the near names.

    Args:
      kind: the error's ``kind``, such as "unknown_preset".
      what: the thing being named, such as "preset".
      name: what the caller gave.
      known: the names that exist.
    """
    names = list(known)
    # Looser than difflib's own 0.6: in a short name one letter is a large part.
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    fix = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(names)}"
    return InputError(kind, f"unknown {what} {name!r}", fix)
