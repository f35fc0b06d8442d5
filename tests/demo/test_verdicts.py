# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""When a figure is called better than another."""

from __future__ import annotations

import math
from typing import Any

import pytest

from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.demo.report.verdicts import (
    BETTER,
    BY_INTERVALS,
    BY_TEST,
    INFORMED_POLICIES,
    NON_VISUAL_POLICIES,
    OVERLAP,
    UNKNOWN,
    VARIANTS,
    WORSE,
    Estimate,
    Paired,
    Verdict,
    compare,
    model_policy,
    verdicts,
)
from robomamba_jax.evaluation.runner.paper import AVERAGES, SEEN_RATES, UNSEEN_RATES
from robomamba_jax.world.objects import categories
from robomamba_jax.world.policies.policy_names import POLICIES


def figure(low: float, high: float) -> dict[str, Any]:
    """A figure in the middle of its interval."""
    return {"value": (low + high) / 2, "ci95": [low, high]}


@pytest.mark.parametrize(
    ("mine", "theirs", "verdict"),
    [
        (figure(0.6, 0.7), figure(0.4, 0.5), BETTER),
        (figure(0.4, 0.5), figure(0.6, 0.7), WORSE),
        (figure(0.4, 0.6), figure(0.5, 0.7), OVERLAP),
        (figure(0.5, 0.6), figure(0.4, 0.5), OVERLAP),  # they touch
        (figure(0.1, 0.9), figure(0.4, 0.5), OVERLAP),  # one lies inside the other
        (figure(0.6, 0.7), {"value": 0.5}, BETTER),  # a chance rate is known exactly
        (figure(0.6, 0.7), {"value": 0.65}, OVERLAP),
        ({"value": 0.9}, figure(0.4, 0.5), UNKNOWN),
        (figure(0.6, 0.7), {}, UNKNOWN),
        (figure(0.6, 0.7), {"value": math.nan}, UNKNOWN),
        (figure(0.6, math.nan), figure(0.1, 0.2), UNKNOWN),
        ({"value": 1, "ci95": [True, True]}, figure(0.1, 0.2), UNKNOWN),
    ],
)
def test_intervals_must_lie_apart(
    mine: dict[str, Any], theirs: dict[str, Any], verdict: str
) -> None:
    """And what is better as a share is worse as a distance."""
    one, other = Estimate.read(Node(mine)), Estimate.read(Node(theirs))
    assert compare(one, other) == verdict
    mirrored = {BETTER: WORSE, WORSE: BETTER}.get(verdict, verdict)
    assert compare(one, other, lower_is_better=True) == mirrored


def judge(**entry: Any) -> Verdict:
    """The verdict of one benchmark."""
    return verdicts(Node({"benchmarks": {"pope": entry}}))[0]


def with_p(p: Any, **more: Any) -> dict[str, Any]:
    """A paired test with this p."""
    return {"test": "mcnemar", "p": p, "n": 100, "better": 30, "worse": 10, **more}


@pytest.mark.parametrize(
    ("mine", "theirs", "p", "verdict", "by"),
    [
        (figure(0.5, 0.6), figure(0.45, 0.55), 0.009, BETTER, BY_TEST),
        (figure(0.45, 0.55), figure(0.5, 0.6), 0.009, WORSE, BY_TEST),
        (figure(0.5, 0.6), figure(0.45, 0.55), 0.01, OVERLAP, ""),
        (figure(0.5, 0.6), figure(0.5, 0.6), 0.001, OVERLAP, ""),  # neither is higher
        (figure(0.6, 0.7), figure(0.4, 0.5), 0.5, BETTER, BY_INTERVALS),
        ({"value": 0.9}, {"value": 0.1}, 0.001, BETTER, BY_TEST),  # the test needs no intervals
        ({"value": 0.9}, {}, 0.001, UNKNOWN, ""),
        (figure(0.5, 0.6), figure(0.45, 0.55), "small", OVERLAP, ""),
        (figure(0.5, 0.6), figure(0.45, 0.55), -1, OVERLAP, ""),
        (figure(0.5, 0.6), figure(0.45, 0.55), True, OVERLAP, ""),
    ],
)
def test_a_paired_test_tells_where_intervals_touch(
    mine: dict[str, Any], theirs: dict[str, Any], p: Any, verdict: str, by: str
) -> None:
    """With p < .01 the higher is better; a test that is none is no test."""
    row = judge(**mine, baselines={"blind": {**theirs, "paired": with_p(p)}})
    (other,) = row.against
    assert (other.verdict, other.by) == (verdict, by)
    reverse = judge(
        **mine, lower_is_better=True, baselines={"blind": {**theirs, "paired": with_p(p)}}
    )
    mirrored = {BETTER: WORSE, WORSE: BETTER}.get(verdict, verdict)
    assert reverse.against[0].verdict == mirrored


def test_what_is_no_test() -> None:
    """Anything missing."""
    assert Paired.read(Node(with_p(0.5))) == Paired("mcnemar", 0.5, 100, 30, 10)
    for key in with_p(0.5):
        assert Paired.read(Node({k: v for k, v in with_p(0.5).items() if k != key})) is None
    assert Paired.read(Node()) is None


def test_the_other_model_is_a_variant() -> None:
    """It is found beside the model, which stays the model; tests are by the model's name."""
    near = rollout(figure(0.5, 0.6), paired={"nano": {"seen": with_p(0.001)}})
    rollouts = {"nano": rollout(figure(0.55, 0.65)), VARIANTS[0]: rollout(figure(0.7, 0.8))}
    report = Node({"rollouts": {**rollouts, "prior": near}})
    assert model_policy(report) == "nano"
    seen, _ = verdicts(report)
    assert seen.above_all is True
    found = {row.name: (row.non_visual, row.verdict, row.by) for row in seen.against}
    assert found == {
        VARIANTS[0]: (False, WORSE, BY_INTERVALS),
        "prior": (True, BETTER, BY_TEST),
    }


def test_above_all_means_every_baseline() -> None:
    """One overlap is enough for no; what was not measured is neither yes nor no."""
    low, near = figure(0.1, 0.2), figure(0.55, 0.65)
    mine = figure(0.6, 0.7)
    assert judge(**mine, baselines={"majority": low}).above_all is True
    assert judge(**mine, baselines={"majority": low, "blind": near}).above_all is False
    assert judge(**mine, baselines={"majority": low, "blind": {}}).above_all is None
    assert judge(**mine, baselines={"majority": near, "blind": {}}).above_all is False
    assert judge(**mine).above_all is None
    assert judge(value=0.6, baselines={"majority": low}).above_all is None


def test_a_lone_baseline_is_a_number() -> None:
    """``baseline`` is used where ``baselines`` says nothing, and not twice."""
    mine = figure(0.6, 0.7)
    assert judge(**mine, baseline=0.5).above_all is True
    assert judge(**mine, baseline=0.65).above_all is False
    both = judge(**mine, baseline=0.65, baselines={"majority": figure(0.1, 0.2)})
    assert [row.name for row in both.against] == ["majority"]


def test_distances_are_better_small() -> None:
    """By the name of the figure, unless the report says otherwise."""
    entry = {**figure(10, 12), "baselines": {"prior": figure(20, 30), "mean": figure(25, 26)}}
    near = judge(**entry, metric="contact_pixels")
    assert near.above_all is True
    strongest = near.best_non_visual
    assert strongest is not None
    assert strongest.name == "prior"
    assert judge(**entry, metric="accuracy").above_all is False
    assert judge(**entry, metric="contact_pixels", lower_is_better=False).above_all is False


def rollout(seen: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A policy's entry; ``rate`` or, as the command writes it, ``by_sample``."""
    return {"seen": {"rate": seen["value"], "ci95": seen["ci95"], "n": 400}, **more}


def test_who_knows_the_truth_is_no_baseline() -> None:
    """The oracle is above the model, and the model is above all that do not look."""
    rollouts = {
        "nano": rollout(figure(0.6, 0.7)),
        "oracle": rollout(figure(0.9, 1.0)),
        "prior": {"seen": {"by_sample": 0.1, "ci95": [0.05, 0.15]}},
    }
    report = {"model": {"preset": "nano"}, "rollouts": rollouts}
    seen, unseen = verdicts(Node(report))
    assert (seen.group, seen.name, seen.above_all) == ("rollout", "seen", True)
    found = {row.name: (row.non_visual, row.verdict) for row in seen.against}
    assert found == {"oracle": (False, WORSE), "prior": (True, BETTER)}
    assert unseen.estimate.value is None
    assert unseen.above_all is None
    for kind in ("non_visual", "trivial"):  # the second in older reports
        rollouts["oracle"]["kind"] = kind
        assert verdicts(Node(report))[0].above_all is False


def test_the_model_among_the_policies() -> None:
    """By kind, by preset, or as the only one that is no reference policy."""
    rollouts: dict[str, Any] = {"oracle": {}, "prior": {}, "mine": {}}
    assert model_policy(Node({"rollouts": rollouts})) == "mine"
    rollouts["other"] = {}
    assert model_policy(Node({"rollouts": rollouts})) is None
    assert model_policy(Node({"rollouts": rollouts, "model": {"preset": "other"}})) == "other"
    rollouts["mine"]["kind"] = "model"
    assert model_policy(Node({"rollouts": rollouts, "model": {"preset": "other"}})) == "mine"
    assert model_policy(Node({})) is None
    assert verdicts(Node({})) == []


def test_every_reference_policy_is_known() -> None:
    """A new one in the world must be put with those who look or with those who do not."""
    known = {*NON_VISUAL_POLICIES, *INFORMED_POLICIES}
    # One policy has two names, of which a version writes one.
    names = {name for name in POLICIES if not name.startswith("file:")}
    assert known - names <= {"touch", "no_pull"}
    assert names <= known


def test_the_papers_table() -> None:
    """Its categories are the world's, and their means are the averages that it prints."""
    assert tuple(SEEN_RATES) == categories.SEEN
    assert tuple(UNSEEN_RATES) == categories.UNSEEN
    means = [sum(rates.values()) / len(rates) for rates in (SEEN_RATES, UNSEEN_RATES)]
    assert tuple(round(mean, 2) for mean in means) == AVERAGES["RoboMamba"]
