# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One trial: a scene whose joints resist, what is done in it, and whether that is a success."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.categories import ALL
from robomamba_jax.world.objects.library import Library
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.gripper import FORCE, ExecutionResult
from robomamba_jax.world.sim.scenes import DrawScene, SceneSpec, draw_scene
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import reach

# What a joint resists, as a share of what suction can do at the longest lever. At 0.25 to 0.5 a
# pull straight along the part's direction works from that share of the lever on.
RESISTANCE = (0.25, 0.5)
HEAVY = (1.1, 2.0)  # too much for suction, which ends at 1; a grasp has 3
HEAVY_SHARE = {6: 0.0, 7: 0.5}  # of the trials, by degrees of freedom
# N s/m (N m s/rad): a velocity drive to 0 with this damping and a limited force is dry friction.
# Below its limit the joint stands still, above it the joint resists with just that.
_BRAKE = 1e6
_PIXELS = 12  # a movable part that shows fewer is no target


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What counts as a success.

    Attributes:
      joint: radians or metres of a joint; ManipLLM's evaluation has 0.03, its data 0.1.
      share: or this share of the joint's range.
      cosine: least cosine between the contact's displacement and the pull; 0.3, and 0.5 for data.
      initial: metres of the contact point for `initial`.
      long: metres of the contact point for `long`.
    """

    joint: float = 0.03
    share: float = 0.5
    cosine: float = 0.3
    initial: float = 0.01
    long: float = 0.1


EVALUATION = Thresholds()
# RoboMamba's text has the joints' states differ by more than this; ManipLLM's script, which its
# repository's figures come from, by .03. Both are counted.
PAPER_JOINT = 0.1
COLLECTION = Thresholds(joint=PAPER_JOINT, cosine=0.5)


@dataclasses.dataclass(frozen=True)
class TrialVerdict:
    """What the thresholds say of a result.

    Attributes:
      success: a joint between the touched link and the base moved by ``joint`` or ``share``.
      initial: the contact point moved by ``initial`` metres, along the pull within ``cosine``.
      long: by ``long`` metres.
      paper: as ``success``, by ``PAPER_JOINT`` instead of ``joint``.
    """

    success: bool
    initial: bool
    long: bool
    paper: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class EpisodeSpec:
    """A trial as plain numbers.

    Attributes:
      scene: what stands where.
      resistance: share of the gripper's strength that each joint resists, as model.movable.
    """

    scene: SceneSpec
    resistance: tuple[float, ...]


def check_dof(dof: int) -> None:
    """Check the gripper's degrees of freedom; InputError if it is neither 6 nor 7."""
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
    draw: DrawScene = draw_scene,
) -> EpisodeSpec:
    """Sample a trial.

    Args:
      objects: where the object comes from.
      seed: of the trial; another seed is another trial.
      category: of the object.
      split: whose objects, "train", "validation" or "test".
      size: the image's side in pixels.
      things: how many plain objects beside it at most.
      heavy_share: how often a joint is too heavy for suction, if its part has a handle.
      draw: what stands where, and who looks at it.
    """
    rng = Rng((*seed, list(ALL).index(category)))
    model = objects.draw(category, split, rng)
    scene_spec = draw(model, rng, size, things=things)
    resistance = []
    # Drawn even where nothing is heavy: both kinds of gripper meet the same scenes and draws.
    heavy = rng.chance(heavy_share)
    for link in model.movable:
        handle = any(solid.label == "handle" for solid in model.links[link].solids)
        resistance.append(rng.uniform(*(HEAVY if heavy and handle else RESISTANCE)))
    return EpisodeSpec(scene_spec, tuple(resistance))


class Trial(NamedTuple):
    """A trial that is set up, nothing done in it yet.

    Attributes:
      spec: as plain numbers.
      scene: built in SAPIEN.
      view: its image.
    """

    spec: EpisodeSpec
    scene: SimScene
    view: CameraFrame


def set_up_trial(
    simulator: Simulator,
    seed: tuple[int, ...],
    category: str,
    split: str,
    size: int,
    *,
    heavy_share: float = 0.0,
    draw: DrawScene = draw_scene,
) -> Trial:
    """Sample a trial, see ``draw_episode``, build its scene and take its image."""
    objects = simulator.objects
    spec = draw_episode(objects, seed, category, split, size, heavy_share=heavy_share, draw=draw)
    scene = open_scene(simulator, spec)
    return Trial(spec, scene, scene.render())


def open_scene(simulator: Simulator, spec: EpisodeSpec) -> SimScene:
    """Build a trial's scene, its joints with dry friction up to a force or a torque."""
    scene = SimScene(simulator, spec.scene)
    joints = scene.articulation.active_joints
    for joint, link, share in zip(joints, spec.scene.model.movable, spec.resistance, strict=True):
        joint.set_friction(0.0)  # PhysX's own depends on the joint's load, which nothing here sets
        joint.set_drive_properties(0.0, _BRAKE, share * FORCE * reach(scene, link), "force")
        joint.set_drive_velocity_target(0.0)
    return scene


def evaluate(
    scene: SimScene, link: int, result: ExecutionResult, thresholds: Thresholds
) -> TrialVerdict:
    """Read success from the joints after physics.

    Every joint between the touched link and the base counts: who pulls a lamp's shade may
    move its arm.
    """
    distance = float(np.linalg.norm(result.moved))
    # Not only that something moved: a cup that slips may push a door shut.
    along_pull = (
        distance > 1e-6 and float(result.moved @ result.pulled) / distance > thresholds.cosine
    )
    moved = paper = False
    for joint, (low, high) in joint_chain(scene, link):
        delta = abs(float(result.after[joint] - result.before[joint]))
        # A button's way may be shorter than thresholds.joint: half of its range counts as well.
        most = delta > thresholds.share * (high - low)
        moved |= most or delta > thresholds.joint
        paper |= most or delta > PAPER_JOINT
    valid = result.held and along_pull
    return TrialVerdict(
        success=valid and moved,
        paper=valid and paper,
        initial=valid and distance > thresholds.initial,
        long=valid and distance > thresholds.long,
    )


def joint_chain(scene: SimScene, link: int) -> list[tuple[int, tuple[float, float]]]:
    """The joints between a link and the base: their indices in joint arrays, their ranges."""
    model, limits = scene.spec.model, scene.spec.limits()
    found = []
    # A link moves by its own joint and by those of all that carry it.
    while link >= 0:
        if model.links[link].joint is not None:
            index = model.joint_index(link)
            found.append((index, limits[index]))
        link = model.links[link].parent
    return found


def visible_parts(links: npt.NDArray[np.int16], movable: tuple[int, ...]) -> list[int]:
    """The movable links that an image shows well enough to be targets."""
    counts = np.bincount(links[links >= 0].astype(int), minlength=max(movable, default=0) + 1)
    return [link for link in movable if counts[link] >= _PIXELS]
