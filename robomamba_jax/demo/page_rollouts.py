# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The closed loop: what came of the poses when they were carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.page_benchmarks import verdict_word
from robomamba_jax.demo.page_charts import SHARE, Mark, Row, legend, row_chart
from robomamba_jax.demo.page_markup import (
    Child,
    Markup,
    folded,
    join,
    paragraph,
    section,
    table,
    tag,
)
from robomamba_jax.demo.page_numbers import MISSING, NONE, figure_text, share, whole
from robomamba_jax.demo.verdicts import (
    SPLITS,
    UNKNOWN,
    interval_of,
    is_trivial,
    mapping_of,
    model_policy,
    number_of,
    rate_entry,
    verdicts,
)

# What the reference policies look at, where the report does not say.
_LOOKS_AT = {
    "oracle": "geometry",
    "flowbot3d": "geometry",
    "umpnet": "geometry",
    "center-normal": "part, normal",
    "part-normal": "part, normal",
    "part-random": "part",
    "prior-category": "category",
    "prior": "nothing",
    "random": "nothing",
    "touch": "geometry",
}


def rollouts(report: Mapping[str, Any]) -> Markup:
    """Policies beside each other, and the model's categories."""
    found = {n: mapping_of(e) for n, e in mapping_of(report.get("rollouts")).items()}
    if not found:
        missing = paragraph("Not measured in this run.", class_="missing")
        return section("loop", "The closed loop", missing)
    model = model_policy(report)
    intro = paragraph(
        "Every pose is carried out in the simulator, on test objects. A trial succeeds if a joint "
        "between the touched part and the base moves by 0.03 (or half of its range) and the "
        "contact goes the way of the pull; a pose off the movable parts is a failure. ",
        tag("em", "Seen"),
        " kinds of objects were in training, as other objects; ",
        tag("em", "unseen"),
        " kinds were neither shown nor named. Some policies know what a model has to find out: "
        "they are there to show what the task allows, not to be beaten.",
    )
    return section(
        "loop",
        "The closed loop",
        intro,
        _chart(found, model),
        _table(report, found, model),
        _categories(found, model),
    )


def _name(name: str, policy: Mapping[str, Any], model: str | None) -> Markup:
    title = policy.get("title")
    shown = tag("strong", name) if name == model else join(name)
    if isinstance(title, str) and title and title != name:
        return join(shown, " ", tag("small", title))
    return shown


def _chart(found: Mapping[str, Mapping[str, Any]], model: str | None) -> Markup:
    rows = []
    for name, policy in found.items():
        marks, words = [], []
        for split in SPLITS:
            entry = rate_entry(policy.get(split))
            rate = number_of(entry["value"])
            if rate is not None:
                series = SPLITS.index(split) + (0 if name == model else 2)
                marks.append(Mark(series, rate, interval_of(entry)))
            words.append(figure_text(entry, "share"))
        rows.append(Row(_name(name, {}, model), marks, join(words[0], tag("br"), words[1])))
    keys: list[tuple[int, str, Child]] = []
    if model is not None:
        keys += [(0, "point", f"{model}, seen kinds"), (1, "point", f"{model}, unseen kinds")]
    keys += [(2, "point", "others, seen kinds"), (3, "point", "others, unseen kinds")]
    caption = "Success by policy: seen kinds above, unseen kinds below, with 95 % intervals"
    chart = row_chart(caption, [(None, rows)], SHARE, "success")
    return tag("div", legend(keys), chart, class_="figure loop")


def _table(
    report: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]], model: str | None
) -> Markup:
    judged = {row["name"]: row for row in verdicts(report) if row["group"] == "rollout"}
    rows = [_policy_row(name, policy, model, judged) for name, policy in found.items()]
    columns = ("policy", "looks at", "trained", "seen", "n", "unseen", "n", "the model is")
    caption = "Success rates with 95 % intervals (Wilson)"
    return table(caption, columns, rows, numbers=(2, 4, 6))


def _policy_row(
    name: str,
    policy: Mapping[str, Any],
    model: str | None,
    judged: Mapping[str, Mapping[str, Any]],
) -> list[Child]:
    looks = policy.get("looks_at") or _LOOKS_AT.get(name)
    cells: list[Child] = [_name(name, policy, model)]
    cells += [looks if isinstance(looks, str) else MISSING, whole(policy.get("trained"))]
    for split in SPLITS:
        entry = rate_entry(policy.get(split))
        cells += [figure_text(entry, "share"), whole(entry["n"])]
    return [*cells, NONE if name == model else _relation(name, policy, judged)]


def _relation(
    name: str, policy: Mapping[str, Any], judged: Mapping[str, Mapping[str, Any]]
) -> Markup:
    """Beside this policy, on seen and on unseen kinds."""
    words = []
    for split in SPLITS:
        against = judged.get(split, {}).get("against", ())
        verdict = next((r["verdict"] for r in against if r["name"] == name), UNKNOWN)
        words.append(verdict_word(verdict))
    both = words[0] if words[0] == words[1] else join(words[0], " / ", words[1])
    if is_trivial(name, policy):
        return both
    # No praise and no blame beside who knows the answers.
    return tag("span", both, tag("small", " (it knows more)"), class_="aside")


def _categories(found: Mapping[str, Mapping[str, Any]], model: str | None) -> Markup:
    """A bar per kind of object; the rule that knows the category's mean pose is a stroke."""
    ours = mapping_of(found.get(model or "", {}).get("categories"))
    if not ours:
        missing = paragraph("Rates by kind of object: not measured.", class_="missing")
        return join(tag("h3", "By kind of object"), missing)
    rule = next((n for n in ("prior-category", "prior") if found.get(n, {}).get("categories")), "")
    theirs = mapping_of(found.get(rule, {}).get("categories"))
    charts, rows = [], []
    for split in SPLITS:
        chosen = {n: mapping_of(e) for n, e in ours.items() if mapping_of(e).get("split") == split}
        lines = [_category_row(n, entry, mapping_of(theirs.get(n))) for n, entry in chosen.items()]
        if lines:
            caption = f"{split.capitalize()} kinds ({len(lines)})"
            charts.append(row_chart(caption, [(None, lines)], SHARE, ""))
        rows += [_category_cells(n, e, mapping_of(theirs.get(n))) for n, e in chosen.items()]
    keys: list[tuple[int, str, Child]] = [(0, "bar", "this model, with its 95 % interval")]
    if theirs:
        keys.append((1, "tick", rule))
    columns = ("kind", "split", "trials", "this model", rule or "rule")
    folded_table = folded(
        "The same as a table", table("Success by kind of object", columns, rows, numbers=(2,))
    )
    pair = tag("div", charts, class_="pair")
    return join(
        tag("h3", "By kind of object"),
        tag("div", legend(keys), pair, class_="figure"),
        folded_table,
    )


def _category_row(name: str, entry: Mapping[str, Any], other: Mapping[str, Any]) -> Row:
    figure, tick = rate_entry(entry), number_of(rate_entry(other)["value"])
    rate = number_of(figure["value"])
    marks = [] if rate is None else [Mark(0, rate, interval_of(figure), "bar")]
    if tick is not None:
        marks.append(Mark(1, tick, None, "tick"))
    return Row(name, marks, MISSING if rate is None else tag("b", share(rate, 2)))


def _category_cells(name: str, entry: Mapping[str, Any], other: Mapping[str, Any]) -> list[Child]:
    shown = figure_text(rate_entry(other), "share") if other else NONE
    figure = figure_text(rate_entry(entry), "share")
    return [name, entry.get("split"), whole(entry.get("n")), figure, shown]
