# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes with fronts that open: safes, refrigerators, microwaves, washing machines, toasters."""

from __future__ import annotations

from robomamba_jax.world.objects.catalog.primitives import (
    FRONT,
    bar_handle,
    dial,
    grid_buttons,
    knob,
    legs,
    side_hinge,
    spokes,
    upright_handle,
)
from robomamba_jax.world.objects.colors import COLORS, DARK, GLASS, SILVER, STEEL, darker
from robomamba_jax.world.objects.meshes import box, cylinder, ring, slab
from robomamba_jax.world.objects.model import Assembly, Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng

Made = tuple[Color, tuple[str, ...]]

# A cabinet's columns, from above: a tall one is a door.
_COLUMNS = (
    ("drawer", "drawer", "drawer"),
    ("drawer", "tall"),
    ("tall", "drawer"),
    ("drawer", "drawer"),
    ("drawer", "drawer", "tall"),
)


def hollow(
    a: Assembly, size: tuple[float, float, float], wall: float, color: Color, inside: Color
) -> None:
    """A box open at the front (-x), its middle at the origin: depth, width, height."""
    # Side walls, top, bottom and back.
    d, w, h = size
    a.add(box((d, wall, h), (0, (w - wall) / 2, 0)), color)
    a.add(box((d, wall, h), (0, -(w - wall) / 2, 0)), color)
    a.add(box((d, w, wall), (0, 0, (h - wall) / 2)), color)
    a.add(box((d, w, wall), (0, 0, -(h - wall) / 2)), color)
    a.add(box((wall, w - wall, h - wall), ((d - wall) / 2, 0, 0)), inside)


def safe(rng: Rng, a: Assembly) -> Made:
    """A thick-walled strongbox with a dial or keypad and a spoked wheel."""
    w, h, d = rng.uniform(0.9, 1.2), rng.uniform(0.9, 1.4), rng.uniform(0.75, 1.0)
    color = rng.color("gray", "black", "green", "blue", "beige")
    dark = darker(color, 0.55)
    hollow(a, (d, w, h), 0.1, color, dark)
    left = rng.chance(0.5)
    side = 1 if left else -1
    front = -d / 2
    door = side_hinge(a, "door", front, side * (w / 2 - 0.04), -side, rng.uniform(1.6, 2.4))
    door.add(box((0.12, w - 0.1, h - 0.1), (front - 0.03, 0, 0)), color)
    door.add(box((0.03, w - 0.26, h - 0.26), (front - 0.1, 0, 0)), dark)
    face = front - 0.11
    # The wheel is beside the middle, away from the hinge, where a hand would pull.
    spokes(door, (face, -side * 0.2 * w, -0.05), 0.2, rng.choice([3, 4, 5]), SILVER)
    if rng.chance(0.5):
        dial(door, (face, 0.05 * side * w, 0.18 * h), 0.14, SILVER, COLORS["red"])
    else:
        door.add(box((0.04, 0.26, 0.3), (face, 0.1 * side * w, 0.2 * h)), DARK, "keypad")
        grid_buttons(
            door, (face - 0.02, 0.1 * side * w, 0.2 * h), (0.22, 0.26), 4, 3, COLORS["white"]
        )
    for z in (-0.3, 0.3):
        a.add(cylinder(0.045, 0.18, (front - 0.05, side * w / 2, z * h)), SILVER, "hinge")
    legs(a, w - 0.2, d - 0.2, -h / 2 - 0.08, -h / 2, 0.12, DARK)
    return color, ("dial", "keypad", "window")


def refrigerator(rng: Rng, a: Assembly) -> Made:
    """A tall cabinet, one door above the other or side by side."""
    w, h, d = rng.uniform(0.75, 0.95), rng.uniform(1.5, 1.9), rng.uniform(0.65, 0.8)
    color = rng.color("white", "gray", "red", "blue", "beige", "black")
    hollow(a, (d, w, h), 0.05, color, COLORS["white"])
    front, opens = -d / 2, rng.uniform(1.5, 2.2)
    if rng.chance(0.35):  # side by side
        for side in (1, -1):
            door = side_hinge(a, "door", front, side * w / 2, -side, opens)
            door.add(
                box((0.07, w / 2 - 0.012, h - 0.06), (front - 0.035, side * w / 4, 0.01)), color
            )
            upright_handle(door, rng, (front - 0.07, side * 0.06, 0.1), 0.45 * h)
        split = 0.0
    else:
        side = rng.choice([1, -1])
        split = h * rng.uniform(0.12, 0.24)
        handles = rng.chance(0.85)
        # The lower door, then the upper one, which keeps the name: the screen goes there.
        for low, high in ((-h / 2 + 0.06, split - 0.012), (split + 0.012, h / 2 - 0.01)):
            door = side_hinge(a, "door", front, side * w / 2, -side, opens)
            door.add(box((0.07, w, high - low), (front - 0.035, 0, (low + high) / 2)), color)
            if handles:
                at = (front - 0.07, -side * 0.41 * w, (low + high) / 2)
                upright_handle(door, rng, at, 0.5 * (high - low))
        if rng.chance(0.4):
            door.add(box((0.02, 0.22, 0.14), (front - 0.075, 0, h * 0.38)), GLASS, "screen")
        a.add(box((d - 0.1, w - 0.1, 0.02), (0, 0, split)), COLORS["white"], "shelf")
    for z in (-0.25, 0.05):
        a.add(box((d - 0.16, w - 0.1, 0.02), (0.02, 0, z * h)), SILVER, "shelf")
    a.add(box((d - 0.1, w - 0.06, 0.06), (0.03, 0, -h / 2 - 0.03)), DARK)
    return color, ("handle", "screen", "drawer")


def microwave(rng: Rng, a: Assembly) -> Made:
    """A wide box with a window in its door and a control panel at the right."""
    w, h, d = rng.uniform(1.0, 1.3), rng.uniform(0.55, 0.72), rng.uniform(0.6, 0.8)
    color = rng.color("white", "gray", "black", "red", "beige")
    hollow(a, (d, w, h), 0.05, color, COLORS["white"])
    panel = rng.uniform(0.2, 0.26) * w
    front, y = -d / 2, -(w - panel) / 2
    a.add(box((0.09, panel, h), (front - 0.015, y, 0)), color, "control panel")
    # The number of rows is drawn before the colour: another order would be another oven.
    rows, ink = rng.integer(3, 5), rng.other_color(color, "white", "gray", "black")
    grid_buttons(a, (front - 0.06, y, -0.1 * h), (0.75 * panel, 0.5 * h), rows, 3, ink)
    green = Color("black", (0.02, 0.09, 0.05))
    a.add(box((0.02, 0.7 * panel, 0.14 * h), (front - 0.065, y, 0.33 * h)), green, "screen")
    width = w - panel - 0.01
    middle = (w - width) / 2
    door = side_hinge(a, "door", front, w / 2, -1, rng.uniform(1.4, 2.1))
    door.add(box((0.06, width, h), (front - 0.03, middle, 0)), color)
    pane = box((0.015, 0.66 * width, 0.6 * h), (front - 0.065, middle + 0.04 * width, 0))
    door.add(pane, GLASS, "window")
    if rng.chance(0.6):
        upright_handle(door, rng, (front - 0.06, w / 2 - width + 0.07, 0), 0.62 * h)
    else:
        button = box((0.03, 0.7 * panel, 0.1 * h), (front - 0.07, y, -0.42 * h))
        a.add(button, SILVER, "release button")
    legs(a, w - 0.2, d - 0.2, -h / 2 - 0.04, -h / 2, 0.07, DARK)
    return color, ("handle", "drawer", "release button")


def washing_machine(rng: Rng, a: Assembly) -> Made:
    """A box with a round glass door, a drawer for the powder, and a dial."""
    w, h, d = rng.uniform(0.8, 0.92), rng.uniform(1.0, 1.2), rng.uniform(0.7, 0.85)
    color = rng.color("white", "gray", "black", "beige", "blue")
    accent = rng.other_color(color, "gray", "black", "white")
    a.add(slab((d, w, h), 0.03), color)
    front, radius = -d / 2, rng.uniform(0.27, 0.31)
    top = h / 2 - 0.1
    a.add(box((0.03, w * 0.98, 0.17), (front - 0.015, 0, top)), accent, "control panel")
    dial(a, (front - 0.03, -0.12 * w, top), 0.06, SILVER, COLORS["red"])
    grid_buttons(a, (front - 0.03, -0.34 * w, top), (0.2, 0.06), 1, 3, COLORS["white"])
    z = -0.06 * h
    a.add(cylinder(radius, 0.02, (front - 0.005, 0, z), FRONT, 32), DARK, "drum")
    side = rng.choice([1, -1])
    door = side_hinge(a, "door", front - 0.02, side * radius, -side, rng.uniform(1.5, 2.3))
    door.add(ring(radius, 0.055, (front - 0.05, 0, z), FRONT, 36), SILVER, metallic=True)
    door.add(cylinder(0.93 * radius, 0.05, (front - 0.04, 0, z), FRONT, 32), GLASS, "window")
    if rng.chance(0.7):
        door.add(
            box((0.07, 0.05, 0.17), (front - 0.11, -side * 1.02 * radius, z)), accent, "handle"
        )
    drawer = a.slide("drawer", FRONT, (0, rng.uniform(0.25, 0.4)))
    drawer.add(box((0.05, 0.28 * w, 0.13), (front - 0.045, 0.31 * w, top)), color)
    drawer.add(box((0.4, 0.25 * w, 0.1), (front + 0.18, 0.31 * w, top)), COLORS["white"])
    legs(a, w - 0.15, d - 0.15, -h / 2 - 0.05, -h / 2, 0.08, DARK)
    return color, ("handle",)


def toaster(rng: Rng, a: Assembly) -> Made:
    """Two slots with bread and a lever at the front that goes up and down."""
    w, h, d = rng.uniform(0.45, 0.6), rng.uniform(0.5, 0.62), rng.uniform(0.85, 1.1)
    color = rng.color("red", "white", "gray", "black", "yellow", "green", "blue", "pink")
    for y in (-1, 1):  # the side walls and the middle leave two slots open
        a.add(slab((d, 0.15 * w, h), 0.03, (0, y * 0.425 * w, 0)), color)
    a.add(box((0.86 * d, 0.26 * w, h - 0.03), (0, 0, -0.015)), color)
    for x in (-1, 1):
        a.add(box((0.1 * d, 0.8 * w, h), (x * 0.43 * d, 0, 0)), color)
    a.add(box((0.8 * d, 0.8 * w, 0.7 * h), (0, 0, -0.14 * h)), DARK)
    if rng.chance(0.5):
        for y in (-1, 1):
            toast = box((0.6 * d, 0.1 * w, 0.4), (0, y * 0.24 * w, h / 2 - 0.1))
            a.add(toast, COLORS["beige"], "bread")
    front = -d / 2
    a.add(box((0.01, 0.07, 0.62 * h), (front - 0.005, 0.1 * w, 0.02)), DARK, "slit")
    travel = rng.uniform(0.26, 0.32)
    lever = a.slide("lever", (0, 0, 1), (0, travel))
    lever.add(slab((0.2, 0.24, 0.07), 0.03, (front - 0.11, 0.1 * w, -0.18)), DARK)
    dial(a, (front, -0.28 * w, -0.15 * h), 0.07, SILVER, COLORS["red"])
    legs(a, 0.7 * w, 0.7 * d, -h / 2 - 0.04, -h / 2, 0.08, DARK)
    return color, ("bread", "handle")


def storage(rng: Rng, a: Assembly) -> Made:
    """A cabinet: columns of drawers above a door, or the other way round."""
    columns = rng.choice([1, 2, 2, 3])  # twice in the list: twice as often
    w = 0.5 * columns + rng.uniform(0.1, 0.4)
    h, d = rng.uniform(0.7, 1.2), rng.uniform(0.45, 0.65)
    color = rng.color("brown", "white", "beige", "gray", "green", "blue")
    faces = rng.choice([color, rng.other_color(color, "white", "beige", "brown", "gray")])
    hollow(a, (d, w, h), 0.035, color, color)
    style = rng.choice(["bar", "knob", "bar", "none"])
    steel = rng.choice([STEEL, COLORS["black"], COLORS["beige"]])
    front, cell = -d / 2, w / columns
    for column in range(columns):
        y = w / 2 - cell * (column + 0.5)
        if column:
            a.add(box((d, 0.03, h - 0.04), (0, y + cell / 2, 0)), color)
        kinds = rng.choice(_COLUMNS)
        shares = [1.8 if kind == "tall" else 1.0 for kind in kinds]
        top = h / 2 - 0.02
        for kind, share in zip(kinds, shares, strict=True):
            high = (h - 0.04) * share / sum(shares)
            at, size = (front, y, top - high / 2), (cell - 0.02, high - 0.02)
            link, handle, length = _front(rng, a, kind, at, size, d)
            link.add(box((0.035, *size), (front - 0.0175, *at[1:])), faces)
            if style == "bar":
                upright = kind == "tall"
                bar_handle(link, handle, length, steel, upright=upright, out=0.06, thick=0.017)
            elif style == "knob":
                knob(link, handle, 0.034, steel)
            top -= high
    legs(a, w - 0.1, d - 0.1, -h / 2 - 0.08, -h / 2, 0.06, DARK)
    return color, ("handle", "drawer", "door")


def _front(
    rng: Rng,
    a: Assembly,
    kind: str,
    at: tuple[float, float, float],
    size: tuple[float, float],
    depth: float,
) -> tuple[LinkBuilder, tuple[float, float, float], float]:
    """The link of one drawer or door of a cabinet, where its handle goes, and how long that is."""
    (x, y, z), (wide, high) = at, size
    if kind == "drawer":
        link = a.slide("drawer", FRONT, (0, rng.uniform(0.5, 0.8) * depth))
        inner = box((0.85 * depth, wide - 0.06, 0.6 * high), (x + 0.43 * depth, y, z - 0.1 * high))
        link.add(inner, COLORS["beige"])
        return link, (x - 0.035, y, z), 0.45 * wide
    side = rng.choice([1, -1])
    link = side_hinge(a, "door", x, y + side * wide / 2, -side, rng.uniform(1.4, 2.2))
    return link, (x - 0.035, y - side * 0.38 * wide, z), 0.4 * high


def door(rng: Rng, a: Assembly) -> Made:
    """A room's door in its frame, with a lever or a knob, panels or a window."""
    w, h = rng.uniform(0.85, 1.05), rng.uniform(1.8, 2.1)
    color = rng.color("brown", "white", "green", "blue", "red", "gray", "beige")
    frame = rng.other_color(color, "white", "brown", "beige", "gray")
    for side in (1, -1):
        a.add(box((0.2, 0.12, h + 0.12), (0, side * (w / 2 + 0.06), 0.06)), frame, "frame")
    a.add(box((0.2, w + 0.24, 0.12), (0, 0, h / 2 + 0.06)), frame, "frame")
    a.add(box((0.2, w + 0.24, 0.03), (0, 0, -h / 2 - 0.015)), frame, "frame")
    side = rng.choice([1, -1])
    leaf = side_hinge(a, "door", -0.08, side * w / 2, -side, rng.uniform(1.3, 1.9))
    leaf.add(box((0.07, w - 0.01, h - 0.01), (-0.06, 0, 0)), color)
    dark = darker(color, 0.7)
    if rng.chance(0.3):
        sky = Color("blue", (0.35, 0.5, 0.62))
        leaf.add(box((0.09, 0.5 * w, 0.3 * h), (-0.06, 0, 0.25 * h)), sky, "window")
        leaf.add(box((0.085, 0.55 * w, 0.3 * h), (-0.06, 0, -0.22 * h)), dark)
    else:
        for z in (-0.24, 0.23):
            for y in (-0.22, 0.22):
                leaf.add(box((0.085, 0.32 * w, 0.36 * h), (-0.06, y * w, z * h)), dark)
    x, y, z = -0.095, -side * 0.42 * w, -0.02 * h
    steel = rng.choice([STEEL, Color("yellow", (0.55, 0.38, 0.1))])
    if rng.chance(0.6):  # a rose, a neck, and a lever towards the hinge
        leaf.add(cylinder(0.045, 0.02, (x - 0.01, y, z), FRONT), steel, "handle", metallic=True)
        leaf.add(cylinder(0.02, 0.09, (x - 0.045, y, z), FRONT), steel, "handle", metallic=True)
        lever = box((0.03, 0.2, 0.035), (x - 0.09, y + side * 0.08, z))
        leaf.add(lever, steel, "handle", metallic=True)
    else:
        knob(leaf, (x, y, z), 0.055, steel)
    return color, ("window", "keyhole")
