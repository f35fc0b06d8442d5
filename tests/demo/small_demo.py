# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A demo's folder whose phases are done, though nothing was trained or rolled out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.demo import results
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.demo.rollouts import policy_result
from robomamba_jax.demo.run import PhaseLog
from robomamba_jax.evaluation.benchmarks.base import Metric, metrics_to_json
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of, write_toy
from robomamba_jax.training.export import export_preset
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.rollout.success_rates import CategoryCounts, averages
from tests.demo.small_world import write_world
from tests.evaluation.runs import right

TRIED = ("Safe", "Door", "Toilet", "Phone")
ASKED = ("pope", "vqav2", "robovqa")
PLAN: DemoPlan = dataclasses.replace(MODES["smoke"], benchmarks=ASKED)


def write_demo(root: Path) -> tuple[DemoPaths, PhaseLog]:
    """Everything that a report reads; the phases' results are those of the production classes, kept
    in phases.json and read back."""
    paths = DemoPaths(root)
    write_world(paths.train)
    write_world(paths.test, split="test", scenes=5, poses=2)
    write_world(paths.unseen, split="other", scenes=3, poses=0)
    export_preset("tiny", paths.model, 0, None)
    write_outcomes(root / "rollouts" / "nano")
    for name in ASKED:
        write_answers(paths.test / "bench" / name, root / "eval" / name, name)
    log = PhaseLog(root)
    log.seconds = {name: 10.0 + k for k, (name, _) in enumerate(PLAN.budget)}
    log.peak_rss = 3 * 2**30
    for name, result in phase_results().items():
        log.finish(name, result)
    return paths, PhaseLog(root)


def phase_results() -> dict[str, object]:
    """Phase -> its result."""
    vision = results.VisionPretraining(30, 3.0, ((0, 2.0),), "from pictures")
    language = results.LanguagePretraining(10, ((0, 6.0), (9, 4.0)))
    return {
        "data": results.DataResult({"kept": 8}, {"kept": 2}, {"kept": 0}),
        "pretraining": results.Pretraining(vision, language),
        "features": results.FeaturesResult(20),
        "align": stage(3000),
        "instruct": stage(40_000),
        "manipulate": stage(500),
        "assemblies": stage(500),
        "evaluation": results.EvaluationResult(
            {name: entry(0.8) for name in ASKED},
            {"pope": entry(0.7)},
            results.FrozenCheck(64, 64, logits_identical=True, parameters_identical=True),
            {"a side, accuracy": results.Probe("a side", "accuracy", probed(0.8), None)},
        ),
        "rollouts": {name: rolled(name) for name in ("nano", "oracle", "random")},
    }


def probed(value: float) -> results.ProbeFigure:
    """A linear probe's figure."""
    return results.ProbeFigure(value, (value - 0.1, value + 0.1), 60, "images", 0.5)


def stage(trained: int) -> results.StageResult:
    """A run of train.py in numbers."""
    return results.StageResult(3.0, 1.0, trained, 4 * trained, 10, ((0, 3.0), (9, 1.0)), {})


def entry(value: float) -> results.BenchmarkResult:
    """A benchmark's."""
    metric = Metric(value, (value - 0.05, value + 0.05), 100, "right answers")
    return results.BenchmarkResult(
        title="a benchmark",
        metric="accuracy",
        value=value,
        ci95=(value - 0.05, value + 0.05),
        n=100,
        percent=True,
        what="right answers",
        baseline=0.5,
        baselines={"blind": results.Baseline(0.5, (0.4, 0.6), "grey")},
        figures=metrics_to_json({"accuracy": metric}),
        groups={},
        seconds=1.0,
    )


def rolled(name: str) -> results.PolicyResult:
    """A policy's, out of a rollout.json as ``world rollout`` makes one."""
    won = {"nano": 2, "oracle": 3, "random": 0}[name]
    categories = {known: CategoryCounts(n=3, success=won).to_json(known) for known in CATEGORIES}
    result: dict[str, Any] = {
        "trained_parameters": 12,
        "checkpoint_sha": "5f" * 32 if name == "nano" else None,
        "categories": categories,
        **{split: averages(categories, split) for split in ("seen", "unseen")},
    }
    return policy_result(name, result)


def write_outcomes(folder: Path) -> None:
    """Two trials of a few categories, as ``world rollout`` leaves them; the first is filmed."""
    folder.mkdir(parents=True)
    outcomes = {}
    for number, category in enumerate(TRIED):
        for trial in range(2):
            name = f"{category}_{trial:04d}"
            success = (number + trial) % 2 == 0
            outcomes[name] = {
                "category": category,
                "instruction": f"Move the {CATEGORIES[category].noun}.",
                "success": success,
                "why": "" if success else "did not move",
                "contact_xy": [10.0, 12.0],
            }
            frame = Image.fromarray(np.full((240, 240, 3), 40 * number + 20 * trial, np.uint8))
            frame.save(folder / f"{name}.png")
            if trial == 0:
                frame.save(folder / f"{name}.gif", save_all=True, append_images=[frame])
    (folder / "outcomes.json").write_text(json.dumps(outcomes))


def write_answers(bench: Path, folder: Path, name: str) -> None:
    """A benchmark of twelve drawn pictures, and answers to it: every third one is wrong, and one
    question has none."""
    write_toy(EvalConfig(name, FilesConfig(""), toy=12), bench)
    config = EvalConfig(name, FilesConfig(**files_of(name, str(bench))))
    items = run.load(config, folder)[2].questions
    said = [right(item) for item in items]
    for k in range(0, len(said), 3):
        said[k] = {"yes": "no", "no": "yes"}.get(said[k], "wrong")
    rows = [{"id": item.id, "answer": text} for item, text in zip(items, said, strict=True)]
    rows[5]["answer"] = None
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"schema": "robomamba.eval answers/1"}, *rows]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
