# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a report's figures are worth: each beside what can be had without looking or learning.

A figure is better than another only if their 95 % intervals do not touch. That is stricter than
a test at 5 %: figures whose intervals touch may differ still, and we do not claim it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

BETTER, WORSE, OVERLAP, UNKNOWN = "better", "worse", "overlap", "unknown"

# None of these looks at the picture; one is told the category.
TRIVIAL_POLICIES = ("random", "prior", "prior-category")
# These ask the simulator for what a model must find out, or are not meant to succeed.
INFORMED_POLICIES = (
    "oracle",
    "flowbot3d",
    "umpnet",
    "center-normal",
    "part-normal",
    "part-random",
    "touch",
)
SPLITS = ("seen", "unseen")
# Headlines that are distances: the less, the better.
_DISTANCES = frozenset({"contact_pixels", "approach_degrees", "rotation_degrees"})


def mapping_of(value: Any) -> Mapping[str, Any]:
    """An object of the JSON; an empty one where there is none."""
    return value if isinstance(value, Mapping) else {}


def number_of(value: Any) -> float | None:
    """A finite number of the JSON, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def interval_of(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    """The 95 % interval of a figure, or None."""
    ends = entry.get("ci95")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    low, high = number_of(ends[0]), number_of(ends[1])
    return None if low is None or high is None else (min(low, high), max(low, high))


def compare(
    figure: Mapping[str, Any], other: Mapping[str, Any], *, lower_is_better: bool = False
) -> str:
    """Whether a figure is better than another.

    Args:
      figure: {"value", "ci95"}; without an interval nothing can be said.
      other: likewise; without an interval it is a number known exactly, such as a chance rate.
      lower_is_better: of distances.

    Returns:
      One of BETTER, WORSE, OVERLAP, UNKNOWN.
    """
    mine, theirs = interval_of(figure), interval_of(other)
    exact = number_of(other.get("value"))
    if theirs is None and exact is not None:
        theirs = exact, exact
    if mine is None or theirs is None:
        return UNKNOWN
    if mine[0] > theirs[1]:
        return WORSE if lower_is_better else BETTER
    if mine[1] < theirs[0]:
        return BETTER if lower_is_better else WORSE
    return OVERLAP


def rate_entry(entry: Any) -> dict[str, Any]:
    """A split or category as a figure; ``world rollout`` calls a split's rate "by_sample"."""
    found = mapping_of(entry)
    value = found.get("rate", found.get("by_sample"))
    return {"value": value, "ci95": found.get("ci95"), "n": found.get("n")}


def is_trivial(name: str, policy: Mapping[str, Any]) -> bool:
    """Whether a policy acts without looking; ``kind`` in the report decides where it is given."""
    kind = policy.get("kind")
    return kind == "trivial" if isinstance(kind, str) else name in TRIVIAL_POLICIES


def model_policy(report: Mapping[str, Any]) -> str | None:
    """The name under which the model stands among the policies."""
    rollouts = mapping_of(report.get("rollouts"))
    for name, policy in rollouts.items():
        if mapping_of(policy).get("kind") == "model":
            return name
    preset = mapping_of(report.get("model")).get("preset")
    if isinstance(preset, str) and preset in rollouts:
        return preset
    known = {*TRIVIAL_POLICIES, *INFORMED_POLICIES}
    others = [name for name in rollouts if name not in known]
    return others[0] if len(others) == 1 else None


def lower_is_better(benchmark: Mapping[str, Any]) -> bool:
    """Whether less is better: said by the report, else known of the headline."""
    said, metric = benchmark.get("lower_is_better"), benchmark.get("metric")
    if isinstance(said, bool):
        return said
    return isinstance(metric, str) and metric in _DISTANCES


def baselines_of(benchmark: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """A benchmark's baselines by name; a lone ``baseline`` is one without an interval."""
    found = {
        name: mapping_of(entry) for name, entry in mapping_of(benchmark.get("baselines")).items()
    }
    lone = number_of(benchmark.get("baseline"))
    if not found and lone is not None:
        return {"baseline": {"value": lone}}
    return found


def _verdict(
    group: str, name: str, title: str, figure: Mapping[str, Any], against: list[dict[str, Any]]
) -> dict[str, Any]:
    judged = [row["verdict"] for row in against if row["trivial"]]
    known = [word for word in judged if word != UNKNOWN]
    above = None
    if WORSE in known or OVERLAP in known:
        above = False
    elif known and len(known) == len(judged):
        above = True
    return {
        "group": group,
        "name": name,
        "title": title,
        "value": number_of(figure.get("value")),
        "ci95": interval_of(figure),
        "n": figure.get("n"),
        "against": against,
        "above_all": above,
    }


def _benchmark_verdict(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    lower = lower_is_better(entry)
    against = [
        {
            "name": other,
            "value": number_of(baseline.get("value")),
            "ci95": interval_of(baseline),
            "trivial": True,
            "verdict": compare(entry, baseline, lower_is_better=lower),
        }
        for other, baseline in baselines_of(entry).items()
    ]
    title = entry.get("title")
    found = _verdict("benchmark", name, title if isinstance(title, str) else name, entry, against)
    return {**found, "metric": entry.get("metric"), "lower_is_better": lower}


def _rollout_verdict(report: Mapping[str, Any], model: str, split: str) -> dict[str, Any]:
    rollouts = mapping_of(report.get("rollouts"))
    figure = rate_entry(mapping_of(rollouts.get(model)).get(split))
    against = []
    for name, policy in rollouts.items():
        if name == model:
            continue
        other = rate_entry(mapping_of(policy).get(split))
        against.append(
            {
                "name": name,
                "value": number_of(other["value"]),
                "ci95": interval_of(other),
                "trivial": is_trivial(name, mapping_of(policy)),
                "verdict": compare(figure, other),
            }
        )
    found = _verdict("rollout", split, f"closed loop, {split}", figure, against)
    return {**found, "metric": "success", "lower_is_better": False}


def verdicts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For every benchmark, and for both halves of the closed loop: beside each baseline.

    Args:
      report: the content of report.json.

    Returns:
      One dict per figure: ``group`` ("benchmark" or "rollout"), ``name``, ``title``, ``metric``,
      ``value``, ``ci95``, ``n``, ``lower_is_better``; ``against``: a list of {``name``, ``value``,
      ``ci95``, ``trivial``, ``verdict``}; and ``above_all``: True if it is better than every
      trivial baseline with intervals apart, False if it is not, None where it cannot be told.
    """
    benchmarks = mapping_of(report.get("benchmarks"))
    found = [_benchmark_verdict(name, mapping_of(entry)) for name, entry in benchmarks.items()]
    model = model_policy(report)
    if model is not None:
        found += [_rollout_verdict(report, model, split) for split in SPLITS]
    return found


def best_trivial(verdict: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The strongest of the trivial baselines of a verdict, or None."""
    known = [row for row in verdict["against"] if row["trivial"] and row["value"] is not None]
    sign = -1 if verdict["lower_is_better"] else 1
    return max(known, key=lambda row: sign * row["value"], default=None)
