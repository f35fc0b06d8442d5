# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What stands beside an answer and says which question it answers: words, image, category."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.evaluation.benchmarks.base import Item
from robomamba_jax.evaluation.benchmarks.prompts import STYLES
from robomamba_jax.evaluation.metrics.multiple_choice import LETTERS, ROTATION
from robomamba_jax.evaluation.metrics.yes_no import POPE_KINDS

QUESTIONS = ("question", "prompt", "instruction", "query")
IMAGES = (
    *("image", "image_id", "imageId", "imagename"),
    *("image_name", "image_path", "image_file", "img"),
)
CATEGORIES = ("category", "sub-task", "subtask", "l2-category")
_YES_NO = "Please answer yes or no."
# Sentences that harnesses put around a question, or take away from it.
_WRAPPERS = (
    *(line for style in STYLES.values() for part in style for line in part.split("\n") if line),
    _YES_NO,
)
_DIGITS = re.compile(r"\d+$")
_SHORTEST_IMAGE = 64  # letters; see mmbench


def plain(text: str) -> str:
    """A text to compare by: no placeholder, one blank for many, small letters, one spelling of
    each letter."""
    return " ".join(unicodedata.normalize("NFC", text).replace(IMAGE, " ").casefold().split())


_PLAIN_WRAPPERS = tuple(sorted(map(plain, _WRAPPERS), key=len, reverse=True))


def same_question(given: str, asked: Collection[str]) -> bool:
    """Whether a text is one of the asked questions, or a prompt that holds one.

    Args:
      given: as it stands beside an answer.
      asked: forms of the question; empty ones say nothing.
    """
    forms = [_bare(text) for text in asked if plain(text)]
    here = _bare(given)
    return not forms or any(_within(form, here) for form in forms)


def _bare(text: str) -> str:
    whole = plain(text)
    bare = whole
    for wrapper in _PLAIN_WRAPPERS:
        bare = " ".join(bare.replace(wrapper, " ").split())
    return bare or whole


def _within(part: str, whole: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", whole) is not None


def same_image(given: Any, name: str) -> bool:
    """Whether a name, a path, an address or a number means the image of this name."""
    text = str(given).replace("\\", "/")
    text = urlsplit(text).path if "://" in text else text
    mine, asked = PurePosixPath(text), PurePosixPath(name)
    if asked.name.casefold() in (mine.name.casefold(), f"{mine.name}{asked.suffix}".casefold()):
        return True
    if mine.stem.casefold() == asked.stem.casefold():
        return True
    number = _DIGITS.search(asked.stem)
    stem = mine.stem if mine.suffix else mine.name
    return number is not None and stem.isdecimal() and int(stem) == int(number[0])


def contradiction(
    fields: Mapping[str, Any], item: Item, used: Collection[str] = ()
) -> tuple[str, Any, str] | None:
    """Where a record speaks of something else than the question that it answers.

    Args:
      fields: of the record.
      item: the asked question.
      used: fields that are the answer itself, or name the question.

    Returns:
      (field, what it says, what was asked); None if nothing contradicts.
    """
    for name, value in fields.items():
        wanted = None if name in used else _differs(name, value, item)
        if wanted is not None:
            return name, value, wanted
    return None


def asked_words(item: Item) -> tuple[str, ...]:
    """The question in all forms that its file has."""
    others = (str(item.facts[name]) for name in ("question", "raw") if name in item.facts)
    return (item.question, *others)


def _differs(name: str, value: Any, item: Item) -> str | None:
    """What was asked, if a field says something else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    if name in QUESTIONS and isinstance(value, str):
        return None if same_question(value, asked_words(item)) else item.question
    if name in IMAGES:
        return _other_image(value, item)
    if name in CATEGORIES:
        return _other_category(name, str(value), item)
    if name == "label" and item.groups.keys() & {"label", "sub-task"} and item.answers:
        wanted = item.answers[0]
        return None if plain(str(value)) == plain(wanted) else wanted
    if name in LETTERS and "options" in item.facts:
        wanted = item.facts["options"].get(name, "")
        given = "" if plain(str(value)) == "nan" else str(value)
        return None if plain(given) == plain(wanted) else wanted or "nothing"
    return None


def _other_image(value: str | int, item: Item) -> str | None:
    if item.image:
        return None if same_image(value, item.image) else item.image
    if "options" not in item.facts:
        return None
    # MMBench's image lies in the table itself, or another row's index does.
    if len(str(value)) < _SHORTEST_IMAGE:
        main = str(item.facts["index"] % ROTATION)
        said = str(value)
        return None if not said.isdecimal() or str(int(said) % ROTATION) == main else main
    try:
        picture = base64.b64decode(str(value))
    except (ValueError, binascii.Error):
        return "another image"
    return None if item.pictures() == (picture,) else "another image"


def _other_category(name: str, value: str, item: Item) -> str | None:
    if name == "l2-category":
        wanted = item.groups.get("l2-category", "")
    else:
        wanted = item.groups.get("category") or item.groups.get("sub-task", "")
    kind = item.groups.get("kind", "")
    wanted = wanted or (kind if kind in POPE_KINDS else "")
    return None if not wanted or plain(wanted) == plain(value) else wanted
