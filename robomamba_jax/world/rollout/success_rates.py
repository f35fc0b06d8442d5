# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Counts of successes, with how sure they are."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from robomamba_jax.evaluation.metrics.intervals import wilson
from robomamba_jax.world.objects.categories import split_of
from robomamba_jax.world.sim.episodes import PAPER_JOINT, TrialVerdict

AT_PAPER = f"at_{PAPER_JOINT:g}"
"""The key of what the same trials are at the paper's threshold."""


def _counted(success: int, n: int) -> dict[str, Any]:
    rate = success / n if n else None
    return {"success": success, "rate": rate, "ci95": list(wilson(success, n))}


@dataclasses.dataclass
class CategoryCounts:
    """What happened in one category.

    Attributes:
      n: trials.
      success: that the thresholds call a success.
      paper: by the paper's text: a joint moved by more than .1 (``PAPER_JOINT``).
      initial: whose contact point moved by at least 1 cm (`Thresholds.initial`).
      long: by at least 10 cm.
      off_part: whose prediction missed the movable parts, which is a failure.
      failures: of the others, by reason.
      skipped: that could not be run, and are not among the trials.
    """

    n: int = 0
    success: int = 0
    paper: int = 0
    initial: int = 0
    long: int = 0
    off_part: int = 0
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    skipped: int = 0

    def add(self, verdict: TrialVerdict | None, why: str) -> None:
        """Count a trial; without a verdict the prediction missed the movable parts."""
        self.n += 1
        if verdict is None:
            self.off_part += 1
            return
        self.success += verdict.success
        self.paper += verdict.paper
        self.initial += verdict.initial
        self.long += verdict.long
        if not verdict.success:
            self.failures[why] += 1

    def to_json(self, name: str) -> dict[str, Any]:
        """As in the rollout's JSON."""
        return {
            "split": split_of(name),
            "n": self.n,
            "success": self.success,
            "rate": self.success / self.n if self.n else None,
            "ci95": list(wilson(self.success, self.n)),
            AT_PAPER: _counted(self.paper, self.n),
            "initial": self.initial,
            "long": self.long,
            "off_part": self.off_part,
            "failures": dict(sorted(self.failures.items())),
            "skipped": self.skipped,
        }


def averages(categories: dict[str, dict[str, Any]], split: str) -> dict[str, Any]:
    """A split's average over trials (as ManipLLM's code has it) and over categories."""
    # Categories without trials have no rate to average.
    chosen = [entry for entry in categories.values() if entry["split"] == split and entry["n"]]
    n = sum(entry["n"] for entry in chosen)
    return {
        "n": n,
        **_averaged(chosen, n),
        AT_PAPER: _averaged([entry[AT_PAPER] for entry in chosen], n),
    }


def _averaged(entries: Sequence[dict[str, Any]], n: int) -> dict[str, Any]:
    success = sum(entry["success"] for entry in entries)
    return {
        "success": success,
        "by_sample": success / n if n else None,
        "by_category": sum(entry["rate"] for entry in entries) / len(entries) if entries else None,
        "ci95": list(wilson(success, n)),
    }


def table(result: dict[str, Any]) -> list[str]:
    """A rollout's result as lines of text."""
    head = f"{'category':<18}{'split':<8}{'ok/n':>8}{'rate':>7}  {'95 %':<12}"
    head += f"{f'at {PAPER_JOINT:g}':>7}{'>=1cm':>6}{'>=10cm':>7}{'missed':>7}"
    lines = [head]
    for name, entry in result["categories"].items():
        low, high = entry["ci95"]
        count = f"{entry['success']}/{entry['n']}"
        rate = f"{entry['rate']:.2f}" if entry["n"] else "-"
        lines.append(
            f"{name:<18}{entry['split']:<8}{count:>8}{rate:>7}  "
            f"{f'{low:.2f}-{high:.2f}':<12}{entry[AT_PAPER]['success']:>7}"
            f"{entry['initial']:>6}{entry['long']:>7}{entry['off_part']:>7}"
        )
    for split in ("seen", "unseen"):
        mean = result[split]
        if mean["n"]:
            at = mean[AT_PAPER]
            low, high = mean["ci95"]
            lines.append(
                f"{split}: {mean['by_sample']:.3f} by sample ({low:.3f}-{high:.3f}), "
                f"{mean['by_category']:.3f} by category, {mean['n']} trials; joints moved by more "
                f"than {PAPER_JOINT:g}: {at['by_sample']:.3f}, {at['by_category']:.3f}"
            )
    return lines
