# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of assemblies: twelve families of what does not move, and the places on them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from robomamba_jax.world.objects.assemblies.sites import (
    Body,
    Site,
    box_sites,
    frame_of,
)
from robomamba_jax.world.objects.meshes import (
    box,
    cone,
    cylinder,
    ellipsoid,
    lathe,
    prism,
    rotation,
)
from robomamba_jax.world.objects.rng import Rng

# What one could call a body of each look in good faith: nobody asks whether that is there.
BOXY = (
    *("box", "cabinet", "safe", "refrigerator", "microwave", "toaster", "suitcase", "trash can"),
    *("soap dispenser", "monitor", "remote control", "lighter", "cube"),
)
ROUND = ("pot", "bottle", "trash can", "lamp", "soap dispenser", "lighter", "cylinder", "cone")
FLAT = ("box", "door", "monitor", "laptop", "remote control", "suitcase", "computer mouse")
POSTED = ("lamp", "monitor", "soap dispenser", "folding chair", "ball")
LONG = ("pair of pliers", "lighter", "laptop", "remote control", "suitcase")


@dataclasses.dataclass(eq=False)
class Built:
    """A body and what can be done with it.

    Attributes:
      sites: its places, the ones that a viewer sees best named "front" and "top".
      resembles: what one could take it for.
    """

    sites: dict[str, Site]
    resembles: tuple[str, ...]


Family = Callable[[Rng, Body], Built]


def _extent(rng: Rng) -> float:
    """A side in metres: small ones as often as large ones."""
    return math.exp(rng.uniform(math.log(0.35), math.log(1.2)))


def _lift(rng: Rng, body: Body, size: tuple[float, float, float]) -> float:
    """Feet, runners or a plinth below a box on z = 0 and up; how high it is lifted then."""
    style = rng.choice(["none", "none", "feet", "pegs", "runners", "plinth"])
    tall = min(rng.uniform(0.03, 0.2), 0.3 * size[2])
    x, y = 0.42 * size[0], 0.42 * size[1]
    thick = 0.1 * min(size[0], size[1])
    if style in ("feet", "pegs"):
        for at in ((-x, -y), (-x, y), (x, -y), (x, y)):
            middle = (*at, tall / 2)
            square = box((thick, thick, tall), middle)
            foot = square if style == "feet" else cone(0.4 * thick, 0.7 * thick, tall, middle)
            body.add(foot, "leg")
    elif style == "runners":
        for side in (-y, y):
            body.add(box((0.9 * size[0], thick, tall), (0, side, tall / 2)), "leg")
    elif style == "plinth":
        body.add(box((0.9 * size[0], 0.9 * size[1], tall), (0, 0, tall / 2)), "base")
    return 0.0 if style == "none" else tall


def block(rng: Rng, body: Body) -> Built:
    """One box of any proportions, perhaps on feet."""
    size = (_extent(rng), _extent(rng), _extent(rng))
    z = _lift(rng, body, size) + size[2] / 2
    body.add_box(size, (0, 0, z))
    return Built(box_sites(body, size, (0, 0, z)), BOXY)


def stacked(rng: Rng, body: Body) -> Built:
    """Two or three boxes on one another, each of a size of its own."""
    x, y = _extent(rng), _extent(rng)
    z = _lift(rng, body, (x, y, 0.4))
    sites: dict[str, Site] = {}
    for level in range(rng.integer(2, 3)):
        size = (x, y, rng.uniform(0.2, 0.6))
        # What is on top stands back from the front more often than over it.
        at = (rng.uniform(-0.05, 0.1), rng.uniform(-0.15, 0.15) * y, z + size[2] / 2)
        body.add_box(size, at)
        for name, site in box_sites(body, size, at).items():
            if name == "top":
                sites[name] = site
            else:
                sites[f"{name} {level}"] = site
        z += size[2]
        x, y = x * rng.uniform(0.5, 1.05), y * rng.uniform(0.5, 1.05)
    return Built(sites, BOXY)


def joined(rng: Rng, body: Body) -> Built:
    """Boxes side by side: an L, a T, a U, or steps."""
    count = rng.integer(2, 3)
    along = rng.choice(["y", "y", "x"])
    sites: dict[str, Site] = {}
    start = 0.0
    for number in range(count):
        size = (rng.uniform(0.35, 0.9), rng.uniform(0.3, 0.7), _extent(rng))
        if along == "y":
            at = (rng.uniform(-0.1, 0.1), start + size[1] / 2, size[2] / 2)
            start += size[1]
            hidden = ("left", "right")
        else:
            at = (start + size[0] / 2, rng.uniform(-0.1, 0.1), size[2] / 2)
            start += size[0]
            hidden = ("front", "back") if number else ("back",)
        body.add_box(size, at)
        for name, site in box_sites(body, size, at).items():
            if name not in hidden:
                sites[f"{name} {number}"] = site
    return Built(sites, BOXY)


def drum(rng: Rng, body: Body) -> Built:
    """An upright cylinder or a blunt cone, perhaps on a foot."""
    radius, tall = rng.uniform(0.2, 0.6), _extent(rng)
    taper = rng.choice([1.0, 1.0, rng.uniform(0.6, 1.2)])
    foot = rng.choice([0.0, rng.uniform(0.03, 0.1)])
    if foot:
        body.add(cylinder(rng.uniform(0.7, 1.3) * radius, foot, (0, 0, foot / 2)), "base")
    body.add(cone(radius, taper * radius, tall, (0, 0, foot + tall / 2)))
    top = 2 * taper * radius
    up = Site(np.array([0, 0, foot + tall]), frame_of((0, 0, 1), (1, 0, 0)), top, top, round=True)
    return Built({"top": up, **_round_sides(radius, foot + tall / 2, tall, taper)}, ROUND)


def _round_sides(radius: float, z: float, tall: float, taper: float) -> dict[str, Site]:
    """Places on a round side: narrow ones, which a part's foot covers well."""
    sites = {}
    for name, angle in (("front", 0.0), ("left", -0.9), ("right", 0.9)):
        out = np.array([-math.cos(angle), math.sin(angle), 0.0])
        # A little inside of the surface, so that nothing hangs in the air beside the middle.
        middle = 0.5 * (1 + taper) * radius
        origin = out * (0.94 * middle) + np.array([0, 0, z])
        sites[name] = Site(origin, frame_of(out, (0, 0, 1)), 0.8 * radius, 0.7 * tall)
    return sites


def lying(rng: Rng, body: Body) -> Built:
    """A cylinder on its side in a cradle; its end looks to the front or to a side."""
    radius, long = rng.uniform(0.2, 0.45), rng.uniform(0.4, 1.2)
    lift = rng.uniform(0.02, 0.15)
    z = radius + lift
    axis = rng.choice([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])
    body.add(cylinder(radius, long, (0, 0, z), axis))
    for sign in (-1, 1):
        x, y, _ = (0.35 * sign * long * part for part in axis)
        size = (0.1, 1.4 * radius, z) if axis[0] else (1.4 * radius, 0.1, z)
        body.add(box(size, (x, y, z / 2)), "leg")
    out = (-axis[0], -axis[1], 0.0)
    end = np.array(out) * long / 2 + np.array([0, 0, z])
    disc = Site(end, frame_of(out, (0, 0, 1)), 2 * radius, 2 * radius, round=True)
    ridge = Site(
        np.array([0, 0, z + 0.95 * radius]),
        frame_of((0, 0, 1), (1, 0, 0)),
        *((0.6 * radius, 0.8 * long) if axis[0] else (0.8 * long, 0.6 * radius)),
    )
    return Built({"front" if axis[0] else "right": disc, "top": ridge}, ROUND)


def wedge(rng: Rng, body: Body) -> Built:
    """A body with a slope to the front, and something of an upright front below it."""
    deep, wide, tall = rng.uniform(0.4, 1.0), _extent(rng), rng.uniform(0.3, 0.9)
    low, back = tall * rng.uniform(0.1, 0.5), deep * rng.uniform(0.05, 0.4)
    x0, x1 = -deep / 2, deep / 2
    outline = [(x0, 0.0), (x1, 0.0), (x1, tall), (x1 - back, tall), (x0, low)]
    # Its outline in x and z; drawn up along z, which goes to -y.
    body.add(prism(outline, wide).moved((0, 0, 0), rotation((1, 0, 0), math.pi / 2)))
    run, rise = deep - back, tall - low
    slope = math.hypot(run, rise)
    up = np.array([run / slope, 0, rise / slope])
    out = np.array([-rise / slope, 0, run / slope])
    middle = np.array([x0 + run / 2, 0, low + rise / 2])
    sites = {"slope": Site(middle, frame_of(out, up), wide, slope)}
    face = np.array([x0, 0, low / 2])
    sites["front"] = Site(face, frame_of((-1, 0, 0), (0, 0, 1)), wide, low)
    ledge = np.array([x1 - back / 2, 0, tall])
    sites["top"] = Site(ledge, frame_of((0, 0, 1), (1, 0, 0)), wide, back)
    for name, side in (("left", 1.0), ("right", -1.0)):
        at = np.array([0.2 * deep, side * wide / 2, 0.35 * tall])
        sites[name] = Site(at, frame_of((0, side, 0), (0, 0, 1)), 0.5 * deep, 0.5 * tall)
    return Built(sites, (*BOXY, "laptop"))


def open_frame(rng: Rng, body: Body) -> Built:
    """Posts and boards: a rack through which one can look."""
    deep, wide, tall = rng.uniform(0.35, 0.8), rng.uniform(0.4, 1.1), rng.uniform(0.5, 1.2)
    post, board = rng.uniform(0.03, 0.08), rng.uniform(0.03, 0.06)
    x, y = (deep - post) / 2, (wide - post) / 2
    for at in ((-x, -y), (-x, y), (x, -y), (x, y)):
        body.add(box((post, post, tall), (*at, tall / 2)), "post")
    levels = [0.1 * tall, *([tall * rng.uniform(0.4, 0.6)] if rng.chance(0.6) else []), tall]
    sites: dict[str, Site] = {}
    for number, level in enumerate(levels):
        body.add(box((deep, wide, board), (0, 0, level - board / 2)), "frame")
        if number:
            below = levels[number - 1]
            middle = np.array([-deep / 2, 0, (below + level - board) / 2])
            room = (wide - 2 * post, level - board - below)
            frame = frame_of((-1, 0, 0), (0, 0, 1))
            # Nothing to dig: it is open.
            sites[f"front {number}"] = Site(middle, frame, *room, deep - 0.02, hollow=True)
    if rng.chance(0.4):
        body.add(box((board / 2, wide - 2 * post, 0.9 * tall), (x, 0, 0.55 * tall)), "back")
    top = np.array([0, 0, tall])
    sites["top"] = Site(top, frame_of((0, 0, 1), (1, 0, 0)), wide, deep)
    return Built(sites, (*BOXY, "folding chair"))


def plate(rng: Rng, body: Body) -> Built:
    """A thin panel: upright on two feet or against a post, or lying."""
    wide, tall, thick = rng.uniform(0.4, 1.2), rng.uniform(0.3, 1.0), rng.uniform(0.04, 0.12)
    if rng.chance(0.3):
        size, at = (tall, wide, thick), (0.0, 0.0, thick / 2)
        body.add_box(size, at)
        return Built({"top": box_sites(body, size, at)["top"]}, FLAT)
    lift = rng.uniform(0.03, 0.3)
    size, at = (thick, wide, tall), (0.0, 0.0, lift + tall / 2)
    body.add_box(size, at)
    if rng.chance(0.5):
        for side in (-0.35, 0.35):
            body.add(box((0.4, 0.06, 0.04), (0, side * wide, 0.02)), "base")
            body.add(box((0.05, 0.05, lift + 0.1), (0, side * wide, (lift + 0.1) / 2)), "leg")
    else:
        body.add(box((0.4, 0.5 * wide, 0.04), (0, 0, 0.02)), "base")
        body.add(box((0.08, 0.12, lift + 0.3), (0.04, 0, (lift + 0.3) / 2)), "post")
    return Built(box_sites(body, size, at, ("front", "top", "back")), (*FLAT, "cabinet"))


def tub(rng: Rng, body: Body) -> Built:
    """Open above, square or round, with walls of any slope."""
    tall, wall = rng.uniform(0.25, 0.8), rng.uniform(0.025, 0.06)
    up = frame_of((0, 0, 1), (1, 0, 0))
    if rng.chance(0.5):
        radius, spread = rng.uniform(0.25, 0.6), rng.uniform(0.75, 1.0)
        inner = radius - wall
        profile = [(0.0, 0.0), (spread * radius, 0.0), (radius, tall), (inner, tall)]
        profile += [(spread * inner, wall), (0.0, wall)]
        body.add(lathe(profile))
        rim = Site(
            np.array([0, 0, tall]), up, 2 * radius, 2 * radius, whole=True, round=True, hollow=True
        )
        sides = _round_sides(spread * radius, tall / 2, tall, 1.0 / spread)
        return Built({"top": rim, **sides}, (*ROUND, "box"))
    deep, wide = rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.1)
    body.add_box((deep, wide, tall), (0, 0, tall / 2))
    sites = box_sites(body, (deep, wide, tall), (0, 0, tall / 2))
    x, y = deep / 2 - wall, wide / 2 - wall
    body.dig(np.array([-x, -y, wall]), np.array([x, y, tall + 0.1]))
    # Hollow: nothing may dig into its thin walls.
    sites = {
        name: dataclasses.replace(site, depth=0.0, body=None, hollow=name == "top")
        for name, site in sites.items()
    }
    return Built(sites, (*BOXY, "pot"))


def pedestal(rng: Rng, body: Body) -> Built:
    """A foot, a post, and a box, a drum or a ball on it."""
    post, radius = rng.uniform(0.15, 0.6), rng.uniform(0.04, 0.1)
    wide = rng.uniform(0.3, 0.6)
    if rng.chance(0.5):
        body.add(cylinder(wide / 2, 0.06, (0, 0, 0.03)), "base")
    else:
        body.add(box((wide, wide, 0.06), (0, 0, 0.03)), "base")
    body.add(cylinder(radius, post, (0, 0, 0.06 + post / 2)), "post")
    z = 0.06 + post
    head = rng.choice(["box", "box", "drum", "ball"])
    if head == "box":
        size = (rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.6))
        at = (0.0, 0.0, z + size[2] / 2)
        body.add_box(size, at)
        return Built(box_sites(body, size, at), (*BOXY, *POSTED))
    around, tall = rng.uniform(0.18, 0.35), rng.uniform(0.15, 0.4)
    if head == "drum":
        body.add(cylinder(around, tall, (0, 0, z + tall / 2)))
        top = Site(
            np.array([0, 0, z + tall]),
            frame_of((0, 0, 1), (1, 0, 0)),
            2 * around,
            2 * around,
            round=True,
        )
        sides = _round_sides(around, z + tall / 2, tall, 1.0)
        return Built({"top": top, **sides}, (*ROUND, *POSTED))
    body.add(ellipsoid((around,) * 3, (0, 0, z + around)))
    sites = {}
    for name, out, up in (
        ("top", (0, 0, 1), (1, 0, 0)),
        ("front", (-1, 0, 0), (0, 0, 1)),
        ("right", (0, -1, 0), (0, 0, 1)),
    ):
        origin = np.array([0, 0, z + around]) + 0.93 * around * np.array(out)
        sites[name] = Site(origin, frame_of(out, up), 0.8 * around, 0.8 * around)
    return Built(sites, (*ROUND, *POSTED))


def portal(rng: Rng, body: Body) -> Built:
    """Two columns and a beam across, or one column with a beam that stands out."""
    wide, tall = rng.uniform(0.6, 1.2), rng.uniform(0.5, 1.1)
    thick = rng.uniform(0.12, 0.3)
    columns = (-1, 1) if rng.chance(0.6) else (rng.choice([-1, 1]),)
    sites: dict[str, Site] = {}
    for number, sign in enumerate(columns):
        size, at = (thick, thick, tall), (0.0, sign * (wide - thick) / 2, tall / 2)
        body.add_box(size, at)
        sites[f"front {number}"] = box_sites(body, size, at)["front"]
    beam, at = (thick, wide, thick), (0.0, 0.0, tall + thick / 2)
    body.add_box(beam, at)
    body.add(box((2.2 * thick, wide, 0.05), (0, 0, 0.025)), "base")
    faces = box_sites(body, beam, at)
    sites |= {"front": faces["front"], "top": faces["top"]}
    return Built(sites, ("door", "lamp", "folding chair", "cabinet", "monitor"))


def bench(rng: Rng, body: Body) -> Built:
    """A low plate with one or two blocks on it, as tools have a bed."""
    deep, wide = rng.uniform(0.4, 0.8), rng.uniform(0.7, 1.2)
    plate_thick = rng.uniform(0.05, 0.12)
    base, at = (deep, wide, plate_thick), (0.0, 0.0, plate_thick / 2)
    body.add_box(base, at)
    size = (rng.uniform(0.3, 0.9) * deep, rng.uniform(0.2, 0.4) * wide, rng.uniform(0.15, 0.6))
    side = rng.choice([-1, 1])
    y = side * (wide - size[1]) / 2
    middle = (0.0, y, plate_thick + size[2] / 2)
    body.add_box(size, middle)
    sites = {f"{name} 1": site for name, site in box_sites(body, size, middle).items()}
    free = wide - size[1]
    bed = Site(
        np.array([0.0, -side * size[1] / 2, plate_thick]),
        frame_of((0, 0, 1), (1, 0, 0)),
        0.95 * free,
        0.95 * deep,
    )
    return Built({**sites, "top": bed}, BOXY)


FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        *(block, stacked, joined, drum, lying, wedge, open_frame, plate, tub, pedestal),
        *(portal, bench),
    )
}
