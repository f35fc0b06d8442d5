# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes of the broad world: other cameras, lights, patterns, backdrops and clutter than
ManipLLM's, so that an encoder learns parts and shapes and not one studio.

As in ``scenes`` all is plain numbers drawn from a seed, and nothing needs the simulator.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.world.objects.colors import darker
from robomamba_jax.world.objects.meshes import Mesh, box, rotation
from robomamba_jax.world.objects.model import Color, ObjectModel
from robomamba_jax.world.objects.patterns import KINDS, RGB, Pattern
from robomamba_jax.world.objects.plain_things import draw_shape, thing_mesh
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import (
    FIELD_OF_VIEW,
    Light,
    Look,
    SceneSpec,
    Thing,
    draw_scene,
    joint_range,
    look_at,
    rest_value,
)

Array = npt.NDArray[np.float64]

ELEVATION = (10.0, 75.0)  # degrees
AZIMUTH = (0.45, 1.55)  # of pi: a quarter turn and a little more to either side
_SHARES = (0.35, 0.9)  # of the image's side that the object's extent fills, about
_PLAIN_SHARES = (0.1, 0.75)
_FIELDS = (0.75, 1.35)  # times ManipLLM's field of view
_ANYWHERE = 0.4  # share of images whose object is anywhere, and not near the middle
_MOST_THINGS = 5
_SIZES = (0.06, 0.25)  # metres, half of a thing's width
_BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
_GROUND = ("none", "none", "floor", "floor", "table")
_WALL = 14.0  # metres: a backdrop's side, which no camera sees past


def draw_broad_scene(
    model: ObjectModel,
    rng: Rng,
    size: int,
    *,
    things: int = _MOST_THINGS,
    closed_share: float = 0.3,
) -> SceneSpec:
    """A random scene with a random camera.

    Args:
      model: the object; a plain thing stands anywhere in the image, in any size.
      rng: the random source.
      size: the image's side in pixels.
      things: how many others stand around at most.
      closed_share: how often all joints are at rest; else they stand anywhere.
    """
    plain = not model.movable
    scale = rng.uniform(0.15, 1.1) if plain else rng.uniform(0.6, 1.3)
    joints = []
    at_rest = rng.chance(closed_share)
    for link in model.movable:
        low, high = joint_range(model, link, scale)
        value = rng.uniform(low + 0.02 * (high - low), high - 0.02 * (high - low))
        # Some stay shut where others are open.
        still = at_rest or rng.chance(0.2)
        joints.append(rest_value(model, link, scale) if still else value)
    position = (rng.uniform(-0.15, 0.15), rng.uniform(-0.2, 0.2), rng.uniform(-0.12, 0.12))
    camera = _camera(rng, size, scale, position, _PLAIN_SHARES if plain else _SHARES)
    surface = rng.choice(_GROUND)
    ground = _ground_color(rng, model.color)
    spec = SceneSpec(
        model,
        scale,
        rng.uniform(-math.pi, math.pi) if plain else rng.uniform(-0.6, 0.6),
        position,
        tuple(joints),
        surface,
        ground,
        (),
        camera,
        (0.0, 0.0, -1.0, 0.5),  # not used: the look has the lights
        _look(rng, model.color, ground),
    )
    assert spec.look is not None
    floor = position[2] + scale * float(model.bounds()[0][2])
    backdrop = _backdrop(rng, spec, floor) if rng.chance(0.55) else None
    spec = dataclasses.replace(spec, look=dataclasses.replace(spec.look, backdrop=backdrop))
    return dataclasses.replace(spec, things=_clutter(rng, spec, floor, things))


def _camera(
    rng: Rng,
    size: int,
    scale: float,
    position: tuple[float, float, float],
    shares: tuple[float, float],
) -> Camera:
    """A camera that has the object in its image, anywhere in it, in a size drawn from shares."""
    elevation = math.radians(rng.uniform(*ELEVATION))
    azimuth = math.pi * rng.uniform(*AZIMUTH)
    field = FIELD_OF_VIEW * rng.uniform(*_FIELDS)
    share = rng.uniform(*shares)
    # An object's corners are at distance ``scale`` from its middle; what it fills of the image at a
    # distance d is scale / (d tan(field / 2)).
    distance = float(np.clip(scale / (share * math.tan(field / 2)), 1.8, 14.0))
    away = np.array(
        [
            math.cos(elevation) * math.cos(azimuth),
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
        ]
    )
    eye = np.asarray(position) + distance * away
    # Off the middle by at most what leaves the object's extent in the image.
    slack = max(0.0, 1 - 0.85 * share) * distance * math.tan(field / 2)
    # Mostly not far: people speak of "the thing in the middle".
    off = 0.85 if rng.chance(_ANYWHERE) else 0.3
    left = np.cross((0, 0, 1), away)
    left /= np.linalg.norm(left)
    above = np.cross(away, left)
    target = np.asarray(position) + slack * (
        rng.uniform(-off, off) * left + rng.uniform(-off, off) * above
    )
    return look_at(eye, target, size, field)


def _ground_color(rng: Rng, than: Color) -> Color:
    """A floor's colour, another one than the object's: pale, or as it is."""
    color = rng.other_color(than)
    if rng.chance(0.5):
        return color
    # Not as pale as the paper's floors: a brown one stays brown in any light.
    r, g, b = (0.75 * part + 0.15 for part in color.rgb)
    return Color(color.name, (r, g, b))


def _look(rng: Rng, body: Color, ground: Color) -> Look:
    """Lights and patterns."""
    warmth = rng.uniform(-0.12, 0.12)  # of all light: reddish or bluish
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    bright = rng.uniform(0.75, 1.2)
    suns = []
    for _ in range(rng.integer(1, 2)):
        down = -rng.uniform(0.25, 1.0)
        at = (rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0), down)
        suns.append(Light(at, _rgb(bright * rng.uniform(0.3, 0.8) * tint)))
    lamps = []
    for x, y in ((-2, 2), (-2, -2), (2, 0)):
        if rng.chance(0.75):
            own = tint * rng.generator.uniform(0.8, 1.2, 3)
            place = (x + rng.uniform(-1, 1), y + rng.uniform(-1, 1), rng.uniform(2.0, 4.0))
            lamps.append(Light(place, _rgb(bright * rng.uniform(0.3, 0.9) * own)))
    ambient = _rgb(bright * rng.uniform(0.35, 0.6) * tint)
    surface = _shaded(rng, ground, (0.25, 1.2)) if rng.chance(0.5) else None
    on_body = _shaded(rng, body, (0.2, 0.6)) if rng.chance(0.25) else None
    return Look(ambient, tuple(suns), tuple(lamps), surface, on_body)


def _rgb(values: Array) -> RGB:
    r, g, b = (float(value) for value in values)
    return r, g, b


def _shaded(rng: Rng, color: Color, scale: tuple[float, float]) -> Pattern:
    """A pattern of one colour and the same one lighter or darker: its name stays right."""
    other = darker(color, rng.choice([rng.uniform(0.5, 0.8), rng.uniform(1.2, 1.5)])).rgb
    return _pattern(rng, color.rgb, other, scale)


def _pattern(rng: Rng, first: RGB, second: RGB, scale: tuple[float, float]) -> Pattern:
    angle = rng.choice([0.0, math.pi / 2, rng.uniform(0, math.pi)])
    seed = rng.integer(0, 2**31 - 1)
    return Pattern(rng.choice(KINDS), first, second, rng.uniform(*scale), angle, seed)


def _backdrop(rng: Rng, spec: SceneSpec, floor: float) -> Thing:
    """A wall behind the object, across the view; also below the floor's level where there is none,
    so that a camera that looks down has it in view."""
    camera = spec.camera.camera_to_world
    assert camera is not None
    forward = camera[:3, 2]
    away = rng.uniform(1.6, 4.0)
    flat = forward.copy()
    if spec.surface == "floor":
        flat[2] = 0.0  # it stands on the floor
    else:
        flat[2] *= rng.uniform(0.4, 1.0)  # it leans, or lies across the view
    flat /= np.linalg.norm(flat)
    middle = np.asarray(spec.position) + away * flat
    if spec.surface == "floor":
        middle[2] = floor + _WALL / 2 - 0.05
    # A plate whose thin axis is the view; its other two stay level and upright.
    left = np.cross((0, 0, 1), flat)
    left /= np.linalg.norm(left)
    turn = np.stack([flat, left, np.cross(flat, left)], axis=1)
    color = _ground_color(rng, spec.model.color)
    pattern = None
    if rng.chance(0.7):
        second = rng.color().rgb if rng.chance(0.4) else darker(color, 0.7).rgb
        soft = tuple(0.5 * a + 0.5 * b for a, b in zip(color.rgb, second, strict=True))
        pattern = _pattern(rng, color.rgb, (soft[0], soft[1], soft[2]), (0.3, 2.0))
    wall = box((0.1, _WALL, _WALL)).moved(middle, turn)
    return Thing("backdrop", color, wall, pattern)


def _clutter(rng: Rng, spec: SceneSpec, floor: float, most: int) -> tuple[Thing, ...]:
    """Plain things on all sides, some in front, so that they may hide a bit of the object."""
    things: list[Thing] = []
    low, high = spec.model.bounds()
    reach = spec.scale * float(np.linalg.norm(np.maximum(abs(low), abs(high))[:2]))
    taken = [(np.asarray(spec.position[:2]), 0.75 * reach)]
    names = {spec.model.noun}
    # What has the color of all around it cannot be seen.
    backdrop = spec.look.backdrop if spec.look is not None else None
    behind = {spec.surface_color.name} if spec.surface != "none" else set()
    behind |= {backdrop.color.name} if backdrop is not None else set()
    # Beside a plain thing the others are smaller: "the object" is the one that stands out.
    smaller = 1.0 if spec.model.movable else min(1.0, 1.4 * spec.scale)
    for _ in range(rng.integer(0, most)):
        shape = draw_shape(rng)
        size = smaller * rng.uniform(*_SIZES)
        angle = rng.uniform(-math.pi, math.pi)
        distance = 0.75 * reach + 1.1 * size + smaller * rng.uniform(0.03, 0.9)
        at = np.asarray(spec.position[:2]) + distance * np.array([math.cos(angle), math.sin(angle)])
        # Any colour, the object's too; of a shape that is there already none again, or a question
        # about "the ball" would have two answers.
        color = rng.color(*(name for name in _BRIGHT if name not in behind))
        if rng.chance(0.2):
            color = spec.model.color
        turn = rotation((0, 0, 1), rng.uniform(-math.pi, math.pi))
        pattern = _shaded(rng, color, (0.1, 0.3)) if rng.chance(0.15) else None
        if shape in names or any(
            np.linalg.norm(at - other) < room + 1.15 * size for other, room in taken
        ):
            continue
        names.add(shape)
        taken.append((at, 1.15 * size))
        mesh: Mesh = thing_mesh(shape, size).moved((at[0], at[1], floor), turn)
        things.append(Thing(shape, color, mesh, pattern))
    return tuple(things)


def draw_mixed_scene(model: ObjectModel, rng: Rng, size: int, *, things: int = 2) -> SceneSpec:
    """A pose's scene of the broad world: half of the time ManipLLM's, otherwise a broad one."""
    if rng.chance(0.5):
        return draw_scene(model, rng, size, things=things)
    return draw_broad_scene(model, rng, size, things=3)
