# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A case of ``bench device``: work, who does it, and what is done first where time is short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias


class DeviceCase(NamedTuple):
    """One piece of work. Each side of it has a process, and the device, to itself.

    Attributes:
      name: for the table.
      sides: names in ``worker.SIDES`` -> priority, 1 = first; the first side is compared with.
      work: what the sides' builders read; see ``bench.records``.
      seconds: that a side may take at most, starting and compiling included.
    """

    name: str
    sides: Mapping[str, int]
    work: Mapping[str, Any]
    seconds: int = 90


Group: TypeAlias = Callable[[bool], list[DeviceCase]]
"""Cases that belong together. Given True: the same code on shapes that a CPU does in seconds."""
