# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Things that hold things: boxes, bins, pots, suitcases."""

from __future__ import annotations

from robomamba_jax.world.objects.catalog.appliances import Made
from robomamba_jax.world.objects.catalog.primitives import UP, top_hinge, wheels
from robomamba_jax.world.objects.colors import COLORS, DARK, SILVER, darker
from robomamba_jax.world.objects.meshes import box, cylinder, ellipsoid, lathe, ring, slab, tube
from robomamba_jax.world.objects.model import Assembly, Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng


def carton(rng: Rng, a: Assembly) -> Made:
    """A cardboard box with two or four flaps."""
    w, d, h = rng.uniform(0.9, 1.3), rng.uniform(0.8, 1.1), rng.uniform(0.6, 0.95)
    color = rng.color("beige", "brown", "white", "blue", "red", "green")
    dark = darker(color, 0.6)
    t = 0.03
    for side in (-1, 1):
        a.add(box((d, t, h), (0, side * (w - t) / 2, 0)), color)
        a.add(box((t, w, h), (side * (d - t) / 2, 0, 0)), color)
    a.add(box((d, w, t), (0, 0, -(h - t) / 2)), dark)
    if rng.chance(0.6):
        paper = rng.other_color(color, "white", "yellow")
        a.add(box((0.01, 0.3 * w, 0.3 * h), (-d / 2, 0.2 * w, -0.05)), paper, "label")
    if rng.chance(0.4):
        a.add(box((0.012, 0.09, h), (-d / 2, 0, 0)), COLORS["orange"], "tape")
    # The flaps lie on the walls, half of their thickness above the rim.
    opens, z = rng.uniform(2.2, 3.2), h / 2 + t / 2
    for side in (-1, 1):  # seen from the front: near and far flap meet in the middle
        flap = a.hinge("flap", (side * d / 2, 0, h / 2), (0, side, 0), (0, opens))
        flap.add(box((0.49 * d, w - 0.02, t), (side * 0.253 * d, 0, z)), color)
    if rng.chance(0.5):
        for side in (-1, 1):
            flap = a.hinge("flap", (0, side * w / 2, h / 2 - t), (-side, 0, 0), (0, opens))
            flap.add(box((d - 0.08, 0.36 * w, t), (0, side * 0.31 * w, z - t)), dark)
    return color, ("label", "tape", "handle")


def trash_can(rng: Rng, a: Assembly) -> Made:
    """A bin with a lid that opens at the front, with a pedal or on wheels."""
    color = rng.color("green", "blue", "gray", "black", "white", "red")
    lid_color = rng.choice([color, rng.other_color(color, "black", "gray", "white", "yellow")])
    h, round_bin = rng.uniform(1.0, 1.35), rng.chance(0.5)
    low, high = rng.uniform(0.3, 0.38), rng.uniform(0.4, 0.48)
    opens = rng.uniform(1.3, 1.9)
    top, back = h / 2, 0.98 * high
    lid = top_hinge(a, "lid", back, top, opens)
    make = _round_bin if round_bin else _square_bin
    make(a, lid, (h, low, high), color, lid_color)
    if rng.chance(0.5):
        (x, z), (out, up) = (-0.75 * high, top + 0.1), (-0.8 * high, top + 0.19)
        bow = [(x, -0.12, z), (out, -0.12, up), (out, 0.12, up), (x, 0.12, z)]
        lid.add(tube(bow, 0.025, 8), DARK, "handle")
    base_x = -(low if round_bin else high)
    if rng.chance(0.5):
        a.add(slab((0.16, 0.2, 0.035), 0.04, (base_x - 0.07, 0, -top + 0.05)), SILVER, "pedal")
    else:
        centers = [(0.9 * low, side * 0.7 * low, -top - 0.04) for side in (-1, 1)]
        wheels(a, centers, 0.09, DARK)
    return color, ("handle", "pedal", "wheel")


def _round_bin(
    a: Assembly, lid: LinkBuilder, size: tuple[float, float, float], color: Color, lid_color: Color
) -> None:
    """Its body and its lid: size is its height and its radii below and above."""
    h, low, high = size
    top = h / 2
    a.add(
        lathe(
            [
                (0, -top),
                (low, -top),
                (high, top),
                # Down the inside: the open bin is hollow.
                (0.93 * high, top),
                (0.9 * low, -top + 0.06),
                (0, -top + 0.06),
            ],
            28,
        ),
        color,
    )
    for z in (0.25, 0.4):
        radius = low + (high - low) * (z + 0.5)
        a.add(ring(radius, 0.018, (0, 0, z * h), UP, 28), color, "rim")
    lid.add(
        lathe(
            [
                (0, top),
                (1.04 * high, top),
                (1.04 * high, top + 0.05),
                (0.5 * high, top + 0.16),
                (0, top + 0.18),
            ],
            28,
        ),
        lid_color,
        "lid",
    )


def _square_bin(
    a: Assembly, lid: LinkBuilder, size: tuple[float, float, float], color: Color, lid_color: Color
) -> None:
    """As the round one."""
    h, _, high = size
    top = h / 2
    wide = high * 1.05
    for side in (-1, 1):
        a.add(box((2 * high, 0.04, h), (0, side * wide, 0)), color)
        a.add(box((0.04, 2 * wide, h), (side * high, 0, 0)), color)
    a.add(box((2 * high, 2 * wide, 0.05), (0, 0, -top)), color)
    lid.add(slab((2.14 * high, 2.2 * high, 0.07), 0.08, (0, 0, top + 0.04)), lid_color, "lid")
    lid.add(slab((1.6 * high, 1.7 * high, 0.05), 0.08, (0, 0, top + 0.09)), lid_color, "lid")


def pot(rng: Rng, a: Assembly) -> Made:
    """A cooking pot with a lid to lift, two ears or one long handle."""
    radius, h = rng.uniform(0.5, 0.65), rng.uniform(0.45, 0.75)
    color = rng.color("gray", "red", "blue", "green", "black", "orange")
    metal = color.name == "gray"
    top = h / 2
    a.add(
        lathe(
            [
                (0, -top),
                (0.9 * radius, -top),
                (radius, -top + 0.1),
                (radius, top),
                (1.03 * radius, top),
                (0.95 * radius, top),
                (0.93 * radius, -top + 0.08),
                (0, -top + 0.06),
            ],
            32,
        ),
        color,
        metallic=metal,
    )
    if rng.chance(0.6):
        for side in (-1, 1):
            y, z, out = side * radius, 0.26 * h, side * radius + side * 0.13
            ear = [(-0.13, y, z), (-0.12, out, z), (0.12, out, z), (0.13, y, z)]
            a.add(tube(ear, 0.032, 8), DARK, "handle")
    else:
        side = rng.choice([-1, 1])
        start = (0, side * radius, 0.26 * h)
        end = (-0.05, side * (radius + rng.uniform(0.6, 0.85)), 0.32 * h)
        a.add(tube([start, end], 0.05), DARK, "long handle")
    lid = a.slide("lid", UP, (0, rng.uniform(0.45, 0.7)))
    lid_color = rng.choice([color, SILVER])
    lid.add(
        lathe(
            [
                (0, top),
                (1.04 * radius, top),
                (1.04 * radius, top + 0.03),
                (0.7 * radius, top + 0.1),
                (0.3 * radius, top + 0.15),
                (0, top + 0.16),
            ],
            32,
        ),
        lid_color,
        metallic=True,
    )
    lid.add(cylinder(0.05, 0.1, (0, 0, top + 0.19)), DARK, "knob")
    lid.add(ellipsoid((0.11, 0.11, 0.06), (0, 0, top + 0.26)), DARK, "knob")
    return color, ("long handle", "spout")


def suitcase(rng: Rng, a: Assembly) -> Made:
    """A trolley case: a handle to draw out, wheels, and often a front that opens."""
    w, h, d = rng.uniform(0.75, 0.95), rng.uniform(1.05, 1.3), rng.uniform(0.34, 0.46)
    color = rng.color("blue", "red", "black", "purple", "green", "orange", "pink", "yellow")
    dark = darker(color, 0.65)
    opens = rng.chance(0.6)
    depth = 0.6 * d if opens else d
    middle = (d - depth) / 2
    a.add(box((depth, w, h), (middle, 0, 0)), color)
    front = -d / 2
    face: LinkBuilder = a
    if opens:
        side = rng.choice([1, -1])
        edge, far = (front + 0.4 * d, side * w / 2, 0), rng.uniform(1.5, 2.6)
        face = a.hinge("cover", edge, (0, 0, -side), (0, far))
        face.add(box((0.39 * d, w, h), (front + 0.2 * d, 0, 0)), color)
    for k in range(5):
        face.add(box((0.03, 0.05, 0.9 * h), (front - 0.012, (k - 2) * 0.18 * w, 0)), dark, "rib")
    for z in (-0.32, 0.32):
        a.add(box((depth, w + 0.015, 0.02), (middle, 0, z * h)), DARK, "zip")
    corners = [(x * 0.3 * d, y * 0.4 * w, -h / 2 - 0.05) for x in (-1, 1) for y in (-1, 1)]
    wheels(a, corners, 0.06, DARK)
    # The rods are longer than the travel: drawn out, their lower ends are still in the case.
    travel = rng.uniform(0.4, 0.55)
    handle = a.slide("handle", UP, (0, travel))
    x = 0.26 * d
    for y in (-0.22, 0.22):
        rod = box((0.04, 0.045, travel + 0.2), (x, y * w, h / 2 + 0.1 - travel / 2))
        handle.add(rod, SILVER, metallic=True)
    handle.add(slab((0.1, 0.56 * w, 0.08), 0.04, (x, 0, h / 2 + 0.2)), DARK)
    if rng.chance(0.5):
        y, out = w / 2, w / 2 + 0.08
        bow = [(0, y, -0.15), (0, out, -0.13), (0, out, 0.13), (0, y, 0.15)]
        a.add(tube(bow, 0.025, 8), DARK, "side handle")
    return color, ("side handle", "cover")
