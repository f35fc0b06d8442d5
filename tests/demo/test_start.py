# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Shipped parts that a demo begins with, and what the encoder of its model is asked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.demo import phases, start
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.phases import Demo
from robomamba_jax.demo.plan import MODES
from robomamba_jax.demo.report.summary import begins
from robomamba_jax.demo.results import Results, Spent
from robomamba_jax.errors import InputError
from robomamba_jax.pretraining.configs import write_tokenizer
from robomamba_jax.training.export import export_preset
from robomamba_jax.utils.hashes import file_sha256
from tests.demo.test_run import Console

NOTE = {
    "tokens": 122_880_000,
    "found": {
        "encoder": {"images_seen": 896_000, "words": 300, "held_out": {"noun": 0.9}},
        "language": {"steps": 20_000, "curve": [[0, 6.9], [19_999, 0.8]]},
    },
}


def shipped(root: Path) -> Path:
    """A small folder as ``robomamba pretrain`` leaves it."""
    tokenizer = root.with_name("tokenizer.json")
    write_tokenizer(tokenizer, ["a red safe", "a blue box"], 300)
    export_preset("tiny", root, 3, tokenizer)
    (root / "pretrain.json").write_text(json.dumps(NOTE))
    return root


def demo_of(root: Path, **changes: Any) -> Demo:
    """A smoke run there."""
    plan = dataclasses.replace(MODES["smoke"], **changes)
    return Demo(plan, DemoPaths(root), Console(), Spent({}, {}, 0))


def test_what_a_mode_begins_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name, its hash, its tokens; nothing of what begins from scratch."""
    folder = shipped(tmp_path / "ready")
    monkeypatch.setattr(start, "start_path", lambda: folder)
    plan = dataclasses.replace(MODES["smoke"], start="nano-start")
    found = start.start_of(plan)
    assert (found.name, found.tokens) == ("nano-start", 122_880_000)
    assert found.sha256 == file_sha256(folder / "manifest.json")
    assert start.start_of(MODES["scratch"]) == start.SCRATCH
    (folder / "pretrain.json").unlink()
    with pytest.raises(InputError, match=r"pretrain\.json"):
        start.start_of(plan)


def test_ready_parts_become_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the loss curve that they have, and no training; the same when it is called again."""
    folder = shipped(tmp_path / "ready")
    monkeypatch.setattr(phases, "start_path", lambda: folder)
    demo = demo_of(tmp_path / "demo", start="nano-start")
    demo.paths.tokenizer.parent.mkdir(parents=True)
    tokenizer = folder / "tokenizer.json"
    demo.paths.tokenizer.write_bytes(tokenizer.read_bytes())
    found = phases.run_pretraining(demo, Results())
    assert found.start.name == "nano-start"
    assert (found.vision.steps, found.vision.words) == (0, 300)
    assert "896,000 images" in found.vision.note
    assert found.language.curve == ((0, 6.9), (19_999, 0.8))
    assert (demo.paths.start / "manifest.json").is_file()
    kept = (demo.paths.start / "manifest.json").stat().st_mtime_ns
    assert phases.run_pretraining(demo, Results()) == found
    assert (demo.paths.start / "manifest.json").stat().st_mtime_ns == kept


def test_words() -> None:
    """One of three."""
    assert "nano-start: an encoder and" in begins("nano-start", 122_880_000)
    assert begins("nano-start", 122_880_000).endswith("Mamba (122.9 million tokens)")
    assert begins("scratch", 0).startswith("begins from scratch: ")
    assert "dino.safetensors and a language model from scratch" in begins(
        "scratch", 0, "dino.safetensors"
    )


def test_the_encoder_is_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On as many training images as planned; each probe with both halves, where both have it."""
    asked: list[Any] = []

    def score(probe: str, metric: str, data: str, value: float) -> dict[str, Any]:
        known = {"probe": probe, "metric": metric, "data": data, "value": value}
        rest = {"n": 60, "unit": "images", "images": 60, "chance": 0.5, "penalty": 1.0}
        return {**known, "low": value - 0.1, "high": value + 0.1, **rest}

    def run_probes(encoder: Path, train: Path, tests: Any, tell: Any, **more: Any) -> Any:
        asked.append((encoder, train, tests, more))
        tell(1, 2)
        scores = [score("a", "auc", data, 0.8) for data in ("seen", "unseen")]
        return {"scores": [*scores, score("b", "median_degrees", "seen", 30.0)]}

    monkeypatch.setattr("robomamba_jax.evaluation.probes.run.run_probes", run_probes)
    demo = demo_of(tmp_path)
    found = phases.probe_encoder(demo)
    paths = demo.paths
    tests = {"seen": paths.test, "unseen": paths.unseen}
    limits = {"train_limit": demo.plan.probe_images, "skip_small": True}
    assert asked == [(paths.model, paths.train, tests, limits)]
    assert list(found) == ["a, auc", "b, median degrees"]
    both, one = found.values()
    assert both.seen == both.unseen
    assert both.seen is not None
    assert (both.seen.value, both.seen.ci95, both.seen.chance) == (0.8, (0.8 - 0.1, 0.9), 0.5)
    assert one.seen is not None
    assert one.unseen is None
