# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pieces that many objects share: handles, hinged fronts, legs, buttons."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.colors import STEEL
from robomamba_jax.world.objects.meshes import Vector, box, cylinder, ellipsoid, rotation, tube
from robomamba_jax.world.objects.model import Assembly, Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng

FRONT = (-1.0, 0.0, 0.0)
UP = (0.0, 0.0, 1.0)


def bar_handle(
    link: LinkBuilder,
    at: Vector,
    length: float,
    color: Color,
    *,
    upright: bool,
    out: float = 0.07,
    thick: float = 0.022,
) -> None:
    """A bar in front of a panel whose surface is at x = at[0], on two posts."""
    x, y, z = (float(value) for value in at)
    dy, dz = (0.0, length / 2) if upright else (length / 2, 0.0)
    ends = [(x - out, y - dy, z - dz), (x - out, y + dy, z + dz)]
    link.add(tube(ends, thick), color, "handle", metallic=True)
    for sign in (-1, 1):
        # The posts stand a little inside of the bar's ends.
        y_post, z_post = y + sign * 0.85 * dy, z + sign * 0.85 * dz
        post = tube([(x, y_post, z_post), (x - out, y_post, z_post)], 0.7 * thick, 8)
        link.add(post, color, "handle", metallic=True)


def knob(link: LinkBuilder, at: Vector, radius: float, color: Color) -> None:
    """A round knob on a short neck in front of a panel."""
    x, y, z = (float(value) for value in at)
    link.add(cylinder(0.45 * radius, radius, (x - radius / 2, y, z), FRONT), color, "handle")
    link.add(ellipsoid((0.75 * radius, radius, radius), (x - 1.4 * radius, y, z)), color, "handle")


def side_hinge(
    a: Assembly, part: str, x: float, y: float, toward: int, opens: float
) -> LinkBuilder:
    """A front door's link: it hangs at y and reaches to the side where toward * y grows."""
    # About -z what reaches from a hinge at +y to -y swings to -x: towards the viewer.
    return a.hinge(part, (x, y, 0), (0, 0, toward), (0, opens))


def top_hinge(a: Assembly, part: str, x: float, z: float, opens: float) -> LinkBuilder:
    """A lid's link: it hangs at its back edge and reaches to the front."""
    # About +y what reaches to -x goes up.
    return a.hinge(part, (x, 0, z), (0, 1, 0), (0.0, opens))


def legs(
    link: LinkBuilder,
    width: float,
    depth: float,
    low: float,
    high: float,
    thick: float,
    color: Color,
) -> None:
    """Four upright legs at the corners of a rectangle."""
    for side_x in (-1, 1):
        for side_y in (-1, 1):
            at = (side_x * depth / 2, side_y * width / 2, (low + high) / 2)
            link.add(box((thick, thick, high - low), at), color, "leg")


def grid_buttons(
    link: LinkBuilder,
    at: Vector,
    size: tuple[float, float],
    rows: int,
    columns: int,
    color: Color,
    *,
    deep: float = 0.02,
    label: str = "button",
) -> None:
    """Fixed buttons on a front panel, in rows."""
    x, y, z = (float(value) for value in at)
    for row in range(rows):
        for column in range(columns):
            center = (
                x - deep / 2,
                y + size[0] * (0.5 - (column + 0.5) / columns),
                z + size[1] * (0.5 - (row + 0.5) / rows),
            )
            # From a viewer's upper left, which is +y and +z; gaps are left between the buttons.
            face = (deep, 0.66 * size[0] / columns, 0.6 * size[1] / rows)
            link.add(box(face, center), color, label)


def wheels(
    link: LinkBuilder, centers: list[tuple[float, float, float]], radius: float, color: Color
) -> None:
    """Small wheels below a body."""
    for center in centers:
        link.add(cylinder(radius, 0.8 * radius, center, (0, 1, 0), 16), color, "wheel")


def dial(link: LinkBuilder, at: Vector, radius: float, color: Color, mark: Color) -> None:
    """A round dial on a front panel, with a line that says how it stands."""
    x, y, z = (float(value) for value in at)
    link.add(cylinder(radius, 0.06, (x - 0.03, y, z), FRONT), color, "dial", metallic=True)
    line = box((0.02, 0.12 * radius, 0.8 * radius), (x - 0.065, y, z + 0.4 * radius))
    link.add(line, mark, "dial")


def spokes(link: LinkBuilder, at: Vector, radius: float, count: int, color: Color) -> None:
    """A spoked wheel handle in front of a panel."""
    x, y, z = (float(value) for value in at)
    link.add(cylinder(0.22 * radius, 0.12, (x - 0.06, y, z), FRONT), color, "handle", metallic=True)
    for k in range(count):
        angle = 2 * math.pi * k / count + 0.4
        end = (x - 0.1, y + radius * math.cos(angle), z + radius * math.sin(angle))
        link.add(tube([(x - 0.1, y, z), end], 0.09 * radius, 8), color, "handle", metallic=True)
        link.add(ellipsoid((0.13 * radius,) * 3, end), color, "handle", metallic=True)


def upright_handle(link: LinkBuilder, rng: Rng, at: Vector, height: float) -> None:
    """A door's upright bar or knob at a place, in steel, black or white."""
    color = rng.choice([STEEL, rng.color("black", "white")])
    out, thick = rng.uniform(0.07, 0.11), rng.uniform(0.02, 0.028)
    bar_handle(link, at, height, color, upright=True, out=out, thick=thick)


def tilted(angle: float) -> npt.NDArray[np.float64]:
    """A turn about y: positive leans an upright thing back, away from the viewer."""
    return rotation((0, 1, 0), angle)
