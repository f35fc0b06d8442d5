# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Reference policies: what a pose is worth without a model, from nothing up to the truth.

All see an ``Observation`` and give a ``Proposal``, as a model does. Those marked as knowing
the truth may ask the scene itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.policies.interface import Observation, Proposal, grasp_proposal
from robomamba_jax.world.sim.episodes import visible_parts
from robomamba_jax.world.sim.grasps import find_grasp
from robomamba_jax.world.sim.gripper import ACROSS, GraspCommand, obstacle
from robomamba_jax.world.sim.simulator import SimScene
from robomamba_jax.world.sim.surfaces import (
    SurfacePoint,
    lever_fraction,
    pixels_of,
    surface_points,
    true_flow,
    within_tilt,
)
from robomamba_jax.world.sim.view_geometry import lift, link_at, pixel_of, rotation_for, to_camera

Array = npt.NDArray[np.float64]
_LOOKS = 48  # pixels of each part that the oracle weighs
_FIBONACCI = 64  # directions that UMPNet's demo tries


@dataclasses.dataclass
class ReferencePolicy:
    """A policy that is a function.

    Attributes:
      name: for tables.
      function: what it does.
      parameters: none were trained.
      sha: there is no checkpoint.
    """

    name: str
    function: Callable[[Observation], Proposal | None]
    parameters: int = 0
    sha: str | None = None

    def propose(self, observation: Observation) -> Proposal | None:
        """As the function says."""
        return self.function(observation)


def _facing(random: np.random.Generator) -> Array:
    """A random direction away from the viewer, evenly spread over the half sphere."""
    while True:
        # A normal vector's direction is evenly spread over the sphere, whatever its length.
        direction = random.normal(size=3)
        length = float(np.linalg.norm(direction))
        if length > 1e-6:
            direction /= length
            return direction if direction[2] > 0 else -direction


def _part_pixel(observation: Observation) -> tuple[int, Array] | None:
    """A random pixel of the movable parts: its link, and the pixel's centre."""
    movable = observation.scene.spec.model.movable
    # All parts in one draw: large ones are met more often, as by a random click.
    pixels = pixels_of(np.isin(observation.view.links, movable))
    if not len(pixels):
        return None
    x, y = pixels[int(observation.random.integers(len(pixels)))]
    return link_at(observation.view, (x, y)), np.array([x, y])


def _part_point(observation: Observation) -> SurfacePoint | None:
    """What a random pixel of the movable parts shows."""
    # Rays at a part's rim may miss it by a hair: then another pixel is drawn.
    for _ in range(20):
        found = _part_pixel(observation)
        if found is None:
            return None
        here = surface_points(observation.scene, found[0], found[1][None])
        if here:
            return here[0]
    return None


def _along_normal(observation: Observation, contact: SurfacePoint | None) -> Proposal | None:
    if contact is None:
        return None
    approach = to_camera(observation.view, -contact.normal)
    return Proposal(pixel_of(observation.view, contact.point), rotation_for(approach))


def random_pose(observation: Observation) -> Proposal:
    """Any pixel of the image, any direction away from the viewer."""
    height, width = observation.view.depth.shape
    x, y = observation.random.uniform((0, 0), (width, height))
    return Proposal((float(x), float(y)), rotation_for(_facing(observation.random)))


def part_random(observation: Observation) -> Proposal | None:
    """Any pixel of a movable part, any direction away from the viewer."""
    found = _part_pixel(observation)
    if found is None:
        return None
    return Proposal(
        (float(found[1][0]), float(found[1][1])), rotation_for(_facing(observation.random))
    )


def part_normal(observation: Observation) -> Proposal | None:
    """Any pixel of a movable part, along its true normal."""
    return _along_normal(observation, _part_point(observation))


def center_normal(observation: Observation) -> Proposal | None:
    """The middle of the largest movable part in view, along its true normal."""
    return _along_normal(observation, _center_point(observation))


def _center_point(observation: Observation) -> SurfacePoint | None:
    parts = visible_parts(observation.view.links, observation.scene.spec.model.movable)
    if not parts:
        return None
    link = max(parts, key=lambda part: int(np.sum(observation.view.links == part)))
    pixels = pixels_of(observation.view.links == link)
    # Some of the nearest: the ray of the very middle may go through a ring.
    order = np.argsort(np.linalg.norm(pixels - pixels.mean(axis=0), axis=1), kind="stable")
    here = surface_points(observation.scene, link, pixels[order[:5]])
    return here[0] if here else None


def no_pull(observation: Observation) -> Proposal | None:
    """The oracle's contact without a pull: nothing may move."""
    found = oracle(observation)
    return None if found is None else dataclasses.replace(found, pull=False)


def umpnet(observation: Observation) -> Proposal | None:
    """UMPNet's rule: suction along the normal, then the best of 64 directions, step by step.

    Its learned position network is replaced by a random pixel of the movable parts, its
    direction network by the true motion.
    """
    found = part_normal(observation)
    return None if found is None else dataclasses.replace(found, steer=_best_of_sphere)


def flowbot(observation: Observation) -> Proposal | None:
    """FlowBot3D's rule with ground-truth flow: the contact that moves most, along its flow."""
    best: tuple[float, SurfacePoint] | None = None
    for contact in _candidates(observation):
        size = lever_fraction(observation.scene, contact.link, contact.point)
        if best is None or size > best[0]:
            best = (size, contact)
    if best is None:
        return None
    flow = true_flow(observation.scene, best[1].link, best[1].point)
    # Its suction comes along the normal and pulls along the flow.
    found = _along_normal(observation, best[1])
    assert found is not None
    return dataclasses.replace(found, steer=true_flow) if flow.any() else found


def oracle(observation: Observation) -> Proposal | None:
    """Acts from geometry: the longest lever in view, pulled along its way as far as a cup holds.

    With a hand, a handle that open fingers can close around comes first: they hold better.
    """
    if observation.dof == 7:
        found = _handle(observation)
        if found is not None:
            return found
    ranked = []
    for contact in _candidates(observation):
        flow = true_flow(observation.scene, contact.link, contact.point)
        if not flow.any():
            continue
        pull = within_tilt(flow, contact.normal)
        cosine = float(np.clip(flow @ pull, -1, 1))
        # What such a pull has for the part, as a share of FORCE: see gripper.
        strength = cosine - ACROSS * float(np.sqrt(1 - cosine**2))
        worth = lever_fraction(observation.scene, contact.link, contact.point) * strength
        ranked.append((worth, contact, pull))
    # The best first; of equals the one drawn first, since sorting is stable.
    ranked.sort(key=lambda entry: -entry[0])
    for _, contact, pull in ranked:
        pixel = pixel_of(observation.view, contact.point)
        lifted = lift(observation.view, pixel)
        if lifted is None:
            continue
        # Suction has no closing axis, so any vector can stand for it below.
        rotation = rotation_for(to_camera(observation.view, -pull))
        if not obstacle(observation.scene, contact.link, GraspCommand(lifted, -pull, lifted)):
            return Proposal(pixel, rotation, None if observation.dof == 6 else 0.0)
    return None


def _handle(observation: Observation) -> Proposal | None:
    """Open fingers around a visible handle, drawn along the motion of the part."""
    for link in visible_parts(observation.view.links, observation.scene.spec.model.movable):
        middle = observation.scene.link_mesh(link).vertices.mean(axis=0)
        flow = true_flow(observation.scene, link, middle)
        grasp = find_grasp(observation.scene, observation.view, link, flow, observation.random)
        if grasp is not None:
            return grasp_proposal(observation.view, grasp)
    return None


def _candidates(observation: Observation) -> list[SurfacePoint]:
    """Places on every movable part in view, some at its rim, where levers are long."""
    found: list[SurfacePoint] = []
    for link in visible_parts(observation.view.links, observation.scene.spec.model.movable):
        shown = observation.view.links == link
        # A pixel whose neighbours show the part too: rays of rims miss by a hair.
        inner = shown.copy()
        inner[1:] &= shown[:-1]
        inner[:-1] &= shown[1:]
        inner[:, 1:] &= shown[:, :-1]
        inner[:, :-1] &= shown[:, 1:]
        pixels = pixels_of(inner if inner.sum() >= 6 else shown)
        chosen = observation.random.permutation(len(pixels))[:_LOOKS]
        found += surface_points(observation.scene, link, pixels[chosen])
    return found


def _best_of_sphere(scene: SimScene, link: int, point: Array) -> Array:
    flow = true_flow(scene, link, point)
    return _SPHERE[int(np.argmax(_SPHERE @ flow))]


def _sphere(count: int) -> Array:
    """Directions evenly spread over the sphere (Fibonacci)."""
    k = np.arange(count) + 0.5
    # The golden angle between neighbours: turns of the spiral never line up.
    z, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    return np.column_stack([flat * np.cos(angle), flat * np.sin(angle), z])


_SPHERE = _sphere(_FIBONACCI)

REFERENCE_POLICIES: dict[str, ReferencePolicy] = {
    rule.name: rule
    for rule in (
        ReferencePolicy("oracle", oracle),
        ReferencePolicy("flowbot3d", flowbot),
        ReferencePolicy("umpnet", umpnet),
        ReferencePolicy("center-normal", center_normal),
        ReferencePolicy("part-normal", part_normal),
        ReferencePolicy("part-random", part_random),
        ReferencePolicy("random", random_pose),
        ReferencePolicy("no_pull", no_pull),
    )
}
