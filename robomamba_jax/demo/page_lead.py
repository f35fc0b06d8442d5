# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The report's first screen: title, verdict in a sentence, key figures; made from the numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.page_markup import Child, Markup, join, paragraph, section, tag
from robomamba_jax.demo.page_numbers import (
    MISSING,
    interval_text,
    share,
    short_count,
    size_text,
    small_percent,
)
from robomamba_jax.demo.verdicts import (
    SPLITS,
    best_trivial,
    mapping_of,
    model_policy,
    number_of,
    rate_entry,
    verdicts,
)

SMOKE = (
    "This was a smoke run: every part of the program ran, none for long enough to learn anything. "
    "Its figures show that the program works, and nothing about the model."
)
# Not part of the way from nothing to a judged model.
_ASIDE = frozenset({"ablations"})


def total_seconds(report: Mapping[str, Any]) -> float | None:
    """All phases from the data to this page; ablations are aside."""
    phases = mapping_of(report.get("seconds"))
    found = [number_of(value) for name, value in phases.items() if name not in _ASIDE]
    known = [value for value in found if value is not None]
    return sum(known) if known else None


def parameters(report: Mapping[str, Any]) -> float | None:
    """Of the whole model."""
    parts = mapping_of(mapping_of(report.get("model")).get("parameters"))
    known = [number for number in map(number_of, parts.values()) if number is not None]
    return sum(known) if known else None


def title(report: Mapping[str, Any]) -> str:
    """The page's heading."""
    if report.get("mode") == "smoke":
        return "RoboMamba: a smoke run"
    seconds = total_seconds(report)
    return "RoboMamba, trained here" if seconds is None else f"RoboMamba in {_about(seconds)}"


def _about(seconds: float) -> str:
    """Such as "19 minutes", "1.4 hours"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} second{'s' if round(seconds) > 1 else ''}"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def verdict_sentences(report: Mapping[str, Any]) -> list[str]:
    """What came of it, as plain text: the poses, what they are worth, the answers.

    The first is the verdict; the others say how it compares with knowing nothing.
    """
    judged = verdicts(report)
    halves = {row["name"]: row for row in judged if row["group"] == "rollout"}
    sentences = [_deed(report, halves)]
    compared = _against_rules(halves)
    if compared:
        sentences.append(compared)
    sentences.append(_answers(judged))
    return sentences


def _deed(report: Mapping[str, Any], halves: Mapping[str, Mapping[str, Any]]) -> str:
    rates = {name: row["value"] for name, row in halves.items() if row["value"] is not None}
    if not rates:
        return "No poses were carried out in this run: what they are worth was not measured."
    seconds, count = total_seconds(report), parameters(report)
    cores = number_of(mapping_of(report.get("machine")).get("cores"))
    where = "" if cores is None else f" on {cores:.0f} core{'s' if cores != 1 else ''}"
    when = "" if seconds is None else f"after {_about(seconds)}{where}, "
    who = "a RoboMamba" if count is None else f"a RoboMamba of {short_count(count)} parameters"
    start = f"{when}{who}"
    parts = []
    if "seen" in rates:
        parts.append(f"{share(rates['seen'], 2)} of the objects of kinds that it was trained on")
    if "unseen" in rates:
        parts.append(f"{share(rates['unseen'], 2)} of those of kinds that it had never seen")
    return f"{start[0].upper()}{start[1:]} pulls open {' and '.join(parts)}."


def _against_rules(halves: Mapping[str, Mapping[str, Any]]) -> str:
    """The poses beside the best rule that does not look."""
    best = {name: best_trivial(row) for name, row in halves.items()}
    rates = [f"{share(row['value'], 2)} ({name})" for name, row in best.items() if row is not None]
    if not rates:
        return ""
    text = f"The best rule that does not look at the picture reaches {' and '.join(rates)}"
    won = [name for name in halves if halves[name]["above_all"] is True]
    lost = [name for name in halves if halves[name]["above_all"] is False]
    if won and not lost:
        return f"{text}; the 95 % intervals lie apart."
    if lost and not won:
        return f"{text}; the model is not above it with 95 % intervals apart."
    if won and lost:
        return f"{text}; the 95 % intervals lie apart for {won[0]} kinds only."
    return f"{text}; without intervals the two cannot be told apart."


def _answers(judged: list[dict[str, Any]]) -> str:
    """How many benchmarks it answers better than without looking."""
    told = [row for row in judged if row["group"] == "benchmark" and row["above_all"] is not None]
    if not told:
        return "Its answers were not compared with baselines in this run."
    won = sum(row["above_all"] for row in told)
    every = f"all {len(told)}" if won == len(told) else f"{won} of {len(told)}"
    noun = "benchmark" if len(told) == 1 else "benchmarks"
    return f"The model is better than every trivial baseline, intervals apart, in {every} {noun}."


def header(report: Mapping[str, Any]) -> Markup:
    """Title, verdict, and where it comes from."""
    first, *rest = verdict_sentences(report)
    smoke = tag("p", SMOKE, class_="note") if report.get("mode") == "smoke" else None
    return tag(
        "header",
        tag("p", "robomamba_jax: report of a demo run", class_="over"),
        tag("h1", title(report)),
        smoke,
        tag("p", first, class_="lede"),
        paragraph(" ".join(rest)),
        _byline(report),
    )


def _byline(report: Mapping[str, Any]) -> Markup:
    mode, git = report.get("mode"), mapping_of(report.get("git"))
    parts: list[Child] = [f"mode {mode}" if mode else None, _finished(report.get("finished"))]
    if git.get("commit"):
        dirty = " with changes" if git.get("dirty") else ""
        parts.append(join("commit ", tag("code", str(git["commit"])[:10]), dirty))
    shown = [tag("span", part) for part in parts if part is not None]
    return tag("p", [join(part, " ") for part in shown], class_="byline")


def _finished(value: Any) -> str | None:
    """A date to read; what is none stands as it is."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return f"finished {value}"
    zone = " UTC" if moment.utcoffset() == dt.timedelta(0) else ""
    return f"finished {moment.day} {moment:%B %Y, %H:%M}{zone}"


def key_figures(report: Mapping[str, Any]) -> Markup:
    """Six numbers to remember."""
    rollouts = mapping_of(report.get("rollouts"))
    ours = mapping_of(rollouts.get(model_policy(report) or ""))
    plates = [_rate_plate(ours, split) for split in SPLITS]
    plates += [_answers_plate(report), _time_plate(report), _size_plate(report)]
    plates.append(_memory_plate(report))
    return section("short", "In short", tag("dl", plates, class_="plates"))


def _plate(value: Child, small: Child, what: Child) -> Markup:
    shown = join(tag("b", value), " ", tag("small", small) if small else None)
    return tag("div", tag("dt", what), tag("dd", MISSING if value is None else shown))


def _rate_plate(ours: Mapping[str, Any], split: str) -> Markup:
    entry = rate_entry(ours.get(split))
    rate = number_of(entry["value"])
    what = f"of objects of {split} kinds pulled open"
    if rate is None:
        return _plate(None, None, what)
    return _plate(share(rate, 2), interval_text(entry, "share"), what)


def _answers_plate(report: Mapping[str, Any]) -> Markup:
    told = [
        row
        for row in verdicts(report)
        if row["group"] == "benchmark" and row["above_all"] is not None
    ]
    what = "benchmarks better than every trivial baseline"
    if not told:
        return _plate(None, None, what)
    return _plate(sum(row["above_all"] for row in told), f"of {len(told)}", what)


def _time_plate(report: Mapping[str, Any]) -> Markup:
    seconds = total_seconds(report)
    budget = mapping_of(report.get("budget"))
    known = [number_of(value) for name, value in budget.items() if name not in _ASIDE]
    allowed = sum(value for value in known if value is not None)
    what = "from data to this page, training all three stages"
    if seconds is None:
        return _plate(None, None, what)
    value, _, unit = _about(seconds).partition(" ")
    if allowed:
        limit = _about(allowed)
        unit = f"of {limit} allowed" if limit.endswith(unit) else f"{unit} of {limit} allowed"
    return _plate(value, unit, what)


def _size_plate(report: Mapping[str, Any]) -> Markup:
    count = parameters(report)
    stage = mapping_of(mapping_of(report.get("stages")).get("manipulate"))
    part = number_of(stage.get("share"))
    what = "parameters" if part is None else f"parameters; stage 2 trains {small_percent(part)}"
    value, _, unit = ("", "", "") if count is None else short_count(count).partition(" ")
    return _plate(value or None, unit, what)


def _memory_plate(report: Mapping[str, Any]) -> Markup:
    peak = number_of(report.get("peak_rss"))
    if peak is None:
        return _plate(None, None, "memory of the largest process")
    value, _, unit = str(size_text(peak)).partition(" ")
    return _plate(value, unit, "memory of the largest process")
