# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a report.json that may lack anything, or have nonsense anywhere.

A report may come from an interrupted run, from an older version, or from somebody's editor. The
page must say what is missing instead of failing, so that no reading here ever raises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


class Node:
    """A place in a JSON document, there or not.

    Templates write ``report.model.bytes.number``: Jinja2 turns the unknown attribute into
    ``node["model"]``. Keys named like an attribute of this class cannot be read so; no report has
    such keys where a template looks.

    Attributes:
      raw: the parsed JSON; None where there is none.
    """

    __slots__ = ("raw",)
    # With __getitem__ alone Python would iterate by integers, which never ends here.
    __iter__ = None

    def __init__(self, raw: object = None) -> None:
        self.raw = raw

    def __getitem__(self, key: str) -> Node:
        return Node(self.raw.get(key)) if isinstance(self.raw, Mapping) else Node()

    def first(self, *keys: str) -> Node:
        """The first of some keys that is there: the name of now before those of older versions."""
        if isinstance(self.raw, Mapping):
            for key in keys:
                if key in self.raw:
                    return self[key]
        return Node()

    @property
    def number(self) -> float | None:
        """A finite number, or None."""
        # JSON's true is no count, though Python's True is an int.
        if isinstance(self.raw, bool) or not isinstance(self.raw, int | float):
            return None
        try:
            number = float(self.raw)
        except OverflowError:  # JSON's integers have no end
            return None
        return number if math.isfinite(number) else None

    @property
    def text(self) -> str | None:
        """A string that says something, or None."""
        return self.raw if isinstance(self.raw, str) and self.raw.strip() else None

    @property
    def flag(self) -> bool | None:
        """True, False, or None where it is neither."""
        return self.raw if isinstance(self.raw, bool) else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Two finite numbers, the lower one first, or None."""
        if not isinstance(self.raw, list | tuple) or len(self.raw) != 2:
            return None
        low, high = (Node(end).number for end in self.raw)
        # Written the other way round it is the same interval.
        return None if low is None or high is None else (min(low, high), max(low, high))

    def entries(self) -> dict[str, Node]:
        """The members of an object; none where it is not one."""
        if not isinstance(self.raw, Mapping):
            return {}
        return {str(key): Node(value) for key, value in self.raw.items()}

    def rows(self) -> list[Node]:
        """The items of an array; none where it is not one."""
        return [Node(item) for item in self.raw] if isinstance(self.raw, list | tuple) else []

    def numbers(self) -> dict[str, float]:
        """The members of an object that are finite numbers."""
        known = {key: node.number for key, node in self.entries().items()}
        return {key: number for key, number in known.items() if number is not None}
