# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a report, as data URIs: poses, questions with answers, clips."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.rgb import encoded, pixels_alone, to_rgb
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.demo.benchmarks import bench_config
from robomamba_jax.evaluation.runner import run
from robomamba_jax.world.dataset.read import json_lines
from robomamba_jax.world.objects.categories import CATEGORIES

Entry: TypeAlias = dict[str, str | bool]
"""What the page shows of one image, which is a data URI at "image"."""

_SIDE = 224
# Enough to judge by eye; each costs the page some ten kilobytes.
_POSES, _CLIPS, _QUESTIONS = 24, 8, 6
# Yes or no, a word, and steps of a task.
_ASKED = ("pope", "vqav2", "robovqa")


def data_uri(data: bytes, kind: str) -> str:
    """Bytes of an image file of a kind, such as "jpeg"."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_uri(image: Image.Image) -> str:
    """An image, at most ``_SIDE`` wide."""
    small = pixels_alone(to_rgb(image))
    small.thumbnail((_SIDE, _SIDE))
    return data_uri(encoded(small, "JPEG", quality=82), "jpeg")


def pose_images(folder: Path) -> list[Entry]:
    """One trial of each category, as ``world rollout`` drew it: the second, since the first one is
    filmed, or the only one: image, category, instruction, success, split."""
    results = json.loads((folder / "outcomes.json").read_bytes())
    chosen = [name for name in results if name.endswith("_0001")] or list(results)
    found: list[Entry] = []
    for name in [chosen[k] for k in even_frames(len(chosen), _POSES)]:
        outcome = results[name]
        category = CATEGORIES[outcome["category"]]
        found.append(
            {
                "image": jpeg_uri(open_image(folder / f"{name}.png")),
                "category": category.noun,
                "instruction": outcome["instruction"],
                "success": outcome["success"],
                "split": "seen" if category.seen else "unseen",
            }
        )
    return found


def clip_images(folder: Path) -> list[Entry]:
    """A few filmed trials, those that worked first: image, category, success, policy."""
    results = json.loads((folder / "outcomes.json").read_bytes())
    names = [path.stem for path in sorted(folder.glob("*.gif"))]
    names.sort(key=lambda name: not results[name]["success"])
    worked = [name for name in names if results[name]["success"]]
    # Two failures in the end: they are part of what the model does.
    chosen = [worked[k] for k in even_frames(len(worked), _CLIPS - 2)] + names[len(worked) :][:2]
    return [
        {
            "image": data_uri((folder / f"{name}.gif").read_bytes(), "gif"),
            "category": CATEGORIES[results[name]["category"]].noun,
            "success": results[name]["success"],
            "policy": "nano",
        }
        for name in chosen
    ]


def question_images(bench: Path, answers: Path) -> list[Entry]:
    """Questions of a few benchmarks with what was predicted, evenly spread, right or wrong:
    image, question, reference, prediction, right, kind (the benchmark)."""
    found: list[Entry] = []
    for name in _ASKED:
        file = answers / name / "answers.jsonl"
        if not file.is_file():
            continue
        _, chosen, loaded = run.load(bench_config(name, bench), answers / name, write=False)
        # Behind the first line, which says what was asked and of whom.
        predictions = {reply["id"]: reply["answer"] for reply in json_lines(file)[1:]}
        items = [item for item in loaded.questions if predictions.get(item.id) is not None]
        items = [items[k] for k in even_frames(len(items), _QUESTIONS)]
        credit = chosen.score(
            items, [predictions[item.id] for item in items], "standard"
        ).item_scores
        for item, worth in zip(items, credit, strict=True):
            image = open_ref(item.load_images()[0], max_pixels=10_000_000)
            found.append(
                {
                    "image": jpeg_uri(image),
                    "question": item.text,
                    "reference": item.references[0],
                    "prediction": predictions[item.id],
                    # Of VQA's ten people some may agree: a part of a point.
                    "right": bool(worth >= 0.5),
                    "kind": chosen.title,
                }
            )
    return found
