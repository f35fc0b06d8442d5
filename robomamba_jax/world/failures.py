# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to a trial or an item that fails: the run ends, or it is skipped and listed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.data import ON_ERROR
from robomamba_jax.errors import InputError


class Skips:
    """Runs items one by one, and keeps what was wrong with those that were skipped.

    Attributes:
      found: of every skipped item its name, and its error's kind, message and fix.
      notes: what else could not be done, one line each.
    """

    def __init__(self, on_error: str) -> None:
        """Begin.

        Args:
          on_error: "raise": the first bad item ends the run; "skip": it is left out, and listed.

        Raises:
          InputError: it is neither.
        """
        one_of("on_error", on_error, ON_ERROR)
        self._skip = on_error == "skip"
        self.found: list[dict[str, str]] = []
        self.notes: list[str] = []

    @contextlib.contextmanager
    def item(self, name: str) -> Iterator[None]:
        """Surrounds all that is done for an item.

        Args:
          name: the item's, for the list and the error.

        Raises:
          InputError: the item is bad, and is not to be skipped; with its name.
        """
        try:
            yield
        # With "skip" a run survives whatever one item raises, the simulator's errors and our own
        # bugs included: hours of other items are worth more. They are listed by their names.
        except Exception as error:
            if not self._skip:
                if isinstance(error, InputError):
                    fix = f"{error.fix}; or --on-error skip"
                    raise InputError(error.kind, f"{name}: {error.message}", fix) from error
                raise
            self.found.append({"name": name, **error_entry(error)})

    @contextlib.contextmanager
    def aside(self, what: str) -> Iterator[None]:
        """Surrounds what an item writes beside its result, such as its image: where that fails the
        item has been done all the same, and with "skip" a note says so.

        Args:
          what: is written, such as "Safe_0003.png".

        Raises:
          InputError: it cannot be written, and a bad item ends the run.
        """
        try:
            yield
        except Exception as error:
            if self._skip:
                self.notes.append(f"{what} is not written: {error_entry(error)['message']}")
            elif isinstance(error, OSError):
                why = f"{what} cannot be written: {error.strerror or error}"
                raise InputError("cannot_write", why, "make room, or give another --out") from error
            else:
                raise

    def check_any(self, total: int, what: str) -> None:
        """See that not all were skipped.

        Args:
          total: how many there were.
          what: they are, in the plural.

        Raises:
          InputError: all were; with the first one's reason.
        """
        if self.found and len(self.found) >= total:
            first = self.found[0]
            message = f"all {total} {what} were skipped; the first, {first['name']}: "
            raise InputError(first["kind"], message + first["message"], first["fix"])


def error_entry(error: Exception) -> dict[str, str]:
    """An error as JSON."""
    if isinstance(error, InputError):
        return {"kind": error.kind, "message": error.message, "fix": error.fix}
    what = " ".join(str(error).split())[:300]
    message = f"{type(error).__name__}: {what}"
    return {"kind": "internal", "message": message, "fix": "please report this"}
