# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One trial: a scene whose joints resist, a grip, and whether the part moved as it should."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.objects.library import Library
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.gripper import FORCE, Outcome
from robomamba_jax.world.sim.scenes import SceneSpec, draw_scene
from robomamba_jax.world.sim.simulator import Simulator, Stage
from robomamba_jax.world.sim.surfaces import reach

# Of the force that the gripper has at the longest lever: what a joint resists.
RESISTANCE = (0.25, 0.5)
HEAVY = (1.1, 2.0)  # too much for suction: a handle has to be grasped
HEAVY_SHARE = {6: 0.0, 7: 0.5}  # of the trials, by degrees of freedom
_BRAKE = 1e6  # newton second per metre: a joint below its resistance stands still
_PIXELS = 12  # a movable part that shows fewer is no target


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What counts as moved.

    Attributes:
      joint: radians or metres of a joint; ManipLLM's evaluation has 0.03, its data 0.1.
      share: or this share of the joint's range.
      cosine: least cosine between the contact's way and the pull; 0.3, and 0.5 for data.
      initial: metres of the contact point: it has begun to move.
      long: metres of the contact point: it has moved far.
    """

    joint: float = 0.03
    share: float = 0.5
    cosine: float = 0.3
    initial: float = 0.01
    long: float = 0.1


EVALUATION = Thresholds()
COLLECTION = Thresholds(joint=0.1, cosine=0.5)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What an outcome is worth.

    Attributes:
      success: a joint of the touched part's chain moved as the thresholds ask.
      initial: the contact point moved a little, the right way.
      long: it moved far.
    """

    success: bool
    initial: bool
    long: bool


@dataclasses.dataclass(frozen=True, eq=False)
class EpisodeSpec:
    """A trial before it begins.

    Attributes:
      scene: what stands where.
      resistance: share of the gripper's strength that each joint resists, as model.movable.
    """

    scene: SceneSpec
    resistance: tuple[float, ...]


def check_dof(dof: int) -> None:
    """See that a gripper has these degrees of freedom; InputError otherwise."""
    if dof not in HEAVY_SHARE:
        raise InputError("bad_arguments", f"--dof is {dof}", "give 6 or 7")


def draw_episode(
    objects: Library,
    seed: tuple[int, ...],
    category: str,
    split: str,
    size: int,
    *,
    things: int = 2,
    heavy_share: float = 0.0,
) -> EpisodeSpec:
    """A trial out of a seed.

    Args:
      objects: where the object comes from.
      seed: of the trial; another seed is another trial.
      category: of the object.
      split: whose objects, "train" or "test".
      size: the image's side in pixels.
      things: how many other objects at most.
      heavy_share: how often a joint is too heavy for suction, if its part has a handle.
    """
    rng = Rng((*seed, list(CATEGORIES).index(category)))
    model = objects.draw(category, split, rng)
    scene = draw_scene(model, rng, size, things=things)
    resistance = []
    heavy = rng.chance(heavy_share)
    for link in model.movable:
        handle = any(solid.label == "handle" for solid in model.links[link].solids)
        resistance.append(rng.uniform(*(HEAVY if heavy and handle else RESISTANCE)))
    return EpisodeSpec(scene, tuple(resistance))


def open_stage(simulator: Simulator, spec: EpisodeSpec) -> Stage:
    """The trial's scene with joints that resist: dry friction, up to a force or a torque."""
    stage = Stage(simulator, spec.scene)
    joints = stage.articulation.active_joints
    for joint, link, share in zip(joints, spec.scene.model.movable, spec.resistance, strict=True):
        joint.set_friction(0.0)
        joint.set_drive_properties(0.0, _BRAKE, share * FORCE * reach(stage, link), "force")
        joint.set_drive_velocity_target(0.0)
    return stage


def judge(stage: Stage, link: int, outcome: Outcome, thresholds: Thresholds) -> Verdict:
    """Read success from the joints after physics.

    Every joint between the touched link and the base counts: who pulls a lamp's shade may
    move its arm.
    """
    way = float(np.linalg.norm(outcome.moved))
    right = way > 1e-6 and float(outcome.moved @ outcome.pulled) / way > thresholds.cosine
    moved = False
    for joint, limits in chain(stage, link):
        delta = abs(float(outcome.after[joint] - outcome.before[joint]))
        span = limits[1] - limits[0]
        moved |= delta > thresholds.joint or delta > thresholds.share * span
    held = outcome.held and right
    return Verdict(
        held and moved, held and way > thresholds.initial, held and way > thresholds.long
    )


def chain(stage: Stage, link: int) -> list[tuple[int, tuple[float, float]]]:
    """The joints between a link and the base: their places in joint arrays, their ranges."""
    model, limits = stage.spec.model, stage.spec.limits()
    found = []
    while link >= 0:
        if model.links[link].joint is not None:
            place = model.movable.index(link)
            found.append((place, limits[place]))
        link = model.links[link].parent
    return found


def visible_parts(links: npt.NDArray[np.int16], movable: tuple[int, ...]) -> list[int]:
    """The movable links that an image shows well enough to be targets."""
    counts = np.bincount(links[links >= 0].astype(int), minlength=max(movable, default=0) + 1)
    return [link for link in movable if counts[link] >= _PIXELS]
