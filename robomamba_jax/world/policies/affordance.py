# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a part moves well when pulled: what a collector of poses may know, and a model not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.world.sim.episodes import visible_parts
from robomamba_jax.world.sim.simulator import Stage, View
from robomamba_jax.world.sim.surfaces import (
    Spot,
    lever_share,
    pixels_of,
    spots,
    true_flow,
    within_tilt,
)
from robomamba_jax.world.sim.view_geometry import pixel_of

Array = npt.NDArray[np.float64]
CONTACTS = ("spread", "middle")
"""How a collector chooses among good places: anywhere, or always in their middle."""

_GOOD = 0.6  # ManipLLM draws its pixel where the map is above this
_TILT = float(np.cos(np.radians(45)))
_PIXELS = 48  # of a part that are looked at for its middle


class Place(NamedTuple):
    """A place to pull at.

    Attributes:
      spot: of the surface.
      pull: float64[3], the unit direction to pull in, world: the part's own way, as far as a
        cup may lean from the normal.
    """

    spot: Spot
    pull: Array


def good_places(stage: Stage, link: int, pixels: Array) -> list[Place]:
    """Those of a link's pixels, float64[R, 2], at which it moves well."""
    found = []
    for spot in spots(stage, link, pixels):
        flow = true_flow(stage, link, spot.point)
        pull = within_tilt(flow, spot.normal, _TILT)
        if lever_share(stage, link, spot.point) * float(flow @ pull) > _GOOD:
            found.append(Place(spot, pull))
    return found


def middle_place(stage: Stage, view: View) -> Place | None:
    """The middle of the good places of the part that shows most of them: the one that a steady
    hand would choose every time, far from edges and hinges.

    Returns:
      None where no part in view moves well.
    """
    best: tuple[float, list[Place]] | None = None
    for link in visible_parts(view.links, stage.spec.model.movable):
        pixels = pixels_of(view.links == link)
        looked = pixels[even_frames(len(pixels), _PIXELS)]
        places = good_places(stage, link, looked)
        area = len(pixels) * len(places) / len(looked)
        if places and (best is None or area > best[0]):
            best = (area, places)
    if best is None:
        return None
    at = np.array([pixel_of(view, place.spot.point) for place in best[1]])
    # The median, and not the mean: of a bent part the mean may lie beside it.
    apart = np.linalg.norm(at[:, None] - at[None], axis=2).sum(axis=1)
    return best[1][int(apart.argmin())]
