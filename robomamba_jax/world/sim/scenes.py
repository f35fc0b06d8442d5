# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What stands where, as plain numbers drawn from a seed; nothing here needs the simulator.

World frame: x forward from the viewer's side, y to the left, z up, metres; the camera looks
at the origin from the side of -x, as ManipLLM's does.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV, Camera
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.meshes import Mesh, rotation
from robomamba_jax.world.objects.model import Color, ObjectModel
from robomamba_jax.world.objects.patterns import Pattern
from robomamba_jax.world.objects.plain_things import SHAPES, thing_mesh
from robomamba_jax.world.objects.rng import Rng

FIELD_OF_VIEW = math.radians(35)  # where2act's camera, which ManipLLM uses
DISTANCE = (4.5, 5.5)  # metres to the origin; this and the angles as ManipLLM draws them
ELEVATION = (30.0, 60.0)  # degrees
AZIMUTH = (0.7, 1.3)  # of pi
# ManipLLM draws 0.7 to 1.2 of PartNet-Mobility's sizes; ours fill the image a little more.
SCALE = (0.85, 1.25)
CLOSED_SHARE = 0.8  # of the scenes in which all joints stand at rest
SURFACES = ("none", "floor", "table")
_BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")


@dataclasses.dataclass(frozen=True, eq=False)
class Thing:
    """A plain object beside the one that matters.

    Attributes:
      shape: one of ``plain_things``.
      color: of it.
      mesh: in the world frame.
      pattern: on it; None = plain.
    """

    shape: str
    color: Color
    mesh: Mesh
    pattern: Pattern | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Light:
    """One lamp.

    Attributes:
      at: its direction if it is a sun, else its place in metres.
      color: of its light, linear RGB; above 1 is brighter.
    """

    at: tuple[float, float, float]
    color: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Look:
    """How a scene of the broad world looks, beside what stands in it.

    Attributes:
      ambient: light from everywhere, linear RGB.
      suns: whose light comes from a direction.
      lamps: whose light comes from a place.
      surface_pattern: of the floor or the table.
      body_pattern: of what has the object's own colour.
      backdrop: what stands behind all; None = white.
    """

    ambient: tuple[float, float, float]
    suns: tuple[Light, ...]
    lamps: tuple[Light, ...]
    surface_pattern: Pattern | None = None
    body_pattern: Pattern | None = None
    backdrop: Thing | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SceneSpec:
    """A scene.

    Attributes:
      model: the object.
      scale: its size; 1 = corners at distance 1.
      yaw: its turn about z, radians.
      position: of its middle, metres.
      joints: float64 values in the order of model.movable, scaled.
      surface: what it stands on, one of SURFACES.
      surface_color: of that.
      things: what else stands there.
      camera: the camera, with its pose.
      light: direction of the sun, and how bright it is.
      look: lights, patterns and backdrop of a scene of the broad world; None = the paper's world,
        with ``light`` and three lamps.
    """

    model: ObjectModel
    scale: float
    yaw: float
    position: tuple[float, float, float]
    joints: tuple[float, ...]
    surface: str
    surface_color: Color
    things: tuple[Thing, ...]
    camera: Camera
    light: tuple[float, float, float, float]
    look: Look | None = None

    def pose(self) -> npt.NDArray[np.float64]:
        """float64[4, 4]: object frame (already scaled) to world."""
        pose = np.eye(4)
        pose[:3, :3] = rotation((0, 0, 1), self.yaw)
        pose[:3, 3] = self.position
        return pose

    def limits(self) -> list[tuple[float, float]]:
        """The range of every joint, scaled, in the order of model.movable."""
        return [joint_range(self.model, link, self.scale) for link in self.model.movable]


class DrawScene(Protocol):
    """What draws a scene: ``draw_scene`` or one of the broad world's."""

    def __call__(self, model: ObjectModel, rng: Rng, size: int, *, things: int) -> SceneSpec:
        """A scene of an object with at most so many things around it."""
        ...


def check_size(size: int) -> None:
    """See that an image's side can be drawn; InputError otherwise."""
    if not 32 <= size <= 1024:
        raise InputError("bad_arguments", f"--size is {size}", "give 224 or 336 pixels")


def joint_range(model: ObjectModel, link: int, scale: float) -> tuple[float, float]:
    """A joint's range in a scene: lengths grow with the object, angles do not."""
    joint = model.links[link].joint
    assert joint is not None
    factor = scale if joint.kind == "prismatic" else 1.0
    return joint.lower * factor, joint.upper * factor


def rest_value(model: ObjectModel, link: int, scale: float) -> float:
    """Where a joint stands when it is shut or at rest, scaled."""
    joint = model.links[link].joint
    assert joint is not None
    return model.links[link].closed * (scale if joint.kind == "prismatic" else 1.0)


def draw_scene(
    model: ObjectModel,
    rng: Rng,
    size: int,
    *,
    things: int = 0,
    closed_share: float = CLOSED_SHARE,
    surface: str | None = None,
) -> SceneSpec:
    """A random scene with ManipLLM's camera.

    Args:
      model: the object.
      rng: the random source.
      size: the image's side in pixels.
      things: how many others stand around at most.
      closed_share: how often all joints are at rest; else they stand anywhere.
      surface: what it stands on; None = drawn.
    """
    # The order of the draws is part of every data set: what is drawn earlier or later here gives
    # other scenes for the same seed.
    camera = draw_camera(rng, size)
    scale = rng.uniform(*SCALE)
    joints = []
    at_rest = rng.chance(closed_share)
    for link in model.movable:
        low, high = joint_range(model, link, scale)
        # Away from both ends, and drawn also for joints at rest: closed_share shifts no later draw.
        value = rng.uniform(low + 0.1 * (high - low), low + 0.75 * (high - low))
        joints.append(rest_value(model, link, scale) if at_rest else value)
    surface = surface or rng.choice(["none", "none", "floor", "table"])
    position = (rng.uniform(-0.12, 0.12), rng.uniform(-0.25, 0.25), rng.uniform(-0.12, 0.12))
    light = (rng.uniform(-0.4, 1.0), rng.uniform(-0.8, 0.8), -1.0, rng.uniform(0.35, 0.65))
    floor_color = _pale(rng.color("beige", "gray", "brown", "white", "green", "blue"))
    spec = SceneSpec(
        model,
        scale,
        rng.uniform(-0.35, 0.35),
        position,
        tuple(joints),
        surface,
        floor_color,
        (),
        camera,
        light,
    )
    floor = spec.position[2] + scale * model.bounds()[0][2]
    return dataclasses.replace(spec, things=draw_things(rng, spec, floor, things))


def _pale(color: Color) -> Color:
    """A floor's colour: the object stands out from it."""
    r, g, b = (0.45 * part + 0.4 for part in color.rgb)
    return Color(color.name, (r, g, b))


def draw_camera(rng: Rng, size: int) -> Camera:
    """ManipLLM's random camera: it looks at the origin from above the front."""
    distance = rng.uniform(*DISTANCE)
    elevation = math.radians(rng.uniform(*ELEVATION))
    azimuth = math.pi * rng.uniform(*AZIMUTH)
    eye = distance * np.array(
        [
            math.cos(elevation) * math.cos(azimuth),
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
        ]
    )
    return look_at(eye, np.zeros(3), size)


def look_at(
    eye: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    size: int,
    field_of_view: float = FIELD_OF_VIEW,
) -> Camera:
    """A square camera with the world's field of view, or another one in radians."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    # Level, whatever the elevation: left has no z.
    left = np.cross((0, 0, 1), forward)
    left /= np.linalg.norm(left)
    axes = np.stack([forward, left, np.cross(forward, left)], axis=1)
    pose = np.eye(4)
    # ManipLLM's camera axes (forward, left, up) as OpenCV's (right, down, forward).
    pose[:3, :3] = axes @ MANIPLLM_TO_OPENCV.T
    pose[:3, 3] = eye
    # Half of the image over half of the angle.
    focal = size / 2 / math.tan(field_of_view / 2)
    K = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    return Camera(size, size, K, pose)


def draw_things(rng: Rng, spec: SceneSpec, floor: float, most: int) -> tuple[Thing, ...]:
    """Up to some plain objects around the main one, of different shapes, not in its way."""
    things: list[Thing] = []
    low, high = spec.model.bounds()
    reach = spec.scale * float(np.linalg.norm(np.maximum(abs(low), abs(high))[:2]))
    shapes = rng.shuffled(SHAPES)
    for shape in shapes[: rng.integer(0, most) if most else 0]:
        size = rng.uniform(0.1, 0.19)
        side = rng.choice([-1, 1])
        # From +x, which is away from the viewer: 54 to 112 degrees to either side.
        angle = side * rng.uniform(0.3, 0.62) * math.pi
        distance = reach + rng.uniform(0.16, 0.3)
        # Beside and behind rather than in front: the view of the object stays free.
        x = spec.position[0] + 0.6 * distance * math.cos(angle)
        y = spec.position[1] + distance * math.sin(angle)
        # Half a metre between their middles: none is in another.
        if any(
            np.hypot(*(thing.mesh.vertices.mean(axis=0)[:2] - (x, y))) < 0.5 for thing in things
        ):
            continue
        color = rng.other_color(spec.model.color, *_BRIGHT)
        things.append(Thing(shape, color, thing_mesh(shape, size).moved((x, y, floor))))
    return tuple(things)
