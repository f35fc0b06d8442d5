# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Plain scenes for tests: one door whose numbers are known."""

import dataclasses

import numpy as np

from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.meshes import box
from robomamba_jax.world.objects.model import Assembly, ObjectModel
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.episodes import EpisodeSpec, open_scene
from robomamba_jax.world.sim.gripper import GraspCommand
from robomamba_jax.world.sim.scenes import SceneSpec, draw_scene, look_at
from robomamba_jax.world.sim.simulator import SimScene, Simulator

FRONT = np.array([-1.0, 0, 0])


def door_model(handle: bool = False) -> ObjectModel:
    """A body of 1 x 1 x 1 with a door on its front, hinged at y = +0.5; perhaps a bar handle."""
    a = Assembly()
    gray = COLORS["gray"]
    a.add(box((1, 1, 1)), gray)
    door = a.hinge("door", (-0.5, 0.5, 0), (0, 0, -1), (0, 1.5))
    door.add(box((0.06, 1, 1), (-0.54, 0, 0)), COLORS["red"])
    if handle:
        door.add(box((0.04, 0.04, 0.5), (-0.7, -0.4, 0)), gray, "handle")
        door.add(box((0.14, 0.04, 0.04), (-0.63, -0.4, 0)), gray, "handle")
    model = ObjectModel("Door", "test", (), gray)
    built = a.finish("Door", "test", gray)
    return dataclasses.replace(model, links=built.links)


def door_spec(model: ObjectModel, opened: float = 0.0, size: int = 128) -> SceneSpec:
    """Seen from the front and above, undisturbed."""
    spec = draw_scene(model, Rng((0,)), size, surface="none", closed_share=1.0)
    camera = look_at(np.array([-4.0, -0.6, 2.5]), np.zeros(3), size)
    return dataclasses.replace(
        spec, camera=camera, scale=1.0, yaw=0.0, position=(0.0, 0.0, 0.0), joints=(opened,)
    )


def door_scene(
    simulator: Simulator, resistance: float, *, opened: float = 0.0, handle: bool = False
) -> SimScene:
    """The door, its hinge resisting a share of what the gripper can do at its far edge."""
    spec = EpisodeSpec(door_spec(door_model(handle), opened), (resistance,))
    return open_scene(simulator, spec)


def front_point(scene: SimScene, along: float, height: float = 0.2) -> np.ndarray:
    """A point of the closed door's front: at a share of the way from hinge to far edge."""
    low, high = scene.link_mesh(1).vertices.min(axis=0), scene.link_mesh(1).vertices.max(axis=0)
    panel = scene.spec.model.links[1].solids[0].mesh.vertices
    return np.array([panel[:, 0].min(), high[1] - along * (high[1] - low[1]), height])


def pull(point: np.ndarray, direction: np.ndarray = FRONT, **options: object) -> GraspCommand:
    """Suction that pulls along a direction."""
    unit = direction / np.linalg.norm(direction)
    return GraspCommand(point, -unit, np.cross(unit, (0.1, 0.2, 1)), **options)  # type: ignore[arg-type]
