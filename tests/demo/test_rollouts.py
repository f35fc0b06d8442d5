# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts of the demo: what a confused model is shown, and which policies stand beside it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.demo import rollouts
from robomamba_jax.demo.plan import MODES
from robomamba_jax.demo.report.verdicts import NON_VISUAL_POLICIES
from robomamba_jax.demo.results import SplitRate
from robomamba_jax.demo.rollouts import SHUFFLED, TITLES, WITH_ASSEMBLIES, ShuffledInputs, roll_out
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language.splits import phrases_of
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN, UNSEEN
from robomamba_jax.world.policies.interface import BatchPolicy, Observation, Policy, Proposal
from robomamba_jax.world.policies.policy_names import POLICIES
from robomamba_jax.world.rollout.run import RolloutPlan
from robomamba_jax.world.rollout.success_rates import CategoryCounts, averages
from robomamba_jax.world.sim.simulator import CameraFrame

PLAN = dataclasses.replace(MODES["smoke"], episodes=3, references=("oracle", "random"))


class Listener:
    """A policy that notes what it is shown."""

    name, parameters, sha = "listener", 12, "ab" * 32

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def propose(self, seen: Observation) -> Proposal | None:
        """Nothing but a note, and a proposal that says which one it is."""
        self.seen.append(seen)
        return Proposal((float(len(self.seen)), 0.5), np.eye(3))


def observation(category: str, number: int, phrase: str = "Move the {noun}.") -> Observation:
    """A trial with a picture of its own."""
    pixels = np.full((4, 4, 3), number, np.uint8)
    camera = Camera(4, 4, np.eye(3))
    links = np.zeros((4, 4), np.int16)
    view = CameraFrame(pixels, np.ones((4, 4), np.float32), links, camera, links - 1)
    text = phrase.format(noun=CATEGORIES[category].noun)
    scene: Any = f"the stage of {category}"
    random = np.random.default_rng(number)
    return Observation(f"{category}_{number:04d}", category, text, view, scene, random)


def test_shuffled_pictures() -> None:
    """Each trial with the picture of the one before, also over the end of a category; the first
    of all has none before it, and keeps its own. Words, category and random numbers are its own,
    and what the policy proposes is handed on."""
    listener = Listener()
    confused: Policy = ShuffledInputs(listener, "image")
    trials = [observation(name, k) for k, name in enumerate(("Safe", "Safe", "Door", "Phone"))]
    said = [confused.propose(trial) for trial in trials]
    assert [int(seen.view.rgb[0, 0, 0]) for seen in listener.seen] == [0, 0, 1, 2]
    for seen, trial in zip(listener.seen, trials, strict=True):
        for name in ("episode", "category", "instruction", "scene", "random", "dof"):
            assert getattr(seen, name) is getattr(trial, name)
    assert [int(trial.view.rgb[0, 0, 0]) for trial in trials] == [0, 1, 2, 3]
    assert [proposal.contact_xy[0] for proposal in said if proposal] == [1, 2, 3, 4]


class Batcher(Listener):
    """The same for several trials at once; a batch with a certain trial fails."""

    batch_size = 3

    def __init__(self, bad: int | None = None) -> None:
        super().__init__()
        self.bad = bad
        self.sizes: list[int] = []

    def propose_batch(self, observations: Sequence[Observation]) -> list[Proposal | None]:
        """One note each."""
        self.sizes.append(len(observations))
        if len(observations) > 1 and any(
            seen.episode.endswith(f"{self.bad}") for seen in observations
        ):
            raise ValueError("bad")
        return [self.propose(seen) for seen in observations]


@pytest.mark.parametrize("bad", [None, 4])
def test_shuffled_batches(bad: int | None) -> None:
    """In the batches of the policy, and the same as one by one; also where a batch fails and its
    trials are asked one by one."""
    trials = [observation("Safe", k) for k in range(7)]
    batcher, listener = Batcher(bad), Listener()
    confused = ShuffledInputs(batcher, "image")
    assert isinstance(confused, BatchPolicy)
    assert confused.batch_size == 3
    for start in range(0, 7, 3):
        batch = trials[start : start + 3]
        try:
            confused.propose_batch(batch)
        except ValueError:
            for trial in batch:
                confused.propose(trial)
    assert batcher.sizes == ([3, 3, 1] if bad is None else [3, 3, 1, 1, 1, 1])
    one_by_one = ShuffledInputs(listener, "image")
    assert one_by_one.batch_size == 1
    for trial in trials:
        one_by_one.propose(trial)
    assert [seen.episode for seen in batcher.seen] == [seen.episode for seen in listener.seen]
    for mine, other in zip(batcher.seen, listener.seen, strict=True):
        assert mine.view is other.view


@pytest.mark.parametrize("category", CATEGORIES)
def test_shuffled_words(category: str) -> None:
    """In every phrase of stage 2 the object is another category's, and nothing else is changed."""
    names = list(CATEGORIES)
    other = CATEGORIES[names[(names.index(category) + 1) % len(names)]].noun
    for split in ("train", "test"):
        for number, phrase in enumerate(phrases_of(wc.ASK_POSE, split)):
            listener = Listener()
            trial = observation(category, number, phrase)
            ShuffledInputs(listener, "words").propose(trial)
            (seen,) = listener.seen
            assert seen.instruction == phrase.format(noun=other)
            assert seen.instruction != trial.instruction
            assert seen.view is trial.view
            assert seen.category == category


def test_a_confused_policy_is_still_that_policy() -> None:
    """For the table: its name, its size, its weights."""
    for what in SHUFFLED.values():
        confused = ShuffledInputs(Listener(), what)
        assert (confused.name, confused.parameters, confused.sha) == ("listener", 12, "ab" * 32)


def test_titles_are_of_policies_that_are_there() -> None:
    """And every mode's references have one; those called blind know no geometry."""
    assert set(TITLES) - {"nano", WITH_ASSEMBLIES} <= set(POLICIES)
    for plan in MODES.values():
        assert set(plan.references) <= set(TITLES)
    assert all("geometry" not in TITLES[name][1] for name in NON_VISUAL_POLICIES)
    assert all("part" not in TITLES[name][1] for name in NON_VISUAL_POLICIES)
    assert not set(SHUFFLED) & set(TITLES)


@pytest.fixture
def rolled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Rollouts that are noted instead of carried out: each policy has two successes of three in
    every category."""
    calls: list[tuple[Any, ...]] = []

    def choose(name: str | None, checkpoint: str | None = None, *, train: Any = None) -> Policy:
        listener = Listener()
        listener.name = f"{name or checkpoint}"
        calls.append(("choose", name, checkpoint, train))
        return listener

    def rollout(simulator: Any, policy: Policy, plan: RolloutPlan, **more: Any) -> dict[str, Any]:
        kind = type(policy).__name__
        calls.append(("roll", policy.name, kind, plan, more["save_images"], more["clips"]))
        categories = {}
        for name in plan.categories:
            entry = CategoryCounts(n=3, success=2, initial=3, long=1).to_json(name)
            categories[name] = entry
        more["on_progress"](3, 3)
        # The oracle wins what the model loses, and one more category; the random one wins nothing.
        for number, name in enumerate(plan.categories):
            won = {"oracle": True, "random": False}.get(policy.name, number % 3 == 0)
            more["on_trial"](f"{name}_0000", won)
        return {
            "checkpoint_sha": policy.sha,
            "trained_parameters": policy.parameters,
            "categories": categories,
            "seen": averages(categories, "seen"),
            "unseen": averages(categories, "unseen"),
        }

    monkeypatch.setattr(rollouts, "choose_policy", choose)
    monkeypatch.setattr(rollouts, "rollout", rollout)
    monkeypatch.setattr(rollouts, "Simulator", lambda: "the simulator")
    return calls


def test_the_model_and_the_references(rolled: list[tuple[Any, ...]], tmp_path: Path) -> None:
    """On the same trials of all categories; of the model alone pictures and a film are kept, and
    priors get the training set. What was rolled out is not rolled out again."""
    told: list[Any] = []
    train, model, out = tmp_path / "train", tmp_path / "model", tmp_path / "out"

    def tell(*at: Any) -> None:
        told.append(at)

    found = roll_out(PLAN, train, model, out, on_progress=tell)
    assert list(found) == ["nano", "oracle", "random"]
    assert [call[1:] for call in rolled if call[0] == "choose"] == [
        (None, str(model), None),
        ("oracle", None, train),
        ("random", None, train),
    ]
    rolls = [call for call in rolled if call[0] == "roll"]
    assert {call[3] for call in rolls} == {RolloutPlan(tuple(CATEGORIES), 3)}
    assert [call[4:] for call in rolls] == [(out / "nano", 1), (None, 0), (None, 0)]
    assert told == [("nano", 3, 3), ("oracle", 3, 3), ("random", 3, 3)]
    entry = found["nano"]
    assert (entry.title, entry.looks_at) == TITLES["nano"]
    assert (entry.trained, entry.checkpoint_sha) == (12, "ab" * 32)
    for split, count in (("seen", 20), ("unseen", 10)):
        mean: SplitRate = getattr(entry, split)
        assert mean.n == 3 * count
        assert [mean.rate, mean.by_category] == pytest.approx([2 / 3, 2 / 3])
        assert mean.ci95 is not None
        low, high = mean.ci95
        assert low < 2 / 3 < high
    assert set(entry.categories) == set(CATEGORIES)
    safe = entry.categories["Safe"]
    assert (safe.split, safe.n, safe.success, safe.initial, safe.long) == ("seen", 3, 2, 3, 1)
    assert found == roll_out(PLAN, train, model, out)
    assert len([call for call in rolled if call[0] == "roll"]) == 3
    (out / "random" / "rollout.json").unlink()
    roll_out(PLAN, train, model, out)
    assert len([call for call in rolled if call[0] == "roll"]) == 4


def test_the_same_trials_are_compared(rolled: list[tuple[Any, ...]], tmp_path: Path) -> None:
    """Each model beside every other policy, by halves; what an older version left says nothing."""
    train, out = tmp_path / "train", tmp_path / "out"
    other = tmp_path / "other"
    found = roll_out(PLAN, train, tmp_path / "model", out, assemblies=other)
    assert set(found["oracle"].paired) == {"nano", WITH_ASSEMBLIES}
    assert set(found["nano"].paired) == {WITH_ASSEMBLIES}
    assert set(found[WITH_ASSEMBLIES].paired) == {"nano"}
    names = list(CATEGORIES)
    for split, among in (("seen", SEEN), ("unseen", UNSEEN)):
        wins = sum(names.index(name) % 3 == 0 for name in among)
        lost, won = (found[name].paired["nano"][split] for name in ("oracle", "random"))
        assert (lost.n, lost.better, lost.worse) == (len(among), 0, len(among) - wins)
        assert (won.better, won.worse) == (wins, 0)
        assert won.p == pytest.approx(min(1.0, 2 * 0.5**wins))
    file = out / "random" / "rollout.json"
    old = json.loads(file.read_text())
    del old["trials"]
    file.write_text(json.dumps(old))
    again = roll_out(PLAN, train, tmp_path / "model", out, assemblies=other)
    assert again["random"].paired == {}
    assert again["oracle"] == found["oracle"]


@pytest.mark.parametrize("name", SHUFFLED)
def test_an_ablations_rollouts(rolled: list[tuple[Any, ...]], tmp_path: Path, name: str) -> None:
    """The model itself, confused, and nobody beside it."""
    found = roll_out(PLAN, tmp_path, tmp_path / "model", tmp_path / "out", policies=(name,))
    assert list(found) == [name]
    assert [call[1] for call in rolled if call[0] == "choose"] == [None]
    (roll,) = [call for call in rolled if call[0] == "roll"]
    assert roll[2] == "ShuffledInputs"
    assert found[name].title == name
