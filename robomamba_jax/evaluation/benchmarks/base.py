# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions of a benchmark, whichever file they come from, and the scores of their answers."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import ImageRef
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.intervals import Interval, interval_of_mean
from robomamba_jax.evaluation.metrics.paired import Items
from robomamba_jax.utils.json_types import Json

ImageLoader = Callable[[], tuple[ImageRef, ...]]
"""Gives a question's images, which are not looked for before."""

ImageFinder = Callable[[str], ImageLoader]
"""Takes an image's name."""

Floats: TypeAlias = "Sequence[float] | np.ndarray"

Answer: TypeAlias = "str | list[float]"
"""A text; of the manipulation set a pose, as RoboMamba's list of 8 or 9 numbers."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
      id: unique in its benchmark.
      text: as the file has it.
      load_images: gives the images, which are not read before.
      references: the right answers; empty where the file has none.
      groups: kind of group -> the group, such as {"answer type": "number"}.
      metadata: what else its score or its submission needs.
      image_name: as the benchmark has it; "" = it has none.
      file: the file of questions in which it stands.
    """

    id: str
    text: str
    load_images: ImageLoader
    references: tuple[str, ...] = ()
    groups: Mapping[str, str] = dataclasses.field(default_factory=dict)
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    image_name: str = ""
    file: str = ""  # named when two files have the same question


@dataclasses.dataclass(frozen=True)
class BenchmarkData:
    """A benchmark's files, read.

    Attributes:
      questions: in the files' order.
      labelled: whether they have answers; without, only a submission can be made.
      files: what was read.
      notes: what a reader of the result should know, in whole sentences.
      before_limit: all questions of the files, where ``questions`` are but some; else empty.
    """

    questions: tuple[Question, ...]
    labelled: bool
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    before_limit: tuple[Question, ...] = ()

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """All questions that the files have, in their order."""
        return self.before_limit or self.questions


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number of a result. Shares and BLEU are from 0 to 1; tables print them times 100.

    Attributes:
      value: the number.
      ci95: its 95 % interval; None where there is none.
      n: how many units it is made of: questions, images, groups.
      definition: in a few words.
      percent: whether tables print it times 100.
      items: what it is made of, for tests beside another's answers to the same questions; None
        where it cannot be had of items that are drawn anew. It is written nowhere.
    """

    value: float
    ci95: Interval | None
    n: int
    definition: str
    percent: bool = True
    items: Items | None = dataclasses.field(default=None, repr=False, compare=False)

    @classmethod
    def mean(cls, scores: Floats, definition: str, *, percent: bool = True) -> Metric:
        """The mean of the units' scores with its interval."""
        values = np.asarray(scores, np.float64)
        if not len(values):
            return cls(0.0, None, 0, definition, percent)
        interval = interval_of_mean(values)
        items = Items.of_mean(values)
        return cls(float(values.mean()), interval, len(values), definition, percent, items)

    def to_json(self) -> dict[str, Json]:
        """As results.json has it, which calls the definition "what"."""
        return {
            "value": self.value,
            "ci95": self.ci95 and list(self.ci95),
            "n": self.n,
            "percent": self.percent,
            "what": self.definition,
        }


Groups = dict[str, dict[str, Metric]]
"""Kind of group -> group -> metric."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a scorer found.

    Attributes:
      metrics: by name.
      headline: the name of the one that tables print.
      item_scores: per question, from 0 (wrong) to 1; the page of wrong answers goes by them.
      groups: kind of group -> group -> metric.
    """

    metrics: Mapping[str, Metric]
    headline: str
    item_scores: Sequence[float]
    groups: Mapping[str, Mapping[str, Metric]] = dataclasses.field(default_factory=dict)

    @classmethod
    def accuracy(
        cls,
        questions: Sequence[Question],
        item_scores: Sequence[float],
        definition: str,
        others: Mapping[str, Metric] | None = None,
    ) -> Scores:
        """Scores whose headline is the mean over questions.

        Args:
          questions: that were answered.
          item_scores: of their answers.
          definition: of a question's score.
          others: metrics beside the headline.
        """
        metrics = {"accuracy": Metric.mean(item_scores, definition), **(others or {})}
        groups = group_means(questions, item_scores, definition)
        return cls(metrics, "accuracy", item_scores, groups)


def group_means(
    questions: Sequence[Question], scores: Floats, definition: str, *, percent: bool = True
) -> Groups:
    """The mean in every group of every kind, groups in alphabetical order."""
    members: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for question, score in zip(questions, scores, strict=True):
        for kind, name in question.groups.items():
            members[kind][name].append(score)
    return {
        kind: {
            name: Metric.mean(values, definition, percent=percent)
            for name, values in sorted(groups.items())
        }
        for kind, groups in members.items()
    }


def metrics_to_json(metrics: Mapping[str, Metric]) -> dict[str, Json]:
    """As results.json has them."""
    return {name: metric.to_json() for name, metric in metrics.items()}


Submit = Callable[[Path, Sequence[Question], Sequence[Any]], list[Path]]
"""Takes a folder, questions and answers; gives the files that it has written."""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A benchmark, whole.

    Attributes:
      name: in commands and files.
      title: in tables.
      load: reads its files.
      score: questions with references, predictions, and the scoring's name -> scores.
      submit: writes the answers in the benchmark's own form.
      prompt_specs: by scoring's name; without "official" the repository has no scorer for it.
      poses: whether its answers are poses, as lists of numbers, and not texts.
    """

    name: str
    title: str
    load: Callable[[EvalConfig], BenchmarkData]
    score: Callable[[Sequence[Question], Sequence[Any], str], Scores]
    submit: Submit
    prompt_specs: Mapping[str, PromptSpec]
    poses: bool = False
