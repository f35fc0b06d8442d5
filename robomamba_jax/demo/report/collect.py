# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``report.json``: everything that a demo has found, with its images; the page needs no more."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax

from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.report.images import clip_images, pose_images, question_images
from robomamba_jax.demo.results import Results, Spent, StageResult
from robomamba_jax.evaluation.runner.paper import paper_tables
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.utils.version import __version__
from robomamba_jax.world.dataset.contact_points import contact_points_file
from robomamba_jax.world.dataset.manifest import read_manifest
from robomamba_jax.world.dataset.read import json_lines

SCHEMA = "robomamba.demo/1"
_LANGUAGE_FROM = {
    True: "a new Mamba, pre-trained to say what training images show, through a projector that is "
    "then thrown away",
    False: "a small Mamba, pre-trained on questions about scenes in words and in images, through a "
    "projector that was then thrown away",
}
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "sapien")


def make_report(plan: DemoPlan, paths: DemoPaths, done: Results, spent: Spent) -> JsonObject:
    """The report of a demo whose phases are done.

    Args:
      plan: the demo's.
      paths: where its files lie.
      done: what the phases have found.
      spent: what they took.
    """
    # The report is the last phase: all that every mode has is done.
    assert done.pretraining is not None
    assert done.evaluation is not None
    assert done.rollouts is not None
    sizes = _parameters(paths)
    content = done.to_json()
    stages = {}
    for name in ("align", "instruct", "manipulate", "assemblies"):
        stage: StageResult | None = getattr(done, name)
        if stage is None:  # not in every mode
            continue
        share = stage.trained_params / sum(sizes.values())
        stages[name] = {**tree_to_json(stage), "share": share, "seconds": spent.seconds[name]}
    evaluation: JsonObject = tree_to_json(done.evaluation)
    return {
        "schema": SCHEMA,
        "mode": plan.mode,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "git": _git(),
        "versions": _versions(),
        "machine": _machine(),
        "seconds": dict(spent.seconds),
        "cpu_seconds": dict(spent.cpu_seconds),
        "budget": {name: 60 * minutes for name, minutes in plan.budget},
        "peak_rss": spent.peak_rss,
        "model": {
            **_model(paths, sizes),
            "vision_from": done.pretraining.vision.note,
            "language_from": _LANGUAGE_FROM[done.pretraining.start.name == "scratch"],
            "sha256": done.rollouts["nano"].checkpoint_sha,
        },
        "data": _data(paths),
        "start": tree_to_json(done.pretraining.start),
        "pretraining": content["pretraining"],
        "stages": stages,
        "frozen_check": evaluation["frozen_check"],
        "benchmarks": evaluation["benchmarks"],
        "unseen_benchmarks": evaluation["unseen"],
        "probes": evaluation["probes"],
        "rollouts": content["rollouts"],
        "paper": paper_tables(),
        "ablations": content.get("ablations", []),
        "images": {
            "poses": pose_images(paths.root / "rollouts" / "nano"),
            "questions": question_images(paths.test / "bench", paths.root / "eval"),
            "clips": clip_images(paths.root / "rollouts" / "nano"),
        },
    }


def _parameters(paths: DemoPaths) -> dict[str, int]:
    """How many there are, by part."""
    # In the order of the page's table.
    sizes: dict[str, int] = dict.fromkeys(("vision", "projector", "llm", "policy"), 0)
    for name, shape in tensor_shapes(open_folder(paths.model).parts).items():
        sizes[name.split(".")[0]] += math.prod(shape)
    return sizes


def _model(paths: DemoPaths, sizes: Mapping[str, int]) -> JsonObject:
    config = open_folder(paths.model).parts
    assert config.llm is not None
    assert config.vision is not None
    return {
        "preset": "nano",
        "parameters": sizes,
        "image_tokens": config.vision.num_patches,
        "image_size": config.vision.image_size,
        "vocab": config.llm.vocab_size,
        "d_model": config.llm.d_model,
        "n_layer": config.llm.n_layer,
        "bytes": sum(path.stat().st_size for path in paths.model.rglob("*") if path.is_file()),
        "checkpoint": str(paths.model),
    }


def _data(paths: DemoPaths) -> JsonObject:
    """What was drawn, and that no test object was trained on."""
    found: JsonObject = {}
    instances: dict[str, set[str]] = {}
    for name, folder in (("train", paths.train), ("test", paths.test), ("unseen", paths.unseen)):
        manifest = read_manifest(folder)
        drawn = manifest["plan"]
        found[name] = {
            "poses": drawn["samples"],
            "images": drawn["num_images"],
            "clips": drawn["clips"],
            "failed_trials": manifest["poses"]["failed"],
            "records": _records(folder),
        }
        instances[name] = _instances(folder)
    # Checked on the files, not on the plan: the one claim of the report that everything rests on.
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
    # By the name that it has there: older data sets call contact points otherwise.
    files = [folder / name for name in (*names, contact_points_file(folder).name, "manip.json")]
    return {file.name: len(json.loads(file.read_bytes())) for file in files if file.is_file()}


def _instances(folder: Path) -> set[str]:
    """The objects of a set, such as "train-Microwave-0012"."""
    found = set()
    for name in ("poses.jsonl", "scenes.jsonl", "clips.jsonl"):
        file = folder / name
        if file.is_file():
            found |= {line["instance"] for line in json_lines(file)}
    return found


def _git() -> JsonObject:
    """The checkout's commit; None outside of one."""
    # The checkout, seen from robomamba_jax/demo/report/collect.py.
    root = Path(__file__).resolve().parents[3]

    def git(*words: str) -> str | None:
        """What git says; None where it fails, or is not there."""
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


def _machine() -> JsonObject:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": _processor_name(),
        # Those that this process may use, which need not be all.
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "devices": [f"{device.device_kind} ({device.platform})" for device in jax.devices()],
    }


def _processor_name() -> str:
    # platform.processor() is empty on most Linux systems.
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
