# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A demo's folder whose phases are done, written by hand: nothing was trained or rolled out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.demo.rollouts import TITLES
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.demo.run import Journal
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of, write_toy
from robomamba_jax.training.export import export_preset
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.rollout.success_rates import Tally, averages
from tests.demo.small_world import write_world
from tests.evaluation.runs import right

TRIED = ("Safe", "Door", "Toilet", "Phone")
ASKED = ("pope", "vqav2", "robovqa")
PLAN: DemoPlan = dataclasses.replace(MODES["smoke"], benchmarks=ASKED)


def write_demo(root: Path) -> tuple[DemoPaths, Journal]:
    """Everything that a report reads."""
    paths = DemoPaths(root)
    write_world(paths.train)
    write_world(paths.test, split="test", scenes=5, poses=2)
    write_world(paths.unseen, split="other", scenes=3, poses=0)
    export_preset("tiny", paths.model, 0, None)
    write_outcomes(root / "rollouts" / "nano")
    for name in ASKED:
        write_answers(paths.test / "bench" / name, root / "eval" / name, name)
    journal = Journal(root)
    journal.seconds = {name: 10.0 + k for k, (name, _) in enumerate(PLAN.budget)}
    journal.peak_rss = 3 * 2**30
    journal.done = {
        "data": {},
        "pretraining": {
            "vision": {"steps": 30, "seconds": 3.0, "curve": [[0, 2.0]], "note": "from pictures"},
            "language": {"steps": 10, "curve": [[0, 6.0], [9, 4.0]]},
        },
        "features": {"pictures": 20},
        "align": stage(3000),
        "instruct": stage(40_000),
        "manipulate": stage(500),
        "evaluation": {
            "benchmarks": {name: entry(0.8) for name in ASKED},
            "unseen": {"pope": entry(0.7)},
            "frozen_check": {"answers": 64, "identical": 64, "logits_identical": True},
        },
        "rollouts": {name: rolled(name) for name in ("nano", "oracle", "random")},
    }
    return paths, journal


def stage(trained: int) -> dict[str, Any]:
    """A run of train.py in numbers."""
    losses = {"loss_first": 3.0, "loss_last": 1.0, "curve": [[0, 3.0], [9, 1.0]], "eval": {}}
    return {**losses, "trained_params": trained, "bytes": 4 * trained, "steps": 10}


def entry(value: float) -> dict[str, Any]:
    """A benchmark's."""
    blind = {"value": 0.5, "ci95": [0.4, 0.6], "what": "grey"}
    figure = {"metric": "accuracy", "value": value, "ci95": [value - 0.05, value + 0.05], "n": 100}
    return {
        "title": "a benchmark",
        **figure,
        "percent": True,
        "what": "right answers",
        "baseline": 0.5,
        "baselines": {"blind": blind},
        "figures": {"accuracy": {**figure, "percent": True, "what": "right answers"}},
        "groups": {},
        "seconds": 1.0,
    }


def rolled(name: str) -> dict[str, Any]:
    """A policy's."""
    won = {"nano": 2, "oracle": 3, "random": 0}[name]
    categories = {known: Tally(n=3, success=won).to_json(known) for known in CATEGORIES}
    splits = {}
    for split in ("seen", "unseen"):
        mean = averages(categories, split)
        splits[split] = {"rate": mean.pop("by_sample"), **mean}
    title, looks_at = TITLES[name]
    sha = "5f" * 32 if name == "nano" else None
    facts = {"title": title, "looks_at": looks_at, "trained": 12, "checkpoint_sha": sha}
    return {**facts, **splits, "categories": categories}


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
    items = run.load(config, folder)[2].items
    said = [right(item) for item in items]
    for k in range(0, len(said), 3):
        said[k] = {"yes": "no", "no": "yes"}.get(said[k], "wrong")
    rows = [{"id": item.id, "answer": text} for item, text in zip(items, said, strict=True)]
    rows[5]["answer"] = None
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"schema": "robomamba.eval answers/1"}, *rows]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
