# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rays against the object's triangles, and how a point of the object can move.

By hand and not by trimesh: a few hundred triangles per link are met faster by one einsum than by
a tree that has to be built anew for every pose, and the same seed has to give the same bits, which
a library's next version need not.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.geometry.joint_motion import JointAxis
from robomamba_jax.world.objects.model import Joint
from robomamba_jax.world.objects.vectors import cross
from robomamba_jax.world.sim.scenes import joint_range, rest_value
from robomamba_jax.world.sim.simulator import SimScene

Array = npt.NDArray[np.float64]
_RAYS_AT_ONCE = 2_000_000  # rays times triangles: bounds the memory, 48 MB for an array of vectors
_EPSILON = 1e-9
_SAFE_TILT = float(np.cos(np.radians(55)))  # well before a cup stops sealing, gripper.TILT


@dataclasses.dataclass(frozen=True, eq=False)
class Hits:
    """Where rays meet a surface first.

    Attributes:
      distance: float64[R], along the ray; infinity where it meets nothing.
      point: float64[R, 3], world.
      normal: float64[R, 3], of the flat triangle, towards the ray's origin.
      triangle: int64[R], its number; -1 for nothing.
    """

    distance: Array
    point: Array
    normal: Array
    triangle: npt.NDArray[np.int64]


def cast(origins: Array, directions: Array, corners: Array) -> Hits:
    """Rays against triangles (Moeller and Trumbore).

    Args:
      origins: float64[R, 3].
      directions: float64[R, 3], unit vectors.
      corners: float64[M, 3, 3].
    """
    rays = len(origins)
    if not len(corners):
        nothing = np.full(rays, np.inf)
        return Hits(nothing, origins.copy(), np.zeros((rays, 3)), np.full(rays, -1))
    step = max(1, _RAYS_AT_ONCE // max(1, len(corners)))
    parts = [
        _cast(origins[k : k + step], directions[k : k + step], corners)
        for k in range(0, rays, step)
    ]
    distance = np.concatenate([part[0] for part in parts])
    triangle = np.concatenate([part[1] for part in parts])
    # Where a ray met nothing (-1) some triangle's normal is computed, and nobody reads it.
    a, b, c = np.moveaxis(corners[np.maximum(triangle, 0)], 1, 0)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), _EPSILON)
    facing = np.sum(normal * directions, axis=1, keepdims=True)
    normal = np.where(facing > 0, -normal, normal)
    safe = np.where(np.isfinite(distance), distance, 0.0)
    return Hits(distance, origins + safe[:, None] * directions, normal, triangle)


def _cast(origins: Array, directions: Array, corners: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    # A ray o + t d meets a + u edge1 + v edge2; Cramer's rule gives t, u, v as quotients of triple
    # products with the same divisor, edge1 . (d x edge2). The names are those of the paper.
    a = corners[:, 0]
    edge1, edge2 = corners[:, 1] - a, corners[:, 2] - a
    h = np.cross(directions[:, None], edge2[None])
    det = np.einsum("mk,rmk->rm", edge1, h)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / det
        s = origins[:, None] - a[None]
        u = inverse * np.einsum("rmk,rmk->rm", s, h)
        q = np.cross(s, edge1[None])
        v = inverse * np.einsum("rk,rmk->rm", directions, q)
        t = inverse * np.einsum("mk,rmk->rm", edge2, q)
        # A hair of room at the edges, or a ray between two triangles would meet neither.
        inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t > 1e-6)
        inside &= np.abs(det) > 1e-14  # not parallel to the triangle
    t = np.where(inside, t, np.inf)
    best = t.argmin(axis=1)
    distance = t[np.arange(len(t)), best]
    return distance, np.where(np.isfinite(distance), best, -1)


def pixel_rays(camera: Camera, pixels: npt.ArrayLike) -> tuple[Array, Array]:
    """Rays of pixels (float64[R, 2], centres at +0.5): origins and unit directions, world."""
    assert camera.camera_to_world is not None
    pixels = np.asarray(pixels, np.float64)
    # At depth 1 along the optical axis; directions get length 1 afterwards.
    points = camera.to_world(camera.lift(pixels, np.ones(len(pixels))))
    eye = camera.camera_to_world[:3, 3]
    directions = points - eye
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.broadcast_to(eye, directions.shape), directions


@dataclasses.dataclass(frozen=True, eq=False)
class SurfacePoint:
    """What a pixel shows of the object.

    Attributes:
      link: its link's index.
      point: float64[3], world, metres.
      normal: float64[3], world, outward.
      label: the solid's label, such as "handle"; empty where the object's file has none.
    """

    link: int
    point: Array
    normal: Array
    label: str


def pixels_of(mask: npt.NDArray[np.bool_]) -> Array:
    """float64[R, 2]: the centres (x, y) of a mask's pixels, row by row."""
    rows, columns = np.nonzero(mask)
    return np.column_stack([columns, rows]).astype(np.float64) + 0.5


def surface_points(scene: SimScene, link: int, pixels: npt.ArrayLike) -> list[SurfacePoint]:
    """What pixels of one link show, by rays and not by the depth image, which is rounded.

    Args:
      scene: of the link.
      link: its index.
      pixels: float64[R, 2], centres at +0.5.

    Returns:
      At most R points; pixels whose ray misses the link by a hair are left out.
    """
    origins, directions = pixel_rays(scene.spec.camera, pixels)
    hits = cast(origins, directions, scene.link_mesh(link).corners())
    names = scene.link_labels(link)
    # The mesh's triangles are those of its solids one after another: the first solid whose last
    # triangle comes after the one that was met is the one that was met.
    ends = np.cumsum([count for _, count in names])
    found = []
    for k in range(len(hits.triangle)):
        if hits.triangle[k] >= 0:
            label = names[int(np.searchsorted(ends, hits.triangle[k], side="right"))][0]
            found.append(SurfacePoint(link, hits.point[k], hits.normal[k], label))
    return found


def first_hit(scene: SimScene, origin: Array, direction: Array) -> tuple[int, float]:
    """The link that a ray meets first, and how far away: (-1, infinity) for none."""
    best = (-1, np.inf)
    for link in range(len(scene.links)):
        corners = scene.link_mesh(link).corners()
        if len(corners):
            distance = float(cast(origin[None], direction[None], corners).distance[0])
            if distance < best[1]:
                best = (link, distance)
    return best


def motion(scene: SimScene, link: int, point: Array) -> Array:
    """float64[3]: velocity of a link's point at unit speed of the link's own joint, world."""
    joint = scene.spec.model.links[link].joint
    assert joint is not None
    origin, axis = joint_axis_in_world(scene, link, joint)
    # At an angular speed of 1 a point moves with axis x arm, at a linear one with the axis.
    return cross(axis, point - origin) if joint.kind == "revolute" else axis


def joint_axis_in_world(scene: SimScene, link: int, joint: Joint) -> tuple[Array, Array]:
    """A point of a joint's axis, and the axis, both float64[3], world, as the joints stand now."""
    parent = scene.spec.model.links[link].parent
    pose = scene.link_pose(parent)
    origin = pose[:3, :3] @ (np.asarray(joint.origin) * scene.spec.scale) + pose[:3, 3]
    return origin, pose[:3, :3] @ np.asarray(joint.axis)


def scene_axes(scene: SimScene) -> tuple[JointAxis, ...]:
    """All joints as they stand now, in the order of joint values."""
    model, scale = scene.spec.model, scene.spec.scale
    found = []
    for link, value in zip(model.movable, scene.joints, strict=True):
        piece = model.links[link]
        assert piece.joint is not None
        origin, axis = joint_axis_in_world(scene, link, piece.joint)
        # The links' poses are float32: their columns' lengths are 1 to seven digits alone.
        axis = axis / np.linalg.norm(axis)
        found.append(
            JointAxis(
                link,
                piece.part,
                piece.joint.kind,
                (float(origin[0]), float(origin[1]), float(origin[2])),
                (float(axis[0]), float(axis[1]), float(axis[2])),
                float(value),
                joint_range(model, link, scale),
                piece.parent,
                piece.name,
                rest_value(model, link, scale),
                reach(scene, link),
            )
        )
    return tuple(found)


def reach(scene: SimScene, link: int) -> float:
    """The longest lever that a link offers: metres for a revolute joint, 1 for a prismatic one.

    A rigid part keeps it however it moves, so it is computed once per scene. For a link without a
    mesh it is that of the links which it carries: PartNet-Mobility's caps slide on such a link,
    which turns.
    """
    joint = scene.spec.model.links[link].joint
    assert joint is not None
    if joint.kind == "prismatic":
        return 1.0
    if link not in scene.reaches:
        origin, axis = joint_axis_in_world(scene, link, joint)
        arms = _held_by(scene, link) - origin
        scene.reaches[link] = float(np.linalg.norm(np.cross(axis, arms), axis=1).max())
    return scene.reaches[link]


def _held_by(scene: SimScene, link: int) -> Array:
    """float64[V, 3]: a link's corners, world; if it has none, those of what it carries."""
    links = scene.spec.model.links
    found, carried = scene.link_mesh(link).vertices, [link]
    while not len(found) and carried:
        # One generation further down, until some link has a mesh.
        carried = [k for k, other in enumerate(links) if other.parent in carried]
        parts = [scene.link_mesh(k).vertices for k in carried]
        found = np.concatenate([found, *parts])
    return found


def lever_fraction(scene: SimScene, link: int, point: Array) -> float:
    """A point's lever as a share of the longest one of its link; 1 where the link slides."""
    return float(np.linalg.norm(motion(scene, link, point))) / reach(scene, link)


def true_flow(scene: SimScene, link: int, point: Array) -> Array:
    """float64[3]: the unit direction in which a point can move farthest by its link's own joint;
    zeros for a point on the joint's axis. (FlowBot3D's "3D articulation flow", normalised.)"""
    along = motion(scene, link, point)
    length = float(np.linalg.norm(along))
    if length < 1e-6:
        return np.zeros(3)
    index = scene.spec.model.joint_index(link)
    low, high = joint_range(scene.spec.model, link, scene.spec.scale)
    value = float(scene.joints[index])
    # Towards the end of the range that is farther away: there is more room to move.
    return along / length * (1.0 if high - value >= value - low else -1.0)


def within_tilt(flow: Array, normal: Array, least: float = _SAFE_TILT) -> Array:
    """The direction nearest to a flow among those that a cup on a surface can pull in.

    Args:
      flow: float64[3], unit vector.
      normal: float64[3], unit vector, outward.
      least: cosine of the greatest angle between the direction and the normal.

    Returns:
      float64[3], a unit vector: ``flow`` itself where that is near enough.
    """
    cosine = float(flow @ normal)
    if cosine >= least:
        return flow
    # Otherwise it lies on the cone around the normal, in the plane of normal and flow.
    side = flow - cosine * normal
    length = float(np.linalg.norm(side))
    if length < 1e-9:  # straight into the surface: every direction of the cone is as near
        return normal
    return least * normal + np.sqrt(1 - least**2) * side / length
