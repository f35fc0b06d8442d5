# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pose samples: grips that were carried out in physics, and worked.

As in ManipLLM's collection a pixel is drawn where a part moves well, the gripper comes along
the surface's normal or along the part's own way, both a little disturbed; what fails is
counted and drawn anew.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.affordance import central_pull_point, pull_points
from robomamba_jax.world.policies.interface import Proposal
from robomamba_jax.world.sim.episodes import (
    COLLECTION,
    HEAVY,
    HEAVY_SHARE,
    EpisodeSpec,
    draw_episode,
    evaluate,
    open_scene,
    visible_parts,
)
from robomamba_jax.world.sim.grasps import find_grasp
from robomamba_jax.world.sim.gripper import execute
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import SurfacePoint, pixels_of, true_flow
from robomamba_jax.world.sim.view_geometry import lift, pixel_of, rotation_for, to_camera

Array = npt.NDArray[np.float64]
_ATTEMPTS = 200
_PIXELS = 32  # looked at per attempt
_NOISE = 0.05
GRASP_SHARE = 0.5  # how often a handle is grasped that suction could pull as well


@dataclasses.dataclass(frozen=True, eq=False)
class PoseSample:
    """A grip that worked.

    Attributes:
      spec: the trial.
      view: the image before it.
      link: the touched link.
      label: of the touched solid.
      proposal: pixel and rotation, as a model should predict them.
      point: float64[3], the contact, world.
      before: float64[J], joints.
      after: float64[J].
      attempt: how many failed before.
      failures: why, counted.
    """

    spec: EpisodeSpec
    view: CameraFrame
    link: int
    label: str
    proposal: Proposal
    point: Array
    before: Array
    after: Array
    attempt: int
    failures: dict[str, int]


def find_sample(
    simulator: Simulator,
    seed: tuple[int, ...],
    category: str,
    split: str,
    size: int,
    dof: int,
    contact_sampling: str = "random",
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
        collects; "center": always ``affordance.middle_place``, so that like scenes have like poses.

    Raises:
      InputError: none of very many trials worked.
    """
    failures: Counter[str] = Counter()
    for attempt in range(_ATTEMPTS):
        trial = (*seed, attempt)
        spec = draw_episode(
            simulator.objects,
            trial,
            category,
            split,
            size,
            heavy_share=HEAVY_SHARE[dof],
        )
        scene = open_scene(simulator, spec)
        view = scene.render()
        chosen = _propose(scene, spec, view, Rng((*trial, 1)), dof, contact_sampling)
        if chosen is None:
            failures["no place"] += 1
            continue
        contact, proposal = chosen
        point = lift(view, proposal.contact_xy)
        if point is None:
            failures["no depth"] += 1
            continue
        command = proposal.in_world(view, point)
        result = execute(scene, contact.link, command)
        if evaluate(scene, contact.link, result, COLLECTION).success:
            return PoseSample(
                spec,
                view,
                contact.link,
                contact.label,
                proposal,
                point,
                result.before,
                result.after,
                attempt,
                dict(failures),
            )
        failures[result.why or "did not move"] += 1
    raise InputError(
        "no_sample",
        f"none of {_ATTEMPTS} trials with {category} worked: {dict(failures)}",
        "leave the category out with --categories",
    )


def _propose(
    scene: SimScene, spec: EpisodeSpec, view: CameraFrame, rng: Rng, dof: int, contact_sampling: str
) -> tuple[SurfacePoint, Proposal] | None:
    """A place and a pose that may work."""
    if contact_sampling == "center" and dof == 6:
        middle = central_pull_point(scene, view)
        return None if middle is None else _pulled(view, middle.contact, middle.pull, None)
    parts = visible_parts(view.links, scene.spec.model.movable)
    if not parts:
        return None
    link = rng.choice(parts)
    place = scene.spec.model.movable.index(link)
    if spec.resistance[place] >= HEAVY[0]:
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
    if rng.chance(0.5):
        pull = contact.normal
    pull = pull + rng.generator.normal(0, _NOISE, 3)
    return _pulled(view, contact, pull, None if dof == 6 else 0.0)


def _pulled(
    view: CameraFrame, contact: SurfacePoint, pull: Array, closed: float | None
) -> tuple[SurfacePoint, Proposal]:
    """A cup that comes against the direction in which it will pull."""
    approach = to_camera(view, -pull / np.linalg.norm(pull))
    return contact, Proposal(pixel_of(view, contact.point), rotation_for(approach), closed)


def _grasp(
    scene: SimScene, view: CameraFrame, link: int, rng: Rng
) -> tuple[SurfacePoint, Proposal] | None:
    """Open fingers around the handle, drawn back along the way of the part."""
    middle = scene.link_mesh(link).vertices.mean(axis=0)
    flow = true_flow(scene, link, middle)
    pull = flow + rng.generator.normal(0, _NOISE, 3)
    pull /= np.linalg.norm(pull)
    found = find_grasp(scene, view, link, pull, rng.generator)
    if found is None:
        return None
    contact, command = found
    rotation = rotation_for(to_camera(view, command.approach), to_camera(view, command.closing))
    return contact, Proposal(pixel_of(view, contact.point), rotation, 1.0)


def sample_record(sample: PoseSample, name: str) -> dict[str, Any]:
    """All that is known of a sample, as JSON: the truth beside the image."""
    scene_spec, view = sample.spec.scene, sample.view
    model = scene_spec.model
    link = model.links[sample.link]
    assert link.joint is not None
    return {
        "id": name,
        "category": model.category,
        "instance": model.instance,
        "part": link.part,
        "link": link.name,
        "label": sample.label,
        "joint": link.joint.kind,
        "camera": view.camera.to_dict(),
        "contact_xy": list(sample.proposal.contact_xy),
        "rotation": sample.proposal.rotation.tolist(),
        "gripper_open": sample.proposal.gripper_open,
        "point_world": sample.point.tolist(),
        "scale": scene_spec.scale,
        "limits": [list(limits) for limits in scene_spec.limits()],
        "resistance": list(sample.spec.resistance),
        "joints_before": sample.before.tolist(),
        "joints_after": sample.after.tolist(),
        "failed_attempts": sample.attempt,
    }
