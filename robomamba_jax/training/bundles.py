# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How many instructions a compiled TPU kernel takes, read from what libtpu writes about it.

A TPU executes one bundle of instructions a cycle, so the bundles of a loop times its trips are the
least time that it can take; XLA's own estimates of cycles are up to ten times too high for such
loops. libtpu writes the bundles of each operation where it is started with ``DUMP_FLAGS``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DUMP_FLAGS = "--xla_jf_dump_to={folder} --xla_jf_dump_llo_text=true"
"""For the environment variable LIBTPU_INIT_ARGS, before libtpu is loaded."""
DUMP_NAME = r".*-{operation}[.\d]*-\d+-final_bundles\.txt"
"""Of the file with an operation's bundles; others of similar names hold their schedule."""

# Address, kind of control target, depth of loops: "  0x2e LB: > { ... }", "   0x30   : >> { ... }".
_BUNDLE = re.compile(r"\s*(?:0x[0-9a-f]+|\d+)\s*(LB|LE|LH|PB|PF|CT)?\s*:\s*(>*)")


class Loop(NamedTuple):
    """One loop of a kernel.

    Attributes:
      depth: 1 for the loop over the grid, 2 for one inside of it, and so on.
      bundles: of one trip, without those of loops inside.
    """

    depth: int
    bundles: int


def loops(text: str) -> list[Loop]:
    """The loops of a kernel, in the order in which they begin.

    Bundles of a loop that stand behind a loop inside of it count for it, too.

    Args:
      text: of a file of ``DUMP_NAME``.
    """
    found, open_loops = list[Loop](), list[int]()
    for line in text.splitlines():
        bundle = _BUNDLE.match(line)
        if bundle is None:
            continue
        depth = len(bundle[2])
        if bundle[1] == "LB":
            # A loop that begins where another of its depth was open ends that one.
            del open_loops[depth - 1 :]
            open_loops.append(len(found))
            found.append(Loop(depth, 0))
        if 0 < depth <= len(open_loops):
            at = open_loops[depth - 1]
            found[at] = Loop(depth, found[at].bundles + 1)
    return found
