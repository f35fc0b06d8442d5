# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Solids are closed, their normals point outward, and their volumes are what formulas say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.world.objects.meshes import (
    Mesh,
    box,
    clipped,
    cone,
    cylinder,
    ellipsoid,
    lathe,
    merge,
    prism,
    ring,
    rotation,
    slab,
    tube,
    turn_to,
)

SOLIDS = {
    "box": (box((1, 2, 3), (4, 5, 6)), 6.0, 1e-12),
    "prism": (prism([(0, 0), (2, 0), (0, 2)], 3), 6.0, 1e-12),
    "slab": (slab((2, 2, 1), 0.5, steps=24), 4 - (1 - math.pi / 4), 1e-3),
    "cylinder": (cylinder(1, 2, axis=(1, 1, 0), segments=96), 2 * math.pi, 2e-3),
    "cone": (cone(1, 0.5, 2, segments=96), 2 * math.pi * 1.75 / 3, 2e-3),
    "ellipsoid": (ellipsoid((1, 2, 3), segments=128), 8 * math.pi, 2e-3),
    "ring": (ring(1, 0.1, segments=96), 2 * math.pi**2 * 0.01, 0.11),
}


def volume(mesh: Mesh) -> float:
    """By the divergence theorem: positive only if triangles turn outward."""
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    return float(np.sum(a * np.cross(b, c)) / 6)


@pytest.mark.parametrize("name", SOLIDS)
def test_volumes(name: str) -> None:
    """A facetted solid is a little smaller than the round one; none is inside out."""
    mesh, expected, relative = SOLIDS[name]
    assert_allclose(volume(mesh), expected, rtol=relative)


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_and_normals_point_outward(name: str) -> None:
    """Every edge belongs to two triangles that walk it in opposite directions."""
    mesh = SOLIDS[name][0]
    places = np.unique(mesh.vertices.round(9), axis=0, return_inverse=True)[1].reshape(-1)
    edges: dict[tuple[int, int], int] = {}
    for triangle in places[mesh.triangles]:
        for k in range(3):
            edge = (int(triangle[k]), int(triangle[k - 2]))
            edges[edge] = edges.get(edge, 0) + 1
    assert all(edges.get((b, a)) == count for (a, b), count in edges.items())
    assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-9)
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    flat = np.cross(b - a, c - a)
    for k in range(3):
        assert np.all(np.sum(flat * mesh.normals[mesh.triangles[:, k]], axis=1) > 0)


@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.05),
    st.floats(-7, 7),
)
def test_rotations(direction: list[float], angle: float) -> None:
    """Proper rotations; the axis stays; turn_to brings z to the direction."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    for matrix in (rotation(direction, angle), turn_to(direction)):
        assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        assert_allclose(np.linalg.det(matrix), 1, atol=1e-12)
    assert_allclose(rotation(direction, angle) @ unit, unit, atol=1e-12)
    assert_allclose(turn_to(direction)[:, 2], unit, atol=1e-12)


def test_moving_scaling_merging() -> None:
    """Volumes add and scale; a scaled ellipsoid's normals stay perpendicular to it."""
    one = box((1, 1, 1))
    moved = one.moved((3, 0, 0), rotation((0, 0, 1), 1.0))
    assert_allclose(volume(merge([one, moved])), 2)
    assert_allclose(volume(one.scaled((1, 2, 3))), 6)
    ball = ellipsoid((1, 2, 3), segments=40)
    outward = ball.vertices / np.array([1, 4, 9])
    inner = np.abs(ball.vertices[:, 2]) < 2.5  # the poles have one normal per segment
    cosines = np.sum(outward * ball.normals, axis=1) / np.linalg.norm(outward, axis=1)
    assert np.all(cosines[inner] > 0.99)
    assert len(merge([]).triangles) == 0


def test_tubes_and_clipped_shapes() -> None:
    """A tube is about its bars; what is clipped lies in the box and has no empty triangles."""
    mesh = tube([(0, 0, 0), (1, 0, 0), (1, 1, 0)], 0.1)
    assert_allclose(mesh.vertices.min(axis=0), (0, -0.1, -0.1), atol=2e-2)
    half = clipped(ellipsoid((1, 1, 1)), (-2, -2, 0), (2, 2, 2))
    assert half.vertices[:, 2].min() == 0
    a, b, c = np.moveaxis(half.corners(), 1, 0)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 1e-12


def test_a_lathe_ignores_repeated_points() -> None:
    """They would make normals of nothing."""
    mesh = lathe([(0, 0), (1, 0), (1, 0), (1, 1), (0, 1)])
    assert np.all(np.isfinite(mesh.normals))
