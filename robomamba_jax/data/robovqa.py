# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's TFRecord files: clips of frames, each with several questions.

https://github.com/google-deepmind/robovqa: a SequenceExample with ``images`` (JPEG bytes,
16 frames) and ``texts`` (one string for all questions). Every question is a sample.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robomamba_jax.data.prompts import IMAGE
from robomamba_jax.data.records import ImageRef, Sample, bad_record, even_frames
from robomamba_jax.data.robovqa_text import Question, parse_questions
from robomamba_jax.data.tfrecord import TfRecords, feature_lists
from robomamba_jax.errors import InputError


class RoboVqaSource:
    """Samples of RoboVQA's TFRecord files: which frames, and where answers begin, are said."""

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], *, frames: int = 1, split: str = "standard"
    ) -> None:
        """Read every clip's text once, to count its questions.

        Args:
          paths: the files, in their order.
          frames: how many of a clip's frames become images, spread evenly and ending with
            the last one; 1 = the last frame, since what is asked follows it.
          split: where answers begin, see ``parse_questions``.

        Raises:
          InputError: a file or a clip is broken, or a number is none.
        """
        if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
            raise InputError("bad_config", f"frames is {frames!r}", "give a whole number above 0")
        if not paths:
            raise InputError("missing_file", "no RoboVQA files", "give tfrecord/train/train*")
        self._files = [TfRecords(path) for path in paths]
        self._frames, self._split = frames, split
        self._tasks: Counter[str] = Counter()
        self._spans = self._find()

    def _find(self) -> np.ndarray:
        """int64[samples, 3]: file, clip, question. A bad clip is one sample, whose reading
        says why: whether it is an error or left out is for others to decide."""
        spans, errors = [], []
        for number, file in enumerate(self._files):
            for record in range(len(file)):
                try:
                    _, questions = self._clip(number, record)
                except InputError as error:
                    spans.append((number, record, 0))
                    errors.append(error)
                    continue
                self._tasks.update(question.task for question in questions)
                spans += [(number, record, which) for which in range(len(questions))]
        if errors and not self._tasks:
            raise errors[0]
        return np.array(spans, np.int64)

    def _clip(self, number: int, record: int) -> tuple[list[bytes], list[Question]]:
        file = self._files[number]
        where = f"{file.path}: clip {record}"
        lists = feature_lists(file[record], where)
        images, texts = lists.get("images", []), lists.get("texts", [])
        if not images or not texts:
            raise bad_record(where, "lacks images or texts: it is no RoboVQA clip")
        try:
            text = texts[0].decode()
        except UnicodeDecodeError as error:
            raise bad_record(where, "has a text that is no UTF-8") from error
        return images, parse_questions(text, where, self._split)

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> Sample:
        """One question with its frames as images, in front of it.

        Raises:
          InputError: the clip is damaged.
        """
        number, record, which = (int(value) for value in self._spans[index])
        images, questions = self._clip(number, record)
        chosen = tuple(images[frame] for frame in even_frames(len(images), self._frames))
        name = f"{self._files[number].path.name}#{record}.{which}"
        return question_sample(name, chosen, questions[which])

    def facts(self) -> Mapping[str, Any]:
        """Format, samples, clips, and samples of each task."""
        return {
            "format": "robovqa",
            "records": len(self),
            "clips": sum(len(file) for file in self._files),
            "tasks": dict(self._tasks),
        }


def question_sample(name: str, images: tuple[ImageRef, ...], question: Question) -> Sample:
    """A question with its frames in front of it."""
    turns = (("human", IMAGE * len(images) + f"\n{question.question}"), ("gpt", question.answer))
    return Sample(name, images, turns, question.task)
