# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A learned position table on another grid, as DINOv2 resamples it."""

from __future__ import annotations

import numpy as np


def resample_positions(table: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A table with its class token first, [1 + n * n, D] -> [1 + m * m, D].

    Bicubic with a = -0.75, half-pixel centres, edges repeated, no antialiasing: what
    DINOv2 does (torch's ``interpolate``), in float64.

    Args:
      table: float[1 + n * n, D].
      shape: (1 + m * m, D).
    """
    token, patches = table[:1], table[1:]
    side, new = round(len(patches) ** 0.5), round((shape[0] - 1) ** 0.5)
    weights = _cubic_weights(side, new)
    grid = patches.reshape(side, side, -1).astype(np.float64)
    # Separable: rows, then columns, [n, n, D] -> [m, m, D].
    grid = np.einsum("yh,xw,hwd->yxd", weights, weights, grid).reshape(new * new, -1)
    return np.concatenate([token, grid.astype(table.dtype)])


def _cubic_weights(size: int, new: int, a: float = -0.75) -> np.ndarray:
    """float64[new, size]: one axis of a bicubic resampling."""
    centres = (np.arange(new) + 0.5) * size / new - 0.5
    weights = np.zeros((new, size))
    for row, centre in enumerate(centres):
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            x = abs(centre - tap)
            # Keys' cubic convolution kernel (1981): near for |x| <= 1, far for 1 < |x| <= 2.
            near = (a + 2) * x**3 - (a + 3) * x**2 + 1
            far = a * (x**3 - 5 * x**2 + 8 * x - 4)
            # A tap outside counts for the pixel at the edge.
            weights[row, min(max(tap, 0), size - 1)] += near if x <= 1 else far
    return weights
