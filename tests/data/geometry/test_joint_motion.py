# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Motion by joints: analytic flows against small steps, in numpy and in the simulator."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.geometry.joint_motion import (
    JointAxis,
    joint_flow,
    pixel_flow,
    point_flow,
    read_axes,
)
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.meshes import rotation
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator
from robomamba_jax.world.sim.surfaces import pixels_of, reach, scene_axes, surface_points, true_flow
from robomamba_jax.world.sim.view_geometry import pixel_of

HINGE = JointAxis(
    1, "door", "revolute", (0.5, 0.2, 0.0), (0.0, 0.0, -1.0), 0.0, (0.0, 1.5), 0, "door", 0.0, 2.0
)
SLIDER = JointAxis(
    2, "tray", "prismatic", (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), 0.1, (0.0, 0.4), 1, "tray", 0.0, 1.0
)


def made_scene(simulator: Simulator, category: str, number: int) -> SimScene:
    """A training object with its joints anywhere."""
    model = make_object(category, "train", number)
    return SimScene(simulator, draw_scene(model, Rng((number, 1)), 112, closed_share=0.0))


def test_points_move_as_they_turn() -> None:
    """The derivative of a turn, and of a slide on a link that turns."""
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    step = 1e-6
    turn = rotation(HINGE.axis, step)
    origin = np.asarray(HINGE.origin)
    turned = ((points - origin) @ turn.T + origin - points) / step
    assert_allclose(joint_flow(points, HINGE), turned, atol=1e-5)
    assert_allclose(point_flow(points, 1, [HINGE, SLIDER]), turned, atol=1e-5)
    both = turned + np.asarray(SLIDER.axis)
    assert_allclose(point_flow(points, 2, [HINGE, SLIDER]), both, atol=1e-5)
    assert not point_flow(points, 0, [HINGE, SLIDER]).any()


@pytest.mark.parametrize(
    ("value", "limits", "rest", "opening", "room"),
    [
        (0.0, (0.0, 1.0), 0.0, 1, 1),  # shut
        (0.8, (0.0, 1.0), 0.0, 1, -1),  # nearly open: on, but there is more room back
        (0.9, (0.0, 1.0), 1.0, -1, -1),  # shut at its greatest value
        (0.0, (-0.5, 0.2), 0.0, -1, -1),  # rests between: where there is more room
        (0.1, (-0.5, 0.2), 0.0, 1, -1),
        (0.8, (0.0, 1.0), None, -1, -1),  # nobody knows where it rests
    ],
)
def test_which_way_opens(
    value: float, limits: tuple[float, float], rest: float | None, opening: float, room: float
) -> None:
    """Away from rest, or to the side with more room."""
    joint = dataclasses.replace(HINGE, value=value, limits=limits, rest=rest)
    assert joint.sense() == joint.sense("open") == opening
    assert joint.sense("room") == room


def flat_view() -> tuple[np.ndarray, np.ndarray, Camera]:
    """A wall 2 m before a camera that looks along the world's +x, two links side by side."""
    K = np.array([[4.0, 0, 2], [0, 4.0, 2], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # right is -y, down is -z
    links = np.array([[-1, 0, 1, 1]] * 3 + [[200, 0, 2, 2]])
    return links, np.full((4, 4), 2.0), Camera(4, 4, K, pose)


def test_pixels_move_in_the_cameras_frame() -> None:
    """Numbers by hand: a slider along +y moves left in the image; its parent's hinge moves nothing
    here; where there is no depth there is no motion."""
    links, depth, camera = flat_view()
    depth[3, 3] = 0
    flow = pixel_flow(links, depth, camera, [HINGE, SLIDER])
    assert flow.dtype == np.float32
    assert flow.shape == (4, 4, 3)
    assert_allclose(flow[3, 2], (-1, 0, 0), atol=1e-6)
    assert not flow[3, 3].any()
    assert not flow[:, :2].any()
    # The pixel (2.5, .5) shows the world's (2, -.25, .75); about (.5, .2) with axis -z it moves by
    # (y, -x) of its arm (1.5, -.45): (-.45, -1.5), in the camera right 1.5, forward -.45.
    assert_allclose(flow[0, 2], np.array([1.5, 0, -0.45]) / 2, atol=1e-6)
    unknown = dataclasses.replace(HINGE, reach=None)
    longest = np.linalg.norm(pixel_flow(links, depth, camera, [unknown])[:3, 2:], axis=-1).max()
    assert longest == pytest.approx(1)
    back = pixel_flow(links, depth, camera, [dataclasses.replace(SLIDER, value=0.3)], "room")
    assert_allclose(back[3, 2], (1, 0, 0), atol=1e-6)


def test_pixels_of_another_camera_are_refused() -> None:
    """Sizes, shapes and the pose, each in a line."""
    links, depth, camera = flat_view()
    with pytest.raises(InputError, match="links is 3x4"):
        pixel_flow(links[:, :3], depth, camera, [])
    with pytest.raises(InputError, match=r"depth has shape \[16\]"):
        pixel_flow(links, depth.ravel(), camera, [])
    with pytest.raises(InputError, match="no camera_to_world"):
        pixel_flow(links, depth, Camera(4, 4, camera.K), [])


def test_axes_come_back_from_json() -> None:
    """All fields; what is not known stays so, and keys that others add are passed over."""
    joints = (HINGE, dataclasses.replace(SLIDER, rest=None, reach=None, name=""))
    text = json.dumps([joint.to_dict() for joint in joints])
    assert read_axes(json.loads(text), "x") == joints
    least = {key: value for key, value in HINGE.to_dict().items() if key not in ("rest", "reach")}
    (found,) = read_axes([{**least, "mass": 3}], "x")
    assert (found.rest, found.reach, found.name) == (None, None, "door")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "floating"}, "x, axis 0: kind is 'floating'"),
        ({"parent": 1}, "link 1 cannot hang on link 1"),
        ({"link": True}, "link is True"),
        ({"axis": [0, 0, 2]}, "length is not 1"),
        ({"axis": [0, 1]}, "axis is not 3 numbers"),
        ({"origin": [0, 0, float("nan")]}, "origin is not 3 finite numbers"),
        ({"value": "a"}, "value is not 1 finite numbers"),
        ({"reach": []}, "reach is not 1 finite numbers"),
    ],
)
def test_bad_axes(change: dict[str, Any], message: str) -> None:
    """The number that cannot be is named, and whose it is."""
    with pytest.raises(InputError, match=message):
        read_axes([{**HINGE.to_dict(), **change}], "x")


def test_joints_that_are_none() -> None:
    """A key that is missing, and two joints of one link."""
    for key in ("link", "kind", "parent"):
        less = {name: value for name, value in HINGE.to_dict().items() if name != key}
        with pytest.raises(InputError, match=f"x, axis 1 has no {key}"):
            read_axes([SLIDER.to_dict(), less], "x")
    with pytest.raises(InputError, match="two axes move one link"):
        read_axes([HINGE.to_dict(), HINGE.to_dict()], "x")
    with pytest.raises(InputError, match="x: the axes are no list"):
        read_axes(None, "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(HINGE.to_dict())), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(content: object) -> None:
    """No other error than ours, whatever a file holds."""
    try:
        found = read_axes(content, "x")
    except InputError:
        return
    assert all(isinstance(joint, JointAxis) for joint in found)


@pytest.mark.slow
@pytest.mark.parametrize("category", ["Lamp", "Faucet", "StorageFurniture", "Pliers", "Remote"])
def test_flow_is_what_the_simulator_moves(simulator: Simulator, category: str) -> None:
    """All joints between link and base take a small step: the points' true displacement."""
    for number in range(2):
        scene = made_scene(simulator, category, number)
        axes = scene_axes(scene)
        before = scene.joints.copy()
        step = 1e-3
        for joint in axes:
            points = scene.link_mesh(joint.link).vertices
            if not len(points):
                continue
            scene.set_joints(before + step)
            # Only joints between the link and the base carry it, so all may step.
            moved = (scene.link_mesh(joint.link).vertices - points) / step
            scene.set_joints(before)
            flow = point_flow(points, joint.link, axes)
            # The second order of a step of 1e-3, and the poses' float32.
            assert np.abs(flow - moved).max() < 4e-3


@pytest.mark.slow
@pytest.mark.parametrize("category", ["Microwave", "Lamp", "KitchenPot", "Switch", "Laptop"])
def test_pixels_move_as_the_truth_says(simulator: Simulator, category: str) -> None:
    """Directions and levers of pixels against rays on the triangles, by the policies' own side."""
    for number in range(2):
        scene = made_scene(simulator, category, number)
        view = scene.render()
        axes = scene_axes(scene)
        assert view.camera.camera_to_world is not None
        turn = view.camera.camera_to_world[:3, :3]
        flow = pixel_flow(view.links, view.depth, view.camera, axes, "room")
        assert not flow[view.links <= 0].any()
        errors = []
        for link in scene.spec.model.movable:
            pixels = pixels_of(view.links == link)[::7]
            for point in surface_points(scene, link, pixels):
                x, y = pixel_of(view, point.point)
                truth = true_flow(scene, link, point.point) @ turn
                found = flow[int(y), int(x)].astype(float)
                length = np.linalg.norm(found)
                assert length <= 1 + 5e-3
                # A direction near the axis turns with every millimetre of depth.
                if length * reach(scene, link) > 0.05:
                    errors.append(np.degrees(np.arccos(min(1.0, found @ truth / length))))
        # Rims are among them, where depth and ray may be of two surfaces.
        assert np.median(errors) < 0.1
        assert np.quantile(errors, 0.95) < 1.5
