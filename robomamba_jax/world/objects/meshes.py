# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes of simple solids: what the embedded world's objects are made of.

Metres; x right-handed with y and z. Flat sides have flat normals, round ones smooth ones.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.vectors import cross, face_normal

Vector = Sequence[float] | npt.NDArray[np.floating]
_TINY = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles, counter-clockwise seen from outside.

    Attributes:
      vertices: float64[V, 3].
      triangles: int64[M, 3], indices of vertices.
      normals: float64[V, 3], unit vectors.
    """

    vertices: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    normals: npt.NDArray[np.float64]

    def moved(self, offset: Vector = (0, 0, 0), turn: npt.ArrayLike | None = None) -> Mesh:
        """A copy, first turned by a rotation matrix, then shifted."""
        R = np.eye(3) if turn is None else np.asarray(turn, np.float64)
        # Not by BLAS, whose last bits depend on its threads: the same seed is the same object.
        vertices, normals = (np.einsum("vk,jk->vj", a, R) for a in (self.vertices, self.normals))
        return Mesh(vertices + np.asarray(offset), self.triangles, normals)

    def scaled(self, factors: Vector | float) -> Mesh:
        """A copy with its axes stretched by factors, none of them 0; negative ones mirror it."""
        scale = np.broadcast_to(np.asarray(factors, np.float64), (3,))
        # By the inverse: normals of a stretched surface turn the other way than its slopes.
        normals = self.normals / scale
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        mirrored = np.prod(scale) < 0  # what was counter-clockwise is not any more
        triangles = self.triangles[:, ::-1] if mirrored else self.triangles
        return Mesh(self.vertices * scale, triangles, normals / np.maximum(lengths, _TINY))

    def corners(self) -> npt.NDArray[np.float64]:
        """float64[M, 3, 3]: the corners of every triangle."""
        return self.vertices[self.triangles]


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one; none as an empty one."""
    if not meshes:
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64), np.zeros((0, 3)))
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]
        ),
        np.concatenate([mesh.normals for mesh in meshes]),
    )


def rotation(axis: Vector, angle: float) -> npt.NDArray[np.float64]:
    """float64[3, 3]: a turn about an axis, in radians (Rodrigues)."""
    x, y, z = (float(part) / math.hypot(*axis) for part in axis)
    # The matrix of the cross product with the axis; R = I + sin K + (1 - cos) K K.
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * K + (1 - math.cos(angle)) * np.einsum("ij,jk->ik", K, K)


def turn_to(direction: Vector) -> npt.NDArray[np.float64]:
    """float64[3, 3]: a rotation that brings +z to a direction."""
    z = np.asarray(direction, np.float64) / math.hypot(*direction)
    # Any vector that is not nearly parallel: the cross product must not vanish.
    helper = np.array([1.0, 0, 0]) if abs(z[0]) < 0.9 else np.array([0, 1.0, 0])
    y = cross(z, helper)
    y /= math.hypot(*y)
    return np.stack([cross(y, z), y, z], axis=1)


def _flat(faces: Sequence[npt.NDArray[np.float64]]) -> Mesh:
    """Convex flat faces (float64[n, 3] each, counter-clockwise), each with its own normal."""
    vertices, triangles, normals, count = [], [], [], 0
    for face in faces:
        normal = face_normal(face)
        normal /= max(math.hypot(*normal), _TINY)
        vertices.append(face)
        normals.append(np.tile(normal, (len(face), 1)))
        # A fan around the first corner, which is right for convex faces alone.
        triangles += [(count, count + k, count + k + 1) for k in range(1, len(face) - 1)]
        count += len(face)
    return Mesh(np.concatenate(vertices), np.array(triangles, np.int64), np.concatenate(normals))


def box(size: Vector, center: Vector = (0, 0, 0)) -> Mesh:
    """A box with sides along the axes."""
    x, y = 0.5 * float(size[0]), 0.5 * float(size[1])
    return prism([(-x, -y), (x, -y), (x, y), (-x, y)], float(size[2])).moved(center)


def prism(outline: Sequence[tuple[float, float]], height: float) -> Mesh:
    """A convex outline in x and y (counter-clockwise) drawn up along z, its middle at z = 0."""
    flat = np.asarray(outline, np.float64)
    low = np.column_stack([flat, np.full(len(flat), -height / 2)])
    high = low + np.array([0.0, 0.0, height])
    sides = [
        np.stack([low[k], low[k - len(flat) + 1], high[k - len(flat) + 1], high[k]])
        for k in range(len(flat))
    ]
    return _flat([low[::-1], high, *sides])


def slab(size: Vector, corner: float, center: Vector = (0, 0, 0), steps: int = 4) -> Mesh:
    """A box whose four upright edges are rounded with a radius."""
    x, y = 0.5 * float(size[0]), 0.5 * float(size[1])
    # Corners may meet, but an edge of length 0 has no normal.
    radius = min(corner, 0.999 * x, 0.999 * y)
    outline = []
    for sign_x, sign_y, start in ((1, 1, 0.0), (-1, 1, 0.5), (-1, -1, 1.0), (1, -1, 1.5)):
        for step in range(steps + 1):
            angle = math.pi * (start + 0.5 * step / steps)
            outline.append(
                (
                    sign_x * (x - radius) + radius * math.cos(angle),
                    sign_y * (y - radius) + radius * math.sin(angle),
                )
            )
    return prism(outline, float(size[2])).moved(center)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 24, smooth: bool = True) -> Mesh:
    """A profile of (radius, height) turned about z; going up along it, outside is outward.

    Where the profile bends by more than 40 degrees the edge stays sharp. Ends with a radius
    above 0 are left open: begin or end the profile at radius 0 to close them.
    """
    points = np.asarray(profile, np.float64)
    angles = 2 * math.pi * np.arange(segments + 1) / segments
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    # Equal neighbours go: between them there is no slope, and no normal.
    points = points[np.insert(np.any(np.diff(points, axis=0) != 0, axis=1), 0, True)]
    slopes = np.diff(points, axis=0)
    # A slope (dr, dz) turned clockwise by a quarter: going up, outside is at greater radii.
    outward = np.column_stack([slopes[:, 1], -slopes[:, 0]])
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), _TINY)
    meshes = []
    for k in range(len(slopes)):
        ends = []
        # Both ends of a slope, and the slope that it shares each of them with.
        for corner, other in ((k, k - 1), (k + 1, k + 1)):
            normal = outward[k]
            # cos 40 degrees is 0.77.
            if smooth and 0 <= other < len(slopes) and outward[k] @ outward[other] > 0.77:
                normal = outward[k] + outward[other]
            ends.append((points[corner], normal / max(math.hypot(*normal), _TINY)))
        vertices = [np.column_stack([p[0] * circle, np.full(len(circle), p[1])]) for p, _ in ends]
        normals = [np.column_stack([n[0] * circle, np.full(len(circle), n[1])]) for _, n in ends]
        step = segments + 1
        low = np.arange(segments)
        # Around each band: two corners of the lower ring, two of the upper, counter-clockwise
        # outside.
        quads = np.stack([low, low + 1, low + 1 + step, low + step], axis=1)
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        meshes.append(Mesh(np.concatenate(vertices), triangles, np.concatenate(normals)))
    return _without_slivers(merge(meshes))


def _without_slivers(mesh: Mesh) -> Mesh:
    """Triangles without area go: a ray would meet them nowhere, a renderer anywhere."""
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return dataclasses.replace(mesh, triangles=mesh.triangles[area > 1e-12])


def cylinder(
    radius: float,
    height: float,
    center: Vector = (0, 0, 0),
    axis: Vector = (0, 0, 1),
    segments: int = 24,
) -> Mesh:
    """A cylinder about an axis through its centre."""
    return cone(radius, radius, height, center, axis, segments)


def cone(
    low: float,
    high: float,
    height: float,
    center: Vector = (0, 0, 0),
    axis: Vector = (0, 0, 1),
    segments: int = 24,
) -> Mesh:
    """A cone's piece with radii at its lower and its upper end."""
    h = height / 2
    mesh = lathe([(0, -h), (low, -h), (high, h), (0, h)], segments)
    return mesh.moved(center, turn_to(axis))


def ellipsoid(radii: Vector, center: Vector = (0, 0, 0), segments: int = 20) -> Mesh:
    """An ellipsoid with its axes along x, y and z."""
    angles = math.pi * np.arange(segments // 2 + 1) / (segments // 2) - math.pi / 2
    # At the poles the cosine misses 0 by a last bit, perhaps below it.
    profile = [(max(math.cos(angle), 0.0), math.sin(angle)) for angle in angles]
    return lathe(profile, segments).scaled(radii).moved(center)


def tube(path: Sequence[Vector], radius: float, segments: int = 10) -> Mesh:
    """A round bar along a line of points, with round joints and flat ends."""
    points = [np.asarray(point, np.float64) for point in path]
    pieces = []
    for start, end in itertools.pairwise(points):
        length = math.hypot(*(end - start))
        pieces.append(cylinder(radius, length, (start + end) / 2, end - start, segments))
    pieces += [ellipsoid((radius,) * 3, point, segments) for point in points[1:-1]]
    return merge(pieces)


def ring(
    radius: float,
    thick: float,
    center: Vector = (0, 0, 0),
    axis: Vector = (0, 0, 1),
    segments: int = 20,
    stretch: float = 1.0,
) -> Mesh:
    """A torus about an axis; stretch makes it longer along its first axis."""
    # Closed by its first point once more, counter-clockwise: outside is outward.
    angles = 2 * math.pi * np.arange(9) / 8
    profile = [(radius + thick * math.cos(a), thick * math.sin(a)) for a in angles]
    return lathe(profile, segments).scaled((stretch, 1, 1)).moved(center, turn_to(axis))


def arc(
    center: Vector, radius: float, start: float, end: float, plane: str = "xz", steps: int = 8
) -> list[tuple[float, float, float]]:
    """Points of a circle's piece in a plane of two axes, from one angle to another (radians)."""
    first, second = ("xyz".index(letter) for letter in plane)
    points = []
    for k in range(steps + 1):
        angle = start + (end - start) * k / steps
        point = [float(value) for value in center]
        point[first] += radius * math.cos(angle)
        point[second] += radius * math.sin(angle)
        points.append((point[0], point[1], point[2]))
    return points


def clipped(mesh: Mesh, low: Vector, high: Vector) -> Mesh:
    """What lies beyond a box is pressed onto its sides."""
    vertices = mesh.vertices.clip(np.asarray(low, np.float64), np.asarray(high, np.float64))
    return _without_slivers(Mesh(vertices, mesh.triangles, mesh.normals))
