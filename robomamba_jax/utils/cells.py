# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text in the cells of an .xlsx sheet, so that it comes back as it was.

Control characters and carriage returns, which XML does not hold, stand there as "_x000D_"
(ECMA-376, ST_Xstring), as Excel writes them; what looks like such an escape has its "_" escaped.
"""

from __future__ import annotations

import re

from robomamba_jax.errors import InputError

LONGEST = 32_767  # letters of a cell, counted as UTF-16 does
_UNHELD = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def to_cell(text: str, where: str) -> str:
    """A text as a cell holds it.

    Raises:
      InputError: it is longer than a cell may be, which sheets would cut without a word.
    """
    cell = _UNHELD.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    # A letter outside the basic plane counts twice.
    count = len(cell.encode("utf-16-le", "surrogatepass")) // 2
    if count > LONGEST:
        what = f"{where} has {count:,} letters, and a cell of .xlsx holds {LONGEST:,}"
        raise InputError("too_long", what, "shorten it, or leave the question out")
    return cell


def from_cell(cell: str) -> str:
    """The text that ``to_cell``, or Excel, put into a cell."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), cell)
