# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Things with screens, keys and buttons: laptops, monitors, mice, remotes, phones, USB sticks."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.catalog.appliances import Made
from robomamba_jax.world.objects.catalog.primitives import FRONT, tilted
from robomamba_jax.world.objects.colors import COLORS, DARK, GLASS, SILVER, STEEL
from robomamba_jax.world.objects.meshes import box, clipped, cylinder, ellipsoid, slab, tube
from robomamba_jax.world.objects.model import Assembly, Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng


def keys(
    link: LinkBuilder,
    at: tuple[float, float, float],
    size: tuple[float, float],
    rows: int,
    columns: int,
    color: Color,
    *,
    high: float = 0.012,
    label: str = "keyboard",
) -> None:
    """Keys on a level surface: size is (depth, width)."""
    for row in range(rows):
        for column in range(columns):
            center = (
                at[0] + size[0] * ((row + 0.5) / rows - 0.5),
                at[1] + size[1] * ((column + 0.5) / columns - 0.5),
                at[2] + high / 2,
            )
            link.add(
                box((0.74 * size[0] / rows, 0.74 * size[1] / columns, high), center), color, label
            )


def laptop(rng: Rng, a: Assembly) -> Made:
    """A base with keys and a screen that folds onto it."""
    w, d, t = rng.uniform(1.1, 1.35), rng.uniform(0.75, 0.92), rng.uniform(0.035, 0.06)
    color = rng.color("gray", "black", "white", "blue", "pink", "red")
    a.add(slab((d, w, t), 0.05), color, "base")
    ink = rng.other_color(color, "black", "white", "gray")
    keys(a, (0.08 * d, 0, t / 2), (0.5 * d, 0.86 * w), 5, 12, ink)
    if rng.chance(0.8):
        a.add(box((0.24 * d, 0.32 * w, 0.006), (-0.34 * d, 0, t / 2 + 0.003)), SILVER, "touchpad")
    # At 0 the lid lies on the keys; its screen looks down then.
    lid = a.hinge("lid", (d / 2 - 0.02, 0, t / 2 + 0.012), (0, 1, 0), (0.0, rng.uniform(1.9, 2.4)))
    z = t / 2 + 0.035
    lid.add(slab((d, w, 0.035), 0.05, (0, 0, z)), color)
    glass = Color("black", (0.02, 0.05, 0.12))
    lid.add(box((0.86 * d, 0.9 * w, 0.006), (0.01 * d, 0, z - 0.019)), glass, "screen")
    if rng.chance(0.5):
        tint = rng.other_color(color, "white", "black", "red")
        lid.add(cylinder(0.07, 0.006, (0, 0, z + 0.019)), tint, "logo")
    for y in (-0.3, 0.3):
        at = (d / 2 - 0.01, y * w, t / 2 + 0.01)
        a.add(cylinder(0.025, 0.14, at, (0, 1, 0), 12), DARK, "hinge")
    return color, ("touchpad", "logo")


def display(rng: Rng, a: Assembly) -> Made:
    """A monitor that tilts on its foot."""
    w = rng.uniform(1.2, 1.6)
    h = w * rng.uniform(0.56, 0.66)
    color = rng.color("black", "white", "gray", "blue", "red")
    foot = rng.choice(["round", "square", "legs"])
    low = -h / 2 - rng.uniform(0.25, 0.4)
    if foot == "round":
        a.add(cylinder(0.28, 0.04, (0.05, 0, low)), color, "stand")
    elif foot == "square":
        a.add(slab((0.42, 0.62, 0.04), 0.06, (0.05, 0, low)), color, "stand")
    else:
        for y in (-1, 1):
            a.add(tube([(0.08, 0, low + 0.1), (-0.2, y * 0.34, low)], 0.03), color, "stand")
            a.add(tube([(0.08, 0, low + 0.1), (0.3, y * 0.2, low)], 0.03), color, "stand")
    a.add(box((0.06, 0.16, 0.02 - low), (0.13, 0, low / 2)), color, "stand")
    screen = a.hinge("screen", (0.1, 0, 0), (0, 1, 0), (-0.35, 0.45))
    # Drawn lying and set upright: a slab's corners are rounded about z alone.
    upright = tilted(math.pi / 2)
    screen.add(slab((h, w, 0.07), 0.03).moved(turn=upright), color, "frame")
    glass = rng.choice([GLASS, Color("blue", (0.05, 0.13, 0.4)), Color("green", (0.04, 0.2, 0.12))])
    screen.add(box((0.012, 0.93 * w, 0.87 * h), (-0.038, 0, 0.02 * h)), glass)
    back = slab((0.6 * h, 0.5 * w, 0.09), 0.05).moved((0.07, 0, 0), upright)
    screen.add(back, color, "back")
    if rng.chance(0.6):
        for k in range(4):
            button = box((0.02, 0.035, 0.016), (-0.04, -0.3 * w - 0.06 * k, -0.465 * h))
            screen.add(button, SILVER, "button")
    return color, ("button", "speaker")


def mouse(rng: Rng, a: Assembly) -> Made:
    """A computer mouse: two buttons in front and a wheel between them."""
    length, width, height = rng.uniform(1.1, 1.3), rng.uniform(0.62, 0.75), rng.uniform(0.4, 0.5)
    color = rng.color("black", "white", "gray", "red", "blue", "pink")
    accent = rng.other_color(color, "black", "white", "gray", "blue")
    shell = ellipsoid((length / 2, width / 2, 0.86 * height), segments=36)
    a.add(clipped(shell, (-9, -9, 0), (9, 9, 9)), color)
    a.add(slab((0.96 * length, 0.94 * width, 0.06), 0.25, (0, 0, 0.0)), DARK)
    # A hair larger than the shell: in one surface the two would flicker.
    cover = shell.scaled((1.03, 1.03, 1.05))
    for side, name in ((1, "left button"), (-1, "right button")):
        hinge_at = (-0.06 * length, 0, 0.84 * height)
        button = a.hinge(name, hinge_at, (0, 1, 0), (0.0, rng.uniform(0.35, 0.6)))
        low, high = sorted((side * 0.07 * width, side * 9))
        half = clipped(cover, (-9, low, 0.3 * height), (-0.06 * length, high, 9))
        button.add(half, accent, "button")
    wheel = a.hinge("wheel", (-0.27 * length, 0, 0.72 * height), (0, 1, 0), (-3.1, 3.1))
    wheel.add(cylinder(0.13, 0.07, (-0.27 * length, 0, 0.78 * height), (0, 1, 0)), COLORS["gray"])
    for k in range(8):
        # Ridges, or the wheel would look the same however it is turned.
        angle = math.pi * k / 4
        at = (-0.27 * length + 0.125 * math.cos(angle), 0, 0.78 * height + 0.125 * math.sin(angle))
        wheel.add(box((0.03, 0.075, 0.03), at), DARK)
    if rng.chance(0.5):
        x = length
        path = [(-0.5 * x, 0, 0.1), (-0.8 * x, 0.06, 0.03), (-1.05 * x, -0.06, 0.03)]
        a.add(tube(path, 0.025, 8), DARK, "cable")
    return color, ("cable", "keyboard")


def remote(rng: Rng, a: Assembly) -> Made:
    """A remote control whose buttons can be lifted a little."""
    length, width, high = rng.uniform(1.2, 1.5), rng.uniform(0.42, 0.55), rng.uniform(0.12, 0.18)
    color = rng.color("black", "gray", "white", "blue")
    a.add(slab((length, width, high), 0.09), color)
    top = high / 2
    rows, columns = rng.integer(3, 4), rng.choice([2, 3])
    pitch_x, pitch_y = 0.62 * length / rows, 0.86 * width / columns
    ink = rng.other_color(color, "white", "gray", "yellow", "green", "blue")
    round_keys = rng.chance(0.5)
    for row in range(rows):
        for column in range(columns):
            at = (
                0.06 * length - 0.31 * length + pitch_x * (row + 0.5) - 0.08 * length,
                0.43 * width - pitch_y * (column + 0.5),
                top + 0.03,
            )
            button = a.slide("button", (0, 0, 1), (0.0, 0.16))
            side = 0.66 * min(pitch_x, pitch_y)
            square = slab((side, side, 0.12), 0.03, at)
            button.add(cylinder(side / 2, 0.12, at) if round_keys else square, ink)
    power = a.slide("power button", (0, 0, 1), (0.0, 0.16))
    at = (0.4 * length, 0.26 * width, top + 0.03)
    power.add(cylinder(0.075, 0.12, at), COLORS["red"], "button")
    if rng.chance(0.4):
        at = (0.36 * length, -0.14 * width, top)
        a.add(box((0.14 * length, 0.42 * width, 0.01), at), GLASS, "screen")
    return color, ("screen",)


def phone(rng: Rng, a: Assembly) -> Made:
    """A phone that folds: keys below, a screen above."""
    length, width, high = rng.uniform(0.85, 1.0), rng.uniform(0.48, 0.56), 0.11
    color = rng.color("black", "gray", "pink", "red", "blue", "white")
    a.add(slab((length, width, high), 0.08), color, "base")
    ink = rng.other_color(color, "white", "gray", "black")
    at, size = (-0.12 * length, 0, high / 2), (0.58 * length, 0.84 * width)
    keys(a, at, size, 4, 3, ink, high=0.025, label="keypad")
    a.add(cylinder(0.085, 0.03, (0.3 * length, 0, high / 2)), SILVER, "keypad")
    lid = a.hinge("lid", (length / 2, 0, high / 2 + 0.05), (0, 1, 0), (0.0, rng.uniform(2.2, 2.7)))
    z = high / 2 + 0.06
    lid.add(slab((length, width, 0.09), 0.08, (0, 0, z)), color)
    blue = Color("blue", (0.1, 0.25, 0.5))
    lid.add(box((0.66 * length, 0.82 * width, 0.012), (0.02, 0, z - 0.048)), blue, "screen")
    if rng.chance(0.6):
        small = box((0.24 * length, 0.5 * width, 0.012), (0.1 * length, 0, z + 0.048))
        lid.add(small, GLASS, "small screen")
    axle = cylinder(0.055, 0.8 * width, (length / 2, 0, high / 2 + 0.03), (0, 1, 0))
    a.add(axle, SILVER, "hinge")
    if rng.chance(0.5):
        at = (length / 2 + 0.02, 0.4 * width, high / 2)
        a.add(tube([at, (at[0] + 0.3, at[1], at[2])], 0.035), DARK, "antenna")
    return color, ("small screen", "antenna")


def usb(rng: Rng, a: Assembly) -> Made:
    """A memory stick with a metal plug and a cover that swings round or a cap that comes off."""
    length, width, high = rng.uniform(0.9, 1.1), rng.uniform(0.36, 0.44), rng.uniform(0.16, 0.22)
    color = rng.color("red", "blue", "green", "black", "orange", "purple", "white")
    a.add(slab((length, width, high), 0.1), color)
    plug = 0.42
    shell = box((plug, 0.72 * width, 0.62 * high), (-length / 2 - plug / 2, 0, 0))
    a.add(shell, STEEL, "plug", metallic=True)
    for y in (-0.16, 0.16):
        # A hair higher than the plug, so that the holes show above and below.
        hole = box((0.09, 0.09, 0.63 * high), (-length / 2 - 0.6 * plug, y * width, 0.002))
        a.add(hole, DARK, "plug")
    if rng.chance(0.6):
        cover = a.hinge("cover", (0.3 * length, 0, 0), (0, 0, 1), (0.0, rng.uniform(2.4, 3.1)))
        span = 0.3 * length + length / 2 + plug + 0.04
        for z in (-1, 1):
            # Above and below the stick: the cover swings round between its own two halves.
            at = (0.42 * length - span / 2, 0, z * (high / 2 + 0.02))
            cover.add(slab((span, 1.06 * width, 0.035), 0.12, at), SILVER, metallic=True)
        end = 0.42 * length - span
        cover.add(box((0.04, 0.8 * width, high + 0.07), (end, 0, 0)), SILVER, metallic=True)
        cover.add(cylinder(0.06, high + 0.12, (0.3 * length, 0, 0)), DARK)
    else:
        cap = a.slide("cap", FRONT, (0.0, rng.uniform(0.5, 0.7)))
        size, at = (plug + 0.08, 1.02 * width, 1.02 * high), (-length / 2 - plug / 2 - 0.04, 0, 0)
        cap.add(slab(size, 0.08, at), rng.other_color(color, "white", "gray", "black"))
    if rng.chance(0.5):
        light = ellipsoid((0.04, 0.04, 0.03), (0.38 * length, 0.12, high / 2))
        a.add(light, COLORS["green"], "light")
    return color, ("light", "cap", "cover")
