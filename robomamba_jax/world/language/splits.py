# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which phrases of a list belong to which split: by their places, so that lists may grow."""

from __future__ import annotations

from collections.abc import Sequence

HELD_OUT = 4  # one phrase in so many is kept for the test split
SPLITS = ("train", "validation", "test")


class Answers(tuple[str, ...]):
    """Phrases that answer: a model says them and need not understand them, so that validation,
    which asks in words of its own, hears training's."""

    __slots__ = ()


def phrases_of(phrases: Sequence[str], split: str) -> tuple[str, ...]:
    """The phrases that a split may use.

    Args:
      phrases: at least HELD_OUT of them.
      split: "train", "validation" or "test".

    Raises:
      ValueError: too few phrases, or another split.
    """
    if len(phrases) < HELD_OUT:
        raise ValueError(f"{len(phrases)} phrases cannot be split: {phrases}")
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}")
    if split == "validation" and isinstance(phrases, Answers):
        return phrases_of(phrases, "train")
    # A phrase's number decides its split: lists may grow at their ends, and nothing may be moved.
    splits = {split}
    if split == "train" and isinstance(phrases, Answers):
        splits.add("validation")
    return tuple(text for k, text in enumerate(phrases) if split_of(k, len(phrases)) in splits)


def split_of(place: int, count: int) -> str:
    """The split of a list's phrase by its number, in a list of so many."""
    if place % HELD_OUT == HELD_OUT - 1:
        return "test"
    # Half as many as the test's, taken from what training had; a short list has none at 6.
    every, at = (2 * HELD_OUT, 2 * HELD_OUT - 2) if count >= 2 * HELD_OUT else (HELD_OUT, 2)
    return "validation" if place % every == at else "train"
