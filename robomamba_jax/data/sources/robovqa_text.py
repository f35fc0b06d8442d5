# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's tagged text: one string per clip that holds all of its questions and answers.

https://github.com/google-deepmind/robovqa: ``<task:planning:freeform> ... Q: ...
<PRED>A: ...</PRED>``. True and False inside a tag are part of the task's name; the answer
is what stands behind ``A:``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from robomamba_jax.errors import InputError

_TASK = re.compile(r"<(task[:\w]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?\w[:\w]*>")
# The official code splits at the first "A:" of any case, also inside a word or a question
# ("...is it a: ..."); the marked answer is looked for first.
_MARKED = re.compile(r"<PRED>\s*A:", re.IGNORECASE)
_PLAIN = re.compile(r"A:", re.IGNORECASE)
SPLITS = ("standard", "official")


class Question(NamedTuple):
    """One question of a clip.

    Attributes:
      task: its family, such as "planning:freeform".
      question: without tags, stripped; it keeps ``Q:``, as published.
      answer: without tags and without ``A:``, stripped.
    """

    task: str
    question: str
    answer: str


def parse_questions(text: str, where: str, split: str = "standard") -> list[Question]:
    """All questions of a clip, in the text's order.

    Args:
      text: the tagged string.
      where: the clip, for messages.
      split: where an answer begins: "standard" at ``A:`` behind ``<PRED>``, or at the first
        ``A:`` if there is no such mark; "official" always at the first ``A:``.

    Raises:
      InputError: there is no task, or one without an answer.
    """
    pieces = _TASK.split(text)
    if len(pieces) < 3:
        raise InputError("bad_record", f"{where} has no <task:...>", "give RoboVQA's tagged text")
    questions = []
    for task, body in zip(pieces[1::2], pieces[2::2], strict=True):
        found = (_MARKED.search(body) if split == "standard" else None) or _PLAIN.search(body)
        if found is None:
            raise InputError(
                "bad_record", f"{where}: <{task}> has no answer", "fix the record, or leave it out"
            )
        question = _TAG.sub("", body[: found.start()]).strip()
        answer = _TAG.sub("", body[found.end() :]).strip()
        questions.append(Question(task.partition(":")[2], question, answer))
    return questions
