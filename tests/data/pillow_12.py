# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What Pillow 12.1 makes of some images, and how that was written down.

``files/resized_by_pillow_12_1.json`` holds a hash of every result. It was made with Pillow alone,
by one ``resize`` and one ``crop``, and 10.2 gives the same file:

    python -m venv old && old/bin/pip install pillow==12.1.* numpy
    PYTHONPATH=. old/bin/python -m tests.data.pillow_12 tests/data/files/resized_by_pillow_12_1.json
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

FILE = Path(__file__).parent / "files" / "resized_by_pillow_12_1.json"

# Width and height: tall, wide, square; far larger, a little larger, smaller than the sides.
_SIZES = (
    *((427, 640), (640, 427), (100, 1000), (1000, 100), (224, 500), (500, 224), (225, 224)),
    *((224, 225), (224, 224), (97, 211), (211, 97), (30, 40), (40, 30), (7, 300), (300, 7)),
    *((1, 50), (50, 1), (64, 64), (513, 777)),
)
_SIDES = (15, 112, 224, 336)


def cases() -> Iterator[tuple[str, np.ndarray, int, str]]:
    """(name, pixels, side, mode of the transform): noise, which any other order changes."""
    draw = np.random.default_rng(12)
    for number, (width, height) in enumerate(_SIZES):
        depth = ((height, width, 3), (height, width), (height, width, 4))[number % 3]
        pixels = draw.integers(0, 256, depth, np.uint8)
        for side in _SIDES:
            for mode in ("crop", "squash"):
                if side * max(width, height) // min(width, height) < 8_000:
                    yield f"{width}x{height} {mode} {side}", pixels, side, mode


def sha256(pixels: np.ndarray) -> str:
    """Of uint8[S, S, 3], the first sixteen digits."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def resized(pixels: np.ndarray, side: int, mode: str) -> np.ndarray:
    """By the Pillow that is installed, in one go: uint8[S, S, 3]."""
    picture = Image.fromarray(pixels).convert("RGB")
    short = min(picture.size)
    width, height = (side, side)
    if mode == "crop":
        width, height = (side * length // short for length in picture.size)
    left, top = round((width - side) / 2), round((height - side) / 2)
    whole = picture.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(whole.crop((left, top, left + side, top + side)))


if __name__ == "__main__":
    found = {name: sha256(resized(*case)) for name, *case in cases()}
    Path(sys.argv[1]).write_text(json.dumps(found, indent=0) + "\n")
