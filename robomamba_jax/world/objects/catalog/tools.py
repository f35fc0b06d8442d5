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

Point = tuple[float, float]


def lighter(rng: Rng, a: Assembly) -> Made:
    """A pocket lighter with a cap that flips open and a wheel."""
    w, d, h = rng.uniform(0.55, 0.68), rng.uniform(0.26, 0.34), rng.uniform(0.75, 0.95)
    color = rng.color("gray", "red", "blue", "yellow", "green", "black", "orange", "pink")
    cap_color = rng.choice([color, SILVER])
    a.add(0, "body", slab((d, w, h), 0.06), color)
    top = h / 2
    chimney = Color("silver", (0.6, 0.6, 0.6))
    a.add(
        0,
        "chimney",
        slab((0.62 * d, 0.52 * w, 0.26), 0.05, (0, 0.1 * w, top + 0.13)),
        chimney,
        metallic=True,
    )
    for k in range(3):
        for z in (0.08, 0.17):
            a.add(
                0,
                "chimney",
                cylinder(0.022, 0.01, (-0.31 * d, (0.26 - 0.14 * k) * w, top + z), (1, 0, 0), 10),
                DARK,
            )
    side = -1
    a.add(0, "wheel", cylinder(0.095, 0.12, (0, side * 0.26 * w, top + 0.19), (1, 0, 0), 16), DARK)
    if rng.chance(0.4):
        a.add(0, "flame", ellipsoid((0.04, 0.05, 0.08), (0, 0.1 * w, top + 0.27)), COLORS["orange"])
    cap = a.hinge("cap", (0, w / 2, top + 0.01), (1, 0, 0), (0.0, rng.uniform(1.7, 2.4)))
    high, wall = 0.36, 0.03
    z = top + 0.01 + high / 2
    for x in (-1, 1):
        a.add(
            cap, "cap", box((wall, w, high), (x * (d - wall) / 2, 0, z)), cap_color, metallic=True
        )
    for y in (-1, 1):
        a.add(
            cap, "cap", box((d, wall, high), (0, y * (w - wall) / 2, z)), cap_color, metallic=True
        )
    a.add(cap, "cap", slab((d, w, wall), 0.05, (0, 0, top + 0.01 + high)), cap_color, metallic=True)
    a.add(0, "hinge", cylinder(0.03, 0.8 * d, (0, w / 2 + 0.015, top), (1, 0, 0), 12), DARK)
    if rng.chance(0.5):
        a.add(
            0,
            "label",
            box((0.01, 0.6 * w, 0.3 * h), (-d / 2, 0, -0.1 * h)),
            rng.other_color(color, "white", "yellow", "black"),
        )
    return color, ("label", "flame")


def _bar(
    points: list[tuple[float, float]], thick: list[float], high: float, z: float
) -> list[Mesh]:
    """A flat bent bar: a chain of convex pieces whose widths are given at its points."""
    pieces: list[Mesh] = []
    for k in range(len(points) - 1):
        (x0, y0), (x1, y1) = points[k], points[k + 1]
        length = math.hypot(x1 - x0, y1 - y0)
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
    for link, side in ((0, -1), (lever, 1)):
        grip: list[Point] = [(0.1, 0), (-0.2, side * 0.6 * spread), (-reach, side * spread)]
        for piece in _bar(grip[:2], [0.2, 0.14], high, 0):
            a.add(link, "lever", piece, STEEL, metallic=True)
        for piece in _bar(
            [grip[1], (-0.6 * reach, side * 1.12 * spread), grip[2]],
            [0.16, 0.19, 0.15],
            1.25 * high,
            0,
        ):
            a.add(link, "handle", piece, color)
        a.add(link, "handle", cylinder(0.075, 1.25 * high, (-reach, side * spread, 0)), color)
        jaw = [
            (0.02, -side * 0.11),
            (0.2, -side * 0.13),
            (0.16 + nose, -side * 0.035),
            (0.16 + nose, -side * 0.004),
            (0.05, -side * 0.004),
        ]
        ordered = jaw if side > 0 else jaw[::-1]
        a.add(link, "jaw", prism(ordered, 0.9 * high), STEEL, metallic=True)
    a.add(0, "pin", cylinder(0.13, 1.35 * high, (0.1, 0, 0)), DARK)
    if rng.chance(0.4):
        a.add(0, "spring", ring(0.07, 0.02, (-0.26, 0, 0), (0, 0, 1)), SILVER)
    return color, ("spring",)


def scissors(rng: Rng, a: Assembly) -> Made:
    """Two blades on a screw, with a loop each for the fingers."""
    color = rng.color("red", "blue", "black", "green", "orange", "purple", "yellow")
    reach, high = rng.uniform(0.75, 0.95), rng.uniform(0.11, 0.15)
    blade = rng.uniform(0.9, 1.15)
    moving = a.hinge("blade", (0, 0, 0), (0, 0, -1), (-0.3, 0.6))
    for link, side in ((0, -1), (moving, 1)):
        z = side * high * 0.28
        for piece in _bar([(0.0, 0.0), (-0.45 * reach, side * 0.17)], [0.13, 0.1], high, z):
            a.add(link, "shank", piece, STEEL, metallic=True)
        outline = [
            (0.0, -side * 0.075),
            (blade, side * 0.0),
            (blade, side * 0.012),
            (0.06, side * 0.055),
            (-0.03, side * 0.02),
        ]
        a.add(
            link,
            "blade",
            prism(outline if side > 0 else outline[::-1], 0.45 * high).moved((0, 0, z)),
            STEEL,
            metallic=True,
        )
        center = (-0.72 * reach, side * 0.29, z)
        a.add(
            link, "handle", ring(0.19, 0.06, center, (0, 0, 1), 24, 1.35).scaled((1, 1, 1.0)), color
        )
        for piece in _bar(
            [(-0.3 * reach, side * 0.1), (-0.5 * reach, side * 0.2)], [0.13, 0.15], 1.1 * high, z
        ):
            a.add(link, "handle", piece, color)
    a.add(0, "screw", cylinder(0.075, 2.1 * high, (0, 0, 0)), DARK)
    return color, ("spring",)


def stapler(rng: Rng, a: Assembly) -> Made:
    """A long foot and an arm above it, hinged at the back."""
    length, w = rng.uniform(1.2, 1.45), rng.uniform(0.26, 0.34)
    color = rng.color("red", "black", "blue", "gray", "green", "purple", "orange")
    a.add(0, "base", slab((length, w, 0.09), 0.1, (0, 0, -0.2)), rng.choice([color, DARK]))
    a.add(0, "plate", box((0.2, 0.6 * w, 0.02), (-0.36 * length, 0, -0.15)), SILVER, metallic=True)
    for side in (-1, 1):
        a.add(
            0,
            "post",
            prism(
                [
                    (0.32 * length, -0.2),
                    (0.5 * length, -0.2),
                    (0.5 * length, 0.16),
                    (0.42 * length, 0.16),
                ],
                0.03,
            )
            .moved((0, 0, 0), [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
            .moved((0, side * 0.52 * w, 0)),
            DARK,
        )
    rear = (0.45 * length, 0, 0.06)
    arm = a.hinge("arm", rear, (0, 1, 0), (0.0, rng.uniform(0.9, 1.5)))
    a.add(
        arm,
        "magazine",
        box((0.92 * length, 0.62 * w, 0.09), (-0.02 * length, 0, -0.05)),
        SILVER,
        metallic=True,
    )
    a.add(arm, "arm", slab((0.98 * length, 0.9 * w, 0.13), 0.12, (0, 0, 0.07)), color)
    a.add(arm, "arm", ellipsoid((0.36 * length, 0.42 * w, 0.12), (-0.1 * length, 0, 0.12)), color)
    a.add(arm, "arm", cone(0.12, 0.09, 0.1, (-0.42 * length, 0, -0.08)), DARK)
    a.add(0, "pin", cylinder(0.045, 1.2 * w, rear, (0, 1, 0), 16), SILVER)
    if rng.chance(0.4):
        a.add(
            arm,
            "label",
            box((0.3 * length, 0.4 * w, 0.01), (0.28 * length, 0, 0.14)),
            rng.other_color(color, "white", "yellow"),
        )
    return color, ("label", "spring")
