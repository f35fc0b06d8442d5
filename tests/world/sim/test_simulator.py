# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes in SAPIEN: what is drawn is what the geometry says, and what is said moves."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.world.objects.catalog import BUILDERS, make_object
from robomamba_jax.world.objects.meshes import rotation
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import (
    AZIMUTH,
    DISTANCE,
    ELEVATION,
    SceneSpec,
    draw_camera,
    draw_scene,
)
from robomamba_jax.world.sim.simulator import Simulator, Stage
from robomamba_jax.world.sim.surfaces import cast, motion, pixel_rays, spots, world_axis


def scene(category: str, seed: int = 0, size: int = 224, **options: object) -> SceneSpec:
    """A scene of one of the training objects."""
    return draw_scene(make_object(category, "train", seed), Rng((seed, 1)), size, **options)


def test_the_camera_is_manipllms() -> None:
    """Distance, elevation and azimuth in its ranges; it looks at the origin, upright."""
    for seed in range(50):
        camera = draw_camera(Rng((seed,)), 336)
        assert camera.camera_to_world is not None
        eye = camera.camera_to_world[:3, 3]
        assert DISTANCE[0] <= np.linalg.norm(eye) <= DISTANCE[1]
        assert ELEVATION[0] <= np.degrees(np.arcsin(eye[2] / np.linalg.norm(eye))) <= ELEVATION[1]
        assert AZIMUTH[0] * np.pi <= np.arctan2(eye[1], eye[0]) % (2 * np.pi) <= AZIMUTH[1] * np.pi
        inside = camera.camera_to_world[:3, :3].T @ (np.zeros(3) - eye)
        assert_allclose(camera.project(inside), (168, 168), atol=1e-9)
        assert camera.camera_to_world[2, 1] < 0  # the image's down looks down
        assert_allclose(camera.K[0, 0], 532.83, atol=5e-3)  # measured in ManipLLM's scenes


@pytest.mark.parametrize("category", ["Microwave", "Lamp", "KitchenPot"])
@pytest.mark.parametrize("size", [224, 336])
def test_depth_and_pixels_against_the_geometry(
    simulator: Simulator, category: str, size: int
) -> None:
    """Lifting by the depth image lands within 2 mm of the true surface, and back on the pixel.

    The truth is our own ray caster on the object's triangles, which knows nothing of the
    renderer. Rims are left out: there a pixel may show either side.
    """
    stage = Stage(simulator, scene(category, 3, size, closed_share=0.0, surface="none"))
    view = stage.look()
    camera = view.camera
    worst, tried = 0.0, 0
    for link in range(len(stage.links)):
        shown = view.links == link
        inner = shown & (np.abs(view.depth - np.roll(view.depth, 1, 0)) < 0.02)
        inner &= np.abs(view.depth - np.roll(view.depth, 1, 1)) < 0.02
        rows, columns = np.nonzero(inner)
        chosen = np.random.default_rng(0).permutation(len(rows))[:60]
        pixels = np.column_stack([columns[chosen] + 0.5, rows[chosen] + 0.5])
        if not len(pixels):
            continue
        depth = view.depth[rows[chosen], columns[chosen]]
        points = camera.to_world(camera.lift(pixels, depth))
        origins, directions = pixel_rays(camera, pixels)
        truth = cast(origins, directions, stage.link_mesh(link).corners())
        found = np.isfinite(truth.distance)
        assert found.mean() > 0.97
        error = np.linalg.norm(points - truth.point, axis=1)[found]
        worst, tried = max(worst, float(error.max())), tried + len(error)
        pose = camera.camera_to_world
        assert pose is not None
        back = camera.project((points - pose[:3, 3]) @ pose[:3, :3])
        assert_allclose(back, pixels, atol=1e-9)
    assert tried > 100
    assert worst < 2e-3


def test_two_pictures_are_the_same(simulator: Simulator) -> None:
    """Of one scene, and of the scene built anew."""
    spec = scene("Faucet", 2, things=2)
    first = Stage(simulator, spec)
    one, two, three = first.look(), first.look(), Stage(simulator, spec).look()
    for other in (two, three):
        assert np.array_equal(one.rgb, other.rgb)
        assert np.array_equal(one.depth, other.depth)
        assert np.array_equal(one.links, other.links)


@pytest.mark.parametrize("category", BUILDERS)
def test_joints_move_as_the_model_says(simulator: Simulator, category: str) -> None:
    """SAPIEN's links stand where a walk over the joints, written here, puts them."""
    spec = scene(category, 1, 32)
    stage = Stage(simulator, spec)
    limits = np.array(spec.limits())
    values = limits[:, 0] + 0.6 * (limits[:, 1] - limits[:, 0])
    stage.set_joints(values)
    poses: list[np.ndarray] = []
    for index, link in enumerate(spec.model.links):
        if link.joint is None:
            poses.append(spec.pose())
            continue
        value = values[spec.model.movable.index(index)]
        move = np.eye(4)
        axis, origin = np.array(link.joint.axis), np.array(link.joint.origin) * spec.scale
        if link.joint.kind == "prismatic":
            move[:3, 3] = axis * value
        else:
            move[:3, :3] = rotation(axis, value)
            move[:3, 3] = origin - move[:3, :3] @ origin
        poses.append(poses[link.parent] @ move)
        assert_allclose(stage.link_pose(index), poses[index], atol=2e-5)


def test_motion_is_the_derivative(simulator: Simulator) -> None:
    """Of a point's place with respect to its joint, by a small step."""
    stage = Stage(simulator, scene("Lamp", 0, 32))
    for place, link in enumerate(stage.spec.model.movable):
        point = stage.link_mesh(link).vertices[5]
        along = motion(stage, link, point)
        before = stage.link_pose(link)
        local = before[:3, :3].T @ (point - before[:3, 3])
        values = stage.joints.copy()
        values[place] += 1e-3
        stage.set_joints(values)
        after = stage.link_pose(link)
        step = (after[:3, :3] @ local + after[:3, 3] - point) / 1e-3
        assert_allclose(step, along, atol=2e-3)
        stage.set_joints(stage.spec.joints)
        origin, axis = world_axis(stage, link, stage.spec.model.links[link].joint)
        assert_allclose(np.linalg.norm(axis), 1, atol=1e-6)
        assert_allclose(axis @ motion(stage, link, origin + axis), 0, atol=1e-6)


def test_white_where_nothing_is_and_things_beside(simulator: Simulator) -> None:
    """Nothing else is white by chance: depth 0, no link; a floor fills the rest."""
    spec = scene("Safe", 1, 96, surface="none")
    view = Stage(simulator, spec).look()
    empty = view.depth == 0
    assert empty.any()
    assert np.all(view.rgb[empty] == 255)
    assert np.all(view.links[empty] == -1)
    floor = Stage(simulator, dataclasses.replace(spec, surface="floor")).look()
    assert np.all(floor.depth > 0)
    assert np.array_equal(floor.links >= 0, view.links >= 0)


def test_labels_of_spots(simulator: Simulator) -> None:
    """Pixels of a door show its panel and its handle, and no other link's pieces."""
    stage = Stage(simulator, scene("Refrigerator", 0, closed_share=1.0))
    view = stage.look()
    link = stage.spec.model.movable[0]
    rows, columns = np.nonzero(view.links == link)
    found = spots(stage, link, np.column_stack([columns + 0.5, rows + 0.5]))
    assert {spot.label for spot in found} <= {s.label for s in stage.spec.model.links[link].solids}
    assert "door" in {spot.label for spot in found}
    camera = view.camera.camera_to_world
    assert camera is not None
    for spot in found:
        assert spot.normal @ (camera[:3, 3] - spot.point) > 0  # towards the viewer
