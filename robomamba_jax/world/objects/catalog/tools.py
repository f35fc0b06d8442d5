# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small tools: lighters, pliers, scissors, staplers."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.catalog.appliances import Made
from robomamba_jax.world.objects.colors import COLORS, DARK, SILVER, STEEL
from robomamba_jax.world.objects.meshes import (
    Mesh,
    box,
    cone,
    cylinder,
    ellipsoid,
    prism,
    ring,
    slab,
)
from robomamba_jax.world.objects.model import Assembly, Color
from robomamba_jax.world.objects.rng import Rng


def lighter(rng: Rng, a: Assembly) -> Made:
    """A pocket lighter with a cap that flips open and a wheel."""
    w, d, h = rng.uniform(0.55, 0.68), rng.uniform(0.26, 0.34), rng.uniform(0.75, 0.95)
    color = rng.color("gray", "red", "blue", "yellow", "green", "black", "orange", "pink")
    cap_color = rng.choice([color, SILVER])
    a.add(slab((d, w, h), 0.06), color)
    top = h / 2
    chimney = Color("silver", (0.6, 0.6, 0.6))
    guard = slab((0.62 * d, 0.52 * w, 0.26), 0.05, (0, 0.1 * w, top + 0.13))
    a.add(guard, chimney, "chimney", metallic=True)
    for k in range(3):
        for z in (0.08, 0.17):
            at = (-0.31 * d, (0.26 - 0.14 * k) * w, top + z)
            a.add(cylinder(0.022, 0.01, at, (1, 0, 0), 10), DARK, "chimney")
    a.add(cylinder(0.095, 0.12, (0, -0.26 * w, top + 0.19), (1, 0, 0), 16), DARK, "wheel")
    if rng.chance(0.4):
        a.add(ellipsoid((0.04, 0.05, 0.08), (0, 0.1 * w, top + 0.27)), COLORS["orange"], "flame")
    cap = a.hinge("cap", (0, w / 2, top + 0.01), (1, 0, 0), (0.0, rng.uniform(1.7, 2.4)))
    high, wall = 0.36, 0.03
    z = top + 0.01 + high / 2
    for x in (-1, 1):
        cap.add(box((wall, w, high), (x * (d - wall) / 2, 0, z)), cap_color, metallic=True)
    for y in (-1, 1):
        cap.add(box((d, wall, high), (0, y * (w - wall) / 2, z)), cap_color, metallic=True)
    cap.add(slab((d, w, wall), 0.05, (0, 0, top + 0.01 + high)), cap_color, metallic=True)
    a.add(cylinder(0.03, 0.8 * d, (0, w / 2 + 0.015, top), (1, 0, 0), 12), DARK, "hinge")
    if rng.chance(0.5):
        paper = rng.other_color(color, "white", "yellow", "black")
        a.add(box((0.01, 0.6 * w, 0.3 * h), (-d / 2, 0, -0.1 * h)), paper, "label")
    return color, ("label", "flame")


def _bar(
    points: list[tuple[float, float]], thick: list[float], high: float, z: float
) -> list[Mesh]:
    """A flat bent bar: a chain of convex pieces whose widths are given at its points."""
    pieces: list[Mesh] = []
    for k in range(len(points) - 1):
        (x0, y0), (x1, y1) = points[k], points[k + 1]
        length = math.hypot(x1 - x0, y1 - y0)
        # Half of the unit normal to the left of the line: the width goes to both of its sides.
        nx, ny = -(y1 - y0) / length / 2, (x1 - x0) / length / 2
        outline = [
            (x0 - nx * thick[k], y0 - ny * thick[k]),
            (x1 - nx * thick[k + 1], y1 - ny * thick[k + 1]),
            (x1 + nx * thick[k + 1], y1 + ny * thick[k + 1]),
            (x0 + nx * thick[k], y0 + ny * thick[k]),
        ]
        pieces.append(prism(outline, high).moved((0, 0, z)))
        if k:
            pieces.append(cylinder(thick[k] / 2, high, (x0, y0, z), segments=14))
    return pieces


def pliers(rng: Rng, a: Assembly) -> Made:
    """Two crossed levers on a pin; grips toward the viewer, jaws away."""
    color = rng.color("red", "blue", "yellow", "green", "orange")
    reach, high = rng.uniform(0.85, 1.05), rng.uniform(0.14, 0.2)
    spread = rng.uniform(0.24, 0.32)
    nose = rng.uniform(0.4, 0.62)
    lever = a.hinge("handle", (0.12, 0, 0), (0, 0, -1), (-0.22, 0.55))
    for link, side in ((a, -1), (lever, 1)):
        bend, end = (-0.2, side * 0.6 * spread), (-reach, side * spread)
        for piece in _bar([(0.1, 0), bend], [0.2, 0.14], high, 0):
            link.add(piece, STEEL, "lever", metallic=True)
        grip = [bend, (-0.6 * reach, side * 1.12 * spread), end]
        for piece in _bar(grip, [0.16, 0.19, 0.15], 1.25 * high, 0):
            link.add(piece, color, "handle")
        link.add(cylinder(0.075, 1.25 * high, (*end, 0)), color, "handle")
        jaw = [
            (0.02, -side * 0.11),
            (0.2, -side * 0.13),
            (0.16 + nose, -side * 0.035),
            (0.16 + nose, -side * 0.004),
            (0.05, -side * 0.004),
        ]
        # Mirrored it runs clockwise, and a prism wants its outline counter-clockwise.
        ordered = jaw if side > 0 else jaw[::-1]
        link.add(prism(ordered, 0.9 * high), STEEL, "jaw", metallic=True)
    a.add(cylinder(0.13, 1.35 * high, (0.1, 0, 0)), DARK, "pin")
    if rng.chance(0.4):
        a.add(ring(0.07, 0.02, (-0.26, 0, 0), (0, 0, 1)), SILVER, "spring")
    return color, ("spring",)


def scissors(rng: Rng, a: Assembly) -> Made:
    """Two blades on a screw, with a loop each for the fingers."""
    color = rng.color("red", "blue", "black", "green", "orange", "purple", "yellow")
    reach, high = rng.uniform(0.75, 0.95), rng.uniform(0.11, 0.15)
    blade = rng.uniform(0.9, 1.15)
    moving = a.hinge("blade", (0, 0, 0), (0, 0, -1), (-0.3, 0.6))
    for link, side in ((a, -1), (moving, 1)):
        z = side * high * 0.28
        for piece in _bar([(0.0, 0.0), (-0.45 * reach, side * 0.17)], [0.13, 0.1], high, z):
            link.add(piece, STEEL, "shank", metallic=True)
        outline = [
            (0.0, -side * 0.075),
            (blade, side * 0.0),
            (blade, side * 0.012),
            (0.06, side * 0.055),
            (-0.03, side * 0.02),
        ]
        ordered = outline if side > 0 else outline[::-1]
        link.add(prism(ordered, 0.45 * high).moved((0, 0, z)), STEEL, "blade", metallic=True)
        center = (-0.72 * reach, side * 0.29, z)
        # Scaling by 1 divides the normals by their lengths once more: it may decide last bits.
        link.add(ring(0.19, 0.06, center, (0, 0, 1), 24, 1.35).scaled((1, 1, 1.0)), color, "handle")
        neck = [(-0.3 * reach, side * 0.1), (-0.5 * reach, side * 0.2)]
        for piece in _bar(neck, [0.13, 0.15], 1.1 * high, z):
            link.add(piece, color, "handle")
    a.add(cylinder(0.075, 2.1 * high, (0, 0, 0)), DARK, "screw")
    return color, ("spring",)


def stapler(rng: Rng, a: Assembly) -> Made:
    """A long foot and an arm above it, hinged at the back."""
    length, w = rng.uniform(1.2, 1.45), rng.uniform(0.26, 0.34)
    color = rng.color("red", "black", "blue", "gray", "green", "purple", "orange")
    a.add(slab((length, w, 0.09), 0.1, (0, 0, -0.2)), rng.choice([color, DARK]), "base")
    a.add(box((0.2, 0.6 * w, 0.02), (-0.36 * length, 0, -0.15)), SILVER, "plate", metallic=True)
    back = 0.5 * length
    side_view = [(0.32 * length, -0.2), (back, -0.2), (back, 0.16), (0.42 * length, 0.16)]
    # The outline's y becomes z: a quarter turn about x.
    post = prism(side_view, 0.03).moved(turn=[[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    for side in (-1, 1):
        a.add(post.moved((0, side * 0.52 * w, 0)), DARK, "post")
    rear = (0.45 * length, 0, 0.06)
    arm = a.hinge("arm", rear, (0, 1, 0), (0.0, rng.uniform(0.9, 1.5)))
    magazine = box((0.92 * length, 0.62 * w, 0.09), (-0.02 * length, 0, -0.05))
    arm.add(magazine, SILVER, "magazine", metallic=True)
    arm.add(slab((0.98 * length, 0.9 * w, 0.13), 0.12, (0, 0, 0.07)), color)
    arm.add(ellipsoid((0.36 * length, 0.42 * w, 0.12), (-0.1 * length, 0, 0.12)), color)
    arm.add(cone(0.12, 0.09, 0.1, (-0.42 * length, 0, -0.08)), DARK)
    a.add(cylinder(0.045, 1.2 * w, rear, (0, 1, 0), 16), SILVER, "pin")
    if rng.chance(0.4):
        paper = rng.other_color(color, "white", "yellow")
        arm.add(box((0.3 * length, 0.4 * w, 0.01), (0.28 * length, 0, 0.14)), paper, "label")
    return color, ("label", "spring")
