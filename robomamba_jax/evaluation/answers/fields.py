# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which field of a record holds the answer, and which says what it answers: never guessed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.tables import NonTextCell
from robomamba_jax.utils.json_types import Json

FieldValue: TypeAlias = "Json | NonTextCell"
Fields: TypeAlias = Mapping[str, FieldValue]

ID_FIELDS = ("question_id", "questionId", "question_key", "id", "index")
"""Fields that name a question, the surest first."""

IMAGE_FIELDS = ("image_id", "image")
"""Fields that name one where every question has an image of its own."""

QUESTION_FIELDS = (*ID_FIELDS, *IMAGE_FIELDS)
ANSWER_FIELDS = ("answer", "prediction", "pred", "text", "output", "response", "detection")

# Fields of other names that may hold a model's answer; alone they are not taken for it.
_LIKE_ANSWER = re.compile(
    r"pred|answer|response|output|generat|completion|hypothes|reply|decoded", re.I
)
# Those that hold something else: ids and kinds of answers, who answered, and the truth.
_NOT_ANSWER = re.compile(
    r"_(?:id|ids|type|confidence|score|scores|tokens|length|time)$|(?:Id|Type|Confidence|Score)$|^answer(?:s|able)$"
    r"|^(?:gt|gold|true|truth|ground|target|reference|ref|correct|right|wanted|label)(?:_|$|[A-Z])"
)


@dataclasses.dataclass(frozen=True)
class FieldNames:
    """Which fields the user has named, and how to name them.

    Attributes:
      answer: the field of answers; "" = the only one.
      id: the field of questions; "" = the only one.
      answer_flag: how a command names the first, for messages.
      id_flag: likewise.
    """

    answer: str = ""
    id: str = ""
    answer_flag: str = "--set answer_field="
    id_flag: str = "--set id_field="


def answer_in(
    fields: Fields, where: str, field_names: FieldNames, echoed: Collection[str] = ()
) -> tuple[str, FieldValue]:
    """The field that holds a record's answer, and the answer.

    Args:
      fields: of the record.
      where: the record, for messages.
      field_names: a field that is named is the answer, whatever else is there.
      echoed: fields that are known to repeat the question.

    Raises:
      InputError: there is none, or there are two that differ.
    """
    if field_names.answer:
        if field_names.answer not in fields:
            names = ", ".join(repr(name) for name in fields)
            fix = f"name one that every record has: {field_names.answer_flag}NAME"
            what = f"{where} has no field {field_names.answer!r}, but {names}"
            raise InputError("bad_record", what, fix)
        return field_names.answer, fields[field_names.answer]
    # LLaVA's files hold the question as "prompt" and the answer as "text"; POPE's questions are a
    # "text" themselves. Two fields that agree are one answer, and of two that differ none is
    # chosen.
    found = [name for name in ANSWER_FIELDS if name in fields and name not in echoed]
    maybe = other_answers(fields)
    if not found:
        also = f"; {maybe[0]!r} may be it: {field_names.answer_flag}{maybe[0]}" if maybe else ""
        what = f"{where} has none of {', '.join(ANSWER_FIELDS)}"
        if any(name in fields for name in echoed):
            what = f"{where} has no answer: its {next(iter(echoed))!r} is the question"
        raise InputError("bad_record", what, f"fix it, or skip bad records{also}")
    for other in (*found[1:], *maybe):
        if fields[other] != fields[found[0]]:
            choices = " or ".join(f"{field_names.answer_flag}{name}" for name in (found[0], other))
            what = f"{where} has both {found[0]!r} and {other!r}, and they differ"
            raise InputError("ambiguous_field", what, f"say which is the answer: {choices}")
    return found[0], fields[found[0]]


def other_answers(fields: Fields) -> list[str]:
    """Fields of other names than ``ANSWER_FIELDS`` that may hold a model's answer."""
    return [
        name
        for name in fields
        if name not in (*ANSWER_FIELDS, *QUESTION_FIELDS) and _may_answer(name, fields)
    ]


def _may_answer(name: str, fields: Fields) -> bool:
    value = fields[name]
    # A list of texts is the truth of several people; one of numbers is a pose.
    if isinstance(value, list):
        if not value or any(type(part) not in (int, float) for part in value):
            return False
    elif not isinstance(value, str):
        return False
    return _LIKE_ANSWER.search(name) is not None and _NOT_ANSWER.search(name) is None


def id_text(value: FieldValue, name: str, where: str) -> str:
    """An id as text: text as it stands, a whole number without a point.

    Raises:
      InputError: it is something else, of which two writings could be meant, or nothing.
    """
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    what = value.what if isinstance(value, NonTextCell) else repr(value)[:80]
    raise InputError(
        "bad_record",
        f"{where} has the {name} {what}, which is not a text or a whole number",
        "write it as the benchmark's file of questions does",
    )
