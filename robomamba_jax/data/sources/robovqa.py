# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's TFRecord files: clips of frames, each with several questions.

https://github.com/google-deepmind/robovqa: a SequenceExample with ``images`` (JPEG bytes,
16 frames) and ``texts`` (one string for all questions). Every question is a sample.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from robomamba_jax.config.checks import one_of, positive
from robomamba_jax.data.sources.robovqa_text import SPLITS, Question, parse_questions
from robomamba_jax.data.sources.sample import ImageRef, Sample, bad_record, even_frames
from robomamba_jax.data.sources.tfrecord import TfRecords, feature_lists
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import decode_text


class _ClipFile(Sized, Protocol):
    """A file of clips."""

    path: Path


FileT = TypeVar("FileT", bound=_ClipFile)


class ClipSource(Generic[FileT]):
    """What the sources of RoboVQA's two formats share: files of clips, whose questions are counted
    once."""

    _format: ClassVar[str]

    def __init__(self, files: list[FileT], frames: int, split: str) -> None:
        """Read every clip's text once.

        Args:
          files: in their order.
          frames: how many of a clip's frames become images.
          split: where answers begin, see ``parse_questions``.

        Raises:
          InputError: there is no file, no clip is sound, or a setting is none.
        """
        positive("frames", frames)
        one_of("split", split, SPLITS)
        if not files:
            raise InputError(
                "missing_file",
                "no RoboVQA files",
                "give tfrecord/train/train*, or json/train/*.json",
            )
        self._files, self._frames, self._split = files, frames, split
        self._spans, self._tasks = find_questions(files, lambda *at: self._clip(*at)[1])

    def _clip(self, number: int, record: int) -> tuple[Any, list[Question]]:
        """A clip of a file, as its format has it, and its questions."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._spans)

    def file_of(self, index: int) -> Path:
        """The file that a sample is from."""
        return self._files[int(self._spans[index][0])].path

    def facts(self) -> Mapping[str, Json]:
        """Format, samples, clips, and samples of each task."""
        return {
            "format": self._format,
            "records": len(self),
            "clips": sum(len(file) for file in self._files),
            "tasks": dict(self._tasks),
        }


class RoboVqaSource(ClipSource[TfRecords]):
    """Samples of RoboVQA's TFRecord files; which frames, and where answers begin, is configured."""

    _format = "robovqa"

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
        super().__init__([TfRecords(path) for path in paths], frames, split)

    def _clip(self, number: int, record: int) -> tuple[list[bytes], list[Question]]:
        file = self._files[number]
        where = f"{file.path}: clip {record}"
        lists = feature_lists(file[record], where)
        images, texts = lists.get("images", []), lists.get("texts", [])
        if not images or not texts:
            raise bad_record(where, "lacks images or texts: it is not a RoboVQA clip")
        if len(set(texts)) > 1:
            raise bad_record(where, f"has {len(texts)} texts that differ, where one is read")
        text = decode_text(texts[0], f"{where}: its text")
        return images, parse_questions(text, where, self._split)

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


def question_sample(name: str, images: tuple[ImageRef, ...], question: Question) -> Sample:
    """A question with its frames in front of it."""
    turns = (("human", IMAGE * len(images) + f"\n{question.question}"), ("gpt", question.answer))
    return Sample(name, images, turns, question.task)


def find_questions(
    files: Sequence[Sized], read: Callable[[int, int], list[Question]]
) -> tuple[np.ndarray, Counter[str]]:
    """Every question of some files, each clip read once.

    A bad clip is one sample, whose reading says why: whether it is an error or left out is
    for others to decide.

    Args:
      files: of clips.
      read: the questions of (file, clip).

    Returns:
      int64[samples, 3], each one's file, clip and number in the clip; and the tasks' counts.

    Raises:
      InputError: no clip is sound; the first one's reason.
    """
    spans, errors, tasks = [], [], Counter[str]()
    for number, file in enumerate(files):
        for clip in range(len(file)):
            try:
                questions = read(number, clip)
            except InputError as error:
                spans.append((number, clip, 0))
                errors.append(error)
                continue
            tasks.update(question.task for question in questions)
            spans += [(number, clip, which) for which in range(len(questions))]
    if errors and not tasks:
        raise errors[0]
    return np.array(spans, np.int64), tasks
