# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes of the broad world: drawn from a seed alone, varied, and true in what is said of them."""

import dataclasses

import numpy as np
import pytest

from robomamba_jax.world.language.facts import scene_facts
from robomamba_jax.world.objects.assemblies import make_assembly
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.model import ObjectModel
from robomamba_jax.world.objects.patterns import Pattern
from robomamba_jax.world.objects.plain_things import plain_model, thing_mesh
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.broad_scenes import (
    AZIMUTH,
    ELEVATION,
    draw_broad_scene,
    draw_mixed_scene,
)
from robomamba_jax.world.sim.scenes import SceneSpec, Thing, draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator

SIZE = 96


def objects(count: int) -> list[ObjectModel]:
    """Of all three sorts."""
    made = []
    for number in range(count):
        made += [
            make_assembly("train", number),
            make_object("Safe", "train", number),
            plain_model("cone", COLORS["red"], "x"),
        ]
    return made


def drawn(count: int) -> list[SceneSpec]:
    """Scenes, each of a seed of its own."""
    return [draw_broad_scene(model, Rng((7, k)), SIZE) for k, model in enumerate(objects(count))]


def numbers(spec: SceneSpec) -> str:
    """All that decides an image, as text."""
    look = spec.look
    assert look is not None
    assert spec.camera.camera_to_world is not None
    meshes = [thing.mesh.vertices.tolist() for thing in spec.things]
    parts = (look.ambient, look.suns, look.lamps, look.surface_pattern, look.body_pattern)
    camera = spec.camera.camera_to_world.tolist()
    return repr((spec.joints, spec.position, spec.surface, camera, meshes, parts))


def test_a_scene_is_a_function_of_its_seed() -> None:
    """And of nothing that was drawn before."""
    once, again = [numbers(spec) for spec in drawn(4)], [numbers(spec) for spec in drawn(4)]
    assert once == again
    assert len(set(once)) == len(once)


def test_cameras_look_from_everywhere_in_front() -> None:
    """In the ranges that are documented, with the object's middle in the image."""
    for spec in drawn(14):
        pose = spec.camera.camera_to_world
        assert pose is not None
        away = pose[:3, 3] - spec.position
        high = np.degrees(np.arcsin(away[2] / np.linalg.norm(away)))
        assert ELEVATION[0] - 1e-6 <= high <= ELEVATION[1] + 1e-6
        around = np.arctan2(away[1], away[0]) % (2 * np.pi) / np.pi
        assert AZIMUTH[0] - 1e-6 <= around <= AZIMUTH[1] + 1e-6
        x, y = spec.camera.project(pose[:3, :3].T @ -away)
        assert 0 < x < SIZE
        assert 0 < y < SIZE


def test_things_are_told_apart() -> None:
    """No shape twice, none as the object is called, none in another."""
    colors: set[str] = set()
    counts: set[int] = set()
    for spec in drawn(14):
        shapes = [thing.shape for thing in spec.things]
        assert len({*shapes, spec.model.noun}) == len(shapes) + 1
        middles = [thing.mesh.vertices.mean(axis=0)[:2] for thing in spec.things]
        for k, one in enumerate(middles):
            for other in middles[:k]:
                assert np.linalg.norm(one - other) > 0.05
        colors |= {thing.color.name for thing in spec.things}
        counts.add(len(shapes))
        assert spec.surface_color.name != spec.model.color.name
        if spec.surface != "none":
            assert spec.surface_color.name not in {thing.color.name for thing in spec.things}
    assert len(colors) >= 6
    assert counts >= {0, 1, 2, 3}


def test_poses_see_both_worlds() -> None:
    """Half of them with ManipLLM's camera, byte for byte its scene."""
    model = make_object("Safe", "train", 0)
    kinds = [draw_mixed_scene(model, Rng((k,)), SIZE) for k in range(60)]
    broad = sum(spec.look is not None for spec in kinds)
    assert 15 < broad < 45
    assert draw_scene(model, Rng((0,)), SIZE).look is None


@pytest.mark.slow
def test_sides_and_shapes_are_what_the_pixels_show(simulator: Simulator) -> None:
    """A thing that is named is in view; its side is clear; what is partly in view is neither there
    nor absent."""
    named = 0
    for spec in drawn(14):
        scene = SimScene(simulator, spec)
        view = scene.render()
        facts = scene_facts(scene, view)
        shown = np.nonzero(view.links >= 0)[1]
        if not len(shown):
            continue
        for fact in facts.things:
            named += 1
            columns = np.nonzero(view.things == fact.index)[1]
            assert len(columns) >= 20
            assert spec.things[fact.index].shape == fact.shape
            away = (columns.mean() - shown.mean()) / SIZE
            assert fact.side == ("" if abs(away) < 0.08 else ("left" if away < 0 else "right"))
        there = {fact.shape for fact in facts.things} | set(facts.partly)
        assert not there & set(facts.absent_shapes)
        assert facts.noun not in facts.absent_shapes
        visible = {spec.things[k].shape for k in np.unique(view.things) if k >= 0}
        assert visible == there
        if facts.beside is not None:
            assert (len(facts.things), facts.partly) == (1, ())
    assert named > 10


def test_the_papers_facts_have_none_of_it(simulator: Simulator) -> None:
    """Every side is one of two, and nothing is left open."""
    spec = draw_scene(make_object("Safe", "train", 0), Rng((3,)), SIZE, things=2)
    scene = SimScene(simulator, spec)
    facts = scene_facts(scene, scene.render())
    assert (facts.partly, facts.resembles, facts.surface_clear) == ((), (), True)
    assert {thing.side for thing in facts.things} <= {"left", "right"}


def test_patterns_backdrops_and_lights_are_drawn(simulator: Simulator) -> None:
    """Each of them changes the image, and none what a pixel belongs to."""
    spec = next(spec for spec in drawn(10) if spec.surface == "none" and spec.model.movable)
    assert spec.look is not None
    plain = dataclasses.replace(spec.look, body_pattern=None, backdrop=None)
    pattern = Pattern("checks", (0.9, 0.9, 0.9), (0.0, 0.0, 0.0), 0.3, 0.0, 1)
    wall = thing_mesh("cube", 6.0).moved((12.0, 0, -8.0))
    looks = {
        "plain": plain,
        "body": dataclasses.replace(plain, body_pattern=pattern),
        "wall": dataclasses.replace(plain, backdrop=Thing("backdrop", COLORS["red"], wall)),
        "light": dataclasses.replace(plain, ambient=(0.9, 0.3, 0.3)),
    }
    spec = dataclasses.replace(spec, things=())
    views = {
        name: SimScene(simulator, dataclasses.replace(spec, look=look)).render()
        for name, look in looks.items()
    }
    base = views.pop("plain")
    for name, view in views.items():
        assert np.array_equal(view.links, base.links), name
        assert not np.array_equal(view.rgb, base.rgb), name
        assert np.all(view.things == -1)
    assert (views["wall"].depth > 0).sum() > (base.depth > 0).sum()
    on = base.links >= 0
    assert views["light"].rgb[on][:, 0].mean() > base.rgb[on][:, 0].mean()


@pytest.mark.parametrize("shape", ["cube", "star"])
def test_plain_things_stand_alone_as_the_object(simulator: Simulator, shape: str) -> None:
    """They have a mask as link 0, a color and a noun, and no part to speak of."""
    spec = draw_broad_scene(plain_model(shape, COLORS["blue"], "x"), Rng((5,)), SIZE, things=0)
    scene = SimScene(simulator, spec)
    view = scene.render()
    facts = scene_facts(scene, view)
    assert (facts.noun, facts.color) == (shape, "blue")
    assert (facts.parts, facts.visible, facts.places, facts.touch) == ((), (), (), None)
    assert np.any(view.links == 0)
