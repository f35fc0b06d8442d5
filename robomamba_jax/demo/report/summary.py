# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The report in a few sentences, made of its numbers: also what ``robomamba demo`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.demo.report.numbers import about, share, short_count
from robomamba_jax.demo.report.verdicts import (
    SPLITS,
    VARIANTS,
    Verdict,
    rollout_verdict,
    verdicts,
)
from robomamba_jax.utils.json_types import Json

# Not part of the way from nothing to a judged model.
ASIDE = frozenset({"ablations"})


def total_seconds(report: Node, key: str = "seconds") -> float | None:
    """All phases from the data to the page, taken or (by ``budget``) allowed; ablations aside."""
    known = [value for name, value in report[key].numbers().items() if name not in ASIDE]
    return sum(known) if known else None


def parameters(report: Node) -> float | None:
    """Of the whole model."""
    known = report["model"]["parameters"].numbers().values()
    return sum(known) if known else None


def title(report: Node) -> str:
    """The page's heading."""
    if report["mode"].raw == "smoke":
        return "RoboMamba: a smoke run"
    seconds = total_seconds(report)
    return "RoboMamba, trained here" if seconds is None else f"RoboMamba in {about(seconds)}"


def checkpoint(report: Mapping[str, Json]) -> str:
    """Where the finished model lies; empty where the report does not say."""
    return Node(report)["model"]["checkpoint"].text or ""


def begins(name: str, tokens: float, encoder: str | None = None) -> str:
    """What a demo begins with, in words.

    Args:
      name: of the shipped parts; "scratch" = there are none.
      tokens: that their language model has read.
      encoder: the name of somebody else's encoder; None = there is none of that kind.
    """
    if name != "scratch":
        return (
            f"begins with {name}: an encoder and a language model that were trained before, as "
            f"the paper begins with CLIP and Mamba ({short_count(tokens)} tokens)"
        )
    if encoder is not None:
        return f"begins with {encoder} and a language model from scratch"
    return (
        "begins from scratch: encoder and language model are trained here, on the demo\u2019s own "
        "training set, before stage 1"
    )


def began(report: Node) -> str | None:
    """``begins`` of a report; None of older ones, which do not say."""
    name = report["start"]["name"].text
    if name is None:
        return None
    # Where nothing was trained for the encoder, and nothing shipped, it is somebody else's.
    vision = report["pretraining"]["vision"]
    ready = "a ready encoder" if vision["steps"].number == 0 else None
    return begins(name, report["start"]["tokens"].number or 0, ready)


def verdict_sentences(report: Mapping[str, Json]) -> list[str]:
    """What came of it, as plain text: the poses, what they are worth, the answers.

    The first sentence is the result; the others say how it compares with knowing nothing.

    Args:
      report: the content of report.json.
    """
    return sentences(Node(report))


def sentences(report: Node) -> list[str]:
    """See ``verdict_sentences``."""
    judged = verdicts(report)
    halves = {row.name: row for row in judged if row.group == "rollout"}
    found = [
        *(_success(report, halves), _against_baselines(halves)),
        *(_variant(report), _answers(judged)),
    ]
    return [sentence for sentence in found if sentence]


def _success(report: Node, halves: Mapping[str, Verdict]) -> str:
    rates = [
        f"{share(halves[split].estimate.value or 0.0, 2)} on {split} categories"
        for split in SPLITS
        if split in halves and halves[split].estimate.value is not None
    ]
    if not rates:
        return "No poses were executed in this run: the manipulation success rate was not measured."
    seconds, count = total_seconds(report), parameters(report)
    cores = report["machine"]["cores"].number
    where = "" if cores is None else f" on {cores:.0f} core{'s' if cores != 1 else ''}"
    when = "" if seconds is None else f"after {about(seconds)}{where}, "
    who = "a RoboMamba" if count is None else f"a RoboMamba of {short_count(count)} parameters"
    start = f"{when}{who}"
    reached = " and ".join(rates)
    # Whichever part comes first begins the sentence.
    return f"{start[0].upper()}{start[1:]} reaches a manipulation success rate of {reached}."


def _against_baselines(halves: Mapping[str, Verdict]) -> str:
    """The poses beside the best policy that does not look."""
    best = {name: row.best_non_visual for name, row in halves.items()}
    rates = [
        f"{share(row.other.value or 0.0, 2)} ({name})"
        for name, row in best.items()
        if row is not None
    ]
    if not rates:
        return ""
    text = f"The best non-visual baseline reaches {' and '.join(rates)}"
    won = [name for name, row in halves.items() if row.above_all is True]
    lost = [name for name, row in halves.items() if row.above_all is False]
    if won and lost:
        return f"{text}; the difference is significant on {won[0]} categories only."
    if won:
        return f"{text}; the difference is significant."
    if lost:
        return f"{text}; the model is not significantly above it."
    return f"{text}; without intervals the two cannot be told apart."


def _variant(report: Node) -> str:
    """The model whose stage 2 saw assemblies too, on categories that were never seen."""
    policies = report["rollouts"].entries()
    for name in VARIANTS:
        if name not in policies:
            continue
        row = rollout_verdict(policies, name, "unseen")
        if row.estimate.value is None:
            continue
        text = (
            "With random assemblies in its stage 2, which is not the paper\u2019s protocol, it "
            f"reaches {share(row.estimate.value, 2)} on unseen categories"
        )
        # Beside those that do not look: the model itself is another row of the table.
        if row.above_all is None:
            return f"{text}."
        told = {
            True: "that is significantly above every non-visual baseline",
            False: "not every non-visual baseline is significantly below that",
        }
        return f"{text}; {told[row.above_all]}."
    return ""


def compared(judged: Sequence[Verdict]) -> list[Verdict]:
    """The benchmarks of which it can be told whether they are above their baselines."""
    return [row for row in judged if row.group == "benchmark" and row.above_all is not None]


def _answers(judged: Sequence[Verdict]) -> str:
    """How many benchmarks it answers better than without looking."""
    # Those without an interval on either side are no comparison.
    told = compared(judged)
    if not told:
        return "Its answers were not compared with baselines in this run."
    won = sum(row.above_all is True for row in told)
    every = f"all {len(told)}" if won == len(told) else f"{won} of {len(told)}"
    noun = "benchmark" if len(told) == 1 else "benchmarks"
    return f"The model is significantly better than every non-visual baseline in {every} {noun}."
