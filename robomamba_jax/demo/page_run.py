# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the run was made of: data, time and memory, versions, how to do it again, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.page_charts import Mark, Row, axis_to, legend, row_chart
from robomamba_jax.demo.page_lead import total_seconds
from robomamba_jax.demo.page_markup import Child, Markup, join, paragraph, section, table, tag
from robomamba_jax.demo.page_numbers import MISSING, NONE, duration, size_text, whole
from robomamba_jax.demo.verdicts import mapping_of, number_of

PHASES = {
    "data": "data",
    "pretraining": "pretraining",
    "features": "features of frozen parts",
    "align": "stage 1.1, alignment",
    "instruct": "stage 1.2, instructions",
    "manipulate": "stage 2, manipulation",
    "evaluation": "benchmarks",
    "rollouts": "closed loop",
    "report": "report",
    "ablations": "ablations",
}

LIMITS = (
    "The world is drawn by programs: thirty kinds of objects in plain colours, from thirty "
    "generators. Test objects come from the same generators with other numbers, and the unseen "
    "kinds were built by the same hands as the seen. Nothing here says how the model would do on "
    "a photograph.",
    "Questions and answers are made from sentence patterns. Test questions use wordings that were "
    "held out, of the same lists. The model answers in that language and cannot converse.",
    "The benchmarks carry public names because files, prompts and scorers are the real ones. The "
    "questions are not: no figure here may be put beside a published one.",
    "In the closed loop a gripper flies freely: there is no arm and no gravity; its force is "
    "limited, and joints resist. A pose that works here may fail on a robot, and the reverse.",
    "One run, one seed. Intervals tell how much the test questions and trials could have differed, "
    "not how much another training run could have.",
    "Without a language model as a judge MM-Vet has no figure; its answers are written for one.",
)


def data(report: Mapping[str, Any]) -> Markup:
    """Counts, and that training and test share nothing."""
    found = mapping_of(report.get("data"))
    halves = {name: mapping_of(found.get(name)) for name in ("train", "test")}
    rows: list[list[Child]] = [
        [key, *(whole(half.get(key)) for half in halves.values())]
        for key in ("poses", "images", "clips")
    ]
    records = [mapping_of(half.get("records")) for half in halves.values()]
    for name in dict.fromkeys(name for half in records for name in half):
        counts = [whole(half[name]) if name in half else NONE for half in records]
        rows.append([join("records of ", tag("code", name)), *counts])
    caption = "What was generated"
    numbers = table(caption, ("count of", "training", "test"), rows, numbers=(1, 2))
    return section("data", "Data", _disjoint(mapping_of(found.get("disjoint"))), numbers)


def _disjoint(found: Mapping[str, Any]) -> Markup:
    common = number_of(found.get("common"))
    start = "Training and test share no object: "
    if common is None:
        return paragraph("Whether training and test share objects: ", MISSING, ".")
    train, test = whole(found.get("train_instances")), whole(found.get("test_instances"))
    if common:
        words = f"Training and test share {common:,.0f} objects, and should share none: a fault."
        return paragraph(words, class_="bad")
    counts = join(start, train, " in training, ", test, " in the test, none in both. ")
    wording = found.get("held_out_wording")
    more = {
        True: "Test instructions and questions use wordings that training does not.",
        False: "Test instructions use the wordings of training.",
    }
    said = more.get(wording) if isinstance(wording, bool) else None
    return paragraph(counts, said or join("Whether wordings were held out: ", MISSING, "."))


def time_and_memory(report: Mapping[str, Any]) -> Markup:
    """Each phase beside its budget."""
    spent, budget = mapping_of(report.get("seconds")), mapping_of(report.get("budget"))
    names = [*PHASES, *(name for name in spent if name not in PHASES)]
    # Far longer than all the rest, and not on the way to this model: in words, not in the chart.
    names.remove("ablations")
    rows, ends = [], [1.0]
    for name in names:
        took, allowed = number_of(spent.get(name)), number_of(budget.get(name))
        if took is None and allowed is None:
            continue
        marks = [] if took is None else [Mark(0, took / 60, None, "bar")]
        if allowed is not None:
            marks.append(Mark(1, allowed / 60, None, "tick"))
        ends += [value / 60 for value in (took, allowed) if value is not None]
        rows.append(Row(PHASES.get(name, name), marks, _spent(took, allowed)))
    if rows:
        keys: list[tuple[int, str, Child]] = [(0, "bar", "took")]
        if any(number_of(value) is not None for value in budget.values()):
            keys.append((1, "tick", "budget"))
        caption = "Minutes by phase"
        chart = row_chart(caption, [(None, rows)], axis_to(max(ends)), "minutes")
        shown: Markup = tag("div", legend(keys), chart, class_="figure")
    else:
        shown = paragraph("Times were not measured.", class_="missing")
    return section("time", "Time and memory", _totals(report), shown)


def _spent(took: float | None, allowed: float | None) -> Markup:
    words = MISSING if took is None else tag("b", duration(took))
    limit = None if allowed is None else tag("small", " of ", duration(allowed))
    over = took is not None and allowed is not None and took > allowed
    return tag("span", words, limit, tag("small", " over budget", class_="bad") if over else None)


def _totals(report: Mapping[str, Any]) -> Markup:
    machine = mapping_of(report.get("machine"))
    memory = number_of(machine.get("memory_gib"))
    has = "" if memory is None else f" of the machine\u2019s {memory:.0f} GiB"
    more = number_of(mapping_of(report.get("seconds")).get("ablations"))
    aside = None if more is None else join(" The ablations took another ", duration(more), ".")
    return paragraph(
        "All phases together took ",
        duration(total_seconds(report)),
        ". The largest process held ",
        size_text(report.get("peak_rss")),
        " of memory at most",
        has,
        ".",
        aside,
    )


def again(report: Mapping[str, Any]) -> Markup:
    """Machine, versions, and the commands."""
    return section(
        "again",
        "To do it again",
        tag("dl", _facts(report), class_="facts"),
        tag("h3", "Commands"),
        map(_command, _commands(report)),
    )


def _facts(report: Mapping[str, Any]) -> list[Markup]:
    machine, git = mapping_of(report.get("machine")), mapping_of(report.get("git"))
    model = mapping_of(report.get("model"))
    cores, memory = number_of(machine.get("cores")), number_of(machine.get("memory_gib"))
    size = [f"{cores:.0f} cores" if cores else None, f"{memory:.1f} GiB" if memory else None]
    processor = [machine.get("processor"), *size]
    devices = machine.get("devices")
    devices = ", ".join(map(str, devices)) if isinstance(devices, list) and devices else None
    commit = git.get("commit")
    changed = " with uncommitted changes" if git.get("dirty") else ""
    versions = mapping_of(report.get("versions"))
    facts: dict[str, Child] = {
        "machine": ", ".join(str(part) for part in processor if part) or MISSING,
        "system": machine.get("system") or MISSING,
        "devices": devices or MISSING,
        "commit": join(tag("code", commit), changed) if commit else "not a git checkout",
        "versions": ", ".join(f"{name} {value}" for name, value in versions.items()) or MISSING,
        "checkpoint": _code(model.get("checkpoint")),
        "its sha256": _code(model.get("sha256")),
        "report": _code(report.get("schema")),
    }
    return [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]


def _code(value: Any) -> Markup:
    return tag("code", value) if isinstance(value, str) and value else MISSING


def _commands(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what for, the command); the report may bring its own."""
    given = report.get("commands")
    if isinstance(given, list) and given:
        rows = [mapping_of(row) for row in given]
        return [(str(row.get("what", "")), str(row.get("command", ""))) for row in rows]
    folder = mapping_of(report.get("model")).get("checkpoint")
    folder = folder if isinstance(folder, str) and folder else "runs/demo/manipulate/export"
    mode = report.get("mode")
    make = "make demo" if mode in (None, "standard") else f"make demo DEMO={mode}"
    return [
        ("The whole run", make),
        (
            "Ask the model about a picture",
            f".venv/bin/robomamba generate --checkpoint {folder} --image photo.jpg "
            "--prompt 'What is in the picture?'",
        ),
        (
            "Let it say where to pull",
            f".venv/bin/robomamba predict --checkpoint {folder} --image photo.jpg "
            "--instruction 'Open the microwave.' --json",
        ),
        (
            "Put it into the closed loop again",
            f".venv/bin/robomamba world rollout --checkpoint {folder} --episodes 50 "
            "--out runs/rollout",
        ),
    ]


def _command(pair: tuple[str, str]) -> Markup:
    what, command = pair
    return join(paragraph(what, class_="what"), tag("pre", tag("code", command), tabindex="0"))


def limits(report: Mapping[str, Any]) -> Markup:
    """What the figures do not say."""
    more = report.get("limits")
    texts = [*LIMITS, *(more if isinstance(more, list) else [])]
    return section("limits", "Limits", tag("ul", [tag("li", text) for text in texts]))
