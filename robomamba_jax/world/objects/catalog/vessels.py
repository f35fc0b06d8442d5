# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Things that liquids come out of: bottles, dispensers, kettles."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.catalog.appliances import Made
from robomamba_jax.world.objects.catalog.primitives import UP, top_hinge
from robomamba_jax.world.objects.colors import COLORS, DARK, SILVER
from robomamba_jax.world.objects.meshes import (
    arc,
    box,
    cone,
    cylinder,
    ellipsoid,
    lathe,
    slab,
    tube,
)
from robomamba_jax.world.objects.model import Assembly
from robomamba_jax.world.objects.rng import Rng


def bottle(rng: Rng, a: Assembly) -> Made:
    """A bottle with a cap to pull off."""
    radius, h = rng.uniform(0.26, 0.36), rng.uniform(0.8, 1.1)
    color = rng.color("green", "blue", "brown", "red", "white", "pink", "purple")
    neck = rng.uniform(0.36, 0.46) * radius
    shoulder = rng.uniform(0.18, 0.34)
    a.add(
        lathe(
            [
                (0, -h / 2),
                (0.94 * radius, -h / 2),
                (radius, -h / 2 + 0.05),
                (radius, h / 2 - 0.05),
                (0.93 * radius, h / 2),
                (neck, h / 2 + shoulder),
                (neck, h / 2 + shoulder + 0.16),
                (0, h / 2 + shoulder + 0.16),
            ],
            28,
        ),
        color,
    )
    if rng.chance(0.7):
        label = rng.other_color(color, "white", "yellow", "orange", "beige")
        a.add(cylinder(1.012 * radius, 0.4 * h, (0, 0, rng.uniform(-0.1, 0.06))), label, "label")
    if rng.chance(0.3):
        a.add(tube(arc((0, radius, 0.05), 0.2, -1.4, 1.4, "yz"), 0.04, 8), color, "handle")
    cap = a.slide("cap", UP, (0, rng.uniform(0.3, 0.5)))
    top = h / 2 + shoulder + 0.1
    cap_color = rng.other_color(color, "white", "red", "black", "yellow", "blue")
    wide = neck * rng.uniform(1.25, 1.6)
    cap.add(cylinder(wide, 0.2, (0, 0, top + 0.06)), cap_color)
    # Grooves tell a cap from the neck below it.
    for k in range(12):
        angle = math.pi * k / 6
        at = (wide * math.cos(angle), wide * math.sin(angle), top + 0.06)
        cap.add(box((0.025, 0.025, 0.19), at), cap_color)
    return color, ("label", "handle")


def dispenser(rng: Rng, a: Assembly) -> Made:
    """A soap bottle with a pump that goes up and down."""
    radius, h = rng.uniform(0.32, 0.42), rng.uniform(0.75, 1.0)
    color = rng.color("pink", "white", "blue", "green", "orange", "purple", "beige")
    if rng.chance(0.5):
        a.add(
            lathe(
                [
                    (0, -h / 2),
                    (radius, -h / 2),
                    (radius, 0.32 * h),
                    (0.82 * radius, 0.44 * h),
                    (0.34 * radius, h / 2),
                    (0, h / 2),
                ],
                28,
            ),
            color,
        )
    else:
        a.add(slab((1.5 * radius, 1.9 * radius, 0.9 * h), 0.12, (0, 0, -0.05 * h)), color)
        a.add(cone(0.75 * radius, 0.3 * radius, 0.1 * h, (0, 0, 0.45 * h)), color)
    if rng.chance(0.6):
        rng.chance(0)  # decides nothing any more, but without it all draws after it would shift
        paper = rng.other_color(color, "white", "yellow", "green")
        a.add(box((0.02, 0.8 * radius, 0.3 * h), (-0.99 * radius, 0, -0.1 * h)), paper, "label")
    a.add(cylinder(0.4 * radius, 0.1, (0, 0, h / 2 + 0.03)), SILVER, "collar")
    travel = rng.uniform(0.2, 0.3)
    pump = a.slide("pump", UP, (0, travel))
    z, metal = h / 2 + 0.24, rng.choice([SILVER, COLORS["white"], DARK])
    pump.add(cylinder(0.055, 0.3 + travel, (0, 0, z - 0.06 - travel / 2)), metal)
    pump.add(slab((0.34, 0.3, 0.1), 0.09, (-0.05, 0, z + 0.1)), metal)
    beak = [(-0.15, 0, z + 0.1), (-0.44, 0, z + 0.09), (-0.5, 0, z + 0.02)]
    pump.add(tube(beak, 0.05, 10), metal, "nozzle")
    return color, ("label",)


def kettle(rng: Rng, a: Assembly) -> Made:
    """A kettle with a spout, a handle and a lid."""
    radius, h = rng.uniform(0.45, 0.55), rng.uniform(0.6, 0.75)
    color = rng.color("red", "white", "gray", "blue", "green", "black")
    top = h / 2
    a.add(
        lathe(
            [
                (0, -top),
                (radius, -top),
                (1.04 * radius, -top + 0.12),
                (0.94 * radius, 0.0),
                (0.6 * radius, top),
                (0, top),
            ],
            32,
        ),
        color,
        metallic=color.name == "gray",
    )
    a.add(cylinder(1.06 * radius, 0.06, (0, 0, -top - 0.03)), DARK, "base")
    side = rng.choice([1, -1])
    out = side * radius
    spout = [(0, 0.8 * out, -0.02), (0, 1.25 * out, 0.16), (0, 1.42 * out, 0.38)]
    a.add(tube(spout, 0.075), color, "spout")
    _kettle_grip(rng, a, radius, top, side)
    if rng.chance(0.5):
        lid = a.slide("lid", UP, (0, rng.uniform(0.25, 0.4)))
    else:
        lid = top_hinge(a, "lid", 0.55 * radius, top, rng.uniform(1.1, 1.6))
    lid.add(
        lathe(
            [
                (0, top),
                (0.62 * radius, top),
                (0.6 * radius, top + 0.04),
                (0.25 * radius, top + 0.09),
                (0, top + 0.1),
            ],
            28,
        ),
        rng.choice([color, SILVER]),
    )
    lid.add(ellipsoid((0.09, 0.09, 0.07), (0, 0, top + 0.14)), DARK, "knob")
    return color, ("thermometer", "cable")


def _kettle_grip(rng: Rng, a: Assembly, radius: float, top: float, side: int) -> None:
    """A handle opposite the spout, or a bow over the lid."""
    if rng.chance(0.5):
        bow = [
            (0, -side * 0.75 * radius, top - 0.06),
            (0, -side * 1.35 * radius, top - 0.02),
            (0, -side * 1.42 * radius, -0.1),
            (0, -side * 0.95 * radius, -top + 0.12),
        ]
        a.add(tube(bow, 0.055), DARK, "handle")
    else:
        bow = arc((0, 0, top - 0.12), 0.78 * radius, 0.25, math.pi - 0.25, "yz", 10)
        a.add(tube(bow, 0.045), DARK, "top handle")
