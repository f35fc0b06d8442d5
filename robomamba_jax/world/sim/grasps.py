# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where open fingers can close: around a handle, across its length."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.sim.gripper import GraspCommand, obstacle
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene
from robomamba_jax.world.sim.surfaces import SurfacePoint, pixels_of, surface_points

Array = npt.NDArray[np.float64]
# The link's pixels that are looked at; the handle's that are tried, for three rays each.
_PIXELS, _TRIES = 400, 24


def handle_axis(scene: SimScene, link: int) -> Array | None:
    """float64[3]: the direction in which a link's handle is longest, world; None without one."""
    corners, labels = scene.link_mesh(link).corners(), scene.link_labels(link)
    mask = np.concatenate([np.full(count, label == "handle") for label, count in labels])
    if not mask.any():
        return None
    points = corners[mask].reshape(-1, 3)
    # The first principal axis of the handle's corners.
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]


class Grasp(NamedTuple):
    """Open fingers around a handle.

    Attributes:
      contact: between the fingers.
      command: how they come.
    """

    contact: SurfacePoint
    command: GraspCommand


def find_grasp(
    scene: SimScene, view: CameraFrame, link: int, pull: Array, random: np.random.Generator
) -> Grasp | None:
    """A grasp of a visible handle of a link.

    Args:
      scene: the scene.
      view: an image of it.
      link: whose handle.
      pull: float64[3], unit vector; the fingers come from there.
      random: chooses among the handle's pixels.
    """
    axis = handle_axis(scene, link)
    pixels = pixels_of(view.links == link)
    if axis is None or not len(pixels):
        return None
    # Across the handle's length and across the approach: the fingers close around its thin side.
    closing = np.cross(-pull, axis)
    if np.linalg.norm(closing) < 0.3:  # the handle points at the gripper, within 17 degrees
        return None
    closing /= np.linalg.norm(closing)
    chosen = random.permutation(len(pixels))[:_PIXELS]
    shown = [
        contact
        for contact in surface_points(scene, link, pixels[chosen])
        if contact.label == "handle"
    ]
    for contact in shown[:_TRIES]:
        command = GraspCommand(contact.point, -pull, closing, gripper_open=1.0)
        if not obstacle(scene, link, command):
            return Grasp(contact, command)
    return None
