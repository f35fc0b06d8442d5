# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Answers beside the questions that were asked: each to its own, none twice, none to spare.

The one check of every reader of anybody's answers. A row names its question by an id, by an image
that only one question has, or by image and question; what else it says of the question must be
so. Nothing is paired by its place alone.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.cross_checks import contradiction, normalized_text, wordings
from robomamba_jax.evaluation.answers.fields import (
    ID_FIELDS,
    IMAGE_FIELDS,
    QUESTION_FIELDS,
    FieldNames,
    FieldValue,
    answer_in,
    id_text,
)
from robomamba_jax.evaluation.answers.rows import AnswerFile, AnswerRow
from robomamba_jax.evaluation.benchmarks.base import Question
from robomamba_jax.evaluation.metrics.yes_no import POPE_CATEGORIES
from robomamba_jax.utils.json_types import Json

_NUMBER = re.compile(r"[+-]?0*(\d+)(?:\.0*)?")


@dataclasses.dataclass
class MatchedAnswers:
    """Rows beside their questions.

    Attributes:
      by_id: question id -> (row, answer).
      unknown: what rows to no asked question call it.
      repeated: how many rows repeat another's answer.
    """

    by_id: dict[str, tuple[AnswerRow, FieldValue]] = dataclasses.field(default_factory=dict)
    unknown: list[str] = dataclasses.field(default_factory=list)
    repeated: int = 0

    def add(self, question: Question, row: AnswerRow, answer: FieldValue) -> None:
        """Keep an answer.

        Raises:
          InputError: there is another to the same question.
        """
        if question.id not in self.by_id:
            self.by_id[question.id] = row, answer
            return
        first, known = self.by_id[question.id]
        # To Python True is 1; the two are not the same answer.
        if known != answer or type(known) is not type(answer):
            what = f"{first.where} and {row.where} answer {question.id!r} differently"
            raise InputError("double_answers", what, "keep one of the two")
        self.repeated += 1


class QuestionIndex:
    """The asked questions, by all that may name them.

    Attributes:
      questions: the questions.
      by_id: all of them.
      by_image: those whose image no other question has, by its name without ending.
      by_number: those that a number names: VizWiz' of one file, POPE's of one file.
      by_words: MME's, by image and question.
      in_order: those to which a file may give answers in their order.
    """

    def __init__(
        self, questions: Sequence[Question], numbered: Sequence[tuple[Json, Question]] = ()
    ) -> None:
        """Put them in order.

        Args:
          questions: the questions.
          numbered: numbers that name some of them, in their order.
        """
        self.questions = questions
        self.by_id = {one.id: one for one in questions}
        self.by_image = _once((_stem(one.image_name), one) for one in questions if one.image_name)
        counted = [(one.metadata["number"], one) for one in questions if "number" in one.metadata]
        self.by_number = _once((str(number), one) for number, one in (*counted, *numbered))
        self.by_words: dict[tuple[str, str], list[Question]] = defaultdict(list)
        for one in questions:
            if "sub-task" in one.groups:
                self.by_words[one.metadata["image"], normalized_text(one.text)].append(one)
        self.in_order = [one for _, one in numbered]

    def of_file(self, name: str) -> QuestionIndex | None:
        """As a file of this name calls them: POPE's numbers repeat in each of its files. None if it
        belongs to one of POPE's files that was not asked.

        Raises:
          InputError: the name could mean two of the files.
        """
        numbered = [
            (one.metadata["question_id"], one) for one in self.questions if "file" in one.metadata
        ]
        if not numbered:
            return self
        kinds = {one.groups["kind"] for _, one in numbered}
        named = [kind for kind in sorted({*kinds, *POPE_CATEGORIES}) if kind in name]
        # Of "popular" and "unpopular" the longer one is meant.
        named = [kind for kind in named if not any(kind in other != kind for other in named)]
        if len(named) > 1:
            what = f"{name!r} names two of the files of questions: {' and '.join(named)}"
            raise InputError("ambiguous", what, "name it after one, such as answers_random.json")
        if named and named[0] not in kinds:
            return None
        here = [pair for pair in numbered if not named or pair[1].groups["kind"] == named[0]]
        return QuestionIndex(self.questions, here)

    def lookup(self, name: str, value: str) -> Question | None:
        """The question that a field of this name and value names; None if none is."""
        if name in IMAGE_FIELDS:
            return self.by_image.get(_stem(value))
        return self.by_id.get(value) or self.by_number.get(value)

    def describe(self, unknown: Sequence[str]) -> str:
        """The first ids that name no question, and what is written nearly like one of them."""
        shown = ", ".join(repr(key[:80]) for key in unknown[:3]) or "none"
        folded = {_folded(key): key for key in reversed(list(self.by_id))}
        for key in unknown[:100]:
            if _folded(key) in folded:
                return f"{shown}; {key!r} is nearly the asked {folded[_folded(key)]!r}"
        return shown


def match(
    file: AnswerFile,
    index: QuestionIndex,
    field_names: FieldNames,
    into: MatchedAnswers,
    *,
    check_echoes: bool = True,
) -> None:
    """Put a file's answers beside the questions.

    Args:
      file: the answers.
      index: what was asked.
      field_names: which fields the user means.
      into: takes them.
      check_echoes: whether question, image and category beside an answer must be the asked ones.

    Raises:
      InputError: a row names no question, or two; has no answer, or two; answers a question that
        another row answers differently; or speaks of another question, image or category.
    """
    here = index.of_file(file.path.stem)
    if here is None:
        into.unknown += [row.where for row in file.rows]
        return
    by_place = _by_place(file, here, field_names)
    names = [] if by_place else _fields_that_name(file, here, field_names)
    for place, row in enumerate(file.rows):
        has_id = file.keyed or any(name in row.fields for name in ID_FIELDS)
        if by_place:
            question, called = here.in_order[place], ""
        elif here.by_words and not has_id and {"image", "question"} <= row.fields.keys():
            question, called = _by_words(row, here, into)
        else:
            question, called = _asked(row, here, field_names, names)
        echoed = [] if question is None else _repeated_question(row, question)
        name, answer = answer_in(row.fields, row.where, field_names, echoed)
        if question is None:
            into.unknown.append(called)
            continue
        if check_echoes:
            _cross_check(row, question, {name, *ID_FIELDS, field_names.id})
        into.add(question, row, answer)


def _asked(
    row: AnswerRow, index: QuestionIndex, field_names: FieldNames, names: Sequence[str]
) -> tuple[Question | None, str]:
    """The question that a row answers, if it was asked, and what the row calls it."""
    if row.key is not None:
        key = id_text(row.key, "id", row.where)
        return index.lookup("", key), key
    here = [name for name in names if name in row.fields]
    if not here and not field_names.id:
        here = [name for name in QUESTION_FIELDS if name in row.fields]
    if not here:
        given = field_names.id or ", ".join(QUESTION_FIELDS)
        fix = f"write which question it answers, or {field_names.id_flag}NAME"
        raise InputError("bad_record", f"{row.where} names no question: it has no {given}", fix)
    keys = {name: id_text(row.fields[name], name, row.where) for name in here}
    found = {}
    for name, key in keys.items():
        question = index.lookup("" if field_names.id else name, key)
        if question is None and field_names.id:
            # The field that the user has named may hold an image's name, whatever it is called.
            question = index.by_image.get(_stem(key))
        if question is not None:
            found[name] = question
    first, question = next(iter(found.items()), (here[0], None))
    for other in here:
        # An image that several questions have names none of them, and contradicts none here.
        silent = other not in found and (question is None or other in IMAGE_FIELDS)
        if not silent and found.get(other) is not question:
            raise _two_keys(row.where, field_names, (first, keys[first]), (other, keys[other]))
    return question, keys[here[0]]


def _two_keys(
    where: str, field_names: FieldNames, first: tuple[str, str], other: tuple[str, str]
) -> InputError:
    choices = " or ".join(f"{field_names.id_flag}{name}" for name, _ in (first, other))
    what = (
        f"{where} has the {first[0]} {first[1]!r} and the {other[0]} {other[1]!r}, which are not "
        "the same question's"
    )
    return InputError("ambiguous_field", what, f"say which names the question: {choices}")


def _fields_that_name(file: AnswerFile, index: QuestionIndex, field_names: FieldNames) -> list[str]:
    """The fields that may name a question in a file: those by which at least one row does.

    Raises:
      InputError: the surest field names none, but a less sure one, such as a running number, does.
    """
    if field_names.id:
        return [field_names.id]
    values = {
        name: [row.fields[name] for row in file.rows if name in row.fields]
        for name in QUESTION_FIELDS
    }
    present = [name for name in QUESTION_FIELDS if values[name]]
    telling = [
        name
        for name in present
        if any(isinstance(v, str | int) and index.lookup(name, str(v)) for v in values[name])
    ]
    keys = [name for name in present if name in ID_FIELDS]
    # "question_id" beside "id" that counts the lines: where only the second fits, the rows' order
    # would decide whose answers these are.
    if telling and telling[0] in ID_FIELDS and telling[0] != keys[0]:
        pair = [keys[0], telling[0]]
        row = next((row for row in file.rows if all(n in row.fields for n in pair)), file.rows[0])
        first, other = ((name, str(row.fields.get(name))) for name in pair)
        raise _two_keys(row.where, field_names, first, other)
    # What names nothing is a number of its own, as image_id is beside question_id.
    return telling or present


def _by_place(file: AnswerFile, index: QuestionIndex, field_names: FieldNames) -> bool:
    """Whether answers stand in the questions' order, as POPE's own tool reads them.

    Raises:
      InputError: they do, but there are more or fewer, or a row does not say its question.
    """
    named = file.keyed or field_names.id
    if named or any(name in row.fields for row in file.rows for name in ID_FIELDS):
        return False
    if not index.in_order:
        return False
    if len(file.rows) != len(index.in_order):
        what = (
            f"{file.path} has {len(file.rows)} answers without a question_id, but "
            f"{len(index.in_order)} questions were asked"
        )
        raise InputError("questions_mismatch", what, "give each its question_id")
    silent = next((row for row in file.rows if "question" not in row.fields), None)
    if silent is not None:
        what = "has neither question_id nor question: whose answer it is cannot be checked"
        raise bad_record(silent.where, what)
    return True


def _by_words(
    row: AnswerRow, index: QuestionIndex, into: MatchedAnswers
) -> tuple[Question | None, str]:
    """MME's question; of two that read alike the one with the label, and the one still open."""
    name, words = PurePosixPath(str(row.fields["image"])), str(row.fields["question"])
    label = normalized_text(str(row.fields.get("label", "")))
    found = [
        question
        for image in dict.fromkeys((name, name.with_suffix("")))
        for question in index.by_words.get((image.as_posix(), normalized_text(words)), [])
    ]

    def less_likely(question: Question) -> tuple[bool, bool]:
        return normalized_text(question.references[0]) != label, question.id in into.by_id

    return min(found, key=less_likely, default=None), f"{name}: {words}"


def _repeated_question(row: AnswerRow, question: Question) -> list[str]:
    """Fields that repeat the question under a name that answers have, too: POPE's "text"."""
    text = row.fields.get("text")
    words = {normalized_text(words) for words in wordings(question)} - {""}
    return ["text"] if isinstance(text, str) and normalized_text(text) in words else []


def _cross_check(row: AnswerRow, question: Question, used: set[str]) -> None:
    found = contradiction(row.fields, question, used)
    if found is not None:
        name, given, asked = found
        what = (
            f"{row.where} answers {question.id!r}, but its {name} is {str(given)[:120]!r}, "
            f"and {asked[:120]!r} was asked"
        )
        fix = "give the answers to these questions; if both mean the same, --set check_echoes=false"
        raise InputError("contradicting_answer", what, fix)


def _once(pairs: Iterable[tuple[str, Question]]) -> dict[str, Question]:
    """What names one question alone."""
    found = list(pairs)
    counts = Counter(key for key, _ in found)
    return {key: question for key, question in found if counts[key] == 1}


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _folded(key: str) -> str:
    """What nearly equal ids share: "01", "1.0", " 1" and fullwidth digits are all 1."""
    text = unicodedata.normalize("NFKC", key).strip().casefold()
    number = _NUMBER.fullmatch(text)
    return number[1] if number else text
