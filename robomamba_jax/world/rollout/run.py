# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The closed loop: a policy looks, its pose is carried out, the joints say what came of it."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import replacing
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.world.dataset.clips import film
from robomamba_jax.world.dataset.tasks import VERSION
from robomamba_jax.world.failures import Skips
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.interface import Observation, Policy, Proposal
from robomamba_jax.world.policies.predictions import FilePolicy
from robomamba_jax.world.rollout.success_rates import Tally, averages
from robomamba_jax.world.sim.episodes import (
    EVALUATION,
    HEAVY_SHARE,
    EpisodeSpec,
    Thresholds,
    Verdict,
    draw_episode,
    judge,
    open_stage,
    visible_parts,
)
from robomamba_jax.world.sim.gripper import Executor, perform
from robomamba_jax.world.sim.simulator import Simulator, Stage, View
from robomamba_jax.world.sim.view_geometry import lift, link_at

_CODE = 9  # of rollouts' seeds
_REDRAWS = 50
_GOOD, _BAD = (0, 150, 60), (200, 30, 30)


@dataclasses.dataclass(frozen=True)
class RolloutPlan:
    """Which trials.

    Attributes:
      categories: in the article's order.
      episodes: per category.
      seed: another seed, other trials.
      split: whose objects and wording.
      size: the images' side in pixels.
      dof: 6, or 7 for a hand, in whose trials some joints need a grasp.
      thresholds: what counts as moved.
      on_bad: "error": a trial that cannot be run ends all; "skip": it is left out, and listed.
    """

    categories: tuple[str, ...]
    episodes: int
    seed: int = 0
    split: str = "test"
    size: int = 224
    dof: int = 6
    thresholds: Thresholds = EVALUATION
    on_bad: str = "error"

    def trials(self) -> list[tuple[str, int]]:
        """Every trial's category and number."""
        return [(name, number) for name in self.categories for number in range(self.episodes)]


@dataclasses.dataclass(frozen=True, eq=False)
class Episode:
    """A trial that waits for a pose.

    Attributes:
      name: such as "Microwave_0003".
      category: of its object.
      spec: what stands where.
      instruction: in words.
      stage: the scene.
      view: its picture.
    """

    name: str
    category: str
    spec: EpisodeSpec
    instruction: str
    stage: Stage
    view: View


def draw_episodes(simulator: Simulator, plan: RolloutPlan) -> Iterator[Episode]:
    """The plan's trials, each a function of the seed; every one shows a movable part."""
    for category, number in plan.trials():
        yield draw_trial(simulator, plan, category, number)


def trial_name(category: str, number: int) -> str:
    """A trial's name, such as "Microwave_0003"."""
    return f"{category}_{number:04d}"


def trial_names(plan: RolloutPlan) -> dict[str, str]:
    """The plan's trials -> their categories."""
    return {trial_name(category, number): category for category, number in plan.trials()}


def trial_facts(plan: RolloutPlan) -> dict[str, Any]:
    """What makes a plan's trials others than those of the same names: {"seed", "split", "size",
    "dof"}."""
    return {"seed": plan.seed, "split": plan.split, "size": plan.size, "dof": plan.dof}


def draw_trial(simulator: Simulator, plan: RolloutPlan, category: str, number: int) -> Episode:
    """One of the plan's trials.

    Raises:
      InputError: its object cannot be used, or no scene shows a movable part of one.
    """
    for redraw in range(_REDRAWS):
        seed = (VERSION, plan.seed, _CODE, number, redraw)
        heavy = HEAVY_SHARE[plan.dof]
        spec = draw_episode(
            simulator.objects, seed, category, plan.split, plan.size, heavy_share=heavy
        )
        stage = open_stage(simulator, spec)
        view = stage.look()
        if visible_parts(view.links, spec.scene.model.movable):
            words = Wording(Rng((*seed, 2)), plan.split)
            text = words.say(wc.ASK_POSE, noun=CATEGORIES[category].noun)
            return Episode(trial_name(category, number), category, spec, text, stage, view)
    raise InputError(
        "no_sample", f"no scene shows a movable part of {category}", "leave it out of --categories"
    )


def rollout(
    simulator: Simulator,
    policy: Policy,
    plan: RolloutPlan,
    *,
    pictures: Path | None = None,
    clips: int = 0,
    executor: Executor = perform,
    tell: OnProgress | None = None,
) -> dict[str, Any]:
    """Let a policy act in all trials.

    Args:
      simulator: SAPIEN.
      policy: what proposes poses.
      plan: which trials.
      pictures: a folder for pictures of contact and axes, for clips, and for outcomes.json, which
        says what came of each trial; None = none.
      clips: how many of each category's trials are filmed.
      executor: what carries out the grips.
      tell: told how many trials are done, of how many.

    Returns:
      The result, with the keys of the project's conventions.

    Raises:
      InputError: a file of predictions is for other trials, which is said before the first one; a
        trial cannot be run and is not to be skipped, or none could be run; or something cannot be
        written.
    """
    if isinstance(policy, FilePolicy):
        policy.expect(trial_names(plan), trial_facts(plan))
    tallies = {name: Tally() for name in plan.categories}
    outcomes: dict[str, Any] = {}
    skips = Skips(plan.on_bad)
    simulator.objects.remarks()  # those of an earlier run are told
    if pictures is not None:
        with Skips("error").aside(str(pictures)):
            pictures.mkdir(parents=True, exist_ok=True)
    trials = plan.trials()
    for done, (category, number) in enumerate(trials, 1):
        name, tally = trial_name(category, number), tallies[category]
        tally.skipped += 1  # until it has been run
        with skips.item(name):
            episode = draw_trial(simulator, plan, category, number)
            proposal = policy.propose(observe(episode, policy, plan))
            verdict, why, frames = act(episode, proposal, plan.thresholds, number < clips, executor)
            tally.skipped -= 1
            tally.add(verdict, why)
            if pictures is not None:
                outcomes[name] = _outcome(episode, proposal, verdict, why)
                with skips.aside(f"{name}.png"):
                    save_outcome(pictures, episode, proposal, verdict, frames)
        if tell is not None:
            tell(done, len(trials))
    skips.check_any(len(trials), "trials")
    if pictures is not None:
        with skips.aside("outcomes.json"), replacing(pictures / "outcomes.json") as file:
            file.write_text(json.dumps(outcomes, indent=1), encoding="utf-8")
    remarks = simulator.objects.remarks().to_json()
    return {
        **_result(policy, plan, tallies),
        "skipped": skips.found,
        "notes": [*remarks["notes"], *skips.notes],
        "left_out": remarks["left_out"],
    }


def _result(policy: Policy, plan: RolloutPlan, tallies: dict[str, Tally]) -> dict[str, Any]:
    """Who acted in which trials, and what came of it."""
    categories = {name: tally.to_json(name) for name, tally in tallies.items()}
    return {
        "policy": policy.name,
        "checkpoint_sha": policy.sha,
        "trained_parameters": policy.parameters,
        "seed": plan.seed,
        "episodes": plan.episodes,
        "split": plan.split,
        "size": plan.size,
        "dof": plan.dof,
        "thresholds": dataclasses.asdict(plan.thresholds),
        "categories": categories,
        "seen": averages(categories, "seen"),
        "unseen": averages(categories, "unseen"),
    }


def _outcome(
    episode: Episode, proposal: Proposal | None, verdict: Verdict | None, why: str
) -> dict[str, Any]:
    """A trial in words and numbers."""
    success = verdict is not None and verdict.success
    return {
        "category": episode.category,
        "instruction": episode.instruction,
        "success": success,
        "why": "" if success else why,
        "contact_xy": None if proposal is None else [float(x) for x in proposal.contact_xy],
    }


def observe(episode: Episode, policy: Policy, plan: RolloutPlan) -> Observation:
    """What a policy is given of a trial."""
    # A policy's random numbers depend on its kind and the trial, not on what ran before.
    kind = zlib.crc32(policy.name.encode())
    number = zlib.crc32(episode.name.encode())
    random = np.random.default_rng([VERSION, plan.seed, kind, number])
    return Observation(
        episode.name,
        episode.category,
        episode.instruction,
        episode.view,
        episode.stage,
        random,
        plan.dof,
    )


def act(
    episode: Episode,
    proposal: Proposal | None,
    thresholds: Thresholds,
    filmed: bool = False,
    executor: Executor = perform,
) -> tuple[Verdict | None, str, list[np.ndarray]]:
    """Carry out a proposal.

    Returns:
      The verdict (None: off the movable parts, a failure), why it failed, and the frames if
      it was filmed.
    """
    if proposal is None:
        return None, "no pose", []
    link = link_at(episode.view, proposal.contact_xy)
    point = lift(episode.view, proposal.contact_xy)
    if link not in episode.spec.scene.model.movable or point is None:
        return None, "off the part", []
    grip = proposal.in_world(episode.view, point)
    frames: list[np.ndarray] = []
    if filmed:
        frames, _, outcome = film(episode.stage, link, grip, executor)
    else:
        outcome = executor(episode.stage, link, grip, None)
    return judge(episode.stage, link, outcome, thresholds), outcome.why or "did not move", frames


def save_outcome(
    folder: Path,
    episode: Episode,
    proposal: Proposal | None,
    verdict: Verdict | None,
    frames: list[np.ndarray],
) -> None:
    """A picture with contact and axes, framed green for a success and red for a failure; and a
    clip, if it was filmed."""
    picture = Image.fromarray(episode.view.rgb)
    if proposal is not None:
        x, y = proposal.contact_xy
        shown = 0 <= x <= picture.width and 0 <= y <= picture.height
        if shown and np.all(np.isfinite(proposal.rotation)):
            picture = draw_pose(picture, (x, y), proposal.rotation, camera=episode.view.camera)
    color = _GOOD if verdict is not None and verdict.success else _BAD
    ImageOps.expand(picture, 4, color).save(folder / f"{episode.name}.png")
    if frames:
        shown = [Image.fromarray(frame).quantize(128) for frame in frames]
        shown[0].save(
            folder / f"{episode.name}.gif",
            save_all=True,
            append_images=shown[1:],
            duration=[120] * (len(shown) - 1) + [1200],
            loop=0,
        )
