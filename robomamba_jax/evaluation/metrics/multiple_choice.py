# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Multiple choice: which option an answer means, and MMBench's circular score (Liu et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

LETTERS = "ABCD"
# E is the judge's "none of them": an answer that names it names a letter, too.
_LETTERS_READ = LETTERS + "E"
ROTATION = 1_000_000
"""Rows of one question differ in their index by a multiple of it."""

# (before, after) the letter, in the order in which they are tried.
_BRACKETS = (
    *(("", after) for after in (".", ",", ":", ")", ").")),
    *(("(", after) for after in (")", ").")),
    *((":", after) for after in ("", ",", ".", ")", ").")),
)
_MANY_WORDS = 3  # in a longer answer "A" may be an article: "A man is riding" is not option A


def chosen_option(answer: str, options: Mapping[str, str]) -> str | None:
    """The option that an answer names, as MMBench's tool finds it without a judge.

    A single option letter that stands alone; then one with a mark behind or around it; then the
    one option whose text the answer holds. Where several are named, none is.

    Args:
      answer: the model's.
      options: letter -> text, those that the question has.
    """
    # MMBench's tool (can_infer_option) splits at blanks, too: "A." and "(A)" are words of their
    # own, which the brackets below are for.
    words = answer.split()
    letters = [letter for letter in _LETTERS_READ if letter in words]
    if len(letters) == 1 and not ("A" in words and len(words) > _MANY_WORDS):
        return letters[0]
    for before, after in _BRACKETS:
        marked = [letter for letter in _LETTERS_READ if f"{before}{letter}{after}" in words]
        if len(marked) == 1:
            return marked[0]
    # "a cat" names the option "cat"; "cat or dog" names none, where both are options.
    low = answer.lower()
    held = [letter for letter, text in options.items() if text.lower() in low]
    return held[0] if len(held) == 1 else None


class RotationResult(NamedTuple):
    """One row of the table: a question with its options in one of their rotations.

    Attributes:
      index: rows of a question share it modulo ``ROTATION``.
      right: whether the answer to it is.
    """

    index: int
    right: bool


def circular(rows: Sequence[RotationResult]) -> dict[int, bool]:
    """Per question, by its main index: whether all of its rotations are right."""
    found: dict[int, bool] = {}
    for row in rows:
        main = row.index % ROTATION
        found[main] = found.get(main, True) and row.right
    return found
