# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The transform's pixels do not depend on the Pillow that is installed: they are 12.1's."""

import json
import math
from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from robomamba_jax.data.images.transforms import ImageTransform
from tests.data.pillow_12 import FILE, cases, sha256

_BITS = 22  # of a weight behind the point, for 8-bit pixels


def plain(side: int, mode: str) -> ImageTransform:
    """A transform without normalisation."""
    return ImageTransform(side, (0, 0, 0), (1, 1, 1), mode=mode)


def test_the_pixels_are_those_of_pillow_12() -> None:
    """Noise of nineteen sizes, tall, wide and square, made larger and smaller, cut and squashed to
    four sides: bit by bit."""
    known, found = json.loads(FILE.read_text()), {}
    kinds: Counter[tuple[int, bool]] = Counter()
    for name, pixels, side, mode in cases():
        height, width = pixels.shape[:2]
        kinds[int(np.sign(height - width)), side < min(height, width)] += 1
        found[name] = sha256(plain(side, mode).crop(pixels))
    assert len(kinds) == 6
    assert min(kinds.values()) >= 4
    assert set(found) == set(known)
    assert [name for name in known if found[name] != known[name]] == []


def one_axis(rows: np.ndarray, count: int) -> np.ndarray:
    """uint8[N, W, 3] -> uint8[N, count, 3], as Pillow's C code resamples: bicubic with a = -0.5,
    widened where it makes smaller, weights in whole numbers, rounded once."""
    width = rows.shape[1]
    if count == width:
        return rows
    scale = width / count
    wider = max(scale, 1.0)
    reach = 2.0 * wider
    out = np.empty((len(rows), count, 3), np.uint8)
    for place in range(count):
        center = (place + 0.5) * scale
        first = max(int(center - reach + 0.5), 0)
        last = min(int(center + reach + 0.5), width)
        far = [abs((x - center + 0.5) / wider) for x in range(first, last)]
        weights = [
            (1.5 * x - 2.5) * x * x + 1 if x < 1 else ((5 - x) * x - 8) * x / 2 + 2 if x < 2 else 0
            for x in far
        ]
        total = sum(weights)
        whole = [math.trunc(w / total * 2**_BITS + math.copysign(0.5, w)) for w in weights]
        sums = rows[:, first:last].astype(np.int64).transpose(0, 2, 1) @ np.array(whole)
        out[:, place] = np.clip((sums + (1 << (_BITS - 1))) >> _BITS, 0, 255)
    return out


@given(
    width=st.integers(1, 60), height=st.integers(1, 240), side=st.integers(1, 40), seed=st.just(5)
)
@example(width=100, height=1000, side=15, seed=0)
@example(width=24, height=50, side=12, seed=1)
@example(width=50, height=24, side=12, seed=2)
@example(width=12, height=50, side=12, seed=3)
def test_rows_come_first_then_columns(width: int, height: int, side: int, seed: int) -> None:
    """Against the arithmetic written out: 8 bits after the rows, 8 bits after the columns."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    rows = one_axis(pixels, side)
    expected = one_axis(rows.transpose(1, 0, 2), side).transpose(1, 0, 2)
    assert np.array_equal(plain(side, "squash").crop(pixels), expected)
