# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small data sets on disk in the real formats, for the tests of what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig

WORDS = ["open", "the", "red", "door", "close", "cup", "robot", "left", "naïve", "机器人", "🤖"]
TINY = EncodingConfig(tokenizer="tiny", transform="tiny")
POSE = "The contact point is ({}, {}), the gripper direction is [-18, 15, 43], left is [33, 35, 2]"


def turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def sentence(rng: np.random.Generator, most: int = 12) -> str:
    return " ".join(rng.choice(WORDS, rng.integers(1, most)))


def picture(path: Path, rng: np.random.Generator, width: int = 24, height: int = 18) -> Path:
    """Noise: every one differs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def llava(folder: Path, count: int, seed: int = 0, text_only: float = 0.2) -> Path:
    """A LLaVA file with pictures of several kinds beside it."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        talk = turns(sentence(rng), sentence(rng)) * int(rng.integers(1, 3))
        record: dict[str, Any] = {"id": f"{folder.name}-{number}", "conversations": talk}
        if rng.random() >= text_only:
            name = f"pictures/{number}.{('png', 'jpg', 'webp')[number % 3]}"
            picture(folder / name, rng, 20 + number % 9, 17 + number % 7)
            record["image"] = name
            first = talk[0]["value"]
            record["conversations"] = [{"from": "human", "value": f"<image>\n{first}"}, *talk[1:]]
        records.append(record)
    path = folder / "data.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records))
    return path


def poses(folder: Path, count: int, seed: int = 0) -> Path:
    """A file of RoboMamba's poses; contacts lie in the middle."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        name = f"robot_pics/{number}_Door_0.png"
        picture(folder / name, rng)
        answer = POSE.format(*rng.integers(6, 14, 2))
        records.append({"image": name, "conversations": turns("<image>\nWhere?", answer)})
    path = folder / "poses.json"
    path.write_text(json.dumps(records))
    return path


def mixture(
    folder: Path,
    sizes: dict[str, int],
    *,
    weights: dict[str, float] | None = None,
    on_error: str = "raise",
    seed: int = 0,
    **batch: Any,
) -> DataConfig:
    """Several LLaVA files as one configuration, made where they are missing."""
    sources = []
    for number, (name, count) in enumerate(sizes.items()):
        path = folder / name / "data.json"
        if not path.is_file():
            llava(folder / name, count, seed=number)
        weight = None if weights is None else weights[name]
        sources.append(SourceConfig(str(path), name=name, weight=weight))
    batch = {"batch_size": 4, "seq_len": 160, "image_tokens": 9, **batch}
    return DataConfig(tuple(sources), TINY, BatchConfig(**batch), seed=seed, on_error=on_error)
