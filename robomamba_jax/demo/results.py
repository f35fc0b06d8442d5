# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What each phase of a demo has found: kept in ``phases.json``, put together in ``report.json``.

The fields' names are the keys of both files, so that a phase writes what the report has.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from robomamba_jax.config.tree import value_to_json
from robomamba_jax.evaluation.metrics.paired import PairedTest
from robomamba_jax.pretraining.runs import Curve
from robomamba_jax.utils.json_types import JsonObject

Interval: TypeAlias = tuple[float, float]
"""A 95 % interval."""

# Keys of older versions, by the class that they are read into, and what they are called now; None
# = nothing. They are read for one version more.
_OLD_KEYS: dict[str, dict[str, str | None]] = {
    "FeaturesResult": {"pictures": "images"},
    "AblationRow": {"beside": "compared_with", "hurts": "significant_drop"},
    # These were added for the report, which now adds them to a copy.
    "StageResult": {"share": None, "seconds": None},
}


@dataclass(frozen=True)
class Spent:
    """What the phases took so far, this process and earlier ones.

    Attributes:
      seconds: by phase.
      cpu_seconds: by phase, of all processes; what other work on the machine does not change.
      peak_rss: bytes of the largest process.
    """

    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    peak_rss: int


@dataclass(frozen=True)
class DataResult:
    """Of each data set how many poses were kept and how many trials failed."""

    train: dict[str, object]
    test: dict[str, object]
    unseen: dict[str, object]
    assemblies: dict[str, object] | None = None


@dataclass(frozen=True)
class VisionPretraining:
    """How the encoder came about; ``words`` and ``held_out`` only where it was trained here.

    Attributes:
      steps: updates.
      seconds: of training.
      curve: the loss.
      note: what it learned from, in words.
      words: size of the vocabulary whose truth it learned to read.
      held_out: how well it reads test images, see ``EncoderRun``.
    """

    steps: int
    seconds: float
    curve: Curve
    note: str
    words: int | None = None
    held_out: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LanguagePretraining:
    """How the language model came about."""

    steps: int
    curve: Curve


@dataclass(frozen=True)
class Start:
    """Shipped weights that a demo begins with.

    Attributes:
      name: of them; "scratch" where encoder and language model were trained by the demo.
      sha256: of their manifest, which has the hash of every file; empty for "scratch".
      tokens: that the language model has read.
    """

    name: str
    sha256: str
    tokens: int


@dataclass(frozen=True)
class Pretraining:
    """Everything before stage 1."""

    vision: VisionPretraining
    language: LanguagePretraining
    start: Start = Start("scratch", "", 0)


@dataclass(frozen=True)
class FeaturesResult:
    """How many images' features are cached."""

    images: int


@dataclass(frozen=True)
class StageResult:
    """A training stage.

    Attributes:
      loss_first: of the first step.
      loss_last: the mean of the last ten.
      trained_params: how many parameters have an optimizer state.
      bytes: that they take.
      steps: updates.
      curve: the loss.
      eval: metrics on held-out data, where the run had some.
    """

    loss_first: float
    loss_last: float
    trained_params: int
    bytes: int
    steps: int
    curve: Curve
    eval: dict[str, float]


@dataclass(frozen=True)
class Score:
    """A number and its interval."""

    value: float | None
    ci95: Interval | None


@dataclass(frozen=True)
class Baseline(Score):
    """The score of somebody who does not see.

    Attributes:
      what: who that is.
      paired: the model beside it on the same items; None where that was not tested.
    """

    what: str
    paired: PairedTest | None = None


@dataclass(frozen=True)
class Figure(Score):
    """A figure that is shown beside a benchmark's headline.

    Attributes:
      n: of how many items.
      percent: whether it is a share, printed in per cent.
      what: what it is, in words.
      baselines: by name.
    """

    n: int
    percent: bool
    what: str
    baselines: dict[str, Baseline]


@dataclass(frozen=True)
class BenchmarkResult:
    """A benchmark's headline beside its baselines.

    Attributes:
      title: for people.
      metric: the headline's name in ``figures``.
      value: the headline.
      ci95: its interval.
      n: questions.
      percent: whether it is a share, printed in per cent.
      what: what it is, in words.
      baseline: the best of the baselines' values.
      baselines: by name.
      figures: all metrics, as ``eval.py`` writes them.
      groups: the headline by kinds of questions, likewise.
      seconds: of answering.
      more: other figures that say what the headline does not, by their names in ``figures``.
    """

    title: str
    metric: str
    value: float | None
    ci95: Interval | None
    n: int
    percent: bool
    what: str
    baseline: float | None
    baselines: dict[str, Baseline]
    figures: dict[str, object]
    groups: dict[str, object]
    seconds: float | None
    more: dict[str, Figure] = field(default_factory=dict)

    @property
    def score(self) -> Score:
        """The headline alone."""
        return Score(self.value, self.ci95)


@dataclass(frozen=True)
class FrozenCheck:
    """What stage 2 left as it was, see ``frozen_check``."""

    answers: int
    identical: int
    logits_identical: bool
    parameters_identical: bool


@dataclass(frozen=True)
class ProbeFigure(Score):
    """A linear probe of the frozen encoder on half of the categories.

    Attributes:
      n: how many were asked.
      unit: of what: "patches", "images" or "questions".
      chance: the same figure without looking at the image.
    """

    n: int
    unit: str
    chance: float


@dataclass(frozen=True)
class Probe:
    """A linear probe.

    Attributes:
      probe: what is asked.
      metric: "auc", "accuracy", "within_30_degrees" or "median_degrees", of which less is better.
      seen: on test objects of the seen categories; None where they show too little of it.
      unseen: on the unseen categories.
    """

    probe: str
    metric: str
    seen: ProbeFigure | None
    unseen: ProbeFigure | None


@dataclass(frozen=True)
class EvaluationResult:
    """All benchmarks, some on unseen categories, and what the encoder knows.

    Attributes:
      benchmarks: by name.
      unseen: likewise.
      frozen_check: what stage 2 left as it was.
      probes: "what is asked, metric" -> the encoder's linear probe.
    """

    benchmarks: dict[str, BenchmarkResult]
    unseen: dict[str, BenchmarkResult]
    frozen_check: FrozenCheck
    probes: dict[str, Probe] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitRate:
    """Success on half of the categories: over trials (``rate``) and over categories."""

    rate: float | None
    by_category: float | None
    ci95: Interval | None
    n: int

    @property
    def score(self) -> Score:
        """The rate over trials, alone."""
        return Score(self.rate, self.ci95)


@dataclass(frozen=True)
class CategoryRate:
    """Trials on one category.

    Attributes:
      split: "seen" or "unseen".
      n: trials.
      success: how many succeeded.
      rate: their share.
      ci95: its interval.
      initial: how many moved the part by 1 cm or more.
      long: by 10 cm or more.
      off_part: how many missed the movable parts.
    """

    split: str
    n: int
    success: int
    rate: float | None
    ci95: Interval | None
    initial: int
    long: int
    off_part: int


@dataclass(frozen=True)
class PolicyResult:
    """A policy's rollouts.

    Attributes:
      title: what it is.
      looks_at: what it is told of a scene.
      trained: its parameters.
      checkpoint_sha: of a model's weights.
      seen: over the categories of training.
      unseen: over the others.
      categories: by name.
      paired: model -> split -> that model beside this policy in the same trials.
    """

    title: str
    looks_at: str
    trained: int
    checkpoint_sha: str | None
    seen: SplitRate
    unseen: SplitRate
    categories: dict[str, CategoryRate]
    paired: dict[str, dict[str, PairedTest]] = field(default_factory=dict)

    def scores(self) -> dict[str, Score]:
        """Of both splits."""
        return {"seen": self.seen.score, "unseen": self.unseen.score}


@dataclass(frozen=True)
class AblationRow:
    """A run without something.

    Attributes:
      name: in the table.
      what: what is different, in a sentence.
      figures: benchmark or split -> score.
      compared_with: the row of the whole run that was trained as long; None = nothing.
      significant_drop: whether some score is lower, intervals apart, and none is higher so.
    """

    name: str
    what: str
    figures: dict[str, Score]
    compared_with: str | None = None
    significant_drop: bool | None = None


@dataclass(frozen=True)
class Results:
    """All phases that are done; None = not yet, or not in this mode."""

    data: DataResult | None = None
    pretraining: Pretraining | None = None
    features: FeaturesResult | None = None
    align: StageResult | None = None
    instruct: StageResult | None = None
    manipulate: StageResult | None = None
    assemblies: StageResult | None = None
    evaluation: EvaluationResult | None = None
    rollouts: dict[str, PolicyResult] | None = None
    ablations: tuple[AblationRow, ...] | None = None

    def done(self) -> tuple[str, ...]:
        """The phases that are done."""
        names = (one.name for one in dataclasses.fields(self))
        return tuple(name for name in names if getattr(self, name) is not None)

    def to_json(self) -> JsonObject:
        """Phase -> result, of those that are done."""
        return {name: value_to_json(getattr(self, name)) for name in self.done()}

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> Results:
        """What ``to_json`` wrote, also that of an older version.

        Raises:
          TypeError: a phase has other fields than its result has now.
        """
        return read(cls, content)


def read(hint: object, value: object) -> typing.Any:
    """A parsed JSON value as a dataclass, dict, tuple or scalar of the type ``hint``.

    Raises:
      TypeError: a dataclass' fields are not those of the object, or there is none.
    """
    # ``config.tree`` reads configurations, strict in every scalar but without dicts. Here a file of
    # our own is read, whose fields' names alone may be those of another version.
    if isinstance(hint, types.UnionType):
        # Only "X | None" is used here.
        return None if value is None else read(typing.get_args(hint)[0], value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise TypeError(f"{hint.__name__} is {value!r:.40}")
        hints, old = typing.get_type_hints(hint), _OLD_KEYS.get(hint.__name__, {})
        given = {old.get(key, key): part for key, part in value.items()}
        known = {key: part for key, part in given.items() if key is not None}
        # An unknown key goes to the class, whose TypeError names it.
        return hint(**{key: read(hints.get(key, object), part) for key, part in known.items()})
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict and isinstance(value, Mapping):
        return {str(key): read(parts[1], part) for key, part in value.items()}
    if origin is tuple and isinstance(value, list | tuple):
        kinds = (parts[0],) * len(value) if parts[-1] is Ellipsis else parts
        return tuple(read(kind, part) for kind, part in zip(kinds, value, strict=True))
    return value
