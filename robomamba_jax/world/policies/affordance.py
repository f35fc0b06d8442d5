# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a part moves well when pulled: what a collector of poses may know, and a model not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.world.sim.episodes import visible_parts
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene
from robomamba_jax.world.sim.surfaces import (
    SurfacePoint,
    lever_fraction,
    pixels_of,
    surface_points,
    true_flow,
    within_tilt,
)
from robomamba_jax.world.sim.view_geometry import pixel_of

Array = npt.NDArray[np.float64]
CONTACT_SAMPLING = ("random", "center")
"""How a collector chooses among pull points: at random, or always the central one."""

_GOOD = 0.6  # ManipLLM draws its pixel where the map is above this
# Well within what a cup can lean by, see gripper.TILT.
_TILT = float(np.cos(np.radians(45)))
_PIXELS = 48  # of a part that are looked at for its middle


class PullPoint(NamedTuple):
    """A place to pull at.

    Attributes:
      contact: of the surface.
      pull: float64[3], the unit direction to pull in, world: the part's own way, as far as a
        cup may lean from the normal.
    """

    contact: SurfacePoint
    pull: Array


def pull_points(scene: SimScene, link: int, pixels: Array) -> list[PullPoint]:
    """Those of a link's pixels, float64[R, 2], at which it moves well."""
    found = []
    for contact in surface_points(scene, link, pixels):
        flow = true_flow(scene, link, contact.point)
        pull = within_tilt(flow, contact.normal, _TILT)
        if lever_fraction(scene, link, contact.point) * float(flow @ pull) > _GOOD:
            found.append(PullPoint(contact, pull))
    return found


def central_pull_point(scene: SimScene, view: CameraFrame) -> PullPoint | None:
    """The middle of the good places of the part that shows most of them: the one that a steady
    hand would choose every time, far from edges and hinges.

    Returns:
      None where no part in view moves well.
    """
    best: tuple[float, list[PullPoint]] | None = None
    for link in visible_parts(view.links, scene.spec.model.movable):
        pixels = pixels_of(view.links == link)
        looked = pixels[even_frames(len(pixels), _PIXELS)]
        points = pull_points(scene, link, looked)
        # The part's good area in pixels, estimated from the sample of it.
        area = len(pixels) * len(points) / len(looked)
        if points and (best is None or area > best[0]):
            best = (area, points)
    if best is None:
        return None
    at = np.array([pixel_of(view, point.contact.point) for point in best[1]])
    # The median, and not the mean: of a bent part the mean may lie beside it.
    apart = np.linalg.norm(at[:, None] - at[None], axis=2).sum(axis=1)
    return best[1][int(apart.argmin())]
