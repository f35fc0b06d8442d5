# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Cross products of single vectors, of which drawing one object takes hundreds: numpy's takes
longer to look at its arguments than to multiply them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def cross(a: Array, b: Array) -> Array:
    """float64[3], the very bits of ``np.cross``.

    Args:
      a: float64[3].
      b: float64[3].
    """
    a0, a1, a2 = a.tolist()
    b0, b1, b2 = b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])


def face_normal(corners: Array) -> Array:
    """float64[3]: a flat face's normal, twice its area long, by Newell's formula, which also holds
    where the first corners lie on one line. The very bits of
    ``np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)``.

    Args:
      corners: float64[n, 3], counter-clockwise, n of at least 1.
    """
    rows = corners.tolist()
    x, y, z = -0.0, -0.0, -0.0  # so that the sum of negative zeros is one, as numpy's is
    for (a0, a1, a2), (b0, b1, b2) in zip(rows, rows[1:] + rows[:1], strict=True):
        x += a1 * b2 - a2 * b1
        y += a2 * b0 - a0 * b2
        z += a0 * b1 - a1 * b0
    return np.array([x, y, z])
