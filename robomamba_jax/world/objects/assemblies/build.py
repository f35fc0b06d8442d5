# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An assembly, put together: a body, then parts on its places, then a turn about the vertical."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from robomamba_jax.world.objects.assemblies import controls, fronts
from robomamba_jax.world.objects.assemblies.bodies import FAMILIES, LONG
from robomamba_jax.world.objects.assemblies.nouns import draw_noun
from robomamba_jax.world.objects.assemblies.paint import Paint
from robomamba_jax.world.objects.assemblies.sites import Body, Site
from robomamba_jax.world.objects.colors import darker
from robomamba_jax.world.objects.meshes import box, prism, rotation
from robomamba_jax.world.objects.model import Assembly, Link, LinkBuilder, ObjectModel
from robomamba_jax.world.objects.rng import Rng

Maker = Callable[[Rng, LinkBuilder, Site, Paint], None]
_PARTS = (1, 1, 1, 2, 2, 2, 3, 3, 4)  # how many places get a part
_LINKS = 6  # an assembly has no more movable links, whatever its places ask for
_PAIR = 0.08  # share of assemblies that are two long pieces about a pivot
_LEAST = 0.14  # metres: a smaller place gets nothing
# Where a viewer in front sees most: how often a place of that name is taken.
_WEIGHTS = {"front": 5.0, "slope": 6.0, "top": 3.0, "left": 1.2, "right": 1.2, "back": 0.15}


class Kind(NamedTuple):
    """A kind of part.

    Attributes:
      make: builds it.
      weight: how often, against others that fit.
      needs: whether a place has what it needs.
      spans: whether it reaches from edge to edge, so that it can be before a hollow.
    """

    make: Maker
    weight: float
    needs: Callable[[Site], bool]
    spans: bool = False

    def fits(self, site: Site) -> bool:
        """Whether it can be at a place."""
        return self.needs(site) and (self.spans or not site.hollow)


def _roomy(site: Site) -> bool:
    return not site.round and site.side > 0.2


def _deep(site: Site) -> bool:
    return not site.round and site.depth > 0.15 and not site.upward


KINDS: tuple[Kind, ...] = (
    Kind(fronts.drawer, 7.0, _deep, spans=True),
    Kind(fronts.tray, 2.0, _deep, spans=True),
    Kind(fronts.door, 8.0, _roomy, spans=True),
    Kind(fronts.sliding, 2.0, lambda site: _roomy(site) and site.side > 0.25, spans=True),
    Kind(
        fronts.lift_off,
        1.6,
        lambda site: site.upward or (site.round and site.side > 0.3),
        spans=True,
    ),
    Kind(fronts.folding, 1.6, lambda site: _roomy(site) and site.side > 0.25),
    Kind(fronts.cap, 1.0, lambda site: True),
    Kind(controls.lever, 3.5, lambda site: True),
    Kind(controls.bail, 1.2, lambda site: site.side > 0.2),
    Kind(controls.knob, 2.0, lambda site: True),
    Kind(controls.wheel, 1.5, lambda site: site.side > 0.2),
    Kind(controls.slider, 2.2, lambda site: not site.round),
    Kind(controls.button, 1.5, lambda site: True),
    Kind(controls.plunger, 1.2, lambda site: True),
    Kind(controls.arm, 1.8, lambda site: site.side > 0.15),
    Kind(controls.neck, 1.0, lambda site: site.upward),
    Kind(controls.telescope, 1.2, lambda site: site.side > 0.2),
    Kind(controls.platform, 1.0, lambda site: site.upward and site.side > 0.25),
)
# Names that people would use for the same thing: who has one of a group is not said to lack others.
_ALIKE = (
    ("lid", "cover", "cap", "flap"),
    ("door", "flap", "panel", "shelf", "seat"),
    ("lever", "arm", "handle", "neck", "bar"),
    ("knob", "dial", "wheel", "disc", "cap"),
    ("drawer", "tray"),
    ("button", "plunger"),
    ("slider",),
    ("handle", "knob", "lever"),
)
_ASKED = ("lid", "door", "lever", "knob", "drawer", "button", "slider", "handle", "wheel", "tray")


def draw_assembly(rng: Rng, category: str, instance: str) -> ObjectModel:
    """A random assembly.

    Args:
      rng: the random source.
      category: its category's name.
      instance: which one.
    """
    noun = draw_noun(rng)
    a = Assembly()
    body = Body(a, rng.color())
    if rng.chance(_PAIR):
        resembles = _pair(rng, body)
    else:
        built = FAMILIES[rng.choice(tuple(FAMILIES))](rng, body)
        resembles = built.resembles
        area = max(site.width * site.height for site in built.sites.values())
        _furnish(rng, a, built.sites, Paint.draw(rng, body.color, area))
    body.finish()
    made = a.finish(category, instance, body.color)
    lacks = tuple(name for name in _lacks(rng, made) if name not in resembles)
    if "wheel" in made.parts():
        resembles = (*resembles, "ring")
    # Likewise parts: who calls a cover a lid is not wrong.
    resembles = tuple(sorted({*resembles, *_alike(made.parts())} - set(made.parts())))
    turn = rng.choice([0.0, rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7)])
    turned = tuple(_turned(link, rotation((0, 0, 1), turn)) for link in made.links)
    made = dataclasses.replace(made, links=turned, lacks=lacks, noun=noun, resembles=resembles)
    return made.normalised()


def _furnish(rng: Rng, a: Assembly, sites: dict[str, Site], paint: Paint) -> None:
    """Parts onto places: the whole of one, or cells of it."""
    # The largest place is there in any case: no assembly is without a part.
    largest = max(sites, key=lambda name: sites[name].width * sites[name].height)
    open_ = {name: s for name, s in sites.items() if s.side > _LEAST or name == largest}
    wanted = rng.choice(_PARTS)
    made = 0
    while made < wanted and open_ and len(a.made) <= _LINKS:
        # By the root of its area: small places show small parts.
        name = _weighted(
            rng,
            {k: _WEIGHTS[k.split()[0]] * math.sqrt(s.width * s.height) for k, s in open_.items()},
        )
        site = open_.pop(name)
        cells = _cells(rng, site)
        # Parts of the same kind go together, as drawers above each other do.
        same = rng.chance(0.5)
        kind: Kind | None = None
        for cell in rng.shuffled(cells):
            if made >= wanted or len(a.made) > _LINKS:
                break
            if kind is None or not same or not kind.fits(cell):
                fitting = [kind for kind in KINDS if kind.fits(cell)]
                if not fitting:  # a narrow hollow
                    continue
                kind = fitting[_index(rng, [kind.weight for kind in fitting])]
            kind.make(rng, a, cell, paint)
            made += 1
    if not made:
        firm = [site for site in sites.values() if not site.hollow]
        controls.lever(rng, a, max(firm, key=lambda site: site.width * site.height), paint)


def _cells(rng: Rng, site: Site) -> list[Site]:
    """A place as a whole, or cut into cells that are large enough."""
    if site.round or rng.chance(0.4):
        return [site]
    layouts = [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 2)]
    if site.hollow:
        # Side by side nothing would hold them in the middle; an open top takes one lid.
        layouts = [(1, 1), (1, 2)] if site.depth else [(1, 1)]
    wide, tall = site.width / _LEAST, site.height / _LEAST
    columns, rows = rng.choice(
        [(c, r) for c, r in layouts if c * r == 1 or (c * 1.2 <= wide and r * 1.2 <= tall)]
    )
    margin = 0.0 if site.hollow else rng.uniform(0.0, 0.08)
    inner = dataclasses.replace(
        site, width=site.width * (1 - margin), height=site.height * (1 - margin)
    )
    return inner.grid(columns, rows, rng.uniform(0.008, 0.03))


def _weighted(rng: Rng, weights: dict[str, float]) -> str:
    return list(weights)[_index(rng, list(weights.values()))]


def _index(rng: Rng, weights: list[float]) -> int:
    ends = np.cumsum(weights)
    return int(np.searchsorted(ends, rng.uniform(0, float(ends[-1])), side="right"))


def _pair(rng: Rng, body: Body) -> tuple[str, ...]:
    """Two long pieces about a pivot: jaws above each other, or blades and arms that cross flat."""
    long, wide = rng.uniform(0.7, 1.2), rng.uniform(0.08, 0.3)
    low, high = rng.uniform(0.05, 0.2), rng.uniform(0.04, 0.18)
    # Both pieces have one color, lighter and darker: of two alike which would be "its" color?
    color = darker(body.color, rng.uniform(0.65, 1.1))
    part = rng.choice(["arm", "jaw", "blade"])
    if rng.chance(0.6):  # one above the other; the pivot's axis is level
        share = rng.choice([0.0, rng.uniform(0.0, 0.35)])
        pivot = long * (share - 0.5)
        body.add(box((wide, long, low), (0, 0, low / 2)))
        body.add(box((1.2 * wide, 0.1, low + high), (0, pivot + 0.05, (low + high) / 2)), "post")
        # About -x what reaches to +y goes up.
        up = body.link.hinge(part, (0, pivot + 0.05, low), (1, 0, 0), (0, rng.uniform(0.4, 1.2)))
        reach = long * rng.uniform(0.8, 1.05) / 2 - (pivot + 0.05)
        start = pivot - 0.1 * rng.integer(0, 2)
        shape = box((0.9 * wide, reach - start, high), (0, (reach + start) / 2, low + high / 2))
        if rng.chance(0.4):  # it gets thinner towards its end
            outline = [(start, 0.0), (reach, 0.0), (reach, 0.3 * high), (start, high)]
            turn = rotation((0, 0, 1), math.pi / 2) @ rotation((1, 0, 0), math.pi / 2)
            shape = prism(outline, 0.9 * wide).moved((0, 0, low), turn)
        up.add(shape, color)
        if rng.chance(0.5):
            tip = box((0.8 * wide, 0.08, 0.08), (0, reach - 0.06, low + high + 0.02))
            up.add(tip, rng.color(), "handle")
        return LONG
    # Both flat, about an upright axis; the lower one is fixed.
    share, spread = rng.uniform(-0.3, 0.3), rng.uniform(0.15, 0.5)
    turn = rotation((0, 0, 1), spread)
    at = (0.0, share * long, 0.0)
    body.add(box((wide, long, low), (0, 0, low / 2)))
    limits = (-0.5 * spread, rng.uniform(0.5, 1.2))
    other = body.link.hinge(part, at, (0, 0, 1), limits)
    flat = box((wide, long, high), (0, -share * long, low + high / 2))
    other.add(flat.moved(at, turn), color)
    post = box((0.6 * wide, 0.6 * wide, high + 0.06), (*at[:2], low + (high + 0.06) / 2))
    body.add(post, "post")
    if rng.chance(0.5):
        end = box((0.8 * wide, 0.1, 0.1), (0, long / 2 - 0.06 - share * long, low + high + 0.05))
        other.add(end.moved(at, turn), color, "handle")
    return LONG


def _lacks(rng: Rng, model: ObjectModel) -> tuple[str, ...]:
    """Some parts that it might have, and nothing like which it has."""
    has = set(model.parts())
    excluded = has | _alike(has)
    return tuple(rng.shuffled([name for name in _ASKED if name not in excluded], 4))


def _alike(has: Collection[str]) -> set[str]:
    """Other names for parts."""
    return {name for group in _ALIKE if set(has) & set(group) for name in group}


def _turned(link: Link, turn: np.ndarray) -> Link:
    """A link, turned about the origin."""
    zero = (0.0, 0.0, 0.0)
    solids = tuple(
        dataclasses.replace(solid, mesh=solid.mesh.moved(zero, turn)) for solid in link.solids
    )
    joint = link.joint
    if joint is not None:
        ox, oy, oz = (float(v) for v in np.einsum("jk,k->j", turn, np.asarray(joint.origin)))
        ax, ay, az = (float(v) for v in np.einsum("jk,k->j", turn, np.asarray(joint.axis)))
        joint = dataclasses.replace(joint, origin=(ox, oy, oz), axis=(ax, ay, az))
    return dataclasses.replace(link, solids=solids, joint=joint)
