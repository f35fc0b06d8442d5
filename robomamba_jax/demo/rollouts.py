# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts of the demo: the model beside the reference policies, on the same trials."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import CategoryRate, PolicyResult, SplitRate, read
from robomamba_jax.evaluation.benchmarks.question_files import write_json
from robomamba_jax.evaluation.metrics.paired import PairedTest, mcnemar
from robomamba_jax.utils.progress import OnNamedProgress
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN, UNSEEN
from robomamba_jax.world.policies.interface import (
    BatchPolicy,
    Observation,
    Policy,
    Proposal,
    propose_all,
)
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.simulator import Simulator

TITLES = {
    "nano": ("this model", "image and words"),
    "nano+assemblies": (
        "not the paper\u2019s protocol: its stage 2 saw random assemblies too",
        "image and words",
    ),
    "oracle": ("oracle", "the geometry itself"),
    "part-normal": ("random pixel of a part, its true normal", "part and normal"),
    "part-random": ("random pixel of a part, random direction", "part"),
    "prior": ("mean pose of the training set", "nothing"),
    "prior-category": ("mean pose of the category", "category"),
    "random": ("random pixel, random direction", "nothing"),
}
"""What a policy is called, and what it may look at."""

Input = Literal["image", "words"]
SHUFFLED: dict[str, Input] = {"shuffled-images": "image", "shuffled-words": "words"}
"""The model with another trial's image, or with another category's instruction."""

_FILMED = 1  # of each category's trials; the report shows eight of the thirty


WITH_ASSEMBLIES = "nano+assemblies"
"""The policy whose head has learned from assemblies too."""


def roll_out(
    plan: DemoPlan,
    train: Path,
    checkpoint: Path,
    out: Path,
    *,
    policies: tuple[str, ...] | None = None,
    assemblies: Path | None = None,
    on_progress: OnNamedProgress = lambda policy, done, total: None,
) -> dict[str, PolicyResult]:
    """Roll out the model and the references; what is there already is kept.

    Args:
      plan: how many trials.
      train: the training set, whose poses the priors average.
      checkpoint: of the model, called "nano".
      out: one folder per policy.
      policies: instead of the models and the plan's references.
      assemblies: the checkpoint of the model called WITH_ASSEMBLIES; None = there is none.
      on_progress: called with (policy, trials done, trials).
    """
    simulator = None
    found: dict[str, PolicyResult] = {}
    trials: dict[str, dict[str, bool]] = {}
    models = ("nano",) if assemblies is None else ("nano", WITH_ASSEMBLIES)
    for name in (*models, *plan.references) if policies is None else policies:
        path = checkpoint if assemblies is None or name != WITH_ASSEMBLIES else assemblies
        file = out / name / "rollout.json"
        if not file.is_file():
            # Made once, and only where something is left to do: it needs a Vulkan driver.
            simulator = simulator or Simulator()
            result = _roll(simulator, plan, train, path, name, file.parent, on_progress)
            write_json(file, result)
        read_back = json.loads(file.read_bytes())
        found[name] = policy_result(name, read_back)
        # Older versions did not write down which trials succeeded.
        trials[name] = read_back.get("trials", {})
    return {
        name: dataclasses.replace(result, paired=_paired(name, models, trials))
        for name, result in found.items()
    }


def _paired(
    policy: str, models: Sequence[str], trials: Mapping[str, Mapping[str, bool]]
) -> dict[str, dict[str, PairedTest]]:
    """Each other model beside a policy, in the trials that both went through.

    Args:
      policy: its name.
      models: whose results are compared.
      trials: policy -> trial -> whether it succeeded.
    """
    found: dict[str, dict[str, PairedTest]] = {}
    for model in models:
        mine, theirs = trials.get(model, {}), trials[policy]
        common = [] if model == policy else [name for name in mine if name in theirs]
        for split, categories in (("seen", SEEN), ("unseen", UNSEEN)):
            # A trial's name is its category's and its number.
            names = [name for name in common if name.rpartition("_")[0] in categories]
            if names:
                pair = (np.array([known[name] for name in names], bool) for known in (mine, theirs))
                found.setdefault(model, {})[split] = mcnemar(*pair)
    return found


class ShuffledInputs:
    """A policy that gets another image, or other words, than the trial's.

    Attributes:
      name: for tables.
      parameters: the policy's.
      sha: the policy's.
      batch_size: the policy's; 1 where it takes one trial at a time.
    """

    def __init__(self, policy: Policy, what: Input) -> None:
        """Wrap a policy.

        Args:
          policy: whose inputs are shuffled.
          what: "image": that of the trial before, and the first of all keeps its own;
            "words": the instruction for the next category's object.
        """
        self.name, self.parameters, self.sha = policy.name, policy.parameters, policy.sha
        self.batch_size = policy.batch_size if isinstance(policy, BatchPolicy) else 1
        self._policy, self._what = policy, what
        self._before: Observation | None = None

    def propose(self, observation: Observation) -> Proposal | None:
        """What the policy predicts of something else."""
        return self.propose_batch([observation])[0]

    def propose_batch(self, observations: Sequence[Observation]) -> list[Proposal | None]:
        """As ``propose``, for trials in their order."""
        if self._what == "words":
            return propose_all(self._policy, [_other_words(each) for each in observations])
        # Trials go category by category, so that the trial before mostly shows the same category,
        # but another object from another side: the place of the handle is what gets lost.
        last = self._before
        before = [last or observations[0], *observations[:-1]]
        shown = [
            dataclasses.replace(each, view=other.view)
            for each, other in zip(observations, before, strict=True)
        ]
        self._before = observations[-1]
        try:
            return propose_all(self._policy, shown)
        except Exception:
            if len(observations) > 1:  # each trial will be asked again, by itself
                self._before = last
            raise


def _other_words(observation: Observation) -> Observation:
    """With the instruction for the next category's object."""
    nouns = [category.noun for category in CATEGORIES.values()]
    own = CATEGORIES[observation.category].noun
    words = observation.instruction.replace(own, nouns[(nouns.index(own) + 1) % len(nouns)])
    return dataclasses.replace(observation, instruction=words)


def _roll(
    simulator: Simulator,
    plan: DemoPlan,
    train: Path,
    checkpoint: Path,
    name: str,
    folder: Path,
    on_progress: OnNamedProgress,
) -> dict[str, Any]:
    model = name in ("nano", WITH_ASSEMBLIES) or name in SHUFFLED
    policy = choose_policy(None, str(checkpoint)) if model else choose_policy(name, train=train)
    if name in SHUFFLED:
        policy = ShuffledInputs(policy, SHUFFLED[name])
    folder.mkdir(parents=True, exist_ok=True)
    shown = model and name != WITH_ASSEMBLIES
    trials: dict[str, bool] = {}
    result = rollout(
        simulator,
        policy,
        RolloutPlan(tuple(CATEGORIES), plan.episodes),
        # Of all others the numbers suffice: their trials show the same scenes.
        save_images=folder if shown else None,
        clips=_FILMED if shown else 0,
        on_progress=lambda done, total: on_progress(name, done, total),
        on_trial=trials.__setitem__,
    )
    # Policies are compared trial by trial.
    return {**result, "trials": trials}


def policy_result(name: str, result: dict[str, Any]) -> PolicyResult:
    """Of a rollout's result, as rollout.json has it, what the report has."""
    title, looks_at = TITLES.get(name, (name, "image and words"))
    # A rollout's entries say more than the report keeps.
    keys = [one.name for one in dataclasses.fields(CategoryRate)]
    return PolicyResult(
        title=title,
        looks_at=looks_at,
        trained=result["trained_parameters"],
        checkpoint_sha=result["checkpoint_sha"],
        seen=_split_rate(result["seen"]),
        unseen=_split_rate(result["unseen"]),
        categories={
            category: read(CategoryRate, {key: entry[key] for key in keys})
            for category, entry in result["categories"].items()
        },
    )


def _split_rate(mean: dict[str, Any]) -> SplitRate:
    rates = {"rate": mean["by_sample"], "by_category": mean["by_category"]}
    return read(SplitRate, {**rates, "ci95": mean["ci95"], "n": mean["n"]})
