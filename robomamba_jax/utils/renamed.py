# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Names of earlier versions go on working for one version, and a line says what they are now."""

from __future__ import annotations

import sys

_SAID: set[tuple[str, str]] = set()


def warn_renamed(old: str, new: str) -> None:
    """Print one line on stderr, once for each name in a process.

    Args:
      old: as it was given, such as "BatchConfig.rows" or "--rows".
      new: what to write from now on.
    """
    if (old, new) in _SAID:
        return
    _SAID.add((old, new))
    print(f"warning: {old} is called {new} now; the old name goes away", file=sys.stderr)
