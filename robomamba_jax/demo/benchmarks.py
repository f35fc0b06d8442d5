# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the demo: the model's answers beside those of somebody who cannot see.

The questions are asked by ``evaluation.runner.run``, as ``eval.py`` does. Two baselines are scored
by the same scorers: the same model, its image replaced by grey (the blind baseline), and the most
frequent answer.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.sources.sample import ImageRef
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import Baseline, BenchmarkResult, Figure, Score, read
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData, Scores
from robomamba_jax.evaluation.metrics.multiple_choice import ROTATION
from robomamba_jax.evaluation.metrics.paired import Items, PairedTest, paired_test
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.runner.run import AnswerSet
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of
from robomamba_jax.utils.progress import OnNamedProgress

HEADLINES = {"pope": "accuracy"}
"""Instead of a benchmark's own headline: always saying yes has an F1 of 2/3 already."""

MORE = {
    "pope": ("yes_share",),
    "vizwiz": ("unanswerable_balanced",),
    "mmbench": ("row_accuracy",),
    "robovqa": ("share_of_ceiling", "bleu4_ceiling"),
}
"""Figures beside the headline: how often it agrees, whether it knows when to say "unanswerable",
single rows of a circle, and what of BLEU the short references allow."""

# They say something of the questions, whoever answers.
_OF_QUESTIONS = ("bleu4_ceiling",)
# MMBench's rows are that many times the questions of others: a circle of four counts but once.
_CIRCLES = 2
# Questions that are answered at once.
ROWS = 32
_BLIND = "the same model, its image replaced by grey"
_GREY = np.full((224, 224, 3), 128, np.uint8)


def evaluate(
    plan: DemoPlan,
    bench: Path,
    checkpoint: Path,
    out: Path,
    *,
    names: tuple[str, ...] | None = None,
    blind: bool = True,
    altered: Callable[[BenchmarkData], BenchmarkData] | None = None,
    on_progress: OnNamedProgress = lambda name, done, total: None,
) -> dict[str, BenchmarkResult]:
    """Let a checkpoint answer benchmarks, and score what it would say without eyes.

    Args:
      plan: which benchmarks, and how many questions of each.
      bench: the folder of ``bench/<name>``.
      checkpoint: as ``rm.load`` takes it.
      out: one folder per benchmark; answers that are there already are kept.
      names: other benchmarks than the plan's.
      blind: ask once more with grey images.
      altered: changes the questions first, for ablations.
      on_progress: called with (benchmark, answered, questions).
    """
    found = {}
    for name in plan.benchmarks if names is None else names:
        # A limit would tear apart what these count together; MMBench has one of its own below.
        limit = 0 if name in ("mme", "mmbench") else plan.questions
        config = bench_config(name, bench, limit=limit)
        config, chosen, loaded = run.load(config, out / name)
        if name == "mmbench" and plan.questions:
            loaded = whole_circles(loaded, _CIRCLES * plan.questions)
        if altered is not None:
            loaded = altered(loaded)
        found[name] = _one(config, chosen, loaded, str(checkpoint), out / name, blind, on_progress)
    return found


def bench_config(name: str, bench: Path, *, limit: int = 0) -> EvalConfig:
    """A benchmark that the world has written below a folder; 0 = all of its questions."""
    files = FilesConfig(**files_of(name, str(bench / name)))
    return EvalConfig(name, files, batch_size=ROWS, limit=limit)


def _one(
    config: EvalConfig,
    chosen: Benchmark,
    loaded: BenchmarkData,
    checkpoint: str,
    out: Path,
    blind: bool,
    on_progress: OnNamedProgress,
) -> BenchmarkResult:
    # The model and its blind baseline go the same path: same prompts, same limits, same scorer.
    def asked(questions: BenchmarkData, folder: Path) -> tuple[AnswerSet, Mapping[str, Any]]:
        """The answers, and their results, which lie in the folder, too."""
        answered, seconds = run.answer_all(
            config,
            chosen,
            questions,
            checkpoint,
            folder,
            lambda done, total: on_progress(chosen.title, done, total),
        )
        result = run.finish(config, chosen, questions, answered, folder, seconds=seconds)
        return answered, result

    mine, result = asked(loaded, out)
    head: str = HEADLINES.get(chosen.name) or result["headline"]
    others: dict[str, _Other] = {}
    # Poses are judged beside other policies, in the rollouts.
    if chosen.poses:
        return _entry(chosen, result, head, others)
    majority = majority_answer(loaded)
    if majority is not None:
        answered = AnswerSet([majority] * len(loaded.questions), None, f"always {majority!r}", {})
        found = run.finish(config, chosen, loaded, answered, out / "majority")
        tests = _paired(config, chosen, loaded, mine, answered)
        others["majority"] = _Other(f"always {majority!r}", found, tests)
    if blind:
        answered, found = asked(blinded(loaded), out / "blind")
        others["blind"] = _Other(_BLIND, found, _paired(config, chosen, loaded, mine, answered))
    return _entry(chosen, result, head, others)


def majority_answer(loaded: BenchmarkData) -> str | None:
    """The answer that most questions have; None where they have none.

    It is counted among the questions themselves, which a guesser could not do.
    """
    # The first answer only: VQAv2's ten people, say, agree in most cases, and a question must not
    # count ten times.
    counts = Counter(item.references[0] for item in loaded.questions if item.references)
    return counts.most_common(1)[0][0] if counts else None


def whole_circles(loaded: BenchmarkData, rows: int) -> BenchmarkData:
    """MMBench's questions with all rotations of their options, until there are so many rows.

    Args:
      loaded: the benchmark, whole.
      rows: how many, at the least, where there are as many.
    """
    circles: dict[int, list[int]] = {}
    for place, item in enumerate(loaded.questions):
        circles.setdefault(item.metadata["index"] % ROTATION, []).append(place)
    kept: list[int] = []
    # As with a limit: the same ones each time, and not the first, which are about a few scenes.
    for circle in np.random.default_rng(0).permutation(list(circles)).tolist():
        if len(kept) >= rows:
            break
        kept += circles[circle]
    questions = tuple(loaded.questions[place] for place in sorted(kept))
    return dataclasses.replace(loaded, questions=questions, before_limit=loaded.all_questions)


def blinded(loaded: BenchmarkData) -> BenchmarkData:
    """The same questions about a grey image."""

    def grey() -> tuple[ImageRef, ...]:
        """One image, however many the question has."""
        return (_GREY,)

    questions = tuple(dataclasses.replace(item, load_images=grey) for item in loaded.questions)
    return dataclasses.replace(loaded, questions=questions)


def shuffled(loaded: BenchmarkData) -> BenchmarkData:
    """The same questions about each other's images: those of the next scene but many."""
    images = [item.load_images for item in loaded.questions]
    # By half of them, not by one: neighbours often ask about the same scene, whose image would
    # answer as well as their own.
    half = len(images) // 2
    moved = images[half:] + images[:half]
    questions = tuple(
        dataclasses.replace(item, load_images=other)
        for item, other in zip(loaded.questions, moved, strict=True)
    )
    return dataclasses.replace(loaded, questions=questions)


class _Other(NamedTuple):
    """Somebody who does not see.

    Attributes:
      what: who.
      result: as ``run.finish`` has it.
      tests: figure -> the model beside them on the same items.
    """

    what: str
    result: Mapping[str, Any]
    tests: Mapping[str, PairedTest]

    def baseline(self, name: str) -> Baseline | None:
        """A figure of theirs; None where there is none of it."""
        figure = self.result["figures"].get(name)
        if figure is None:
            return None
        score = {"value": figure["value"], "ci95": figure["ci95"], "what": self.what}
        return dataclasses.replace(read(Baseline, score), paired=self.tests.get(name))


def _paired(
    config: EvalConfig, chosen: Benchmark, loaded: BenchmarkData, mine: AnswerSet, other: AnswerSet
) -> dict[str, PairedTest]:
    """Of the figures that are shown, both scored on the questions that both answer."""
    pairs = zip(loaded.questions, mine.answers, other.answers, strict=True)
    both = [(one, a, b) for one, a, b in pairs if a is not None and b is not None]
    if not both:
        return {}
    questions, first, second = zip(*both, strict=True)

    ours, theirs = (chosen.score(questions, said, config.scoring) for said in (first, second))
    found = {}
    for name in (HEADLINES.get(chosen.name, ours.headline), *MORE.get(chosen.name, ())):
        one, two = (_items(scores, name) for scores in (ours, theirs))
        test = paired_test(one, two) if one is not None and two is not None else None
        if test is not None:
            found[name] = test
    return found


def _items(scores: Scores, name: str) -> Items | None:
    metric = scores.metrics.get(name)
    return None if metric is None else metric.items


def _entry(
    chosen: Benchmark, result: Mapping[str, Any], head: str, others: Mapping[str, _Other]
) -> BenchmarkResult:
    def against(name: str) -> dict[str, Baseline]:
        """A figure's baselines."""
        known = {other: one.baseline(name) for other, one in others.items()}
        return {other: one for other, one in known.items() if one is not None}

    figures = result["figures"]
    figure, baselines = figures[head], against(head)
    more = {
        name: Figure(
            **vars(_score(figures[name])),
            n=figures[name]["n"],
            percent=figures[name]["percent"],
            what=figures[name]["what"],
            baselines={} if name in _OF_QUESTIONS else against(name),
        )
        for name in MORE.get(chosen.name, ())
        if name in figures
    }
    values = [known.value for known in baselines.values() if known.value is not None]
    return BenchmarkResult(
        **vars(_score(figure)),
        title=chosen.title,
        metric=head,
        n=figure["n"],
        percent=figure["percent"],
        what=figure["what"],
        baseline=max(values, default=None),
        baselines=baselines,
        figures=result["figures"],
        groups=result["groups"],
        seconds=result["seconds"],
        more=more,
    )


def _score(figure: Mapping[str, Any]) -> Score:
    """Of a result's figure."""
    return read(Score, {"value": figure["value"], "ci95": figure["ci95"]})
