# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts: a policy gets an image and an instruction, its pose is executed, and the joints show
whether it succeeded."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import write_text
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.world.dataset.clips import film
from robomamba_jax.world.dataset.tasks import VERSION
from robomamba_jax.world.failures import Skips
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.interface import (
    BatchPolicy,
    Observation,
    Policy,
    Proposal,
    propose_all,
)
from robomamba_jax.world.policies.policy_names import SEED_NAMES
from robomamba_jax.world.policies.predictions import FilePolicy
from robomamba_jax.world.rollout.success_rates import CategoryCounts, averages
from robomamba_jax.world.sim.episodes import (
    EVALUATION,
    HEAVY_SHARE,
    EpisodeSpec,
    Thresholds,
    TrialVerdict,
    evaluate,
    set_up_trial,
    visible_parts,
)
from robomamba_jax.world.sim.gripper import Executor, execute
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.view_geometry import lift, link_at

_CODE = 9  # of rollouts' seeds
_REDRAWS = 50
_GOOD, _BAD = (0, 150, 60), (200, 30, 30)


@dataclasses.dataclass(frozen=True)
class RolloutPlan:
    """Which trials.

    Attributes:
      categories: in the paper's order.
      episodes: per category.
      seed: another seed, other trials.
      split: whose objects and wording.
      size: the images' side in pixels.
      dof: 6, or 7 for a hand, in whose trials some joints need a grasp.
      thresholds: what counts as moved.
      on_error: "raise": a trial that cannot be run ends all; "skip": it is left out, and listed.
    """

    categories: tuple[str, ...]
    episodes: int
    seed: int = 0
    split: str = "test"
    size: int = 224
    dof: int = 6
    thresholds: Thresholds = EVALUATION
    on_error: str = "raise"

    def trials(self) -> list[tuple[str, int]]:
        """Every trial's category and number."""
        return [(name, number) for name in self.categories for number in range(self.episodes)]


@dataclasses.dataclass(frozen=True, eq=False)
class Episode:
    """A trial that waits for a pose.

    Attributes:
      category: of its object.
      number: among the category's trials.
      spec: what stands where.
      instruction: in words.
      scene: the scene.
      view: its image.
    """

    category: str
    number: int
    spec: EpisodeSpec
    instruction: str
    scene: SimScene
    view: CameraFrame

    @property
    def name(self) -> str:
        """See ``trial_name``."""
        return trial_name(self.category, self.number)


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
        trial = set_up_trial(simulator, seed, category, plan.split, plan.size, heavy_share=heavy)
        if visible_parts(trial.view.links, trial.spec.scene.model.movable):
            words = Wording(Rng((*seed, 2)), plan.split)
            text = words.say(wc.ASK_POSE, noun=trial.spec.scene.model.noun)
            return Episode(category, number, trial.spec, text, trial.scene, trial.view)
    raise InputError(
        "no_sample", f"no scene shows a movable part of {category}", "leave it out of --categories"
    )


def rollout(
    simulator: Simulator,
    policy: Policy,
    plan: RolloutPlan,
    *,
    save_images: Path | None = None,
    clips: int = 0,
    executor: Executor = execute,
    on_progress: OnProgress | None = None,
    on_trial: Callable[[str, bool], None] | None = None,
) -> dict[str, Any]:
    """Run a policy in all trials.

    Args:
      simulator: SAPIEN.
      policy: what proposes poses.
      plan: which trials.
      save_images: a folder for images of contact and axes, for clips, and for outcomes.json, which
        says what came of each trial; None = none.
      clips: how many of each category's trials are filmed.
      executor: what carries out the commands: the flying gripper, or an arm.
      on_progress: called with the trials done and all trials.
      on_trial: called with the name of each trial that was run, and whether it succeeded.

    Returns:
      The result, with the keys of the project's conventions.

    Raises:
      InputError: a file of predictions is for other trials, which is said before the first one; a
        trial cannot be run and is not to be skipped, or none could be run; or something cannot be
        written.
    """
    if isinstance(policy, FilePolicy):
        policy.expect(trial_names(plan), trial_facts(plan))
    counts = {name: CategoryCounts() for name in plan.categories}
    entries: dict[str, JsonObject] = {}
    skips = Skips(plan.on_error)
    simulator.objects.remarks()  # those of an earlier run have been reported
    if save_images is not None:
        # Without the folder no image could be kept: that ends the run, whatever on_error says.
        with Skips("raise").aside(str(save_images)):
            save_images.mkdir(parents=True, exist_ok=True)
    trials = plan.trials()
    for category, _ in trials:
        counts[category].skipped += 1  # until it has been run
    # As many scenes are open at once as the policy takes; of all others one.
    size = policy.batch_size if isinstance(policy, BatchPolicy) else 1
    done = 0
    for start in range(0, len(trials), size):
        episodes: list[Episode] = []
        for category, number in trials[start : start + size]:
            with skips.item(trial_name(category, number)):
                episodes.append(draw_trial(simulator, plan, category, number))
        proposals = _propose(policy, plan, episodes)
        for episode in episodes:
            with skips.item(episode.name):
                proposal = proposals[episode.name]()
                filmed = episode.number < clips
                verdict, why, frames = run_trial(
                    episode, proposal, plan.thresholds, filmed, executor
                )
                counts[episode.category].skipped -= 1
                counts[episode.category].add(verdict, why)
                if on_trial is not None:
                    on_trial(episode.name, verdict is not None and verdict.success)
                if save_images is not None:
                    entries[episode.name] = _trial_entry(episode, proposal, verdict, why)
                    with skips.aside(f"{episode.name}.png"):
                        save_trial_image(save_images, episode, proposal, verdict, frames)
            done += 1
            if on_progress is not None:
                on_progress(done, len(trials))
        if done < min(start + size, len(trials)):  # some scenes could not be made
            done = min(start + size, len(trials))
            if on_progress is not None:
                on_progress(done, len(trials))
    # In a batch scenes are made before the first trial runs: back into the trials' order.
    order = {trial_name(*trial): at for at, trial in enumerate(trials)}
    skips.found.sort(key=lambda one: order[one["name"]])
    skips.check_any(len(trials), "trials")
    if save_images is not None:
        with skips.aside("outcomes.json"):
            write_text(save_images / "outcomes.json", json.dumps(entries, indent=1))
    remarks = simulator.objects.remarks().to_json()
    return {
        **_result(policy, plan, counts),
        "skipped": skips.found,
        "notes": [*remarks["notes"], *skips.notes],
        "left_out": remarks["left_out"],
    }


def _propose(
    policy: Policy, plan: RolloutPlan, episodes: Sequence[Episode]
) -> dict[str, Callable[[], Proposal | None]]:
    """Each trial's name -> what gives its pose: already there, or computed when it is called.

    A batch that raises is left to its trials, so that each one's error is its own.
    """
    observations = [observe(episode, policy, plan) for episode in episodes]
    if len(observations) > 1:
        with contextlib.suppress(Exception):
            found = propose_all(policy, observations)
            return {
                one.episode: lambda proposal=proposal: proposal
                for one, proposal in zip(observations, found, strict=True)
            }
    return {one.episode: lambda one=one: policy.propose(one) for one in observations}


def _result(
    policy: Policy, plan: RolloutPlan, counts: Mapping[str, CategoryCounts]
) -> dict[str, Any]:
    """Who acted in which trials, and what came of it."""
    categories = {name: count.to_json(name) for name, count in counts.items()}
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


def _trial_entry(
    episode: Episode, proposal: Proposal | None, verdict: TrialVerdict | None, why: str
) -> dict[str, Any]:
    """A trial's entry of outcomes.json."""
    success = verdict is not None and verdict.success
    return {
        "category": episode.category,
        "instruction": episode.instruction,
        "success": success,
        "paper": verdict is not None and verdict.paper,
        "why": "" if success else why,
        "contact_xy": None if proposal is None else [float(x) for x in proposal.contact_xy],
    }


def observe(episode: Episode, policy: Policy, plan: RolloutPlan) -> Observation:
    """What a policy is given of a trial."""
    # A policy's random numbers depend on its first name and the trial, not on what ran before.
    kind = zlib.crc32(SEED_NAMES.get(policy.name, policy.name).encode())
    # Not hash(), which differs from process to process.
    number = zlib.crc32(episode.name.encode())
    random = np.random.default_rng([VERSION, plan.seed, kind, number])
    return Observation(
        episode.name,
        episode.category,
        episode.instruction,
        episode.view,
        episode.scene,
        random,
        plan.dof,
    )


def run_trial(
    episode: Episode,
    proposal: Proposal | None,
    thresholds: Thresholds,
    filmed: bool = False,
    executor: Executor = execute,
) -> tuple[TrialVerdict | None, str, list[np.ndarray]]:
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
        return None, "off_part", []
    command = proposal.in_world(episode.view, point)
    frames: list[np.ndarray] = []
    if filmed:
        frames, _, result = film(episode.scene, link, command, executor)
    else:
        result = executor(episode.scene, link, command, None)
    return evaluate(episode.scene, link, result, thresholds), result.why or "did not move", frames


def save_trial_image(
    folder: Path,
    episode: Episode,
    proposal: Proposal | None,
    verdict: TrialVerdict | None,
    frames: list[np.ndarray],
) -> None:
    """Save an image with contact and axes, framed green for a success and red for a failure; and a
    clip, if it was filmed."""
    image = Image.fromarray(episode.view.rgb)
    if proposal is not None:
        x, y = proposal.contact_xy
        # A file's prediction may lie anywhere, and need not be a number.
        shown = 0 <= x <= image.width and 0 <= y <= image.height
        if shown and np.all(np.isfinite(proposal.rotation)):
            image = draw_pose(image, (x, y), proposal.rotation, camera=episode.view.camera)
    color = _GOOD if verdict is not None and verdict.success else _BAD
    ImageOps.expand(image, 4, color).save(folder / f"{episode.name}.png")
    if frames:
        shown = [Image.fromarray(frame).quantize(128) for frame in frames]
        # Its last frame stays for a while: what came of it.
        shown[0].save(
            folder / f"{episode.name}.gif",
            save_all=True,
            append_images=shown[1:],
            duration=[120] * (len(shown) - 1) + [1200],
            loop=0,
        )
