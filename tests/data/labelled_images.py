# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small labelled images, whose words and maps can be seen in their pixels."""

from __future__ import annotations

import numpy as np

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.data.pipeline.labelled import UNIT, Labelled

# The tiny sizes in the form of the demo's encoder.
CONFIG = VISION_PRESETS["tiny"].replace(
    cls_token=False, pre_norm=False, patch_bias=True, feature_layer=-1
)
CELLS = 5  # of a patch, along each side: as many as pixels
WORDS = (
    *("color blue", "color green", "color red", "object box", "object safe"),
    *("on the left", "on the right"),
)


PIXEL_NAMES = ("nothing", "body", "door", "other part", "ball")
GROUPS = (0, 1, 2, 2, 3)


def labelled(count: int, seed: int, words_of: int | None = None) -> Labelled:
    """Pictures with a square of one of three colours, on the left and near, or right and far; the
    upper half of the square is a door that opens to the right, the lower the body.

    Args:
      count: of pictures.
      seed: of them.
      words_of: how many of them have words; None = all.
    """
    draw = np.random.default_rng(seed)
    side, grid = CONFIG.image_size, CELLS * CONFIG.grid
    color, left = draw.integers(3, size=count), draw.integers(2, size=count)
    pictures = draw.integers(90, 110, size=(count, side, side, 3)).astype(np.uint8)
    pixels = np.zeros((count, grid, grid), np.uint8)
    depth = np.zeros((count, grid, grid), np.float32)
    normals, motion = (np.zeros((count, grid, grid, 3), np.int8) for _ in range(2))
    words = np.zeros((count, len(WORDS)), np.uint8)
    for number in range(count):
        half = slice(0, side // 2) if left[number] else slice(side // 2 + 1, side)
        cells = slice(0, grid // 2) if left[number] else slice(grid // 2, grid)
        pictures[number, :, half, [2, 1, 0][color[number]]] = 250
        pixels[number, :, cells] = 2
        pixels[number, grid // 2 :, cells] = 1
        depth[number, :, cells] = 4.0 if left[number] else 6.0
        normals[number, :, cells] = (0, 0, -UNIT)
        motion[number, : grid // 2, cells] = (UNIT, 0, 0)
        words[number, [color[number], 3 + number % 2]] = 1
        words[number, 6 - left[number]] = 1
    described = np.arange(count) < (count if words_of is None else words_of)
    words[~described] = 0
    names = tuple(f"image-{number}" for number in range(count))
    return Labelled(
        images=pictures,
        pixels=pixels,
        depth=depth.astype(np.float16),
        normals=normals,
        motion=motion,
        words=words,
        described=described,
        vocabulary=WORDS,
        pixel_names=PIXEL_NAMES,
        pixel_groups=GROUPS,
        names=names,
    )
