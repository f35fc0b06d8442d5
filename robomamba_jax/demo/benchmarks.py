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
from typing import Any

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.sources.sample import ImageRef
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import Baseline, BenchmarkResult, read
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.runner.run import AnswerSet
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of
from robomamba_jax.utils.progress import OnNamedProgress

HEADLINES = {"pope": "accuracy"}
"""Instead of a benchmark's own headline: always saying yes has an F1 of 2/3 already."""

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
        # A limit would tear apart what these count together.
        limit = 0 if name in ("mme", "mmbench") else plan.questions
        config = bench_config(name, bench, limit=limit)
        config, chosen, loaded = run.load(config, out / name)
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
    def asked(questions: BenchmarkData, folder: Path) -> Mapping[str, Any]:
        """The results of asking, which lie in the folder, too."""
        answered, seconds = run.answer_all(
            config,
            chosen,
            questions,
            checkpoint,
            folder,
            lambda done, total: on_progress(chosen.title, done, total),
        )
        return run.finish(config, chosen, questions, answered, folder, seconds=seconds)

    result = asked(loaded, out)
    head: str = HEADLINES.get(chosen.name) or result["headline"]
    baselines: dict[str, Baseline] = {}
    # Poses are judged beside other policies, in the rollouts.
    if chosen.poses:
        return _entry(chosen, result, head, baselines)
    majority = majority_answer(loaded)
    if majority is not None:
        answered = AnswerSet([majority] * len(loaded.questions), None, f"always {majority!r}", {})
        result_of_majority = run.finish(config, chosen, loaded, answered, out / "majority")
        baselines["majority"] = _baseline(result_of_majority, head, f"always {majority!r}")
    if blind:
        blind_result = asked(blinded(loaded), out / "blind")
        baselines["blind"] = _baseline(blind_result, head, _BLIND)
    return _entry(chosen, result, head, baselines)


def majority_answer(loaded: BenchmarkData) -> str | None:
    """The answer that most questions have; None where they have none.

    It is counted among the questions themselves, which a guesser could not do.
    """
    # The first answer only: VQAv2's ten people, say, agree in most cases, and a question must not
    # count ten times.
    counts = Counter(item.references[0] for item in loaded.questions if item.references)
    return counts.most_common(1)[0][0] if counts else None


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


def _baseline(result: Mapping[str, Any], head: str, what: str) -> Baseline:
    figure = result["figures"][head]
    return read(Baseline, {"value": figure["value"], "ci95": figure["ci95"], "what": what})


def _entry(
    chosen: Benchmark, result: Mapping[str, Any], head: str, baselines: dict[str, Baseline]
) -> BenchmarkResult:
    figure = result["figures"][head]
    values = [known.value for known in baselines.values() if known.value is not None]
    interval = figure["ci95"]
    return BenchmarkResult(
        title=chosen.title,
        metric=head,
        value=figure["value"],
        ci95=None if interval is None else (interval[0], interval[1]),
        n=figure["n"],
        percent=figure["percent"],
        what=figure["what"],
        baseline=max(values, default=None),
        baselines=baselines,
        figures=result["figures"],
        groups=result["groups"],
        seconds=result["seconds"],
    )
