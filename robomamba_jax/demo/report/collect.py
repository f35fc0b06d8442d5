# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``report.json``: everything that a demo has found, with its pictures; the page needs no more."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.demo.labels import json_lines
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.report.images import clip_images, pose_images, question_images
from robomamba_jax.demo.stages import Places
from robomamba_jax.evaluation.runner.paper import paper_tables
from robomamba_jax.utils.version import __version__

SCHEMA = "robomamba.demo/1"
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "sapien")


def make_report(plan: DemoPlan, places: Places, journal: Any) -> dict[str, Any]:
    """The report of a demo whose phases are done.

    Args:
      plan: the demo's.
      places: where its files lie.
      journal: a ``run.Journal``.
    """
    done = journal.done
    evaluation, rollouts = done["evaluation"], done["rollouts"]
    stages = {name: done[name] for name in ("align", "instruct", "manipulate")}
    model = _model(plan, places, done)
    whole = sum(model["parameters"].values())
    for name, stage in stages.items():
        stage["share"] = stage["trained_params"] / whole
        stage["seconds"] = journal.seconds[name]
    return {
        "schema": SCHEMA,
        "mode": plan.mode,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "git": _git(),
        "versions": _versions(),
        "machine": _machine(),
        "seconds": dict(journal.seconds),
        "budget": {name: 60 * minutes for name, minutes in plan.budget},
        "peak_rss": journal.peak_rss,
        "model": model,
        "data": _data(places),
        "pretraining": done["pretraining"],
        "stages": stages,
        "frozen_check": evaluation["frozen_check"],
        "benchmarks": evaluation["benchmarks"],
        "unseen_benchmarks": evaluation["unseen"],
        "rollouts": rollouts,
        "paper": paper_tables(),
        "ablations": done.get("ablations", []),
        "images": {
            "poses": pose_images(places.root / "rollouts" / "nano"),
            "questions": question_images(places.test / "bench", places.root / "eval"),
            "clips": clip_images(places.root / "rollouts" / "nano"),
        },
    }


def _model(plan: DemoPlan, places: Places, done: dict[str, Any]) -> dict[str, Any]:
    folder = open_folder(places.model)
    config = folder.parts
    assert config.llm is not None
    assert config.vision is not None
    sizes: dict[str, int] = {}
    for name, shape in tensor_shapes(config).items():
        part = name.split(".")[0]
        sizes[part] = sizes.get(part, 0) + math.prod(shape)
    size = sum(path.stat().st_size for path in places.model.rglob("*") if path.is_file())
    return {
        "preset": "nano",
        "parameters": {name: sizes[name] for name in ("vision", "projector", "llm", "policy")},
        "image_tokens": config.vision.num_patches,
        "image_size": config.vision.image_size,
        "vocab": config.llm.vocab_size,
        "d_model": config.llm.d_model,
        "n_layer": config.llm.n_layer,
        "bytes": size,
        "vision_from": done["pretraining"]["vision"]["note"],
        "language_from": "a new Mamba, pre-trained to say what "
        "training pictures show, through a projector that is then thrown away",
        "checkpoint": str(places.model),
        "sha256": done["rollouts"]["nano"]["checkpoint_sha"],
    }


def _data(places: Places) -> dict[str, Any]:
    """What was drawn, and that no test object was trained on."""
    found, instances = {}, {}
    for name, folder in (
        ("train", places.train),
        ("test", places.test),
        ("unseen", places.unseen),
    ):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        drawn = manifest["plan"]
        found[name] = {
            "poses": drawn["samples"],
            "images": drawn["language"],
            "clips": drawn["clips"],
            "failed_trials": manifest["poses"]["failed"],
            "records": _records(folder),
        }
        instances[name] = _instances(folder)
    held = instances["test"] | instances["unseen"]
    common = instances["train"] & held
    if common:
        raise AssertionError(f"training and test share objects: {sorted(common)[:3]}")
    found["disjoint"] = {
        "train_instances": len(instances["train"]),
        "test_instances": len(held),
        "common": len(common),
        "held_out_wording": True,
    }
    return found


def _records(folder: Path) -> dict[str, int]:
    names = ("stage1_1.json", "stage1_2_llava.json", "stage1_2_detail.json", "stage1_2_lrv.json")
    files = [folder / name for name in (*names, "touch.json", "manip.json")]
    return {file.name: len(json.loads(file.read_bytes())) for file in files if file.is_file()}


def _instances(folder: Path) -> set[str]:
    """The objects of a set, such as "train-Microwave-0012"."""
    found = set()
    for name in ("poses.jsonl", "scenes.jsonl", "clips.jsonl"):
        file = folder / name
        if file.is_file():
            found |= {line["instance"] for line in json_lines(file)}
    return found


def _git() -> dict[str, Any]:
    """The checkout's commit; None outside of one."""
    root = Path(__file__).resolve().parents[3]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(changed)}


def _versions() -> dict[str, str]:
    found = {"robomamba_jax": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": _processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "devices": [f"{device.device_kind} ({device.platform})" for device in jax.devices()],
    }


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
