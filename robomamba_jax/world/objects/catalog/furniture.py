# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Things in a room: doors, cabinets, tables, chairs, lamps, and what is fixed to walls."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.catalog.appliances import Made
from robomamba_jax.world.objects.catalog.primitives import FRONT, UP, bar_handle, knob, legs, tilted
from robomamba_jax.world.objects.colors import COLORS, DARK, SILVER, STEEL
from robomamba_jax.world.objects.meshes import (
    arc,
    box,
    cone,
    cylinder,
    ellipsoid,
    lathe,
    ring,
    slab,
    tube,
)
from robomamba_jax.world.objects.model import Assembly, Color
from robomamba_jax.world.objects.rng import Rng


def table(rng: Rng, a: Assembly) -> Made:
    """A table with one to three drawers under its top."""
    w, d, h = rng.uniform(1.2, 1.7), rng.uniform(0.7, 0.95), rng.uniform(0.75, 0.95)
    color = rng.color("brown", "white", "beige", "gray", "black")
    a.add(slab((d, w, 0.06), 0.04, (0, 0, h / 2)), color, "top")
    thick = rng.uniform(0.06, 0.1)
    legs(a, w - 0.14, d - 0.14, -h / 2, h / 2 - 0.03, thick, rng.choice([color, STEEL, DARK]))
    count, high = rng.choice([1, 2, 2, 3]), rng.uniform(0.15, 0.22)
    z, cell = h / 2 - 0.03 - high / 2, (w - 0.3) / count
    for side in (-1, 1):
        a.add(box((d - 0.16, 0.03, high), (0, side * (w / 2 - 0.13), z)), color, "frame")
    a.add(box((0.03, w - 0.26, high), (d / 2 - 0.1, 0, z)), color, "frame")
    faces = rng.choice([color, rng.other_color(color, "white", "brown", "beige")])
    front = -d / 2 + 0.08
    knobs = rng.chance(0.5)
    for k in range(count):
        y = (w - 0.3) / 2 - cell * (k + 0.5)
        drawer = a.slide("drawer", FRONT, (0, rng.uniform(0.5, 0.75) * d))
        drawer.add(box((0.035, cell - 0.02, high - 0.02), (front, y, z)), faces)
        inner = box((0.65 * d, cell - 0.08, 0.6 * high), (front + 0.33 * d, y, z - 0.1 * high))
        drawer.add(inner, COLORS["beige"])
        at = (front - 0.017, y, z)
        if knobs:
            knob(drawer, at, 0.04, STEEL)
        else:
            bar_handle(drawer, at, 0.4 * cell, STEEL, upright=False, out=0.06, thick=0.017)
    if rng.chance(0.4):
        a.add(box((d - 0.2, w - 0.2, 0.03), (0, 0, -0.28 * h)), color, "shelf")
    return color, ("shelf", "door")


def folding_chair(rng: Rng, a: Assembly) -> Made:
    """A chair on crossed legs whose seat folds up."""
    w, seat = rng.uniform(0.6, 0.72), rng.uniform(-0.08, 0.02)
    color = rng.color("red", "blue", "green", "black", "brown", "beige", "yellow")
    frame = rng.choice([STEEL, DARK, SILVER])
    for side in (-1, 1):
        y = side * w / 2
        back = [(-0.42, y, -0.75), (0.05, y, seat), (0.34, y, 0.8)]
        # The legs that cross them stand a little further inside.
        for leg in (back, [(0.42, 0.86 * y, -0.75), (-0.26, 0.86 * y, seat)]):
            a.add(tube(leg, 0.032), frame, "leg", metallic=True)
    for x in (-0.36, 0.36):
        bar = tube([(x, -w / 2, -0.66), (x, w / 2, -0.66)], 0.026, 8)
        a.add(bar, frame, "bar", metallic=True)
    for k in range(rng.integer(1, 2)):
        z = 0.62 - 0.3 * k
        at = (0.05 + 0.29 * (z - seat) / (0.8 - seat), 0, z)
        rest = slab((0.24, 1.02 * w, 0.05), 0.06).moved(at, tilted(math.pi / 2 - 0.35))
        a.add(rest, color, "backrest")
    pan = a.hinge("seat", (0.1, 0, seat + 0.05), (0, 1, 0), (0.0, 1.25))
    pan.add(slab((0.52, 0.94 * w, 0.06), 0.1, (-0.14, 0, seat + 0.05)), color)
    if rng.chance(0.4):
        for side in (-1, 1):
            arm = box((0.5, 0.07, 0.04), (-0.06, side * (w / 2 + 0.02), seat + 0.32))
            a.add(arm, color, "armrest")
    return color, ("armrest", "cushion")


def lamp(rng: Rng, a: Assembly) -> Made:
    """A desk lamp: a foot, an arm with an elbow, and a shade."""
    color = rng.color("red", "black", "white", "green", "blue", "yellow", "orange")
    metal = rng.choice([color, STEEL])
    a.add(cylinder(rng.uniform(0.3, 0.38), 0.07, (0.1, 0, -0.75)), color, "base")
    a.add(cylinder(0.07, 0.12, (0.1, 0, -0.68)), metal, "base")
    lean = rng.uniform(0.1, 0.25)
    lower = a.hinge("arm", (0.1, 0, -0.64), (0, 1, 0), (-0.5, 0.45))
    elbow = (0.1 + lean, 0.0, 0.1)
    lower.add(tube([(0.1, 0, -0.64), elbow], 0.035), metal)
    lower.add(cylinder(0.06, 0.13, elbow, (0, 1, 0), 16), DARK, "joint")
    upper = lower.hinge("upper arm", elbow, (0, 1, 0), (-0.5, 0.5))
    tip = (elbow[0] - rng.uniform(0.5, 0.62), 0.0, rng.uniform(0.48, 0.62))
    upper.add(tube([elbow, tip], 0.032), metal, "arm")
    head = upper.hinge("shade", tip, (0, 1, 0), (-0.6, 0.7))
    shade = lathe([(0.36, -0.24), (0.17, 0.12), (0.09, 0.2), (0, 0.21)], 28)
    # Its profile goes down where the shade's goes up: it faces inwards.
    inner = lathe([(0.0, 0.15), (0.15, 0.11), (0.34, -0.24)], 28)
    turn = tilted(0.35)
    at = (tip[0] - 0.06, 0, tip[2] - 0.13)
    head.add(shade.moved(at, turn), color)
    head.add(inner.moved(at, turn), COLORS["white"])
    bulb = ellipsoid((0.085, 0.085, 0.1), (at[0] - 0.02, 0, at[2] - 0.08))
    head.add(bulb, Color("yellow", (1.0, 0.85, 0.4)), "bulb")
    upper.add(cylinder(0.055, 0.12, tip, (0, 1, 0), 16), DARK, "joint")
    if rng.chance(0.5):
        contrast = SILVER if color.name == "black" else COLORS["black"]
        a.add(box((0.07, 0.09, 0.04), (-0.12, 0, -0.7)), contrast, "switch")
    return color, ("switch", "cable")


def toilet(rng: Rng, a: Assembly) -> Made:
    """A bowl with a seat and a lid, and a tank behind it."""
    color = rng.color("white", "beige", "pink", "blue", "gray")
    w = rng.uniform(0.5, 0.58)
    # Round first; stretched below, since a bowl is longer than wide.
    bowl = lathe(
        [
            (0, -0.55),
            (0.2, -0.55),
            (0.17, -0.35),
            (0.2, -0.2),
            (0.3, 0.0),
            (0.3, 0.05),
            (0.22, 0.05),
            (0.14, -0.15),
            (0, -0.2),
        ],
        28,
    )
    a.add(bowl.scaled((1.35, w / 0.55, 1)).moved((-0.1, 0, 0)), color, "bowl")
    a.add(box((0.3, 0.3, 0.6), (0.3, 0, -0.25)), color, "bowl")
    high = rng.uniform(0.5, 0.62)
    a.add(slab((0.26, w + 0.12, high), 0.05, (0.46, 0, 0.06 + high / 2)), color, "tank")
    a.add(slab((0.3, w + 0.17, 0.06), 0.05, (0.46, 0, 0.09 + high)), color, "tank")
    seat = a.hinge("seat", (0.27, 0, 0.07), (0, 1, 0), (0.0, 1.5))
    rim = ring(0.24, 0.045, segments=28).scaled((1.38, w / 0.53, 0.55))
    seat.add(rim.moved((-0.1, 0, 0.085)), color)
    lid = a.hinge("lid", (0.29, 0, 0.12), (0, 1, 0), (0.0, 1.45))
    tint = rng.choice([color, rng.other_color(color, "brown", "white", "blue")])
    disc = cylinder(0.3, 0.035, (0, 0, 0.125), segments=32).scaled((1.3, w / 0.57, 1))
    lid.add(disc.moved((-0.1, 0, 0.004)), tint)
    if rng.chance(0.5):
        lever = a.hinge("lever", (0.32, 0.5 * w - 0.05, high - 0.02), (1, 0, 0), (-0.6, 0.6))
        lever.add(box((0.05, 0.2, 0.05), (0.3, 0.5 * w - 0.14, high - 0.02)), SILVER, metallic=True)
    else:
        button = a.slide("flush button", UP, (0, 0.09))
        button.add(cylinder(0.07, 0.1, (0.46, 0, 0.14 + high)), SILVER, "button", metallic=True)
    return color, ("lever", "flush button")


def switch(rng: Rng, a: Assembly) -> Made:
    """A wall plate with one to three rockers or toggles."""
    count = rng.choice([1, 2, 2, 3])
    w, h = 0.5 * count + 0.3, rng.uniform(1.0, 1.2)
    color = rng.color("white", "beige", "gray", "black")
    ink = rng.other_color(color, "white", "beige", "gray", "blue", "red")
    # Slabs lie; a quarter turn about y sets them against the wall.
    turn = tilted(-math.pi / 2)
    a.add(slab((h, w, 0.12), 0.06).moved((0.06, 0, 0), turn), color, "plate")
    a.add(slab((0.92 * h, 0.94 * w, 0.05), 0.05).moved((-0.02, 0, 0), turn), color, "plate")
    toggles = rng.chance(0.5)
    for k in range(count):
        y = 0.5 * (count - 1) / 2 - 0.5 * k
        if toggles:
            a.add(box((0.02, 0.2, 0.36), (-0.045, y, 0)), DARK, "slot")
            toggle = a.hinge("toggle", (-0.03, y, 0), (0, 1, 0), (-0.55, 0.55))
            toggle.add(cone(0.09, 0.065, 0.34, (-0.2, y, 0), FRONT, 16), ink)
            toggle.add(ellipsoid((0.075, 0.075, 0.075), (-0.37, y, 0)), ink)
        else:
            rocker = a.hinge("rocker", (-0.03, y, 0), (0, 1, 0), (-0.3, 0.3))
            for side in (-1, 1):
                wing = box((0.09, 0.38, 0.31)).moved((-0.075, y, side * 0.15), tilted(side * 0.16))
                rocker.add(wing, ink)
    for z in (-0.42, 0.42):
        a.add(cylinder(0.03, 0.02, (-0.05, 0, z * h), FRONT, 12), SILVER, "screw")
    return color, ("toggle", "rocker", "light")


def faucet(rng: Rng, a: Assembly) -> Made:
    """A tap: a foot, a bent spout, and one or two levers or cross handles."""
    brass = Color("yellow", (0.5, 0.34, 0.08))
    color = rng.choice([STEEL, brass, SILVER, rng.color("black", "white")])
    two = rng.chance(0.5)
    width = 1.0 if two else 0.5
    a.add(slab((0.42, width, 0.08), 0.2, (0.1, 0, -0.5)), color, "base", metallic=True)
    high = rng.uniform(0.35, 0.55)
    if rng.chance(0.5):
        path = [
            (0.1, 0.0, -0.48),
            *arc((-0.16, 0, high - 0.22), 0.26, 0.0, math.pi, "xz", 8),
            (-0.42, 0.0, high - 0.4),
        ]
    else:
        path = [(0.1, 0.0, -0.48), (0.1, 0.0, 0.1), (-0.5, 0.0, 0.2), (-0.56, 0.0, 0.08)]
    a.add(tube(path, 0.075, 12), color, "spout", metallic=True)
    a.add(cylinder(0.13, 0.12, (0.1, 0, -0.42)), color, "base", metallic=True)
    # Two turn about upright axes of their own, a single one about the arm on which it sits.
    sides = [0.38, -0.38] if two else [rng.choice([0.2, -0.2])]
    for y in sides:
        out = 1 if y > 0 else -1
        if two:
            at, axis = (0.1, y, -0.2), UP
            a.add(cylinder(0.1, 0.26, (0.1, y, -0.36)), color, "base", metallic=True)
        else:
            at, axis = (0.1, y, -0.16), (0, out, 0)
            arm = cylinder(0.075, 0.2, (0.1, y * 0.6, -0.16), (0, 1, 0))
            a.add(arm, color, "base", metallic=True)
        lever = a.hinge("lever", at, axis, (-0.8, 0.8))
        if two:
            boss = cylinder(0.085, 0.1, (0.1, y, -0.19))
            blade = slab((0.14, 0.46, 0.1), 0.06, (0.1, y + out * 0.2, -0.13))
        else:
            boss = cylinder(0.1, 0.1, (0.1, y + out * 0.02, -0.16), (0, 1, 0))
            blade = slab((0.1, 0.12, 0.5), 0.05, (0.1, y + out * 0.05, 0.1))
        for piece in (boss, blade):
            lever.add(piece, color, metallic=True)
        if rng.chance(0.7):
            # Warm is on a viewer's left, which is +y.
            dot = COLORS["red"] if y > 0 else COLORS["blue"]
            contact = (0.1, y, -0.07) if two else (0.03, y + out * 0.05, -0.16)
            lever.add(ellipsoid((0.045,) * 3, contact), dot, "mark")
    return color, ("hose",)
