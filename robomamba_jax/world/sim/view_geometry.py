# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Between an image's pixels and the world: projection, lifting by depth, the camera's axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import sample_depth
from robomamba_jax.world.objects.vectors import cross
from robomamba_jax.world.sim.simulator import CameraFrame

Array = npt.NDArray[np.float64]


def rotation_for(approach: Array, closing: Array | None = None) -> Array:
    """float64[3, 3]: axes from an approach and, if it matters, a closing axis (made orthogonal)."""
    first = approach / np.linalg.norm(approach)
    if closing is None:
        # Level fingers where possible: camera's x, unless the approach lies along it.
        closing = np.array([1.0, 0, 0]) if abs(first[0]) < 0.9 else np.array([0, 1.0, 0])
    second = closing - first * (first @ closing)
    second /= np.linalg.norm(second)
    return np.stack([first, second, cross(first, second)], axis=1)


def to_camera(view: CameraFrame, direction: Array) -> Array:
    """A world direction in the camera's frame."""
    assert view.camera.camera_to_world is not None
    # A rotation's transpose is its inverse.
    return view.camera.camera_to_world[:3, :3].T @ direction


def pixel_of(view: CameraFrame, point: Array) -> tuple[float, float]:
    """Where a world point is seen."""
    pose = view.camera.camera_to_world
    assert pose is not None
    # World to camera: the inverse of the pose, without inverting it.
    x, y = view.camera.project(pose[:3, :3].T @ (point - pose[:3, 3]))
    return float(x), float(y)


def lift(view: CameraFrame, contact_xy: tuple[float, float]) -> Array | None:
    """The world point that a pixel shows, by the depth image; None where there is none."""
    sample = sample_depth(view.depth, contact_xy)
    if sample.depth_m is None:
        return None
    return view.camera.to_world(view.camera.lift(contact_xy, sample.depth_m))


def link_at(view: CameraFrame, contact_xy: tuple[float, float]) -> int:
    """The link that a pixel shows; -1 for none, and outside of the image. The right and lower
    edges belong to the last pixels, as for ``sample_depth``."""
    height, width = view.links.shape
    x, y = contact_xy
    if not (0 <= x <= width and 0 <= y <= height):
        return -1
    return int(view.links[min(int(y), height - 1), min(int(x), width - 1)])
