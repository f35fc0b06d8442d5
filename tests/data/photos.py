# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Thirty real photos and pieces of photos of odd sizes, from scikit-image's wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

_FILES = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"),
    *("motorcycle_right.png", "retina.jpg", "hubble_deep_field.jpg", "ihc.png", "camera.png"),
)
# Sizes of the pieces: odd, even, long, tall, smaller than an encoder's side, the paper's.
_PIECES = ((427, 300), (301, 397), (97, 211), (449, 225), (250, 299))


def folder() -> Path:
    """Where scikit-image keeps its images; found without importing it. Skips if absent."""
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        pytest.skip("scikit-image, which brings the photos, is not installed")
    return Path(found.submodule_search_locations[0]) / "data"


def photos() -> list[tuple[str, Image.Image]]:
    """(name, RGB image) of ten whole photos and twenty pieces; sizes differ."""
    whole = []
    for name in _FILES:
        with Image.open(folder() / name) as image:
            whole.append((name, image.convert("RGB")))
    pieces = []
    for number in range(20):
        name, image = whole[number % 10]
        width, height = _PIECES[(number + number // 10) % 5]
        width, height = min(width, image.width), min(height, image.height)
        left, top = (image.width - width) // 3, (image.height - height) // 5
        piece = image.crop((left, top, left + width, top + height))
        pieces.append((f"{name} {width}x{height}", piece))
    return whole + pieces
