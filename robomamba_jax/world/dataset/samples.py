# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pose samples: pulls that were carried out in physics, and worked.

As in ManipLLM's collection a pixel is drawn where a part moves well, the gripper comes along
the surface's normal or along the part's own way, both a little disturbed; what fails is
noted and drawn anew.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.joint_motion import JointAxis
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.affordance import central_pull_point, pull_points
from robomamba_jax.world.policies.interface import Proposal, grasp_proposal
from robomamba_jax.world.sim.episodes import (
    COLLECTION,
    HEAVY,
    HEAVY_SHARE,
    EpisodeSpec,
    Trial,
    evaluate,
    set_up_trial,
    visible_parts,
)
from robomamba_jax.world.sim.grasps import find_grasp
from robomamba_jax.world.sim.gripper import ExecutionResult, execute
from robomamba_jax.world.sim.scenes import DrawScene, draw_scene
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import SurfacePoint, pixels_of, scene_axes, true_flow
from robomamba_jax.world.sim.view_geometry import lift, pixel_of, rotation_for, to_camera

Array = npt.NDArray[np.float64]
_ATTEMPTS = 200
_PIXELS = 32  # looked at per attempt
_NOISE = 0.05  # of each component of a unit pull: some four degrees in all
GRASP_SHARE = 0.5  # how often a handle is grasped that suction could pull as well


class ProposedPull(NamedTuple):
    """A contact, and the pose that is to be tried there.

    Attributes:
      contact: what the pose's pixel shows.
      proposal: pixel and rotation, as a model should predict them.
    """

    contact: SurfacePoint
    proposal: Proposal


@dataclasses.dataclass(frozen=True, eq=False)
class PoseSample:
    """A pull that moved the part.

    Attributes:
      spec: the trial.
      view: the image before it.
      axes: the joints in that image.
      contact: the touched link, and the label of the touched solid.
      proposal: pixel and rotation, as a model should predict them.
      point: float64[3], the contact as the depth image has it, world.
      result: joints before and after.
      failures: why earlier trials of the seed failed, counted.
    """

    spec: EpisodeSpec
    view: CameraFrame
    axes: tuple[JointAxis, ...]
    contact: SurfacePoint
    proposal: Proposal
    point: Array
    result: ExecutionResult
    failures: dict[str, int]

    @property
    def attempt(self) -> int:
        """How many trials failed before: each for one reason."""
        return sum(self.failures.values())


@dataclasses.dataclass(frozen=True, eq=False)
class FailedTrial:
    """A trial in which nothing moved as it should: another scene than that of the kept sample.

    Attributes:
      attempt: which one of the sample, from 0.
      seed: of ``set_up_trial``, which draws the scene again.
      spec: the trial.
      view: the image before it.
      axes: the joints in that image.
      why: "no place" (the scene shows none to pull at), "no depth" (the pixel has none), what
        ``ExecutionResult.why`` has, or "did not move" (not far enough, or not along the pull).
      contact: as of ``PoseSample``; None where there was no place.
      proposal: as of ``PoseSample``; None where there was no place.
      point: float64[3], as of ``PoseSample``; None where there was no place, or no depth.
      result: joints before and after; None where nothing was carried out.
    """

    attempt: int
    seed: tuple[int, ...]
    spec: EpisodeSpec
    view: CameraFrame
    axes: tuple[JointAxis, ...]
    why: str
    contact: SurfacePoint | None = None
    proposal: Proposal | None = None
    point: Array | None = None
    result: ExecutionResult | None = None


def find_sample(
    simulator: Simulator,
    seed: tuple[int, ...],
    category: str,
    split: str,
    size: int,
    dof: int,
    contact_sampling: str = "random",
    on_failed: Callable[[FailedTrial], None] = lambda failed: None,
    draw: DrawScene = draw_scene,
) -> PoseSample:
    """The first trial of a seed that works.

    Args:
      simulator: SAPIEN.
      seed: of the sample; trial k of it has the seed (*seed, k).
      category: of the object.
      split: whose objects.
      size: the image's side in pixels.
      dof: 6 for suction alone, 7 for a hand that sucks with closed fingers and grasps with open.
      contact_sampling: "random": a random part, a random one of its pull points, as ManipLLM
        collects; "center": always ``affordance.central_pull_point``, so that like scenes have
        like poses.
      on_failed: told of each trial before that one.
      draw: what stands where, and who looks at it.

    Raises:
      InputError: none of very many trials worked.
    """
    failures: Counter[str] = Counter()
    for attempt in range(_ATTEMPTS):
        trial_seed = (*seed, attempt)
        trial = set_up_trial(
            simulator,
            trial_seed,
            category,
            split,
            size,
            heavy_share=HEAVY_SHARE[dof],
            draw=draw,
        )
        # As the image shows them: a pull moves them, whatever comes of it.
        axes = scene_axes(trial.scene)
        # A generator of its own: what is drawn for scene and pose cannot shift each other, and both
        # kinds of contact sampling meet the same scenes. (For Door, the category of
        # index 1, it begins with the scene's own numbers: another seed would be another data set.)
        found = _propose_contact(trial, Rng((*trial_seed, 1)), dof, contact_sampling)
        outcome = _Failed("no place") if found is None else _try_pull(trial, found)
        if isinstance(outcome, _Moved):
            return PoseSample(trial.spec, trial.view, axes, *outcome, dict(failures))
        failures[outcome.why] += 1
        on_failed(FailedTrial(attempt, trial_seed, trial.spec, trial.view, axes, *outcome))
    raise InputError(
        "no_sample",
        f"none of {_ATTEMPTS} trials with {category} worked: {dict(failures)}",
        "leave the category out with --categories",
    )


class _Moved(NamedTuple):
    """A pull after which the part stands elsewhere; fields as of ``PoseSample``."""

    contact: SurfacePoint
    proposal: Proposal
    point: Array
    result: ExecutionResult


class _Failed(NamedTuple):
    """A trial without such a pull; fields as of ``FailedTrial``."""

    why: str
    contact: SurfacePoint | None = None
    proposal: Proposal | None = None
    point: Array | None = None
    result: ExecutionResult | None = None


def _try_pull(trial: Trial, proposed: ProposedPull) -> _Moved | _Failed:
    """Carry a pull out; what moved, or why nothing did."""
    contact, proposal = proposed
    # From the pixel back into the world by the depth image, as a model's prediction will be: a
    # pose that only works with the exact point is not one to learn from.
    point = lift(trial.view, proposal.contact_xy)
    if point is None:
        return _Failed("no depth", contact, proposal)
    result = execute(trial.scene, contact.link, proposal.in_world(trial.view, point))
    if not evaluate(trial.scene, contact.link, result, COLLECTION).success:
        return _Failed(result.why or "did not move", contact, proposal, point, result)
    return _Moved(contact, proposal, point, result)


def _propose_contact(
    trial: Trial, rng: Rng, dof: int, contact_sampling: str
) -> ProposedPull | None:
    """A contact and a pose that may work; None where the scene shows none."""
    scene, view = trial.scene, trial.view
    if contact_sampling == "center" and dof == 6:
        center = central_pull_point(scene, view)
        return None if center is None else _suction(view, *center, None)
    parts = visible_parts(view.links, scene.spec.model.movable)
    if not parts:
        return None
    link = rng.choice(parts)
    resistance = trial.spec.resistance[scene.spec.model.joint_index(link)]
    if resistance >= HEAVY[0]:  # suction would slip off, whatever the contact
        return _grasp(scene, view, link, rng)
    if dof == 7 and rng.chance(GRASP_SHARE):
        grasp = _grasp(scene, view, link, rng)
        if grasp is not None:
            return grasp
    pixels = pixels_of(view.links == link)
    chosen = rng.generator.permutation(len(pixels))[:_PIXELS]
    good = pull_points(scene, link, pixels[chosen])
    if not good:
        return None
    contact, pull = rng.choice(good)
    # Half along the normal, as ManipLLM collects; half along the part's own way, which leaves more
    # of the force to move it.
    if rng.chance(0.5):
        pull = contact.normal
    pull = pull + rng.generator.normal(0, _NOISE, 3)
    return _suction(view, contact, pull, None if dof == 6 else 0.0)


def _suction(
    view: CameraFrame, contact: SurfacePoint, pull: Array, gripper_open: float | None
) -> ProposedPull:
    """A cup that comes against the direction in which it will pull."""
    approach = to_camera(view, -pull / np.linalg.norm(pull))
    pixel = pixel_of(view, contact.point)
    return ProposedPull(contact, Proposal(pixel, rotation_for(approach), gripper_open))


def _grasp(scene: SimScene, view: CameraFrame, link: int, rng: Rng) -> ProposedPull | None:
    """Open fingers around the handle, drawn back along the way of the part."""
    flow = true_flow(scene, link, scene.link_mesh(link).vertices.mean(axis=0))
    pull = flow + rng.generator.normal(0, _NOISE, 3)
    pull /= np.linalg.norm(pull)
    found = find_grasp(scene, view, link, pull, rng.generator)
    if found is None:
        return None
    return ProposedPull(found.contact, grasp_proposal(view, found))


def sample_record(sample: PoseSample, name: str) -> dict[str, Any]:
    """All that is known of a sample, as JSON: the truth beside the image."""
    return {"id": name, **_trial_record(sample), "failed_attempts": sample.attempt}


def failed_record(failed: FailedTrial, sample: str, drawn: bool) -> dict[str, Any]:
    """All that is known of a failed trial, as JSON, with the keys of ``sample_record``; null is
    what it did not come to.

    Args:
      failed: it.
      sample: the id of the sample that was found in its place.
      drawn: whether its image is kept.
    """
    name = failed_name(sample, failed)
    about = {"id": name, "sample": sample, "attempt": failed.attempt, "seed": list(failed.seed)}
    image = f"{name}.png" if drawn else None
    return {**about, "why": failed.why, "image": image, **_trial_record(failed)}


def failed_name(sample: str, failed: FailedTrial) -> str:
    """A failed trial's id, and the name of its image."""
    return f"{sample}-{failed.attempt}"


def _trial_record(trial: PoseSample | FailedTrial) -> dict[str, Any]:
    """What is true of a trial, whatever came of it."""
    scene_spec, contact, proposal = trial.spec.scene, trial.contact, trial.proposal
    point, result = trial.point, trial.result
    model = scene_spec.model
    link = None if contact is None else model.links[contact.link]
    return {
        "category": model.category,
        "instance": model.instance,
        "part": link and link.part,
        "link": link and link.name,
        "label": contact and contact.label,
        "joint": link and link.joint and link.joint.kind,
        "camera": trial.view.camera.to_dict(),
        "contact_xy": proposal and list(proposal.contact_xy),
        "rotation": proposal and proposal.rotation.tolist(),
        "gripper_open": proposal and proposal.gripper_open,
        "point_world": None if point is None else point.tolist(),
        "scale": scene_spec.scale,
        "limits": [list(limits) for limits in scene_spec.limits()],
        "resistance": list(trial.spec.resistance),
        "joints_before": result and result.before.tolist(),
        "joints_after": result and result.after.tolist(),
        "axes": [axis.to_dict() for axis in trial.axes],
    }
