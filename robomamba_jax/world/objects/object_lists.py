# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of PartNet-Mobility objects: lines of "<id> <Category>", as where2act and ManipLLM have.

Those lists name more categories than the paper's thirty. What is of another one is left out,
counted, and named with its first line; what is not such a line is an error.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.untrusted_text import read_text
from robomamba_jax.world.objects.categories import CATEGORIES, Category, known_category

_FIX = 'write lines such as "7179 Microwave" or "7179 Microwave test"'
_HELD_OUT = 5  # without a split in the list, each fifth object of a seen category is for tests
_SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Listed:
    """One object of a list.

    Attributes:
      name: its folder.
      category: of it.
      split: "train", "validation" or "test".
      line: its line's number in the list, from 1.
    """

    name: str
    category: str
    split: str
    line: int = 0


@dataclasses.dataclass(frozen=True)
class Listing:
    """What a list says.

    Attributes:
      objects: of the thirty categories, in the list's order, each once.
      left_out: of every other category its name, how many objects it has, and why they go.
      notes: what else was not taken as it stands, one line each.
    """

    objects: tuple[Listed, ...]
    left_out: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def read_list(path: Path) -> tuple[Listed, ...]:
    """The objects of a list, see ``read_listing``."""
    return read_listing(path).objects


def read_listing(path: Path) -> Listing:
    """A list of objects.

    Raises:
      InputError: it is missing or empty, a line is wrong, an id stands in it with two meanings, or
        every category is unknown.
    """
    try:
        text = read_text(path)
    except InputError as error:
        what = f"cannot read the list {path}: {error.message}"
        raise InputError(error.kind, what, _FIX) from error
    found: dict[str, Listed] = {}
    others: dict[str, tuple[int, int]] = {}  # a name of no category: first line, objects
    counts: dict[str, int] = {}
    notes: list[str] = []
    unsaid = 0
    for number, line in enumerate(lines_of(text), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        name, category, split = _parse(path, number, words)
        if not isinstance(category, Category):
            first, count = others.get(category, (number, 0))
            others[category] = (first, count + 1)
            continue
        known = found.get(name)
        if known is not None:
            notes.append(_again(path, known, number, category.name, split))
            continue
        count = counts[category.name] = counts.get(category.name, 0) + 1
        held = not category.seen or count % _HELD_OUT == 0
        unsaid += split is None and category.seen
        split = split or ("test" if held else "train")
        found[name] = Listed(name, category.name, split, number)
    if others and not found:
        name, (number, _) = next(iter(others.items()))
        error = unknown_name("unknown_category", "category", name, CATEGORIES)
        what = f"{path}, line {number}: {error.message}, and no line names a known one"
        raise InputError(error.kind, what, error.fix)
    if not found:
        raise InputError("bad_record", f"the list {path} is empty", _FIX)
    if unsaid:
        notes.append(
            f'{path}: {unsaid} objects of seen categories have neither "train" nor "test" behind '
            "them: each fifth of a category is for tests"
        )
    left_out = tuple(
        {
            "name": name,
            "objects": count,
            "reason": f"{path}, line {number}: not one of the {len(CATEGORIES)} categories",
        }
        for name, (number, count) in others.items()
    )
    return Listing(tuple(found.values()), left_out, tuple(notes))


def lines_of(text: str) -> list[str]:
    """Lines ended by "\\n", "\\r\\n" or "\\r": for files whose words are divided by spaces, in
    which no carriage return can belong to a word."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _parse(path: Path, number: int, words: list[str]) -> tuple[str, Category | str, str | None]:
    """A line's id, its category or the name of an unknown one, and its split if it says one."""
    name, rest = words[0], words[1:]
    # A word that stands alone is the category, whatever it says.
    split = rest.pop() if len(rest) > 1 and rest[-1] in _SPLITS else None
    category = known_category(" ".join(rest))
    # "Storage Furniture" is a name of two words; in "Microwave dev" the second is no split.
    wrong = category is None and (
        not all(word[0].isalpha() for word in rest)
        or known_category(" ".join(rest[:1])) is not None
    )
    if not rest or wrong:
        raise InputError("bad_record", f"{path}, line {number}: {' '.join(words)[:200]!r}", _FIX)
    # Of both systems: what is a path on one would be a folder's name on the other.
    if any(len(kind(name).parts) != 1 for kind in (PurePosixPath, PureWindowsPath)) or name == "..":
        raise InputError("bad_record", f"{path}, line {number}: {name[:200]!r} is no id", _FIX)
    other = " ".join(rest)
    return name, category or (other if other.isprintable() else repr(other)), split


def _again(path: Path, known: Listed, number: int, category: str, split: str | None) -> str:
    """The note of an id that comes again; an error where both lines cannot be right."""
    where = f"{path}, lines {known.line} and {number}"
    if known.category != category:
        what = f"{where}: {known.name} is of {known.category} and of {category}"
        raise InputError("bad_record", what, "leave one of the two lines")
    if split is not None and split != known.split:
        what = f"{where}: {known.name} is for {known.split} and for {split}"
        raise InputError("bad_record", what, "leave one of the two lines")
    return f"{where}: {known.name} is there twice: counted once"
