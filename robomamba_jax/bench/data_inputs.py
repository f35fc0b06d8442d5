# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What both data sides read: a LLaVA file of photo-sized JPEGs and usual conversations."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

_WIDTH, _HEIGHT = 640, 480  # COCO's
_WORDS = (
    *(
        "the",
        "robot",
        "opens",
        "a",
        "red",
        "door",
        "and",
        "then",
        "puts",
        "one",
        "cup",
        "on",
        "its",
    ),
    *("table", "near", "you", "slowly"),
)


def make_data(samples: int) -> Path:
    """Write it, the same for everybody, into a folder that goes away with the process.

    Args:
      samples: how many, each with an image of its own.

    Returns:
      The JSON file.
    """
    folder = Path(tempfile.mkdtemp(prefix="robomamba-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    rng = np.random.default_rng(0)
    records = []
    for number in range(samples):
        coarse = rng.integers(0, 256, (24, 32, 3), np.uint8)
        picture = Image.fromarray(coarse).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)
        grain = rng.integers(-12, 13, (_HEIGHT, _WIDTH, 3))
        pixels = np.clip(np.asarray(picture).astype(int) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=90)
        question, answer = (" ".join(rng.choice(_WORDS, size)) for size in (12, 90))
        talk = [
            {"from": "human", "value": f"<image>\n{question}"},
            {"from": "gpt", "value": answer},
        ]
        records.append({"id": str(number), "image": f"{number}.jpg", "conversations": talk})
    path = folder / "data.json"
    path.write_text(json.dumps(records))
    return path
