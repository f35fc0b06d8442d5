# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A report as a demo run writes it, with made-up numbers of the right kind and size.

``python -m tests.demo.report_sample PATH [MODE]`` writes its page, to be looked at.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path
from typing import Any

from robomamba_jax.evaluation.metrics.intervals import wilson
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN, UNSEEN
from tests.demo.report_images import clips, poses, questions

_TRIALS = 20

# Policy -> (what it looks at, trained, seen, unseen).
_POLICIES = {
    "nano": ("image, words", 37_312, 0.62, 0.51),
    "oracle": ("geometry", 0, 0.99, 0.99),
    "part-normal": ("part, normal", 0, 0.48, 0.35),
    "part-random": ("part", 0, 0.15, 0.09),
    "prior-category": ("category", 168, 0.39, 0.06),
    "prior": ("nothing", 8, 0.13, 0.06),
    "random": ("nothing", 0, 0.01, 0.01),
    "nano+assemblies": ("image, words", 37_312, 0.61, 0.66),
}

# Name -> (title, metric, ours, majority, blind, n).
_BENCHMARKS = {
    "vqav2": ("VQAv2", "accuracy", 0.713, 0.402, 0.518, 620),
    "okvqa": ("OKVQA", "accuracy", 0.564, 0.311, 0.447, 300),
    "gqa": ("GQA", "accuracy", 0.688, 0.395, 0.521, 600),
    "ocrvqa": ("OCR-VQA", "accuracy", 0.208, 0.168, 0.195, 120),
    "vizwiz": ("VizWiz", "accuracy", 0.602, 0.433, 0.5, 240),
    "pope": ("POPE", "f1_mean", 0.831, 0.667, 0.66, 720),
    "mmbench": ("MMBench", "circular_accuracy", 0.447, 0.082, 0.218, 170),
    "robovqa": ("RoboVQA", "cumulative_bleu4", 0.534, 0.121, 0.402, 400),
}


def sample_report(mode: str = "standard") -> dict[str, Any]:
    """A whole report; "smoke" lacks what a smoke run lacks, "full" has the ablations too."""
    rng = random.Random(0)
    report: dict[str, Any] = {
        "schema": "robomamba.demo/1",
        "mode": mode,
        "finished": "2026-11-25T22:00:00Z",
        "git": {"commit": "88a3ee8f0c5c4b3f9d1b6f1f9f7f0a9b2c3d4e5f", "dirty": False},
        "versions": {
            "robomamba_jax": "0.1.0",
            "jax": "0.10.2",
            "flax": "0.12.8",
            "python": "3.11.2",
        },
        "machine": {
            "processor": "AMD EPYC 7B13",
            "cores": 2,
            "memory_gib": 23.4,
            "system": "Linux 6.1, Debian 12",
            "devices": ["cpu:0"],
        },
        **_times(mode),
        "model": _model(),
        "data": _data(),
        "start": {"name": "nano-start", "sha256": "3a" * 32, "tokens": 122_880_000},
        "probes": _probes(),
        "pretraining": {
            "vision": {
                **_curve(rng, 1400, 2.4, 0.61),
                "note": "Learns what the world's own pictures show, from labels of their pixels.",
            },
            "language": {
                **_curve(rng, 1800, 6.2, 0.42),
                "note": "Next words of the world's training texts.",
            },
        },
        "stages": _stages(rng, _times(mode)["seconds"]),
        "frozen_check": {"answers": 120, "identical": 120},
        "benchmarks": _benchmarks(),
        "rollouts": _rollouts(rng),
    }
    if mode == "smoke":
        for name in ("frozen_check", "paper"):
            report.pop(name, None)
        report["images"] = {"poses": poses(rng)[:2], "questions": [], "clips": []}
        return report
    if mode == "full":
        report["ablations"] = _ablations()
    report["images"] = {
        "poses": poses(rng),
        "questions": questions(),
        "clips": clips(),
    }
    return report


def _times(mode: str) -> dict[str, Any]:
    seconds = {
        "data": 171.2,
        "pretraining": 402.7,
        "features": 61.0,
        "align": 48.9,
        "instruct": 214.3,
        "manipulate": 41.6,
        "evaluation": 118.4,
        "rollouts": 66.1,
        "report": 2.3,
    }
    budget = {
        "data": 180,
        "pretraining": 420,
        "features": 60,
        "align": 60,
        "instruct": 240,
        "manipulate": 60,
        "evaluation": 120,
        "rollouts": 60,
    }
    if mode == "full":
        seconds["ablations"] = 4211.0
    if mode == "smoke":
        seconds = {name: value / 20 for name, value in seconds.items()}
    return {"seconds": seconds, "budget": budget, "peak_rss": int(1.43 * 2**30)}


def _model() -> dict[str, Any]:
    return {
        "preset": "nano",
        "parameters": {
            "vision": 2_210_496,
            "projector": 328_704,
            "llm": 3_671_552,
            "policy": 37_312,
        },
        "image_tokens": 64,
        "image_size": 112,
        "vocab": 512,
        "d_model": 256,
        "n_layer": 8,
        "bytes": 25_001_984,
        "vision_from": "The encoder was trained here, before stage 1, on the embedded world's "
        "training pictures; it is frozen from then on.",
        "language_from": "The language model began with random numbers and read the world's "
        "training texts before stage 1.",
        "checkpoint": "runs/demo/manipulate/export",
        "sha256": "5f" * 32,
    }


def _data() -> dict[str, Any]:
    names = ("manip.json", "stage1_1.json", "stage1_2_llava.json", "stage1_2_lrv.json")
    return {
        "train": {
            "poses": 6000,
            "images": 3000,
            "clips": 300,
            "records": dict(zip(names, (6000, 3000, 9120, 6033), strict=True)),
        },
        "test": {
            "poses": 300,
            "images": 300,
            "clips": 60,
            "records": dict(zip(names, (300, 300, 911, 602), strict=True)),
        },
        "disjoint": {
            "train_instances": 8104,
            "test_instances": 655,
            "common": 0,
            "held_out_wording": True,
        },
    }


def _curve(rng: random.Random, steps: int, first: float, last: float) -> dict[str, Any]:
    curve = []
    for step in range(0, steps, 2):
        level = last + (first - last) * math.exp(-6 * step / steps)
        curve.append([step, level * rng.lognormvariate(0, 0.05)])
    return {"steps": steps, "seconds": steps / 7, "curve": curve}


def _stages(rng: random.Random, seconds: dict[str, float]) -> dict[str, Any]:
    rows = {
        "align": (328_704, 400, 3.9, 1.4, {"captions_loss": 1.46}),
        "instruct": (4_000_256, 900, 1.5, 0.31, {"llava_loss": 0.352, "lrv_loss": 0.211}),
        "manipulate": (37_312, 4800, 1.34, 0.38, {"contact_share": 0.061, "rotation_rad": 0.33}),
    }
    whole = sum(_model()["parameters"].values())
    found = {}
    for name, (trained, steps, first, last, figures) in rows.items():
        run = _curve(rng, steps, first, last)
        found[name] = {
            "loss_first": run["curve"][0][1],
            "loss_last": run["curve"][-1][1],
            "trained_params": trained,
            "share": trained / whole,
            "bytes": 4 * trained,
            **run,
            "seconds": seconds[name],
            "eval": figures,
        }
    return found


def _share(value: float, n: int, **more: Any) -> dict[str, Any]:
    """A share of n with Wilson's interval."""
    hits = round(value * n)
    return {"value": hits / n, "ci95": list(wilson(hits, n)), "n": n, **more}


def _benchmarks() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (title, metric, ours, majority, blind, n) in _BENCHMARKS.items():
        found[name] = {
            "title": title,
            "metric": metric,
            "percent": True,
            **_share(ours, n),
            "baseline": max(majority, blind),
            "baselines": {
                "majority": _share(majority, n, what="always the commonest training answer"),
                "blind": _share(blind, n, what="the same model, its image replaced by grey"),
            },
        }
    _add_tests(found)
    found["robovqa"]["figures"] = {
        f"cumulative_bleu{k}": _share(
            0.7 - 0.04 * k, 400, percent=True, what=f"cumulative BLEU-{k}"
        )
        for k in range(1, 5)
    }
    found["pope"]["groups"] = {
        "file": {
            name: _share(value, 240, percent=True, what="right answers")
            for name, value in (("random", 0.87), ("popular", 0.83), ("adversarial", 0.79))
        }
    }
    found["mme"] = {
        "title": "MME",
        "metric": "perception",
        "percent": False,
        "value": 803.4,
        "ci95": [742.0, 861.5],
        "n": 240,
        "best": 1200,
        "baseline": 412.0,
        "baselines": {
            "majority": {"value": 400.0, "ci95": [352.1, 441.0], "what": "always yes"},
            "blind": {"value": 412.0, "ci95": [360.5, 466.0], "what": "its image replaced by grey"},
        },
    }
    found["mmvet"] = {"title": "MM-Vet", "metric": None, "value": None, "ci95": None, "n": 60}
    found["manipulation"] = {
        "title": "manipulation",
        "metric": "contact_pixels",
        "percent": False,
        "value": 14.2,
        "ci95": [12.9, 15.6],
        "n": 300,
        "baseline": 31.0,
        "baselines": {
            "prior-category": {"value": 31.0, "ci95": [29.0, 33.2], "what": "mean of the category"}
        },
    }
    return found


def _probes() -> dict[str, Any]:
    """Two probes, one of them of angles."""

    def half(value: float, low: float, high: float, chance: float) -> dict[str, Any]:
        return {"value": value, "ci95": [low, high], "n": 300, "unit": "images", "chance": chance}

    return {
        "movable part, auc": {
            "probe": "movable part",
            "metric": "auc",
            "seen": half(0.986, 0.983, 0.988, 0.895),
            "unseen": half(0.962, 0.958, 0.966, 0.875),
        },
        "direction of motion, median degrees": {
            "probe": "direction of motion",
            "metric": "median_degrees",
            "seen": half(35.6, 32.5, 38.7, 50.1),
            "unseen": None,
        },
    }


def _add_tests(found: dict[str, Any]) -> None:
    """Paired tests beside two benchmarks' baselines, and figures beside three headlines."""
    # Intervals that touch, and a test that tells the two apart all the same.
    gqa = found["gqa"]["baselines"]["blind"]
    gqa |= _share(0.645, 600)
    gqa["paired"] = {"test": "mcnemar", "p": 0.0004, "n": 600, "better": 71, "worse": 45}
    okvqa = found["okvqa"]["baselines"]["blind"]
    okvqa |= _share(0.53, 300)
    okvqa["paired"] = {"test": "bootstrap", "p": 0.231, "n": 300, "better": 50, "worse": 41}
    known = (
        ("pope", "yes_share", 0.52, 720, "answers yes"),
        ("vizwiz", "unanswerable_balanced", 0.781, 240, "balanced accuracy"),
        ("robovqa", "share_of_ceiling", 0.83, 400, "of what references allow"),
    )
    for name, figure, value, n, what in known:
        baselines = {"blind": _share(0.51, n, what="its image replaced by grey")}
        one = _share(value, n, percent=True, what=what)
        found[name]["more"] = {figure: {**one, "baselines": baselines}}
    found["vizwiz"]["more"]["unanswerable_balanced"]["baselines"]["blind"]["paired"] = {
        "test": "bootstrap",
        "p": 0.0002,
        "n": 240,
        "better": 81,
        "worse": 16,
    }


def _rollouts(rng: random.Random) -> dict[str, Any]:
    found = {}
    for name, (looks, trained, seen, unseen) in _POLICIES.items():
        categories = {}
        for category in CATEGORIES:
            level = seen if category in SEEN else unseen
            level = min(1.0, max(0.0, rng.gauss(level, 0.16 if 0.05 < level < 0.95 else 0.01)))
            entry = _share(level, _TRIALS)
            split = "seen" if category in SEEN else "unseen"
            rate = entry.pop("value")
            categories[category] = {"split": split, "rate": rate, **entry}
        found[name] = {
            "title": "this model" if name == "nano" else name,
            "looks_at": looks,
            "trained": trained,
            "categories": categories,
        }
        for split, names in (("seen", SEEN), ("unseen", UNSEEN)):
            hits = sum(round(categories[c]["rate"] * _TRIALS) for c in names)
            n = _TRIALS * len(names)
            found[name][split] = {"rate": hits / n, "ci95": list(wilson(hits, n)), "n": n}
    test = {"test": "mcnemar", "p": 0.0003, "n": 400, "better": 140, "worse": 48}
    found["prior-category"]["paired"] = {"nano": {"seen": test, "unseen": {**test, "n": 200}}}
    found["nano+assemblies"] |= {
        "title": "not the paper\u2019s protocol: its stage 2 saw random assemblies too",
        "paired": {"nano": {"unseen": {**test, "n": 200, "better": 10, "worse": 40}}},
    }
    return found


# Ablation -> the run that it is compared with.
_WHOLE = {"without stage 1.1": "whole", "without stage 1": "whole", "one MLP": "whole, shorter"}


def _ablations() -> list[dict[str, Any]]:
    rows = (
        ("whole", "nothing left out", 0.831, 0.713, 0.62, 0.51, None),
        (
            "without stage 1.1",
            "the projector starts stage 1.2 untrained",
            0.801,
            0.69,
            0.59,
            0.49,
            False,
        ),
        ("without stage 1", "language model and projector untrained", 0.31, 0.08, 0.33, 0.19, True),
        ("whole, shorter", "as long as the next", 0.42, 0.21, 0.40, 0.22, None),
        ("one MLP", "one head for contact and rotation", 0.421, 0.213, 0.41, 0.23, False),
    )
    return [
        {
            "name": name,
            "what": what,
            "figures": {
                "pope": _share(pope, 720),
                "vqav2": _share(vqa, 620),
                "seen": _share(seen, 400),
                "unseen": _share(unseen, 200),
            },
            "compared_with": _WHOLE.get(name),
            "significant_drop": hurts,
        }
        for name, what, pope, vqa, seen, unseen, hurts in rows
    ]


if __name__ == "__main__":
    from robomamba_jax.demo.report.page import write_report_page

    write_report_page(
        sample_report(sys.argv[2] if len(sys.argv) > 2 else "standard"), Path(sys.argv[1])
    )
