# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The ray caster against spheres and boxes, whose answers are known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.world.objects.meshes import box, ellipsoid
from robomamba_jax.world.sim.surfaces import cast

NUMBERS = st.floats(-1, 1)


@given(st.lists(NUMBERS, min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_a_ball_from_everywhere(direction: list[float]) -> None:
    """A fine ball is met at its radius, with the normal back along the ray."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    ball = ellipsoid((1, 1, 1), segments=64).corners()
    hits = cast((5 * unit)[None], -unit[None], ball)
    assert_allclose(hits.distance, 4, atol=6e-3)
    assert hits.normal[0] @ unit > 0.99
    away = cast((5 * unit)[None], unit[None], ball)
    assert away.triangle[0] == -1
    assert np.isinf(away.distance[0])


@given(NUMBERS, NUMBERS)
def test_a_box_face(y: float, z: float) -> None:
    """A ray along x meets the near face exactly, the far one from inside."""
    corners = box((2, 2.2, 2.2)).corners()
    ray = np.array([[1.0, 0, 0]])
    near = cast(np.array([[-4.0, y, z]]), ray, corners)
    assert_allclose(near.point, [[-1, y, z]], atol=1e-12)
    assert_allclose(near.normal, [[-1, 0, 0]], atol=1e-12)
    inside = cast(np.array([[0.0, y, z]]), ray, corners)
    assert_allclose(inside.distance, 1, atol=1e-12)
    assert_allclose(inside.normal, [[-1, 0, 0]], atol=1e-12)


def test_nothing_to_meet() -> None:
    """No triangles, no hit."""
    hits = cast(np.zeros((2, 3)), np.array([[1.0, 0, 0]] * 2), np.zeros((0, 3, 3)))
    assert np.all(np.isinf(hits.distance))
