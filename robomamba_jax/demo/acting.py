# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts of the demo: the model beside the reference policies, on the same trials."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.evaluation.benchmarks.question_files import write_json
from robomamba_jax.utils.progress import OnNamedProgress
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.policies.interface import Observation, Policy, Proposal
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.simulator import Simulator

TITLES = {
    "nano": ("this model", "picture and words"),
    "oracle": ("oracle", "the geometry itself"),
    "part-normal": ("random pixel of a part, its true normal", "part and normal"),
    "part-random": ("random pixel of a part, random direction", "part"),
    "prior": ("mean pose of the training set", "nothing"),
    "prior-category": ("mean pose of the category", "category"),
    "random": ("random pixel, random direction", "nothing"),
}
"""What a policy is called, and what it may look at."""

CONFUSED = {"shuffled-pictures": "picture", "shuffled-words": "words"}
"""The model with another trial's picture, or with another category's instruction."""

_FILMED = 1  # of each category's trials


def act(
    plan: DemoPlan,
    train: Path,
    checkpoint: Path,
    out: Path,
    *,
    policies: tuple[str, ...] | None = None,
    tell: OnNamedProgress = lambda policy, done, total: None,
) -> dict[str, Any]:
    """Roll out the model and the references; what is there already is kept.

    Args:
      plan: how many trials.
      train: the training set, whose poses the priors average.
      checkpoint: of the model, called "nano".
      out: one folder per policy.
      policies: instead of the model and the plan's references.
      tell: told (policy, trials done, trials).

    Returns:
      policy -> as report.json has it.
    """
    simulator = None
    found = {}
    for name in ("nano", *plan.references) if policies is None else policies:
        file = out / name / "rollout.json"
        if not file.is_file():
            simulator = simulator or Simulator()
            result = _roll(simulator, plan, train, checkpoint, name, file.parent, tell)
            write_json(file, result)
        found[name] = _entry(name, json.loads(file.read_bytes()))
    return found


class Confused:
    """A policy that gets another picture, or other words, than the trial's.

    Attributes:
      name: for tables.
      parameters: the policy's.
      sha: the policy's.
    """

    def __init__(self, policy: Policy, what: str) -> None:
        """Begin.

        Args:
          policy: what is to be confused.
          what: "picture": that of the trial before, and the first of all keeps its own;
            "words": the instruction for the next category's object.
        """
        self.name, self.parameters, self.sha = policy.name, policy.parameters, policy.sha
        self._policy, self._what = policy, what
        self._before: Observation | None = None

    def propose(self, seen: Observation) -> Proposal | None:
        """What the policy says of something else."""
        if self._what == "words":
            nouns = [category.noun for category in CATEGORIES.values()]
            own = CATEGORIES[seen.category].noun
            other = nouns[(nouns.index(own) + 1) % len(nouns)]
            told = dataclasses.replace(seen, instruction=seen.instruction.replace(own, other))
            return self._policy.propose(told)
        shown, self._before = self._before or seen, seen
        return self._policy.propose(dataclasses.replace(seen, view=shown.view))


def _roll(
    simulator: Simulator,
    plan: DemoPlan,
    train: Path,
    checkpoint: Path,
    name: str,
    folder: Path,
    tell: OnNamedProgress,
) -> dict[str, Any]:
    model = name == "nano" or name in CONFUSED
    policy = choose_policy(None, str(checkpoint)) if model else choose_policy(name, train=train)
    if name in CONFUSED:
        policy = Confused(policy, CONFUSED[name])
    folder.mkdir(parents=True, exist_ok=True)
    return rollout(
        simulator,
        policy,
        RolloutPlan(tuple(CATEGORIES), plan.episodes),
        pictures=folder if model else None,
        clips=_FILMED if model else 0,
        tell=lambda done, total: tell(name, done, total),
    )


def _entry(name: str, result: dict[str, Any]) -> dict[str, Any]:
    title, looks_at = TITLES.get(name, (name, "picture and words"))
    keys = ("split", "n", "success", "rate", "ci95", "initial", "long", "off_part")
    return {
        "title": title,
        "looks_at": looks_at,
        "trained": result["trained_parameters"],
        "checkpoint_sha": result["checkpoint_sha"],
        **{split: _average(result[split]) for split in ("seen", "unseen")},
        "categories": {
            category: {key: entry[key] for key in keys}
            for category, entry in result["categories"].items()
        },
    }


def _average(mean: dict[str, Any]) -> dict[str, Any]:
    return {
        "rate": mean["by_sample"],
        "by_category": mean["by_category"],
        "ci95": mean["ci95"],
        "n": mean["n"],
    }
