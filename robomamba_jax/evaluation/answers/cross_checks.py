# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What stands beside an answer and says which question it answers: words, image, category."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.evaluation.answers.fields import Fields, FieldValue
from robomamba_jax.evaluation.benchmarks.base import Question
from robomamba_jax.evaluation.benchmarks.mmbench import SHORTEST_IMAGE
from robomamba_jax.evaluation.benchmarks.prompts import STYLES
from robomamba_jax.evaluation.metrics.multiple_choice import LETTERS, ROTATION
from robomamba_jax.evaluation.metrics.yes_no import POPE_CATEGORIES

TEXT_FIELDS = ("question", "prompt", "instruction", "query")
IMAGE_NAME_FIELDS = (
    *("image", "image_id", "imageId", "imagename"),
    *("image_name", "image_path", "image_file", "img"),
)
CATEGORY_FIELDS = ("category", "sub-task", "subtask", "l2-category")
_YES_NO = "Please answer yes or no."
# Sentences that harnesses put around a question, or take away from it.
_WRAPPERS = (
    *(line for style in STYLES.values() for part in style for line in part.split("\n") if line),
    _YES_NO,
)
_DIGITS = re.compile(r"\d+$")


def normalized_text(text: str) -> str:
    """A text to compare by: no placeholder, one blank for many, small letters, one spelling of
    each letter."""
    return " ".join(unicodedata.normalize("NFC", text).replace(IMAGE, " ").casefold().split())


_PLAIN_WRAPPERS = tuple(sorted(map(normalized_text, _WRAPPERS), key=len, reverse=True))


def same_question(given: str, asked: Collection[str]) -> bool:
    """Whether a text is one of the asked questions, or a prompt that holds one.

    Args:
      given: as it stands beside an answer.
      asked: forms of the question; empty ones say nothing.
    """
    # A harness puts its template around the question, so the one that was asked must stand in the
    # text somewhere, as whole words: "is it red" does not stand in "is it reddish".
    forms = [_without_wrappers(text) for text in asked if normalized_text(text)]
    here = _without_wrappers(given)
    return not forms or any(_within(form, here) for form in forms)


def _without_wrappers(text: str) -> str:
    whole = normalized_text(text)
    bare = whole
    for wrapper in _PLAIN_WRAPPERS:
        bare = " ".join(bare.replace(wrapper, " ").split())
    return bare or whole


def _within(part: str, whole: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", whole) is not None


def same_image(given: str | int, name: str) -> bool:
    """Whether a name, a path, an address or a number means the image of this name."""
    text = str(given).replace("\\", "/")
    text = urlsplit(text).path if "://" in text else text
    mine, asked = PurePosixPath(text), PurePosixPath(name)
    if asked.name.casefold() in (mine.name.casefold(), f"{mine.name}{asked.suffix}".casefold()):
        return True
    if mine.stem.casefold() == asked.stem.casefold():
        return True
    # COCO's image 42 is COCO_val2014_000000000042.jpg, and annotations name it by its number.
    number = _DIGITS.search(asked.stem)
    stem = mine.stem if mine.suffix else mine.name
    return number is not None and stem.isdecimal() and int(stem) == int(number[0])


def contradiction(
    fields: Fields, question: Question, used: Collection[str] = ()
) -> tuple[str, FieldValue, str] | None:
    """Where a record speaks of something else than the question that it answers.

    Args:
      fields: of the record.
      question: the asked question.
      used: fields that are the answer itself, or name the question.

    Returns:
      (field, what it says, what was asked); None if nothing contradicts.
    """
    for name, value in fields.items():
        reference = None if name in used else _differs(name, value, question)
        if reference is not None:
            return name, value, reference
    return None


def wordings(question: Question) -> tuple[str, ...]:
    """The question in all forms that its file has."""
    metadata = question.metadata
    return (question.text, *(str(metadata[key]) for key in ("question", "raw") if key in metadata))


def _differs(name: str, value: FieldValue, question: Question) -> str | None:
    """What was asked, if a field says something else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    if name in TEXT_FIELDS and isinstance(value, str):
        return None if same_question(value, wordings(question)) else question.text
    if name in IMAGE_NAME_FIELDS:
        return _other_image(value, question)
    reference = ""
    if name in CATEGORY_FIELDS:
        reference = _category(name, question.groups)
    elif name == "label" and question.groups.keys() & {"label", "sub-task"}:
        reference = "".join(question.references)  # of yes and no there is one, or none
    elif name in LETTERS and "options" in question.metadata:
        # Tables write "nan" for an option that a question does not have.
        reference = question.metadata["options"].get(name, "nan")
    if not reference or normalized_text(reference) == normalized_text(str(value)):
        return None
    return "nothing" if reference == "nan" else reference


def _other_image(value: str | int, question: Question) -> str | None:
    if question.image_name:
        return None if same_image(value, question.image_name) else question.image_name
    if "options" not in question.metadata:
        return None
    # MMBench's image lies in the table itself, or another row's index does.
    text = str(value)
    if len(text) < SHORTEST_IMAGE:
        main = question.metadata["index"] % ROTATION
        return None if not text.isdecimal() or int(text) % ROTATION == main else str(main)
    try:
        image = base64.b64decode(text)
    except ValueError:
        return "another image"
    return None if question.load_images() == (image,) else "another image"


def _category(name: str, groups: Mapping[str, str]) -> str:
    """The question's; "" = it has none that a field of this name could contradict."""
    if name == "l2-category":
        return groups.get(name, "")
    kind = groups.get("kind", "")
    pope = kind if kind in POPE_CATEGORIES else ""
    return groups.get("category") or groups.get("sub-task") or pope
