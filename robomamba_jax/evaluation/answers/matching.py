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
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.echoes import asked_words, contradiction, plain
from robomamba_jax.evaluation.answers.fields import IDS, KEYS, PICTURES, Naming, answer_in, id_text
from robomamba_jax.evaluation.answers.rows import AnswerFile, Row
from robomamba_jax.evaluation.benchmarks.base import Item
from robomamba_jax.evaluation.metrics.yes_no import POPE_KINDS

_NUMBER = re.compile(r"[+-]?0*(\d+)(?:\.0*)?")


@dataclasses.dataclass
class Matched:
    """Rows beside their questions.

    Attributes:
      found: id -> (row, answer).
      foreign: what rows to no asked question call it.
      repeated: how many rows say once more what another has said.
    """

    found: dict[str, tuple[Row, Any]] = dataclasses.field(default_factory=dict)
    foreign: list[str] = dataclasses.field(default_factory=list)
    repeated: int = 0

    def add(self, item: Item, row: Row, answer: Any) -> None:
        """Keep an answer.

        Raises:
          InputError: there is another to the same question.
        """
        if item.id not in self.found:
            self.found[item.id] = row, answer
            return
        first, known = self.found[item.id]
        if known != answer or type(known) is not type(answer):
            what = f"{first.where} and {row.where} answer {item.id!r} differently"
            raise InputError("double_answers", what, "keep one of the two")
        self.repeated += 1


class Questions:
    """The asked questions, by all that may name them.

    Attributes:
      items: the questions.
      by_id: all of them.
      by_image: those whose image no other question has, by its name without ending.
      by_number: those that a number names: VizWiz' of one file, POPE's of one file.
      by_words: MME's, by image and question.
      in_order: those to which a file may give answers in their order.
    """

    def __init__(self, items: Sequence[Item], numbered: Sequence[tuple[Any, Item]] = ()) -> None:
        """Put them in order.

        Args:
          items: the questions.
          numbered: numbers that name some of them, in their order.
        """
        self.items = items
        self.by_id = {item.id: item for item in items}
        self.by_image = _once((_stem(item.image), item) for item in items if item.image)
        counted = ((item.facts["number"], item) for item in items if "number" in item.facts)
        self.by_number = _once((str(number), item) for number, item in (*counted, *numbered))
        self.by_words: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            if "sub-task" in item.groups:
                key = (str(item.facts["image"]), plain(item.question))
                self.by_words.setdefault(key, []).append(item)
        self.in_order = tuple(item for _, item in numbered)

    def of_file(self, name: str) -> Questions | None:
        """As a file of this name calls them: POPE's numbers repeat in each of its files. None if it
        belongs to one of POPE's files that was not asked.

        Raises:
          InputError: the name could mean two of the files.
        """
        numbered = [
            (item.facts["question_id"], item) for item in self.items if "file" in item.facts
        ]
        if not numbered:
            return self
        kinds = {_pope_file(item) for _, item in numbered}
        named = [kind for kind in sorted({*kinds, *POPE_KINDS}) if kind in name]
        # Of "popular" and "unpopular" the longer one is meant.
        named = [kind for kind in named if not any(kind in other != kind for other in named)]
        if len(named) > 1:
            what = f"{name!r} names two of the files of questions: {' and '.join(named)}"
            raise InputError("ambiguous", what, "name it after one, such as answers_random.json")
        if named and named[0] not in kinds:
            return None
        mine = [pair for pair in numbered if not named or _pope_file(pair[1]) == named[0]]
        return Questions(self.items, mine)

    def lookup(self, name: str, value: str) -> Item | None:
        """The question that a field of this name and value names; None if none is."""
        if name in PICTURES:
            return self.by_image.get(_stem(value))
        return self.by_id.get(value) or self.by_number.get(value)

    def words(self, foreign: Sequence[str]) -> str:
        """The first ids that name no question, and what is written nearly like one of them."""
        shown = ", ".join(repr(key[:80]) for key in foreign[:3]) or "none"
        folded = {_folded(key): key for key in reversed(list(self.by_id))}
        for key in foreign[:100]:
            if _folded(key) in folded:
                return f"{shown}; {key!r} is nearly the asked {folded[_folded(key)]!r}"
        return shown


def match(
    file: AnswerFile,
    questions: Questions,
    naming: Naming,
    into: Matched,
    *,
    check_echoes: bool = True,
) -> None:
    """Put a file's answers beside the questions.

    Args:
      file: the answers.
      questions: what was asked.
      naming: which fields the user means.
      into: takes them.
      check_echoes: whether question, image and category beside an answer must be the asked ones.

    Raises:
      InputError: a row names no question, or two; has no answer, or two; answers a question that
        another row answers differently; or speaks of another question, image or category.
    """
    here = questions.of_file(file.path.stem)
    if here is None:
        into.foreign += [row.where for row in file.rows]
        return
    by_place = _by_place(file, here, naming)
    names = [] if by_place else _names_of_keys(file, here, naming)
    for place, row in enumerate(file.rows):
        if by_place:
            item, called = here.in_order[place], ""
        elif not file.keyed and _has_words(row, here):
            item, called = _by_words(row, here, into)
        else:
            item, called = _asked(row, here, naming, names)
        echoed = [] if item is None else _repeats(row, item)
        name, answer = answer_in(row.fields, row.where, naming, echoed)
        if item is None:
            into.foreign.append(called)
            continue
        if check_echoes:
            _check_echoes(row, item, {name, *KEYS, naming.id})
        into.add(item, row, answer)


def _asked(
    row: Row, questions: Questions, naming: Naming, names: Sequence[str]
) -> tuple[Item | None, str]:
    """The question that a row answers, if it was asked, and what the row calls it."""
    if row.key is not None:
        key = id_text(row.key, "id", row.where)
        return questions.lookup("", key), key
    here = [name for name in names if name in row.fields]
    if not here and not naming.id:
        here = [name for name in IDS if name in row.fields]
    if not here:
        given = naming.id or ", ".join(IDS)
        fix = f"write which question it answers, or {naming.say_id}NAME"
        raise InputError("bad_record", f"{row.where} names no question: it has no {given}", fix)
    texts = {name: id_text(row.fields[name], name, row.where) for name in here}
    found = {name: item for name in here if (item := _lookup(questions, name, texts[name], naming))}
    first, item = next(iter(found.items()), (here[0], None))
    for other in here:
        # An image that several questions have names none of them, and contradicts none here.
        silent = other not in found and (item is None or other in PICTURES)
        if not silent and found.get(other) is not item:
            raise _two_keys(row.where, naming, (first, texts[first]), (other, texts[other]))
    return item, texts[here[0]]


def _lookup(questions: Questions, name: str, value: str, naming: Naming) -> Item | None:
    if naming.id:
        return questions.lookup("", value) or questions.by_image.get(_stem(value))
    return questions.lookup(name, value)


def _two_keys(
    where: str, naming: Naming, first: tuple[str, str], other: tuple[str, str]
) -> InputError:
    choices = " or ".join(f"{naming.say_id}{name}" for name, _ in (first, other))
    what = (
        f"{where} has the {first[0]} {first[1]!r} and the {other[0]} {other[1]!r}, which are not "
        "the same question's"
    )
    return InputError("ambiguous_field", what, f"say which names the question: {choices}")


def _names_of_keys(file: AnswerFile, questions: Questions, naming: Naming) -> list[str]:
    """The fields that may name a question in a file: those by which at least one row does.

    Raises:
      InputError: the surest field names none, but a less sure one, such as a running number, does.
    """
    if naming.id:
        return [naming.id]
    present = [name for name in IDS if any(name in row.fields for row in file.rows)]
    telling = [name for name in present if _names_any(file.rows, questions, name)]
    keys = [name for name in present if name in KEYS]
    if telling and telling[0] in KEYS and telling[0] != keys[0]:
        pair = [keys[0], telling[0]]
        row = next((row for row in file.rows if all(n in row.fields for n in pair)), file.rows[0])
        first, other = ((name, str(row.fields.get(name))) for name in pair)
        raise _two_keys(row.where, naming, first, other)
    # What names nothing is a number of its own, as image_id is beside question_id.
    return telling or present


def _names_any(rows: Iterable[Row], questions: Questions, name: str) -> bool:
    return any(
        questions.lookup(name, str(row.fields[name])) is not None
        for row in rows
        if isinstance(row.fields.get(name), str | int)
    )


def _by_place(file: AnswerFile, questions: Questions, naming: Naming) -> bool:
    """Whether answers stand in the questions' order, as POPE's own tool reads them.

    Raises:
      InputError: they do, but there are more or fewer, or a row does not say its question.
    """
    named = file.keyed or naming.id or any(name in row.fields for row in file.rows for name in KEYS)
    if not questions.in_order or named:
        return False
    if len(file.rows) != len(questions.in_order):
        what = (
            f"{file.path} has {len(file.rows)} answers without a question_id, but "
            f"{len(questions.in_order)} questions were asked"
        )
        raise InputError("questions_mismatch", what, "give each its question_id")
    silent = next((row for row in file.rows if "question" not in row.fields), None)
    if silent is not None:
        what = "has neither question_id nor question: whose answer it is cannot be checked"
        raise bad_record(silent.where, what)
    return True


def _has_words(row: Row, questions: Questions) -> bool:
    """Whether it names MME's question by image and words."""
    named = any(name in row.fields for name in KEYS)
    return bool(questions.by_words) and not named and {"image", "question"} <= row.fields.keys()


def _by_words(row: Row, questions: Questions, into: Matched) -> tuple[Item | None, str]:
    """MME's question; of two that read alike the one with the label, and the one still open."""
    name, words = PurePosixPath(str(row.fields["image"])), str(row.fields["question"])
    found = [
        item
        for image in dict.fromkeys((name, name.with_suffix("")))
        for item in questions.by_words.get((image.as_posix(), plain(words)), [])
    ]
    label = plain(str(row.fields.get("label", "")))
    found.sort(key=lambda item: (plain(item.answers[0]) != label, item.id in into.found))
    return next(iter(found), None), f"{name}: {words}"


def _repeats(row: Row, item: Item) -> list[str]:
    """Fields that repeat the question under a name that answers have, too: POPE's "text"."""
    words = {plain(text) for text in asked_words(item)} - {""}
    texts = [name for name in ("text",) if isinstance(row.fields.get(name), str)]
    return [name for name in texts if plain(row.fields[name]) in words]


def _check_echoes(row: Row, item: Item, used: set[str]) -> None:
    found = contradiction(row.fields, item, used)
    if found is None:
        return
    name, given, asked = found
    what = (
        f"{row.where} answers {item.id!r}, but its {name} is {str(given)[:120]!r}, "
        f"and {asked[:120]!r} was asked"
    )
    fix = "give the answers to these questions; if both mean the same, --set check_echoes=false"
    raise InputError("contradicting_answer", what, fix)


def _once(pairs: Iterable[tuple[str, Item]]) -> dict[str, Item]:
    """What names one question alone."""
    found = list(pairs)
    counts = Counter(key for key, _ in found)
    return {key: item for key, item in found if counts[key] == 1}


def _pope_file(item: Item) -> str:
    return str(item.groups.get("kind", item.facts["file"]))


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _folded(key: str) -> str:
    text = unicodedata.normalize("NFKC", key).strip().casefold()
    number = _NUMBER.fullmatch(text)
    return number[1] if number else text
