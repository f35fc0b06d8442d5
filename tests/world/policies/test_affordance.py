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
from robomamba_jax.world.policies.affordance import good_places, middle_place
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.episodes import draw_episode, open_stage
from robomamba_jax.world.sim.simulator import Simulator, Stage, View
from robomamba_jax.world.sim.surfaces import motion, pixels_of, reach, spots, true_flow
from robomamba_jax.world.sim.view_geometry import link_at, pixel_of, rotation_for, to_camera
from tests.world.made import door_model, door_spec, door_stage, front_point


def scene(simulator: Simulator, category: str, number: int = 0) -> tuple[Stage, View]:
    """A trial of a category, and its picture."""
    spec = draw_episode(EMBEDDED, (number, 77), category, "train", 160)
    stage = open_stage(simulator, spec)
    return stage, stage.look()


@pytest.mark.parametrize("category", BUILDERS)
def test_it_is_a_good_place_of_a_part(simulator: Simulator, category: str) -> None:
    """What the pixel shows is a movable part; the lever is long, the way of the part is kept and
    the cup leans no further than it may. Asked again in another stage it is the same place."""
    stage, view = scene(simulator, category)
    place = middle_place(stage, view)
    if place is None:
        movable = stage.spec.model.movable
        pixels = {link: pixels_of(view.links == link) for link in movable}
        assert not any(good_places(stage, link, at[::7]) for link, at in pixels.items())
        return
    spot = place.spot
    assert spot.link in stage.spec.model.movable
    assert link_at(view, pixel_of(view, spot.point)) == spot.link
    lever = np.linalg.norm(motion(stage, spot.link, spot.point)) / reach(stage, spot.link)
    flow = true_flow(stage, spot.link, spot.point)
    assert np.linalg.norm(place.pull) == pytest.approx(1)
    assert place.pull @ spot.normal >= np.cos(np.radians(45)) - 1e-9
    assert lever * (flow @ place.pull) > 0.6
    (again,) = good_places(stage, spot.link, np.array([pixel_of(view, spot.point)]))
    np.testing.assert_allclose(again.spot.point, spot.point, atol=1e-6)
    np.testing.assert_allclose(again.pull, place.pull, atol=1e-6)
    other = middle_place(*scene(simulator, category))
    assert other is not None
    assert np.array_equal(other.spot.point, spot.point)
    assert np.array_equal(other.pull, place.pull)


def test_on_a_door_it_lies_in_the_outer_part(simulator: Simulator) -> None:
    """A closed door is good beyond 0.6 of its width, and the middle of that is at 0.8 and, in a
    picture taken from above, a little over half-way up; the pull is the way that it swings."""
    stage = door_stage(simulator, 0.3)
    place = middle_place(stage, stage.look())
    assert place is not None
    off = place.spot.point - front_point(stage, 0.8, 0.0)
    assert np.abs(off[:2]).max() < 0.03
    assert 0 < off[2] < 0.15
    np.testing.assert_allclose(place.pull, [-1, 0, 0], atol=0.1)
    assert place.spot.label == "door"


def test_the_part_with_most_of_them_is_chosen(simulator: Simulator) -> None:
    """Of two doors the large one, whichever comes first."""
    for large in (0, 1):
        a = Assembly()
        gray = COLORS["gray"]
        a.add(0, "body", box((1, 1, 1)), gray)
        sizes = [(0.35, 0.3), (-0.15, 0.7)]  # the centre's height, and how high it is
        for middle, side in sizes if large else sizes[::-1]:
            door = a.hinge("door", (-0.5, 0.5, 0), (0, 0, -1), (0, 1.5))
            a.add(door, "door", box((0.06, 1, side), (-0.54, 0, middle)), COLORS["red"])
        built = a.finish("Door", "test", gray)
        model = dataclasses.replace(door_model(), links=built.links)
        spec = dataclasses.replace(door_spec(model), joints=(0.0, 0.0))
        stage = Stage(simulator, spec)
        place = middle_place(stage, stage.look())
        assert place is not None
        assert place.spot.link == 1 + large
        assert abs(place.spot.point[2] + 0.15) < 0.1


def test_none_where_nothing_moves_well(simulator: Simulator) -> None:
    """No part in view; and a door of which the picture shows the side of its hinge alone."""
    stage = door_stage(simulator, 0.3)
    view = stage.look()
    assert (
        middle_place(stage, dataclasses.replace(view, links=np.full_like(view.links, -1))) is None
    )
    # Of the door nothing but the half at its hinge; y falls from there.
    near = view.links.copy()
    for x, y in pixels_of(view.links == 1):
        if not any(spot.point[1] > 0 for spot in spots(stage, 1, [(x, y)])):
            near[int(y), int(x)] = 0
    assert 200 < (near == 1).sum() < (view.links == 1).sum()
    assert middle_place(stage, dataclasses.replace(view, links=near)) is None


@pytest.mark.parametrize("category", ["Microwave", "Laptop", "StorageFurniture"])
def test_a_collector_that_takes_the_middle(simulator: Simulator, category: str) -> None:
    """Poses of contacts="middle" are just there; those of "spread" elsewhere. Both are of the same
    trials."""
    seeds = [(5, number) for number in range(3)]
    found = {
        contacts: [
            find_sample(simulator, seed, category, "train", 96, 6, contacts) for seed in seeds
        ]
        for contacts in ("middle", "spread")
    }
    for sample in found["middle"]:
        stage = open_stage(simulator, sample.spec)
        view = stage.look()
        place = middle_place(stage, view)
        assert place is not None
        assert sample.proposal.contact_xy == pixel_of(view, place.spot.point)
        approach = to_camera(view, -place.pull)
        np.testing.assert_allclose(sample.proposal.rotation[:, 0], approach, atol=1e-9)
        assert sample.link == place.spot.link
    apart = [
        np.subtract(a.proposal.contact_xy, b.proposal.contact_xy)
        for a, b in zip(found["middle"], found["spread"], strict=True)
        if a.attempt == b.attempt
    ]
    assert apart
    assert max(np.linalg.norm(way) for way in apart) > 3


class Middle:
    """Pulls at the middle place."""

    name, parameters, sha = "middle", 0, None

    def propose(self, seen: Observation) -> Proposal | None:
        """As a collector does."""
        place = middle_place(seen.stage, seen.view)
        if place is None:
            return None
        approach = to_camera(seen.view, -place.pull)
        return Proposal(pixel_of(seen.view, place.spot.point), rotation_for(approach))


def test_it_is_worth_more_than_any_pixel_of_the_part(simulator: Simulator) -> None:
    """Carried out by physics: nearly always right, where a random pixel of a part with its true
    normal is right half of the time."""
    plan = RolloutPlan(SEEN, 2, seed=VERSION, size=128)
    middle = rollout(simulator, Middle(), plan)["seen"]
    anywhere = rollout(simulator, choose_policy("part-normal"), plan)["seen"]
    assert middle["n"] == anywhere["n"] == 40
    assert middle["success"] >= 36
    assert middle["success"] >= anywhere["success"] + 8
