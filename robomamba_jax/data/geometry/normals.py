# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Surface normals out of a depth image: a plane through each pixel's neighbours.

On a plane the inverse of the depth is an affine function of the pixel: n . X = d with
X = z K^-1 (u, v, 1) gives 1 / z = (K^-T n / d) . (u, v, 1). So a least squares fit of three numbers
over a window gives the normal of a plane exactly, however it leans, without an eigenvector.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.errors import InputError

Array = npt.NDArray[np.float64]
_HALF = 2  # pixels to each side: a window of 5 x 5
_LEAST = 4  # pixels of one surface in a window; three always fit a plane


def normals_from_depth(
    depth: npt.NDArray[np.floating], camera: Camera, max_jump: float = 0.01
) -> npt.NDArray[np.float32]:
    """The surface's normal at each pixel.

    Args:
      depth: float[H, W], metres along the optical axis; 0 and less, and NaN, are not known.
      camera: of the image; its pose is not needed.
      max_jump: metres by which a neighbour's depth may differ from the plane that the pixel's
        nearest neighbours span, or it is of another surface. With 1 cm more of the world's normals
        are right than with 3: keys and panels stand out by less.

    Returns:
      float32[H, W, 3], unit vectors in the camera's frame (OpenCV), towards the camera; zero where
      the depth is not known, or too few neighbours are of the same surface.

    Raises:
      InputError: the size is not the camera's.
    """
    if depth.ndim != 2:
        what = f"depth has shape {list(depth.shape)}"
        raise InputError("shape_mismatch", what, "give depth as [H, W]")
    camera.check_size("depth", depth.shape[1], depth.shape[0])
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.where(known, 1 / np.where(known, depth, 1), np.nan).astype(np.float64)
    right, down = _slope(inverse, 1), _slope(inverse, 0)
    # Normal equations of inverse = center + a x + b y, x and y counted from the pixel itself.
    sums = np.zeros((3, 3, *depth.shape))
    moments = np.zeros((3, *depth.shape))
    padded = np.pad(inverse, _HALF, constant_values=np.nan)
    height, width = depth.shape
    for y in range(-_HALF, _HALF + 1):
        for x in range(-_HALF, _HALF + 1):
            rows = slice(_HALF + y, _HALF + y + height)
            seen = padded[rows, _HALF + x : _HALF + x + width]
            expected = inverse + right * x + down * y
            # As lengths: the difference of two inverse depths times both of the depths.
            with np.errstate(invalid="ignore", divide="ignore"):
                same = np.abs(seen - expected) < max_jump * seen * np.abs(expected)
            terms = (1.0, float(x), float(y))
            value = np.where(same, seen, 0.0)
            for i in range(3):
                moments[i] += terms[i] * value
                for j in range(3):
                    sums[i, j] += terms[i] * terms[j] * same
    return _toward_camera(sums, moments, camera).astype(np.float32)


def _slope(inverse: Array, axis: int) -> Array:
    """Change per pixel, of the two to both sides the lesser: of a pixel at an edge, that on its own
    surface. 0 where neither neighbour is known."""
    step = np.diff(inverse, axis=axis)
    before = np.insert(step, 0, np.nan, axis=axis)
    after = np.insert(step, step.shape[axis], np.nan, axis=axis)
    # A missing side must lose against any that is there.
    sizes = [np.where(np.isnan(side), np.inf, np.abs(side)) for side in (before, after)]
    return np.nan_to_num(np.where(sizes[0] < sizes[1], before, after), nan=0.0)


def _toward_camera(sums: Array, moments: Array, camera: Camera) -> Array:
    """The normals of the planes that solve sums @ plane = moments, zero where nothing is fixed."""
    count = sums[0, 0]
    matrices = np.moveaxis(sums, (0, 1), (-2, -1))
    # Pixels in one line, or too few, leave a plane free to turn.
    solvable = (count >= _LEAST) & (np.linalg.det(matrices) > 1e-6)
    matrices = np.where(solvable[..., None, None], matrices, np.eye(3))
    middle, a, b = np.linalg.solve(matrices, np.moveaxis(moments, 0, -1)[..., None])[..., 0].T
    middle, a, b = middle.T, a.T, b.T
    rows, columns = np.indices(count.shape)
    # About the image's origin, as K counts: the fit counted from each pixel's own centre.
    constant = middle - a * (columns + 0.5) - b * (rows + 0.5)
    normal = np.stack([a, b, constant], axis=-1) @ camera.K
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    unit = normal / np.where(length > 0, length, 1)
    # n . X = d with d > 0 by the form of the fit: n points away from the camera.
    return np.where(solvable[..., None], -unit, 0.0)
