# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a hand would take hold of: bars, bows, knobs, blocks and lips on a part's outside."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.assemblies.sites import Site
from robomamba_jax.world.objects.meshes import arc, box, cylinder, ellipsoid, ring, tube
from robomamba_jax.world.objects.model import Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng

_KINDS = ("bar", "bar", "bow", "knob", "block", "lip", "ring")


def add_grip(
    rng: Rng,
    link: LinkBuilder,
    site: Site,
    color: Color,
    at: tuple[float, float],
    z: float,
    room: tuple[float, float],
    upright: bool,
) -> None:
    """A handle or a knob on a part, of a random kind.

    Args:
      rng: the random source.
      link: the part.
      site: whose frame the numbers are in.
      color: of it.
      at: its middle, x and y.
      z: height of the surface that it sits on.
      room: metres that it has across and along the edge.
      upright: whether it goes along y rather than x.
    """
    kind = rng.choice(_KINDS)
    x, y = at
    length = min(room[1] * rng.uniform(0.35, 0.8), 0.5)
    thick = min(max(0.06 * length, 0.012), 0.024)
    out = rng.uniform(0.045, 0.09)
    dx, dy = (0.0, length / 2) if upright else (length / 2, 0.0)
    if kind == "bar":
        ends = [(x - dx, y - dy, z + out), (x + dx, y + dy, z + out)]
        link.add(site.place(tube(ends, thick)), color, "handle", metallic=True)
        for sign in (-1, 1):
            px, py = x + sign * 0.85 * dx, y + sign * 0.85 * dy
            post = tube([(px, py, z), (px, py, z + out)], 0.7 * thick, 8)
            link.add(site.place(post), color, "handle", metallic=True)
    elif kind == "bow":
        plane = "yz" if upright else "xz"
        path = arc((x, y, z - 0.01), length / 2, 0, math.pi, plane, 8)
        # Flatter than a half circle, or a long one would stand far out.
        low = [(px, py, z + (pz - z) * min(1.0, 2.4 * out / length)) for px, py, pz in path]
        link.add(site.place(tube(low, thick)), color, "handle", metallic=True)
    elif kind == "knob":
        radius = min(0.5 * room[0], 0.3 * room[1], rng.uniform(0.03, 0.06))
        link.add(site.place(cylinder(0.5 * radius, radius, (x, y, z + radius / 2))), color, "knob")
        ball = ellipsoid((radius, radius, 0.8 * radius), (x, y, z + 1.4 * radius))
        link.add(site.place(ball), color, "knob")
    elif kind == "ring":
        radius = min(0.45 * room[0], 0.3 * room[1], 0.07)
        hoop = ring(radius, max(0.2 * radius, 0.009), (x, y, z + radius), (0, 1, 0))
        link.add(site.place(hoop), color, "handle", metallic=True)
    else:
        # A block to hold between fingers, or a thin lip along the edge.
        across = min(room[0], 0.05 if kind == "block" else 0.025)
        size = (across, length, out) if upright else (length, across, out)
        link.add(site.place(box(size, (x, y, z + out / 2))), color, "handle")
