# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a report's numbers are worth: each beside what can be had without looking or learning.

One estimate is better than another if their 95 % intervals do not touch, which is stricter than a
test at 5 %; or if it is the better one and a paired test on the same items has p < .01. What is
neither may be better still, and we do not claim it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from robomamba_jax.demo.report.lenient_json import Node

BETTER, WORSE, OVERLAP, UNKNOWN = "better", "worse", "overlap", "unknown"

LOOKS_AT = {
    "oracle": "geometry",
    "flowbot3d": "geometry",
    "umpnet": "geometry",
    "center-normal": "part, normal",
    "part-normal": "part, normal",
    "part-random": "part",
    "prior-category": "category",
    "prior": "nothing",
    "random": "nothing",
    "touch": "geometry",  # no_pull's name before
    "no_pull": "geometry",
}
"""What the reference policies are told of a scene, where the report does not say."""
# None of these looks at the image; one is told the category.
NON_VISUAL_POLICIES = ("random", "prior", "prior-category")
# These ask the simulator for what a model must find out, or are not meant to succeed.
INFORMED_POLICIES = tuple(name for name in LOOKS_AT if name not in NON_VISUAL_POLICIES)
# The same model trained otherwise: neither a baseline nor somebody who knows more.
VARIANTS = ("nano+assemblies",)
SPLITS = ("seen", "unseen")
SIGNIFICANT = 0.01
"""Below it a paired test's p counts."""

BY_INTERVALS, BY_TEST = "intervals", "test"
# Headlines that are distances: the less, the better.
_DISTANCES = frozenset({"contact_pixels", "approach_degrees", "rotation_degrees"})


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
      value: None = not measured.
      ci95: its 95 % interval; None = unknown.
      n: of how many questions or trials.
      scale: how it is printed: "share" (.62), "percent" (62.0) or "plain".
    """

    value: float | None = None
    ci95: tuple[float, float] | None = None
    n: float | None = None
    scale: str = "percent"

    @classmethod
    def read(cls, node: Node, scale: str | None = None) -> Estimate:
        """Out of {"value", "ci95", "n", "percent"}; ``rate`` and ``by_sample``, as ``world
        rollout`` calls a split's rate, are values too.

        Args:
          node: the object.
          scale: for what is no benchmark's; None = by ``percent``, which is true unless said.
        """
        value = node.first("value", "rate", "by_sample").number
        if scale is None:
            # Not `flag`: an odd value counts by its truth, as in older pages.
            percent = node.first("percent")
            scale = "plain" if "percent" in node.entries() and not percent.raw else "percent"
        return cls(value, node["ci95"].interval, node["n"].number, scale)


@dataclass(frozen=True)
class Paired:
    """A paired test of the model beside another on the same items.

    Attributes:
      test: "mcnemar" or "bootstrap".
      p: two-sided.
      n: items.
      better: how many of them the model does better.
      worse: how many worse.
    """

    test: str
    p: float
    n: float
    better: float
    worse: float

    @classmethod
    def read(cls, node: Node) -> Paired | None:
        """Out of the object that ``evaluation.metrics.paired.PairedTest`` becomes; None of another,
        or of none."""
        counts = [node[name].number for name in ("p", "n", "better", "worse")]
        p, n, better, worse = counts
        test = node["test"].text
        if test is None or p is None or n is None or better is None or worse is None:
            return None
        return cls(test, p, n, better, worse) if 0 <= p <= 1 else None


@dataclass(frozen=True)
class Comparison:
    """An estimate beside one baseline or reference policy.

    Attributes:
      name: of the other.
      other: its estimate.
      verdict: BETTER, WORSE, OVERLAP or UNKNOWN, of what it is compared with.
      non_visual: whether the other answers without looking at the image.
      what: what it is, in words.
      paired: a test on the same items; None = there was none.
      by: BY_INTERVALS where they lie apart, BY_TEST where only the test tells; "" where neither.
    """

    name: str
    other: Estimate
    verdict: str
    non_visual: bool = True
    what: str | None = None
    paired: Paired | None = None
    by: str = ""


@dataclass(frozen=True)
class Verdict:
    """A benchmark's headline, or the success rate on a half of the categories.

    Attributes:
      group: "benchmark" or "rollout".
      name: the benchmark's, or the split's.
      title: for people.
      metric: what the number is.
      estimate: of the model.
      lower_is_better: of distances.
      against: beside each baseline.
    """

    group: str
    name: str
    title: str
    metric: str
    estimate: Estimate
    lower_is_better: bool = False
    against: tuple[Comparison, ...] = field(default=())

    @property
    def above_all(self) -> bool | None:
        """True if it is significantly better than every non-visual baseline, False if it is not
        better than one, None where that cannot be told."""
        judged = [row.verdict for row in self.against if row.non_visual]
        known = [verdict for verdict in judged if verdict != UNKNOWN]
        # One that is not beaten decides it; one that is unknown leaves it open.
        if WORSE in known or OVERLAP in known:
            return False
        return True if known and len(known) == len(judged) else None

    @property
    def best_non_visual(self) -> Comparison | None:
        """The strongest of the non-visual baselines."""
        # So that the greatest is the best of either kind.
        sign = -1 if self.lower_is_better else 1
        known = [
            (sign * row.other.value, row)
            for row in self.against
            if row.non_visual and row.other.value is not None
        ]
        return max(known, key=lambda pair: pair[0])[1] if known else None


def compare(mine: Estimate, other: Estimate, *, lower_is_better: bool = False) -> str:
    """Whether an estimate is significantly better than another.

    Args:
      mine: without an interval nothing can be said.
      other: without an interval it is a number known exactly, such as a chance rate.
      lower_is_better: of distances.

    Returns:
      One of BETTER, WORSE, OVERLAP, UNKNOWN.
    """
    theirs = other.ci95
    if theirs is None and other.value is not None:
        theirs = other.value, other.value  # an interval without width
    if mine.ci95 is None or theirs is None:
        return UNKNOWN
    if mine.ci95[0] > theirs[1]:
        return WORSE if lower_is_better else BETTER
    if mine.ci95[1] < theirs[0]:
        return BETTER if lower_is_better else WORSE
    return OVERLAP


def judge(
    mine: Estimate, other: Estimate, paired: Paired | None, *, lower_is_better: bool = False
) -> tuple[str, str]:
    """``compare``, and where intervals do not tell the paired test.

    Args:
      mine: of the model.
      other: of another.
      paired: the test on the same items, if there was one.
      lower_is_better: of distances.

    Returns:
      The verdict, and by what: BY_INTERVALS, BY_TEST or "".
    """
    verdict = compare(mine, other, lower_is_better=lower_is_better)
    if verdict in (BETTER, WORSE):
        return verdict, BY_INTERVALS
    if paired is None or mine.value is None or other.value is None:
        return verdict, ""
    # The test says that there is a difference, the values which way it goes.
    if paired.p >= SIGNIFICANT or mine.value == other.value:
        return OVERLAP, ""
    higher = mine.value > other.value
    return (BETTER if higher != lower_is_better else WORSE), BY_TEST


def is_non_visual(name: str, policy: Node) -> bool:
    """Whether a policy acts without looking; ``kind`` in the report decides where it is given
    ("trivial" in older reports)."""
    kind = policy["kind"].raw
    return (
        kind in ("non_visual", "trivial") if isinstance(kind, str) else name in NON_VISUAL_POLICIES
    )


def model_policy(report: Node) -> str | None:
    """The name under which the model stands among the policies."""
    policies = report["rollouts"].entries()
    for name, policy in policies.items():
        if policy["kind"].raw == "model":
            return name
    # Older reports do not say which one it is: the preset's name, or the one that is no reference.
    preset = report["model"]["preset"].raw
    if isinstance(preset, str) and preset in policies:
        return preset
    others = [name for name in policies if name not in LOOKS_AT and name not in VARIANTS]
    return others[0] if len(others) == 1 else None


def lower_is_better(benchmark: Node) -> bool:
    """Whether less is better: said by the report, else known of the headline."""
    stated = benchmark["lower_is_better"].flag
    return benchmark["metric"].text in _DISTANCES if stated is None else stated


def baselines_of(benchmark: Node) -> dict[str, Node]:
    """A benchmark's baselines by name; a lone ``baseline`` is one without an interval."""
    found = benchmark["baselines"].entries()
    lone = benchmark["baseline"].number
    return {"baseline": Node({"value": lone})} if not found and lone is not None else found


def benchmark_verdict(name: str, entry: Node) -> Verdict:
    """A benchmark beside its baselines, all of which answer without the image."""
    lower, mine = lower_is_better(entry), Estimate.read(entry)
    against = []
    for other, baseline in baselines_of(entry).items():
        theirs = Estimate.read(baseline, mine.scale)
        paired = Paired.read(baseline["paired"])
        verdict, by = judge(mine, theirs, paired, lower_is_better=lower)
        what = baseline["what"].text
        against.append(Comparison(other, theirs, verdict, what=what, paired=paired, by=by))
    title, metric = entry["title"].text or name, (entry["metric"].text or "").replace("_", " ")
    return Verdict("benchmark", name, title, metric, mine, lower, tuple(against))


def rollout_verdict(policies: Mapping[str, Node], model: str, split: str) -> Verdict:
    """The model's success rate on a half of the categories beside every other policy's."""
    mine = Estimate.read(policies[model][split], "share")
    against = []
    for name, policy in policies.items():
        if name != model:
            theirs = Estimate.read(policy[split], "share")
            paired = Paired.read(policy["paired"][model][split])
            verdict, by = judge(mine, theirs, paired)
            blind = is_non_visual(name, policy)
            against.append(Comparison(name, theirs, verdict, blind, paired=paired, by=by))
    return Verdict("rollout", split, f"rollouts, {split}", "success", mine, against=tuple(against))


def verdicts(report: Node) -> list[Verdict]:
    """Every benchmark, and both halves of the rollouts, beside each baseline.

    Args:
      report: report.json.
    """
    found = [benchmark_verdict(*item) for item in report["benchmarks"].entries().items()]
    policies, model = report["rollouts"].entries(), model_policy(report)
    if model in policies:
        found += [rollout_verdict(policies, model, split) for split in SPLITS]
    return found
