# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Parts that stand on a place: levers, knobs, wheels, sliders, buttons, plungers, arms, necks."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.assemblies.fronts import OUT
from robomamba_jax.world.objects.assemblies.paint import Paint
from robomamba_jax.world.objects.assemblies.sites import Site
from robomamba_jax.world.objects.meshes import (
    Mesh,
    box,
    cone,
    cylinder,
    ellipsoid,
    ring,
    rotation,
    tube,
)
from robomamba_jax.world.objects.model import Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng


def _spot(rng: Rng, site: Site, share: float = 0.3) -> tuple[float, float]:
    """Anywhere around a place's middle."""
    x = rng.uniform(-share, share) * site.width
    return x, rng.uniform(-share, share) * site.height


def _flat(angle: float) -> tuple[float, float, float]:
    """A direction in the place's plane."""
    return math.cos(angle), math.sin(angle), 0.0


def lever(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A bar about a pivot: it swings in the face's plane, or stands out and tilts."""
    part = rng.choice(["lever", "lever", "lever", "handle"])
    color = paint.part(rng, 0.0)
    x, y = _spot(rng, site)
    long = max(site.side, 0.35) * rng.uniform(0.4, 0.9)
    thick = min(max(long * rng.uniform(0.08, 0.2), 0.03), 0.08)
    radius, z = thick * rng.uniform(1.0, 1.8), thick * rng.uniform(0.6, 2.5)
    low, high = -rng.uniform(0.0, 1.1), rng.uniform(0.5, 1.6)
    if rng.chance(0.6):  # in the plane
        base.add(site.place(cylinder(1.3 * radius, z, (x, y, z / 2))), paint.body, "base")
        link = base.hinge(part, site.point((x, y, 0)), site.direction(OUT), (low, high))
        hub = cylinder(radius, thick, (x, y, z + thick / 2))
        link.add(site.place(hub), color)
        angle = rng.uniform(-math.pi, math.pi)
        start, way, bend = (x, y, z + thick / 2), _flat(angle), OUT
    else:  # upright: about an axis that lies in the face
        angle = rng.choice([0.0, math.pi / 2, rng.uniform(0, math.pi)])
        block = box((4 * radius, 4 * radius, z + radius), (x, y, (z + radius) / 2))
        base.add(site.place(block), paint.body, "base")
        pivot = (x, y, z + 0.5 * radius)
        low, high = -rng.uniform(0.1, 0.7), rng.uniform(0.3, 0.8)
        link = base.hinge(part, site.point(pivot), site.direction(_flat(angle)), (low, high))
        start, way, bend = pivot, OUT, _flat(angle + math.pi / 2)
    _bar(rng, link, site, start, way, bend, long, thick, color)


def _bar(
    rng: Rng,
    link: LinkBuilder,
    site: Site,
    start: tuple[float, float, float],
    way: tuple[float, float, float],
    bend: tuple[float, float, float],
    long: float,
    thick: float,
    color: Color,
) -> None:
    """From a pivot along a direction: straight, bent or an L, with an end to take hold of."""

    def at(along: float, aside: float) -> tuple[float, float, float]:
        """A point so far along the bar and so far to where it bends."""
        x, y, z = (s + along * w + aside * b for s, w, b in zip(start, way, bend, strict=True))
        return x, y, z

    style = rng.choice(["straight", "straight", "bent", "l"])
    end = (long, 0.0)
    if style == "bent":
        end = (long, long * rng.uniform(0.15, 0.4))
        path = [at(0, 0), at(0.5 * long, 0), at(*end)]
    elif style == "l":
        end = (long, long * rng.uniform(0.25, 0.5))
        path = [at(0, 0), at(long, 0), at(*end)]
    else:
        path = [at(0, 0), at(long, 0)]
    link.add(site.place(tube(path, 0.5 * thick)), color)
    tip = rng.choice(["none", "ball", "ring", "cross", "paddle"])
    if tip == "ball":
        link.add(site.place(ellipsoid((thick,) * 3, at(*end))), color)
    elif tip == "ring":
        radius = max(1.5 * thick, 0.04)
        link.add(site.place(ring(radius, 0.5 * thick, at(end[0] + radius, end[1]), bend)), color)
    elif tip == "cross":
        over = 2.5 * thick
        ends = [at(end[0], end[1] - over), at(end[0], end[1] + over)]
        link.add(site.place(tube(ends, 0.6 * thick)), color)
    elif tip == "paddle":
        link.add(site.place(box((2.5 * thick,) * 3, at(*end))), color)


def bail(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A handle that is a bow between two pivots, and folds over."""
    wide = site.width * rng.uniform(0.4, 0.8)
    tall = min(wide, site.height) * rng.uniform(0.35, 0.6)
    thick = min(max(0.06 * wide, 0.016), 0.035)
    y = rng.uniform(-0.1, 0.2) * site.height
    z = 1.3 * thick
    for sign in (-1, 1):
        ear = box((2 * thick, 3 * thick, 2 * z), (sign * wide / 2, y, z))
        base.add(site.place(ear), paint.body, "bracket")
    axis = site.direction((1, 0, 0))
    link = base.hinge("handle", site.point((0, y, z)), axis, (0, rng.uniform(1.0, 2.8)))
    # It hangs down along the face at rest: about +x what goes down swings outwards, and up.
    corners = [(-wide / 2, y, z), (-wide / 2, y - tall, z), (wide / 2, y - tall, z)]
    path = [*corners, (wide / 2, y, z)]
    link.add(site.place(tube(path, thick / 2)), paint.grip, metallic=True)


def knob(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A knob that turns about its axis, with a bar across it, or wings around."""
    x, y = _spot(rng, site, 0.2)
    radius = min(site.side * rng.uniform(0.24, 0.45), 0.28)
    tall = radius * rng.uniform(0.3, 0.9)
    color = paint.part(rng, 0.0)
    limits = (-rng.uniform(0.0, 1.6), rng.uniform(0.8, 2.4))
    if rng.chance(0.5):
        plate = cylinder(1.2 * radius, 0.015, (x, y, 0.0075))
        base.add(site.place(plate), rng.color(), "base")
    part = rng.choice(["knob", "knob", "dial"])
    link = base.hinge(part, site.point((x, y, 0)), site.direction(OUT), limits)
    link.add(site.place(cylinder(radius, tall, (x, y, tall / 2))), color)
    turn = rotation((0, 0, 1), rng.uniform(0, math.pi))
    bar = (2 * radius * rng.uniform(0.8, 1.5), radius * rng.uniform(0.2, 0.45), 0.9 * radius)
    grip = box(bar).moved((x, y, tall + 0.35 * radius), turn)
    link.add(site.place(grip), rng.choice([color, paint.grip]))


def wheel(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A rim on spokes that turns about its axis, perhaps with a peg as a crank."""
    radius = min(site.side * rng.uniform(0.3, 0.5), 0.4)
    thick = radius * rng.uniform(0.08, 0.16)
    out = rng.uniform(0.06, 0.16)
    color = paint.part(rng, 0.0)
    base.add(site.place(cylinder(0.16 * radius, out, (0, 0, out / 2))), paint.body, "post")
    limits = (-rng.uniform(0.5, 3.0), rng.uniform(0.5, 3.0))
    link = base.hinge("wheel", site.point((0, 0, out)), site.direction(OUT), limits)
    link.add(site.place(ring(radius, thick, (0, 0, out))), color)
    link.add(site.place(cylinder(0.22 * radius, 2.5 * thick, (0, 0, out))), color)
    spokes, first = rng.integer(2, 5), rng.uniform(0, math.pi)
    for k in range(spokes):
        x, y, _ = _flat(first + 2 * math.pi * k / spokes)
        spoke = tube([(0, 0, out), (radius * x, radius * y, out)], 0.7 * thick)
        link.add(site.place(spoke), color)
    if rng.chance(0.5):
        x, y, _ = _flat(first)
        peg = [(radius * x, radius * y, out), (radius * x, radius * y, out + 0.6 * radius)]
        link.add(site.place(tube(peg, 1.2 * thick)), paint.grip)


def slider(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A block that runs along a rail, which lies any way on the face."""
    level = site.width >= site.height
    angle = rng.choice([0.0 if level else math.pi / 2] * 3 + [rng.uniform(0, math.pi)])
    reach = site.side if angle not in (0.0, math.pi / 2) else max(site.width, site.height)
    long = reach * rng.uniform(0.6, 0.95)
    across = min(site.side * rng.uniform(0.3, 0.6), 0.25)
    tall = rng.uniform(0.02, 0.05)
    turn = rotation((0, 0, 1), angle)
    base.add(
        site.place(box((long, 0.5 * across, tall), (0, 0, tall / 2)).moved((0, 0, 0), turn)),
        rng.choice([paint.body, paint.grip]),
        "rail",
    )
    block = (
        min(across * rng.uniform(0.5, 1.2), 0.5 * long),
        across,
        across * rng.uniform(0.4, 1.0) + 0.03,
    )
    room = (long - block[0]) / 2
    start = rng.uniform(-room, room)
    link = base.slide("slider", site.direction(_flat(angle)), (-room - start, room - start))
    color = paint.part(rng, 0.0)
    made = box(block, (start, 0, block[2] / 2 + 0.5 * tall)).moved((0, 0, 0), turn)
    link.add(site.place(made), color)
    if rng.chance(0.4):
        fin = box((0.25 * block[0], across, block[2]), (start, 0, 1.4 * block[2]))
        link.add(site.place(fin.moved((0, 0, 0), turn)), paint.grip)


def button(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A short piece that goes in and out."""
    x, y = _spot(rng, site)
    radius = min(site.side * rng.uniform(0.2, 0.4), 0.2)
    tall = radius * rng.uniform(0.5, 1.2) + 0.02
    color = paint.part(rng, 0.0)
    link = base.slide("button", site.direction(OUT), (0, rng.uniform(0.06, 0.16)))
    if rng.chance(0.5):
        link.add(site.place(cylinder(radius, tall, (x, y, tall / 2))), color)
    else:
        size = (2 * radius, 2 * radius * rng.uniform(0.5, 1.0), tall)
        link.add(site.place(box(size, (x, y, tall / 2))), color)
    rim = box((2.6 * radius, 2.6 * radius, 0.5 * tall), (x, y, 0.25 * tall))
    if rng.chance(0.5):
        base.add(site.place(rim), rng.choice([paint.body, paint.grip]), "base")


def plunger(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A rod in a sleeve with a plate, a ball or a bar at its end."""
    x, y = _spot(rng, site, 0.2)
    radius = min(site.side * rng.uniform(0.09, 0.18), 0.09)
    sleeve, rod = rng.uniform(0.06, 0.3), rng.uniform(0.06, 0.25)
    base.add(site.place(cylinder(1.5 * radius, sleeve, (x, y, sleeve / 2))), paint.body, "collar")
    color = paint.part(rng, 0.0)
    link = base.slide("plunger", site.direction(OUT), (0, max(0.8 * sleeve, 0.08)))
    top = sleeve + rod
    link.add(site.place(cylinder(radius, top - 0.02, (x, y, (top + 0.02) / 2))), color)
    end = rng.choice(["plate", "ball", "bar"])
    if end == "plate":
        link.add(site.place(cylinder(2.6 * radius, radius, (x, y, top))), color)
    elif end == "ball":
        link.add(site.place(ellipsoid((2 * radius,) * 3, (x, y, top + radius))), color)
    else:
        bar = box((7 * radius, 1.6 * radius, 1.6 * radius), (x, y, top))
        link.add(site.place(bar), color)


def arm(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A long piece on a post, which swings about the post or tilts on it; perhaps another at its
    end."""
    x, y = _spot(rng, site, 0.25)
    post, radius = rng.uniform(0.08, 0.5), rng.uniform(0.03, 0.07)
    base.add(site.place(cylinder(radius, post, (x, y, post / 2))), paint.body, "post")
    thick, long = rng.uniform(0.04, 0.1), rng.uniform(0.3, 0.9)
    turn = rng.uniform(-math.pi, math.pi)
    way, color = _flat(turn), paint.part(rng, 0.0)
    part = "arm"
    across = thick * rng.uniform(0.7, 2.0)
    top = (x, y, post + thick / 2)
    # A lever of two unequal ends, or one that begins at its pivot.
    behind = long * rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4)])
    if rng.chance(0.5):
        axis, limits = OUT, (-rng.uniform(0.2, 1.5), rng.uniform(0.5, 1.5))
    else:
        axis, limits = (-way[1], way[0], 0.0), (-rng.uniform(0.3, 1.1), rng.uniform(0.05, 0.25))
    link = base.hinge(part, site.point(top), site.direction(axis), limits)
    bar = box((long + behind, across, thick), ((long - behind) / 2, 0, 0))
    link.add(site.place(bar.moved(top, rotation((0, 0, 1), turn))), color)
    end = (x + long * way[0], y + long * way[1], post + thick)
    if rng.chance(0.3):
        # A second piece, about an axis of its own at the first one's end.
        fore = link.hinge(
            "head", site.point(end), site.direction((-way[1], way[0], 0.0)), (-1.0, 1.0)
        )
        shape = box((0.4 * long, 1.6 * across, 1.2 * thick), (0.1 * long, 0, 0.7 * thick))
        fore.add(site.place(shape.moved(end, rotation((0, 0, 1), turn))), paint.part(rng, 0.0))
    elif rng.chance(0.4):
        weight = cylinder(0.9 * thick, 2 * thick, (end[0], end[1], post + thick / 2))
        link.add(site.place(weight), color)


def neck(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A bent bar that stands on a place and swivels about where it stands."""
    x, y = _spot(rng, site, 0.2)
    radius, tall = rng.uniform(0.025, 0.06), rng.uniform(0.15, 0.5)
    reach, turn = rng.uniform(0.25, 0.6), rng.uniform(-math.pi, math.pi)
    cx, cy, _ = _flat(turn)
    base.add(site.place(cone(2.2 * radius, 1.6 * radius, 0.05, (x, y, 0.025))), paint.body, "base")
    limits = (-rng.uniform(0.3, 1.5), rng.uniform(0.5, 1.6))
    link = base.hinge("neck", site.point((x, y, 0)), site.direction(OUT), limits)
    drop = rng.choice([0.0, 0.0, rng.uniform(0.05, 0.15)])
    path = [(x, y, 0.03), (x, y, tall), (x + reach * cx, y + reach * cy, tall + 0.2 * reach)]
    if drop:
        path.append((path[-1][0], path[-1][1], path[-1][2] - drop))
    color = paint.part(rng, 0.0)
    link.add(site.place(tube(path, radius)), color)
    if rng.chance(0.4):
        # A head that tilts, square to the neck's reach.
        link = link.hinge("head", site.point(path[-1]), site.direction((-cy, cx, 0)), (-0.8, 0.8))
        size = (rng.uniform(0.1, 0.25), rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.2))
        head = box(size).moved(path[-1], rotation((0, 0, 1), turn))
        link.add(site.place(head), paint.part(rng, 0.0))


def telescope(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A tube or a column that comes out of a wider one."""
    width = min(site.side * rng.uniform(0.25, 0.6), 0.3)
    outer, inner = rng.uniform(0.1, 0.4), rng.uniform(0.05, 0.25)
    round_, color = rng.chance(0.5), paint.part(rng, 0.0)
    part = "tube" if round_ else "column"

    def piece(w: float, low: float, high: float) -> Mesh:
        """Of either shape, from one height to another."""
        if round_:
            return cylinder(w / 2, high - low, (0, 0, (low + high) / 2))
        return box((w, w, high - low), (0, 0, (low + high) / 2))

    base.add(site.place(piece(width, 0, outer)), paint.body, "collar")
    link = base.slide(part, site.direction(OUT), (0, rng.uniform(0.6, 0.95) * outer))
    top = outer + inner
    link.add(site.place(piece(0.82 * width, outer - 0.02, top)), color)
    if rng.chance(0.4):
        link.add(site.place(piece(1.1 * width, top, top + 0.04)), color)


def platform(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A disc that turns on its place, with pegs on it."""
    radius = site.side * rng.uniform(0.35, 0.6)
    thick, lift = rng.uniform(0.03, 0.08), rng.uniform(0.02, 0.1)
    base.add(site.place(cylinder(0.5 * radius, lift, (0, 0, lift / 2))), paint.body, "post")
    limits = (-rng.uniform(0.5, 2.0), rng.uniform(0.5, 2.0))
    link = base.hinge("disc", site.point((0, 0, lift)), site.direction(OUT), limits)
    color = paint.part(rng, 0.0)
    link.add(site.place(cylinder(radius, thick, (0, 0, lift + thick / 2))), color)
    first = rng.uniform(0, 2 * math.pi)
    for k in range(rng.integer(1, 3)):
        x, y, _ = _flat(first + 2.1 * k)
        tall = rng.uniform(0.08, 0.2)
        at = (0.78 * radius * x, 0.78 * radius * y, lift + thick + tall / 2)
        link.add(site.place(box((0.07, 0.07, tall), at)), rng.choice([color, paint.grip]))
