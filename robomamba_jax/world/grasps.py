# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where open fingers can close: around a handle, across its length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.gripper import Grip, obstacle
from robomamba_jax.world.stage import Stage, View
from robomamba_jax.world.surfaces import Spot, spots

Array = npt.NDArray[np.float64]
_TRIES = 24


def handle_axis(stage: Stage, link: int) -> Array | None:
    """float64[3]: along which a link's handle is longest, world; None without a handle."""
    corners, labels = stage.link_mesh(link).corners(), stage.link_labels(link)
    mask = np.concatenate([np.full(count, label == "handle") for label, count in labels])
    if not mask.any():
        return None
    points = corners[mask].reshape(-1, 3)
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]


def find_grasp(
    stage: Stage, view: View, link: int, pull: Array, random: np.random.Generator
) -> tuple[Spot, Grip] | None:
    """A grip of open fingers around a visible handle of a link.

    Args:
      stage: the scene.
      view: its picture.
      link: whose handle.
      pull: float64[3], unit vector; the fingers come from there.
      random: chooses among the handle's pixels.
    """
    axis = handle_axis(stage, link)
    rows, columns = np.nonzero(view.links == link)
    if axis is None or not len(rows):
        return None
    closing = np.cross(-pull, axis)
    if np.linalg.norm(closing) < 0.3:
        return None
    closing /= np.linalg.norm(closing)
    order = random.permutation(len(rows))
    pixels = np.column_stack([columns[order] + 0.5, rows[order] + 0.5])
    shown = [spot for spot in spots(stage, link, pixels[:400]) if spot.label == "handle"]
    for spot in shown[:_TRIES]:
        grip = Grip(spot.point, -pull, closing, gripper_open=1.0)
        if not obstacle(stage, link, grip):
            return spot, grip
    return None
