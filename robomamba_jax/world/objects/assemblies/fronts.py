# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Parts that cover or fill a place: drawers, trays, doors, flaps, lids, covers, folding panels."""

from __future__ import annotations

import math

from robomamba_jax.world.objects.assemblies.grips import add_grip
from robomamba_jax.world.objects.assemblies.paint import Paint
from robomamba_jax.world.objects.assemblies.sites import Site
from robomamba_jax.world.objects.meshes import box, cylinder, slab
from robomamba_jax.world.objects.model import Color, LinkBuilder
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.objects.vectors import cross

_BARE = 0.25  # share of fronts that have nothing to hold
OUT = (0.0, 0.0, 1.0)


def drawer(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A front with an open box behind it, which comes straight out."""
    w, h = site.width, site.height
    depth = site.depth * rng.uniform(0.55, 0.95)
    thick = rng.uniform(0.015, 0.05)
    site.dig(0.94 * w, 0.9 * h, depth + 0.01)
    link = base.slide("drawer", site.direction(OUT), (0, depth * rng.uniform(0.55, 0.9)))
    color = paint.part(rng, w * h)
    _leaf(rng, link, site, (w, h, thick), color, "drawer")
    board, low = 0.015, -0.39 * h
    tall = h * rng.uniform(0.4, 0.75)  # of the box behind; its own board is lower than the front
    inside: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = [
        ((0.86 * w, board, depth), (0, low, -depth / 2)),
        ((0.86 * w, tall, board), (0, low + tall / 2, board / 2 - depth)),
    ]
    inside += [
        ((board, tall, depth), (sign * 0.43 * w, low + tall / 2, -depth / 2)) for sign in (-1, 1)
    ]
    for size, center in inside:
        link.add(site.place(box(size, center)), color)
    if not rng.chance(_BARE):
        upright = h > 1.6 * w
        y = rng.choice([0.0, 0.0, 0.3]) * h
        add_grip(rng, link, site, paint.grip, (0, y), thick, (0.5 * h, w), upright)


def tray(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A low board that comes out of a slot, or slides on a shelf."""
    # Between the posts of an open frame it reaches from one to the other.
    w, depth = (1.01 if site.hollow else 0.9) * site.width, 0.95 * site.depth
    tall = min(rng.uniform(0.02, 0.07), 0.4 * site.height)
    y = rng.uniform(-0.35, 0.3) * site.height
    here = site.shifted((0, y, 0), site.width, tall)
    here.dig(1.02 * w, 1.4 * tall, depth + 0.01)
    proud = rng.uniform(0.03, 0.1)
    link = base.slide("tray", site.direction(OUT), (0, depth * rng.uniform(0.5, 0.9)))
    color = paint.part(rng, w * tall)
    size = (w, tall, depth + proud)
    link.add(here.place(box(size, (0, 0, (proud - depth) / 2))), color)
    if rng.chance(0.6):
        lip = (w, 1.6 * tall, 0.02)
        link.add(here.place(box(lip, (0, 0.3 * tall, proud))), color)


def door(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """One leaf on a hinge at any of its four edges, or two at opposite ones."""
    _cavity(rng, site)
    thick = rng.choice([rng.uniform(0.012, 0.03), rng.uniform(0.03, 0.1)])
    color = paint.part(rng, site.width * site.height)
    double = rng.chance(0.2) and site.width > 0.3
    if double:
        leaves = list(zip(site.grid(2, 1, 0.008), ((-1, 0), (1, 0)), strict=True))
    else:
        edges = [(-1, 0), (1, 0), (-1, 0), (1, 0), (0, 1), (0, -1)]
        leaves = [(site, rng.choice(edges))]
    opens = rng.uniform(0.9, 2.4)
    bare, style = rng.chance(_BARE), rng.generator.integers(2**31)
    for leaf, edge in leaves:
        part = _hinged_name(rng, site, edge)
        # Both leaves of a double door have the same handle: it is drawn from the same number.
        twin = Rng((int(style),))
        link = _hinged(twin, base, leaf, part, edge, thick, opens, color)
        if not bare:
            _edge_grip(twin, link, leaf, paint, edge, thick)


def _hinged_name(rng: Rng, site: Site, edge: tuple[int, int]) -> str:
    if site.upward:
        return rng.choice(["lid", "lid", "cover", "flap"])
    if edge[1]:
        return rng.choice(["flap", "flap", "cover", "panel"])
    return "door"


def _hinged(
    rng: Rng,
    base: LinkBuilder,
    site: Site,
    part: str,
    edge: tuple[int, int],
    thick: float,
    opens: float,
    color: Color,
) -> LinkBuilder:
    """A leaf that turns outwards about one of its edges."""
    x, y = edge[0] * site.width / 2, edge[1] * site.height / 2
    # What leads from the hinge into the leaf goes outwards: free x out is the axis for that.
    axis = (-edge[1], edge[0], 0)
    link = base.hinge(part, site.point((x, y, 0.3 * thick)), site.direction(axis), (0, opens))
    _leaf(rng, link, site, (site.width, site.height, thick), color, part)
    if rng.chance(0.4):  # knuckles of the hinge
        radius = min(max(0.6 * thick, 0.012), 0.03)
        long = 0.16 * (site.height if edge[0] else site.width)
        for share in (-0.32, 0.32):
            along = (x, share * site.height) if edge[0] else (share * site.width, y)
            direction = (0, 1, 0) if edge[0] else (1, 0, 0)
            barrel = cylinder(radius, long, (*along, 0.3 * thick), direction, 10)
            link.add(site.place(barrel), color)
    return link


def _leaf(
    rng: Rng,
    link: LinkBuilder,
    site: Site,
    size: tuple[float, float, float],
    color: Color,
    label: str,
) -> None:
    """A plate in front of a place: plain, with round corners, or with a frame around."""
    w, h, thick = 0.985 * size[0], 0.985 * size[1], size[2]
    style = rng.choice(["plain", "plain", "round", "framed"])
    if style == "round":
        corner = rng.uniform(0.1, 0.4) * min(w, h)
        link.add(site.place(slab((w, h, thick), corner, (0, 0, thick / 2))), color, label)
        return
    link.add(site.place(box((w, h, thick), (0, 0, thick / 2))), color, label)
    if style == "framed":
        rim, proud = 0.12 * min(w, h), 0.35 * thick + 0.006
        z = thick + proud / 2
        for sign in (-1, 1):
            upright = box((rim, h, proud), (sign * (w - rim) / 2, 0, z))
            level = box((w - 2 * rim, rim, proud), (0, sign * (h - rim) / 2, z))
            link.add(site.place(upright), color, label)
            link.add(site.place(level), color, label)


def _edge_grip(
    rng: Rng, link: LinkBuilder, site: Site, paint: Paint, edge: tuple[int, int], thick: float
) -> None:
    """Something to hold at the edge across from the hinge."""
    inset = rng.uniform(0.3, 0.44)
    slip = rng.choice([0.0, 0.0, rng.uniform(-0.25, 0.25)])
    if edge[0]:
        at, room = (-edge[0] * inset * site.width, slip * site.height), (site.width, site.height)
    else:
        at, room = (slip * site.width, -edge[1] * inset * site.height), (site.height, site.width)
    across = min(room[0] * (0.5 - inset) * 1.6, 0.12)
    add_grip(rng, link, site, paint.grip, at, thick, (across, 0.7 * room[1]), bool(edge[0]))


def _cavity(rng: Rng, site: Site) -> None:
    """Mostly there is a hollow behind what opens."""
    if site.depth > 0.08 and rng.chance(0.75):
        site.dig(0.86 * site.width, 0.86 * site.height, site.depth * rng.uniform(0.3, 0.95))


def lift_off(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A lid, a cover or a cap that comes straight off."""
    _cavity(rng, site)
    part = rng.choice(["lid", "lid", "cover"]) if site.upward else "cover"
    way = (0.0, rng.uniform(0.3, 0.8) * site.side)
    link = base.slide(part, site.direction(OUT), way)
    color = paint.part(rng, site.width * site.height)
    thick = rng.uniform(0.02, 0.12)
    if site.round:
        radius = site.side / 2 * rng.uniform(1.0, 1.08)
        link.add(site.place(cylinder(radius, thick, (0, 0, thick / 2))), color)
    else:
        over = rng.uniform(1.0, 1.06) if site.whole else 1.0
        size = (over * site.width, over * site.height, thick)
        _leaf(rng, link, site, size, color, part)
    if not rng.chance(_BARE):
        room = (0.4 * site.side, 0.4 * site.side)
        add_grip(rng, link, site, paint.grip, (0, 0), thick, room, rng.chance(0.5))


def sliding(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A leaf between two rails, which slides along the face."""
    _cavity(rng, site)
    part = rng.choice(["lid", "cover"]) if site.upward else rng.choice(["door", "panel", "cover"])
    level = rng.chance(0.7)
    # It covers a half of a side's place, and all of a lid's, which slides off over the edge.
    share = rng.uniform(0.8, 1.0) if site.upward else rng.uniform(0.45, 0.6)
    long, across = (site.width, site.height) if level else (site.height, site.width)
    sign = rng.choice([-1, 1])
    start = -sign * (1 - share) / 2 * long
    travel = long * (share * 0.75 if site.upward else 1 - share)
    thick = rng.uniform(0.02, 0.05)
    axis = (sign, 0, 0) if level else (0, sign, 0)
    link = base.slide(part, site.direction(axis), (0, travel))
    room = 0.86 * across
    size = (share * long, room, thick) if level else (room, share * long, thick)
    at = (start, 0.0) if level else (0.0, start)
    leaf = site.shifted((*at, 0.004), size[0], size[1])
    color = paint.part(rng, size[0] * size[1])
    _leaf(rng, link, leaf, size, color, part)
    # What a pull along the face can push against stands out at the edge that goes last.
    lip = rng.uniform(0.03, 0.07)
    back = -sign * (share * long / 2 - 0.02)
    bar = (0.03, 0.5 * room, lip) if level else (0.5 * room, 0.03, lip)
    middle = (back, 0, thick + lip / 2) if level else (0, back, thick + lip / 2)
    link.add(leaf.place(box(bar, middle)), paint.grip, "handle")
    for side in (-1, 1):
        rail = (long, 0.05 * across, 1.5 * thick) if level else (0.05 * across, long, 1.5 * thick)
        y = side * 0.475 * across
        place = (0, y, 0.75 * thick) if level else (y, 0, 0.75 * thick)
        base.add(site.place(box(rail, place)), paint.body, "rail")


def folding(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A seat, a shelf or a panel that stands out from a face and folds against it, or lies on it
    and folds out."""
    w = site.width * rng.uniform(0.6, 0.95)
    long = site.height * rng.uniform(0.5, 0.9)
    thick = rng.uniform(0.02, 0.07)
    part = rng.choice(["panel", "panel", "shelf", "seat"]) if not site.upward else "panel"
    y = -0.45 * site.height if site.upward else rng.uniform(-0.45, 0.0) * site.height
    long = min(long, 0.5 * site.height - y)
    origin = site.point((0, y, thick / 2))
    color = paint.part(rng, w * long)
    # About +x what goes outwards comes up.
    if rng.chance(0.5) and not site.upward:
        link = base.hinge(part, origin, site.direction((1, 0, 0)), (-0.3, math.pi / 2))
        link.add(site.place(box((w, thick, long), (0, y, thick + long / 2))), color)
    else:
        link = base.hinge(part, origin, site.direction((1, 0, 0)), (0, rng.uniform(0.9, 1.7)))
        link.add(site.place(box((w, long, thick), (0, y + long / 2, thick * 1.1))), color)
    for sign in (-1, 1):
        ear = box((0.04, 2 * thick, 2 * thick), (sign * (w / 2 + 0.02), y, thick))
        base.add(site.place(ear), paint.body, "bracket")


def cap(rng: Rng, base: LinkBuilder, site: Site, paint: Paint) -> None:
    """A cap on a short neck: it comes off, or turns about its axis and has ribs to turn it by."""
    x = rng.uniform(-0.2, 0.2) * site.width
    y = rng.uniform(-0.2, 0.2) * site.height
    radius = site.side * rng.uniform(0.14, 0.32)
    neck, tall = rng.uniform(0.03, 0.12), radius * rng.uniform(0.5, 1.6)
    base.add(site.place(cylinder(0.8 * radius, neck, (x, y, neck / 2))), paint.body, "collar")
    color = paint.part(rng, 0.0)
    top = (x, y, neck + tall / 2)
    if rng.chance(0.5):
        link = base.slide("cap", site.direction(OUT), (0, rng.uniform(0.15, 0.4)))
        link.add(site.place(cylinder(radius, tall, top)), color)
        return
    turn = rng.uniform(0.8, 3.0)
    link = base.hinge("cap", site.point(top), site.direction(OUT), (0, turn))
    link.add(site.place(cylinder(radius, tall, top)), color)
    _ribs(rng, link, site, top, radius, tall, color)


def _ribs(
    rng: Rng,
    link: LinkBuilder,
    site: Site,
    at: tuple[float, float, float],
    radius: float,
    tall: float,
    color: Color,
) -> None:
    """Wings around something round, whose sides a pull can turn it by."""
    count = rng.integer(2, 6)
    deep = radius * rng.uniform(0.3, 0.7)
    for k in range(count):
        angle = 2 * math.pi * k / count
        x, y = math.cos(angle), math.sin(angle)
        frame = site.frame.copy()
        # A box whose first axis goes along the radius.
        first = site.direction((x, y, 0))
        frame[:, 0], frame[:, 1] = first, cross(site.frame[:, 2], first)
        away = radius + deep / 2 - 0.005
        wing = box((deep, max(0.22 * radius, 0.015), 0.9 * tall))
        link.add(wing.moved(site.point((at[0] + x * away, at[1] + y * away, at[2])), frame), color)
