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

from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.sim.episodes import visible_parts
from robomamba_jax.world.sim.grasps import find_grasp
from robomamba_jax.world.sim.gripper import ACROSS, Grip, obstacle
from robomamba_jax.world.sim.simulator import Stage
from robomamba_jax.world.sim.surfaces import (
    Spot,
    lever_share,
    pixels_of,
    spots,
    true_flow,
    within_tilt,
)
from robomamba_jax.world.sim.view_geometry import lift, link_at, pixel_of, rotation_for, to_camera

Array = npt.NDArray[np.float64]
_LOOKS = 48  # pixels of each part that the oracle weighs
_FIBONACCI = 64  # directions that UMPNet's demo tries


@dataclasses.dataclass
class Rule:
    """A policy that is a function.

    Attributes:
      name: for tables.
      act: the function.
      parameters: none were trained.
      sha: there is no checkpoint.
    """

    name: str
    act: Callable[[Observation], Proposal | None]
    parameters: int = 0
    sha: str | None = None

    def propose(self, seen: Observation) -> Proposal | None:
        """As the function says."""
        return self.act(seen)


def _facing(random: np.random.Generator) -> Array:
    """A random direction away from the viewer, evenly spread over the half sphere."""
    while True:
        direction = random.normal(size=3)
        length = float(np.linalg.norm(direction))
        if length > 1e-6:
            direction /= length
            return direction if direction[2] > 0 else -direction


def _part_pixel(seen: Observation) -> tuple[int, Array] | None:
    """A random pixel of the movable parts: its link, and the pixel's centre."""
    movable = seen.stage.spec.model.movable
    pixels = pixels_of(np.isin(seen.view.links, movable))
    if not len(pixels):
        return None
    x, y = pixels[int(seen.random.integers(len(pixels)))]
    return link_at(seen.view, (x, y)), np.array([x, y])


def _part_spot(seen: Observation) -> Spot | None:
    """What a random pixel of the movable parts shows."""
    for _ in range(20):
        found = _part_pixel(seen)
        if found is None:
            return None
        here = spots(seen.stage, found[0], found[1][None])
        if here:
            return here[0]
    return None


def _along_normal(seen: Observation, spot: Spot | None) -> Proposal | None:
    if spot is None:
        return None
    approach = to_camera(seen.view, -spot.normal)
    return Proposal(pixel_of(seen.view, spot.point), rotation_for(approach))


def random_random(seen: Observation) -> Proposal:
    """Any pixel of the picture, any direction away from the viewer."""
    height, width = seen.view.depth.shape
    x, y = seen.random.uniform((0, 0), (width, height))
    return Proposal((float(x), float(y)), rotation_for(_facing(seen.random)))


def part_random(seen: Observation) -> Proposal | None:
    """Any pixel of a movable part, any direction away from the viewer."""
    found = _part_pixel(seen)
    if found is None:
        return None
    return Proposal((float(found[1][0]), float(found[1][1])), rotation_for(_facing(seen.random)))


def part_normal(seen: Observation) -> Proposal | None:
    """Any pixel of a movable part, along its true normal."""
    return _along_normal(seen, _part_spot(seen))


def center_normal(seen: Observation) -> Proposal | None:
    """The middle of the largest movable part in view, along its true normal."""
    return _along_normal(seen, _center_spot(seen))


def _center_spot(seen: Observation) -> Spot | None:
    parts = visible_parts(seen.view.links, seen.stage.spec.model.movable)
    if not parts:
        return None
    link = max(parts, key=lambda part: int(np.sum(seen.view.links == part)))
    pixels = pixels_of(seen.view.links == link)
    order = np.argsort(np.linalg.norm(pixels - pixels.mean(axis=0), axis=1), kind="stable")
    here = spots(seen.stage, link, pixels[order[:5]])
    return here[0] if here else None


def touch(seen: Observation) -> Proposal | None:
    """Comes as the oracle does, and does not pull: nothing may move."""
    found = oracle(seen)
    return None if found is None else dataclasses.replace(found, pull=False)


def umpnet(seen: Observation) -> Proposal | None:
    """UMPNet's rule: suction along the normal, then the best of 64 directions, step by step.

    Its learned position network is replaced by a random pixel of the movable parts, its
    direction network by the true motion.
    """
    found = part_normal(seen)
    return None if found is None else dataclasses.replace(found, steer=_best_of_sphere)


def flowbot(seen: Observation) -> Proposal | None:
    """FlowBot3D's rule with ground-truth flow: the contact that moves most, along its flow."""
    best: tuple[float, Spot] | None = None
    for spot in _candidates(seen):
        size = lever_share(seen.stage, spot.link, spot.point)
        if best is None or size > best[0]:
            best = (size, spot)
    if best is None:
        return None
    flow = true_flow(seen.stage, best[1].link, best[1].point)
    # Its suction comes along the normal and pulls along the flow.
    found = _along_normal(seen, best[1])
    assert found is not None
    return dataclasses.replace(found, steer=true_flow) if flow.any() else found


def oracle(seen: Observation) -> Proposal | None:
    """Acts from geometry: the longest lever in view, pulled along its way as far as a cup holds.

    With a hand, a handle that open fingers can close around comes first: they hold better.
    """
    if seen.dof == 7:
        found = _handle(seen)
        if found is not None:
            return found
    ranked = []
    for spot in _candidates(seen):
        flow = true_flow(seen.stage, spot.link, spot.point)
        if not flow.any():
            continue
        pull = within_tilt(flow, spot.normal)
        cosine = float(np.clip(flow @ pull, -1, 1))
        strength = cosine - ACROSS * float(np.sqrt(1 - cosine**2))
        worth = lever_share(seen.stage, spot.link, spot.point) * strength
        ranked.append((worth, spot, pull))
    ranked.sort(key=lambda entry: -entry[0])
    for _, spot, pull in ranked:
        pixel = pixel_of(seen.view, spot.point)
        lifted = lift(seen.view, pixel)
        if lifted is None:
            continue
        rotation = rotation_for(to_camera(seen.view, -pull))
        if not obstacle(seen.stage, spot.link, Grip(lifted, -pull, lifted)):
            return Proposal(pixel, rotation, None if seen.dof == 6 else 0.0)
    return None


def _handle(seen: Observation) -> Proposal | None:
    """Open fingers around a visible handle, drawn along the part's way."""
    for link in visible_parts(seen.view.links, seen.stage.spec.model.movable):
        middle = seen.stage.link_mesh(link).vertices.mean(axis=0)
        flow = true_flow(seen.stage, link, middle)
        grasp = find_grasp(seen.stage, seen.view, link, flow, seen.random)
        if grasp is not None:
            spot, grip = grasp
            axes = (to_camera(seen.view, grip.approach), to_camera(seen.view, grip.closing))
            return Proposal(pixel_of(seen.view, spot.point), rotation_for(*axes), 1.0)
    return None


def _candidates(seen: Observation) -> list[Spot]:
    """Places on every movable part in view, some at its rim, where levers are long."""
    found: list[Spot] = []
    for link in visible_parts(seen.view.links, seen.stage.spec.model.movable):
        shown = seen.view.links == link
        # A pixel whose neighbours show the part too: rays of rims miss by a hair.
        inner = shown.copy()
        inner[1:] &= shown[:-1]
        inner[:-1] &= shown[1:]
        inner[:, 1:] &= shown[:, :-1]
        inner[:, :-1] &= shown[:, 1:]
        pixels = pixels_of(inner if inner.sum() >= 6 else shown)
        chosen = seen.random.permutation(len(pixels))[:_LOOKS]
        found += spots(seen.stage, link, pixels[chosen])
    return found


def _best_of_sphere(stage: Stage, link: int, point: Array) -> Array:
    flow = true_flow(stage, link, point)
    return _SPHERE[int(np.argmax(_SPHERE @ flow))]


def _sphere(count: int) -> Array:
    """Directions evenly spread over the sphere (Fibonacci)."""
    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    return np.column_stack([flat * np.cos(angle), flat * np.sin(angle), z])


_SPHERE = _sphere(_FIBONACCI)

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("oracle", oracle),
        Rule("flowbot3d", flowbot),
        Rule("umpnet", umpnet),
        Rule("center-normal", center_normal),
        Rule("part-normal", part_normal),
        Rule("part-random", part_random),
        Rule("random", random_random),
        Rule("touch", touch),
    )
}
