# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What was left out, and why: one JSON object per line, each sample once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.utils.jsonl import JsonlWriter, whole_lines


class Problem(NamedTuple):
    """A sample that could not be used.

    Attributes:
      source: the part's name.
      index: its number there.
      id: its own, or the number where it could not be read.
      kind: the error's.
      reason: the error's, in one line.
      found: "plan" (by its text), "prepare", or "late" (when its batch was built).
      step: of a late one, else None.
      fix: the error's; not in the ledger, whose readers want the samples.
    """

    source: str
    index: int
    id: str
    kind: str
    reason: str
    found: str = "plan"
    step: int | None = None
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """The line's object."""
        fields = self._asdict()
        del fields["fix"]
        return {key: value for key, value in fields.items() if value is not None}

    def as_error(self) -> InputError:
        """The error for those who skip nothing."""
        general = not self.fix or self.fix == bad_record("", "").fix
        fix = "fix it" if general else self.fix
        return InputError(
            self.kind,
            f"{self.source}, sample {self.index}: {self.reason}",
            f'{fix}, or set on_error="skip" to leave such samples out',
        )


def nothing_usable(problems: Sequence[Problem]) -> InputError:
    """The error of data of which all was left out; the first one's reason says the most."""
    what = "no sample is usable"
    if problems:
        first = problems[0]
        what += f": {len(problems):,} were left out, the first, {first.source}'s sample "
        what += f"{first.index}, since {first.reason}"
    return InputError("empty_source", what, "mend the data, or give other files")


class Ledger:
    """An appended file of problems; what it has from an earlier run stays."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read what is there.

        Raises:
          InputError: a line is not such an object.
        """
        self.path = Path(path)
        self._known: set[tuple[str, int]] = set()
        content = self.path.read_bytes() if self.path.is_file() else b""
        lines, torn = whole_lines(content)
        # The sample of a line that a kill has torn will be found again.
        self._keep_bytes = len(content) - len(torn)
        for number, line in enumerate(lines):
            try:
                entry = json.loads(line)
                self._known.add((entry["source"], int(entry["index"])))
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    "damaged_file", f"{self.path}, line {number + 1} is not an entry", "remove it"
                ) from error

    def __len__(self) -> int:
        return len(self._known)

    def add(self, problems: Iterable[Problem]) -> None:
        """Append those that are not in it yet."""
        new = {(p.source, p.index): p for p in problems}
        new = {place: p for place, p in new.items() if place not in self._known}
        if not new:
            return
        with JsonlWriter(self.path, keep_bytes=self._keep_bytes) as file:
            file.write([problem.to_json() for problem in new.values()], ascii_only=True)
        self._keep_bytes = None  # it ends with a whole line now
        self._known.update(new)
