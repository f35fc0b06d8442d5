# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small labelled images, whose words and maps can be seen in their pixels."""

from __future__ import annotations

import numpy as np

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.data.pipeline.labelled import Labelled

# The tiny sizes in the form of the demo's encoder.
CONFIG = VISION_PRESETS["tiny"].replace(
    cls_token=False, pre_norm=False, patch_bias=True, feature_layer=-1
)
CELLS = 5  # of a patch, along each side: as many as pixels
WORDS = (
    *("color blue", "color green", "color red", "object box", "object safe"),
    *("on the left", "on the right"),
)


def labelled(count: int, seed: int) -> Labelled:
    """Pictures with a square of one of three colours, on the left and near, or right and far."""
    draw = np.random.default_rng(seed)
    side, grid = CONFIG.image_size, CELLS * CONFIG.grid
    color, left = draw.integers(3, size=count), draw.integers(2, size=count)
    pictures = draw.integers(90, 110, size=(count, side, side, 3)).astype(np.uint8)
    classes = np.zeros((count, grid, grid), np.uint8)
    depth = np.zeros((count, grid, grid), np.float32)
    words = np.zeros((count, len(WORDS)), np.float32)
    for number in range(count):
        half = slice(0, side // 2) if left[number] else slice(side // 2 + 1, side)
        cells = slice(0, grid // 2) if left[number] else slice(grid // 2, grid)
        pictures[number, :, half, [2, 1, 0][color[number]]] = 250
        classes[number, :, cells] = 2
        classes[number, grid // 2 :, cells] = 1
        depth[number, :, cells] = 4.0 if left[number] else 6.0
        words[number, [color[number], 3 + number % 2]] = 1
        words[number, 6 - left[number]] = 1
    names = tuple(f"image-{number}" for number in range(count))
    classes_of = ("nothing", "body", "moving part")
    return Labelled(pictures, classes, depth.astype(np.float16), words, WORDS, classes_of, names)
