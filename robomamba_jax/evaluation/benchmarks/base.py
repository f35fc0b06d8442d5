# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions of a benchmark, whichever file they come from, and what is said of the answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import ImageRef
from robomamba_jax.evaluation.metrics.intervals import Interval

Pictures = Callable[[], tuple[ImageRef, ...]]


@dataclasses.dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
      id: unique in its benchmark.
      question: as the file has it.
      images: gives the images, which are not read before.
      answers: the wanted ones; empty where the file has none.
      groups: kind of group -> the group, such as {"answer type": "number"}.
      facts: what else its score or its submission needs.
      image: the image's name, as the benchmark has it; "" = it has no name.
      file: the file of questions in which it stands.
    """

    id: str
    question: str
    pictures: Pictures
    answers: tuple[str, ...] = ()
    groups: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    image: str = ""
    file: str = ""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A benchmark's files, read.

    Attributes:
      items: in the files' order.
      labelled: whether they have answers; without, only a submission can be made.
      files: what was read.
      notes: what a reader of the result should know, in whole sentences.
      whole: all questions of the files, where ``items`` are but some of them; else empty.
    """

    items: tuple[Item, ...]
    labelled: bool
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    whole: tuple[Item, ...] = ()

    @property
    def known(self) -> tuple[Item, ...]:
        """All questions that the files have, in their order."""
        return self.whole or self.items


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number of a result. Shares and BLEU are from 0 to 1; tables print them times 100.

    Attributes:
      value: the number.
      ci95: its 95 % interval; None where there is none.
      n: how many units it is made of: questions, images, groups.
      what: its definition, in a few words.
      percent: whether tables print it times 100.
    """

    value: float
    ci95: Interval | None
    n: int
    what: str
    percent: bool = True

    def to_json(self) -> dict[str, Any]:
        """As results.json has it."""
        interval = None if self.ci95 is None else list(self.ci95)
        found = {"value": self.value, "ci95": interval, "n": self.n}
        return {**found, "percent": self.percent, "what": self.what}


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a scorer found.

    Attributes:
      figures: name -> figure.
      headline: the name of the one that tables print.
      credit: per item, from 0 (wrong) to 1; what the page of wrong answers goes by.
      groups: kind of group -> group -> figure.
    """

    figures: Mapping[str, Figure]
    headline: str
    credit: Sequence[float]
    groups: Mapping[str, Mapping[str, Figure]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a benchmark is asked.

    Attributes:
      style: a name in ``prompts.STYLES``.
      max_new_tokens: the budget of an answer.
      stop: see ``PromptConfig``.
      template: a name in ``data.text.prompts.TEMPLATES``; "checkpoint" = the checkpoint's own.
      clean_up_spaces: see ``answering.clean_up_spaces``.
    """

    style: str
    max_new_tokens: int
    stop: str
    template: str = "checkpoint"
    clean_up_spaces: bool = False

    def to_json(self) -> dict[str, Any]:
        """As results.json and a file of answers have it. Spaces that stay are not spoken of, as
        before they could be taken out, so that such files of answers can still be gone on with."""
        fields = dataclasses.asdict(self)
        if not self.clean_up_spaces:
            del fields["clean_up_spaces"]
        return fields


def repository(style: str, max_new_tokens: int) -> Recipe:
    """A recipe of the published repository's test program."""
    return Recipe(style, max_new_tokens, "none", "official_test", clean_up_spaces=True)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A benchmark, whole.

    Attributes:
      name: in commands and files.
      title: in tables.
      load: reads its files.
      score: items with answers, what was said, and the scoring's name -> scores.
      submit: writes the result in the benchmark's own form into a folder; the files' names.
      recipes: by scoring's name; without "official" the repository has no scorer for it.
      poses: whether its answers are poses, as lists of numbers, and not texts.
    """

    name: str
    title: str
    load: Callable[[EvalConfig], Loaded]
    score: Callable[[Sequence[Item], Sequence[Any], str], Scores]
    submit: Callable[[Path, Sequence[Item], Sequence[Any]], list[Path]]
    recipes: Mapping[str, Recipe]
    poses: bool = False
