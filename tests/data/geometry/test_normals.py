# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Normals from depth: planes exactly, edges by their own side, the simulator's true surfaces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.geometry.normals import normals_from_depth
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator
from robomamba_jax.world.sim.surfaces import pixels_of, surface_points

CAMERA = Camera(24, 16, np.array([[30.0, 0.4, 11], [0, 33, 9], [0, 0, 1]]))


def plane_depth(normal: np.ndarray, offset: float) -> np.ndarray:
    """Depth at each pixel's centre of the plane normal . X = -offset."""
    rows, columns = np.indices((16, 24))
    rays = CAMERA.lift(np.stack([columns, rows], axis=-1) + 0.5, np.ones((16, 24)))
    return -offset / (rays @ normal)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.5, 5))
def test_a_plane_has_its_normal_everywhere(x: float, y: float, offset: float) -> None:
    """However it leans, corners of the image included, and towards the camera."""
    normal = np.array([x, y, -1.0]) / np.sqrt(1 + x * x + y * y)
    depth = plane_depth(normal, offset)
    if depth.min() < 0.05:  # it passes the camera
        return
    found = normals_from_depth(depth, CAMERA)
    assert found.dtype == np.float32
    assert_allclose(found, np.broadcast_to(normal, found.shape), atol=1e-4)


def test_two_surfaces_do_not_mix() -> None:
    """On both sides of a step each pixel has its own surface's normal, up to the rim."""
    left = np.array([0.3, 0.1, -1]) / np.sqrt(1.1)
    right = np.array([-0.5, 0.2, -1]) / np.sqrt(1.29)
    near, far = plane_depth(left, 1.0), plane_depth(right, 1.6)
    depth = np.where(np.arange(24) < 12, near, far)
    found = normals_from_depth(depth, CAMERA)
    assert_allclose(found[:, :12], np.broadcast_to(left, (16, 12, 3)), atol=1e-4)
    assert_allclose(found[:, 12:], np.broadcast_to(right, (16, 12, 3)), atol=1e-4)


def test_unknown_is_zero() -> None:
    """No depth, no normal; a pixel alone has none either; NaN and infinity are not known."""
    depth = plane_depth(np.array([0, 0, -1.0]), 1.0)
    depth[:, :10] = 0
    depth[3:6, 12] = [np.nan, np.inf, -1]
    depth[8, 4] = 1.0
    found = normals_from_depth(depth, CAMERA)
    assert not found[:, :10].any()
    assert not found[3:6, 12].any()
    assert_allclose(found[8, 12:], [(0, 0, -1)] * 12, atol=1e-6)
    assert not normals_from_depth(np.zeros((16, 24)), CAMERA).any()


def test_another_size_is_refused() -> None:
    """Said in a line."""
    with pytest.raises(InputError, match="depth is 16x24, but the camera takes 24x16"):
        normals_from_depth(np.ones((24, 16)), CAMERA)
    with pytest.raises(InputError, match=r"depth has shape \[16\]"):
        normals_from_depth(np.ones(16), CAMERA)


@pytest.mark.slow
@pytest.mark.parametrize("category", ["Microwave", "StorageFurniture", "Laptop", "KitchenPot"])
def test_true_surfaces(simulator: Simulator, category: str) -> None:
    """Of the simulator's triangles, met by rays; with depth in millimetres, as files have it."""
    model = make_object(category, "train", 3)
    scene = SimScene(simulator, draw_scene(model, Rng((3, 1)), 224, closed_share=0.0))
    view = scene.render()
    depth = np.round(view.depth * 1000) / 1000
    found = normals_from_depth(depth, view.camera)
    pose = view.camera.camera_to_world
    assert pose is not None
    assert not found[view.depth == 0].any()
    errors = []
    for link in range(len(scene.links)):
        pixels = pixels_of(view.links == link)[::5]
        for one in surface_points(scene, link, pixels):
            x, y = view.camera.project(pose[:3, :3].T @ (one.point - pose[:3, 3]))
            normal = found[int(y), int(x)].astype(float)
            assert normal @ (pose[:3, :3].T @ (pose[:3, 3] - one.point)) >= 0
            cosine = np.clip(normal @ (one.normal @ pose[:3, :3]), -1, 1)
            errors.append(np.degrees(np.arccos(cosine)))
    # Rims and pieces of a few pixels are among them, and balls are flat triangles.
    assert len(errors) > 300
    # Measured: .14 to .6 degrees, .90 to .95.
    assert np.median(errors) < 1
    assert np.mean(np.array(errors) < 10) > 0.87
