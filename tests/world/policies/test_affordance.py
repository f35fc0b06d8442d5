# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The middle of the good places: on a part that moves, far from its hinge, always the same."""

import dataclasses

import numpy as np
import pytest

from robomamba_jax.world.dataset.samples import find_sample
from robomamba_jax.world.dataset.tasks import VERSION
from robomamba_jax.world.objects.catalog import BUILDERS
from robomamba_jax.world.objects.categories import SEEN
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.library import EMBEDDED
from robomamba_jax.world.objects.meshes import box
from robomamba_jax.world.objects.model import Assembly
from robomamba_jax.world.policies.affordance import central_pull_point, pull_points
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.episodes import draw_episode, open_scene
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import motion, pixels_of, reach, surface_points, true_flow
from robomamba_jax.world.sim.view_geometry import link_at, pixel_of, rotation_for, to_camera
from tests.world.made import door_model, door_scene, door_spec, front_point


def open_one(simulator: Simulator, category: str, number: int = 0) -> tuple[SimScene, CameraFrame]:
    """A trial of a category, and its picture."""
    spec = draw_episode(EMBEDDED, (number, 77), category, "train", 160)
    scene = open_scene(simulator, spec)
    return scene, scene.render()


@pytest.mark.parametrize("category", BUILDERS)
def test_it_is_a_good_place_of_a_part(simulator: Simulator, category: str) -> None:
    """What the pixel shows is a movable part; the lever is long, the way of the part is kept and
    the cup leans no further than it may. Asked again in another stage it is the same place."""
    scene, view = open_one(simulator, category)
    place = central_pull_point(scene, view)
    if place is None:
        movable = scene.spec.model.movable
        pixels = {link: pixels_of(view.links == link) for link in movable}
        assert not any(pull_points(scene, link, at[::7]) for link, at in pixels.items())
        return
    contact = place.contact
    assert contact.link in scene.spec.model.movable
    assert link_at(view, pixel_of(view, contact.point)) == contact.link
    lever = np.linalg.norm(motion(scene, contact.link, contact.point)) / reach(scene, contact.link)
    flow = true_flow(scene, contact.link, contact.point)
    assert np.linalg.norm(place.pull) == pytest.approx(1)
    assert place.pull @ contact.normal >= np.cos(np.radians(45)) - 1e-9
    assert lever * (flow @ place.pull) > 0.6
    (again,) = pull_points(scene, contact.link, np.array([pixel_of(view, contact.point)]))
    np.testing.assert_allclose(again.contact.point, contact.point, atol=1e-6)
    np.testing.assert_allclose(again.pull, place.pull, atol=1e-6)
    other = central_pull_point(*open_one(simulator, category))
    assert other is not None
    assert np.array_equal(other.contact.point, contact.point)
    assert np.array_equal(other.pull, place.pull)


def test_on_a_door_it_lies_in_the_outer_part(simulator: Simulator) -> None:
    """A closed door is good beyond 0.6 of its width, and the middle of that is at 0.8 and, in a
    picture taken from above, a little over half-way up; the pull is the way that it swings."""
    scene = door_scene(simulator, 0.3)
    place = central_pull_point(scene, scene.render())
    assert place is not None
    off = place.contact.point - front_point(scene, 0.8, 0.0)
    assert np.abs(off[:2]).max() < 0.03
    assert 0 < off[2] < 0.15
    np.testing.assert_allclose(place.pull, [-1, 0, 0], atol=0.1)
    assert place.contact.label == "door"


def test_the_part_with_most_of_them_is_chosen(simulator: Simulator) -> None:
    """Of two doors the large one, whichever comes first."""
    for large in (0, 1):
        a = Assembly()
        gray = COLORS["gray"]
        a.add(box((1, 1, 1)), gray)
        sizes = [(0.35, 0.3), (-0.15, 0.7)]  # the centre's height, and how high it is
        for middle, side in sizes if large else sizes[::-1]:
            door = a.hinge("door", (-0.5, 0.5, 0), (0, 0, -1), (0, 1.5))
            door.add(box((0.06, 1, side), (-0.54, 0, middle)), COLORS["red"])
        built = a.finish("Door", "test", gray)
        model = dataclasses.replace(door_model(), links=built.links)
        spec = dataclasses.replace(door_spec(model), joints=(0.0, 0.0))
        scene = SimScene(simulator, spec)
        place = central_pull_point(scene, scene.render())
        assert place is not None
        assert place.contact.link == 1 + large
        assert abs(place.contact.point[2] + 0.15) < 0.1


def test_none_where_nothing_moves_well(simulator: Simulator) -> None:
    """No part in view; and a door of which the picture shows the side of its hinge alone."""
    scene = door_scene(simulator, 0.3)
    view = scene.render()
    assert (
        central_pull_point(scene, dataclasses.replace(view, links=np.full_like(view.links, -1)))
        is None
    )
    # Of the door nothing but the half at its hinge; y falls from there.
    near = view.links.copy()
    for x, y in pixels_of(view.links == 1):
        if not any(contact.point[1] > 0 for contact in surface_points(scene, 1, [(x, y)])):
            near[int(y), int(x)] = 0
    assert 200 < (near == 1).sum() < (view.links == 1).sum()
    assert central_pull_point(scene, dataclasses.replace(view, links=near)) is None


@pytest.mark.parametrize("category", ["Microwave", "Laptop", "StorageFurniture"])
def test_a_collector_that_takes_the_middle(simulator: Simulator, category: str) -> None:
    """Poses of contact_sampling="center" are just there; those of "random" elsewhere. Both are of
    the same trials."""
    seeds = [(5, number) for number in range(3)]
    found = {
        contacts: [
            find_sample(simulator, seed, category, "train", 96, 6, contacts) for seed in seeds
        ]
        for contacts in ("center", "random")
    }
    for sample in found["center"]:
        scene = open_scene(simulator, sample.spec)
        view = scene.render()
        place = central_pull_point(scene, view)
        assert place is not None
        assert sample.proposal.contact_xy == pixel_of(view, place.contact.point)
        approach = to_camera(view, -place.pull)
        np.testing.assert_allclose(sample.proposal.rotation[:, 0], approach, atol=1e-9)
        assert sample.contact.link == place.contact.link
    apart = [
        np.subtract(a.proposal.contact_xy, b.proposal.contact_xy)
        for a, b in zip(found["center"], found["random"], strict=True)
        if a.attempt == b.attempt
    ]
    assert apart
    assert max(np.linalg.norm(way) for way in apart) > 3


class Middle:
    """Pulls at the middle place."""

    name, parameters, sha = "middle", 0, None

    def propose(self, observation: Observation) -> Proposal | None:
        """As a collector does."""
        place = central_pull_point(observation.scene, observation.view)
        if place is None:
            return None
        approach = to_camera(observation.view, -place.pull)
        return Proposal(pixel_of(observation.view, place.contact.point), rotation_for(approach))


@pytest.mark.slow
def test_it_is_worth_more_than_any_pixel_of_the_part(simulator: Simulator) -> None:
    """Carried out by physics: nearly always right, where a random pixel of a part with its true
    normal is right half of the time."""
    plan = RolloutPlan(SEEN, 2, seed=VERSION, size=128)
    middle = rollout(simulator, Middle(), plan)["seen"]
    anywhere = rollout(simulator, choose_policy("part-normal"), plan)["seen"]
    assert middle["n"] == anywhere["n"] == 40
    assert middle["success"] >= 36
    assert middle["success"] >= anywhere["success"] + 8
