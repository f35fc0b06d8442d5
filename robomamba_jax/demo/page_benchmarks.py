# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: each figure with its interval, beside what can be had without looking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from robomamba_jax.demo.page_charts import (
    PERCENT,
    Axis,
    Mark,
    Row,
    axis_to,
    axis_until,
    legend,
    row_chart,
)
from robomamba_jax.demo.page_markup import (
    Child,
    Markup,
    folded,
    heading_of,
    join,
    paragraph,
    scrolling,
    section,
    table,
    tag,
)
from robomamba_jax.demo.page_numbers import (
    MISSING,
    NONE,
    figure_text,
    kind_of,
    whole,
)
from robomamba_jax.demo.verdicts import (
    BETTER,
    OVERLAP,
    WORSE,
    baselines_of,
    interval_of,
    mapping_of,
    number_of,
    verdicts,
)

WORDS = {
    BETTER: ("better", "good"),
    WORSE: ("worse", "bad"),
    OVERLAP: ("not apart", "soft"),
}
_MOST_SERIES = 5  # marks that can be told from each other


def verdict_word(verdict: str) -> Markup:
    """ "better", "worse", "not apart", or that it was not measured."""
    if verdict not in WORDS:
        return MISSING
    word, style = WORDS[verdict]
    return tag("span", word, class_=style)


def benchmarks(report: Mapping[str, Any]) -> Markup:
    """Chart, table with verdicts, and the details."""
    found = {name: mapping_of(e) for name, e in mapping_of(report.get("benchmarks")).items()}
    if not found:
        return section(
            "benchmarks", "Benchmarks", paragraph("Not measured in this run.", class_="missing")
        )
    intro = paragraph(
        "They have the names, files, prompts and scorers of the public benchmarks, and ask about "
        "the embedded world's own test scenes: other objects and other words than training saw. "
        "A baseline answers without looking at the picture. ",
        tag("em", "Better"),
        " and ",
        tag("em", "worse"),
        " are said where the two 95 % intervals do not touch; where they do, ",
        tag("em", "not apart"),
        ".",
    )
    return section(
        "benchmarks",
        "Benchmarks",
        intro,
        _charts(found),
        _table(report, found),
        _details(found),
    )


def _title(name: str, entry: Mapping[str, Any]) -> str:
    title = entry.get("title")
    return title if isinstance(title, str) and title else name


def _metric(entry: Mapping[str, Any]) -> str:
    metric = entry.get("metric")
    return metric.replace("_", " ") if isinstance(metric, str) else ""


def _series(found: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Baseline -> its mark, the same in all charts; 0 is the model."""
    names: dict[str, int] = {}
    for entry in found.values():
        for name in baselines_of(entry):
            names.setdefault(name, min(len(names) + 1, _MOST_SERIES - 1))
    return names


def _charts(found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """One chart for all that are shares; figures with another unit have an axis each."""
    series = _series(found)
    shares = {n: e for n, e in found.items() if kind_of(e) == "percent" and _measured(e)}
    others = {n: e for n, e in found.items() if kind_of(e) != "percent" and _measured(e)}
    keys: list[tuple[int, str, Child]] = [(0, "point", "this model")]
    keys += [(number, "point", name) for name, number in series.items()]
    charts = [legend(keys)]
    if shares:
        rows = [_row(name, entry, series) for name, entry in shares.items()]
        charts.append(
            row_chart("Headlines in per cent, with 95 % intervals", [(None, rows)], PERCENT, "%")
        )
    for name, entry in others.items():
        caption = f"{_title(name, entry)}, {_metric(entry) or 'its own scale'}"
        row = _row(name, entry, series)
        charts.append(row_chart(caption, [(None, [row])], _own_axis(entry), ""))
    return tag("div", charts, class_="figure")


def _measured(entry: Mapping[str, Any]) -> bool:
    return number_of(entry.get("value")) is not None


def _own_axis(entry: Mapping[str, Any]) -> Axis:
    """From 0 to the best that can be had, where that is known, else beyond all that is drawn."""
    best = number_of(entry.get("best"))
    if best is not None and best > 0:
        return axis_until(best)
    ends = [number_of(e.get("value")) or 0.0 for e in (entry, *baselines_of(entry).values())]
    for other in (entry, *baselines_of(entry).values()):
        ends += interval_of(other) or ()
    return axis_to(max(ends))


def _row(name: str, entry: Mapping[str, Any], series: Mapping[str, int]) -> Row:
    value = number_of(entry.get("value"))
    assert value is not None  # _measured
    marks = [Mark(0, value, interval_of(entry))]
    for other, baseline in baselines_of(entry).items():
        known = number_of(baseline.get("value"))
        if known is not None:
            marks.append(Mark(series[other], known, interval_of(baseline)))
    lower = tag("small", "less is better") if _lower(entry) else None
    label = join(_title(name, entry), " ", tag("small", _metric(entry)), " ", lower)
    return Row(label, marks, figure_text(entry, kind_of(entry)))


def _lower(entry: Mapping[str, Any]) -> bool:
    return bool(verdicts({"benchmarks": {"x": entry}})[0]["lower_is_better"])


def _table(report: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """A body per benchmark, a line per baseline."""
    judged = {row["name"]: row for row in verdicts(report) if row["group"] == "benchmark"}
    caption = "Every figure beside each of its baselines"
    columns = ("benchmark", "questions", "this model", "baseline", "its figure", "this model is")
    head = tag("thead", tag("tr", [tag("th", name, scope="col") for name in columns]))
    known = _meanings(found)
    bodies = [_body(name, entry, judged[name], known) for name, entry in found.items()]
    whole_table = tag("table", heading_of(caption), head, bodies, class_="grouped")
    meant = [join(tag("em", name), ": ", what, ". ") for name, what in _meanings(found).items()]
    return join(scrolling(whole_table, caption), paragraph(meant, class_="soft") if meant else None)


def _meanings(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What a baseline mostly is: said once, below the table; exceptions say so themselves."""
    meant: dict[str, Counter[str]] = {}
    for entry in found.values():
        for name, baseline in baselines_of(entry).items():
            what = baseline.get("what")
            meant.setdefault(name, Counter())[what if isinstance(what, str) else ""] += 1
    usual = {}
    for name, counts in meant.items():
        what, times = counts.most_common(1)[0]
        if what and 2 * times > counts.total():
            usual[name] = what
    return usual


def _body(
    name: str, entry: Mapping[str, Any], judged: Mapping[str, Any], known: Mapping[str, str]
) -> Markup:
    kind = kind_of(entry)
    against: Sequence[Mapping[str, Any]] = judged["against"]
    span = str(max(1, len(against)))
    mine = figure_text(entry, kind) if _measured(entry) else _unmeasured(name)
    label = join(_title(name, entry), " ", tag("small", _metric(entry)))
    first = [
        tag("th", label, scope="rowgroup" if len(against) > 1 else "row", rowspan=span),
        tag("td", whole(entry.get("n")), rowspan=span, class_="n"),
        tag("td", mine, rowspan=span),
    ]
    theirs = baselines_of(entry)
    lines = [_baseline(row, theirs[row["name"]], kind, known) for row in against]
    if not lines:
        lines = [[tag("td", "no baseline", class_="missing"), tag("td", NONE), tag("td", NONE)]]
    return tag("tbody", [tag("tr", first if k == 0 else None, row) for k, row in enumerate(lines)])


def _unmeasured(name: str) -> Markup:
    """MM-Vet alone has a reason that is always the same."""
    if name == "mmvet":
        return join(MISSING, " ", tag("small", "(needs a judge)"))
    return MISSING


def _baseline(
    row: Mapping[str, Any], baseline: Mapping[str, Any], kind: str, known: Mapping[str, str]
) -> list[Markup]:
    what = baseline.get("what")
    usual = what == known.get(row["name"])
    what = tag("small", what) if isinstance(what, str) and what and not usual else None
    shown = tag("td", row["name"], " ", what)
    return [shown, tag("td", figure_text(baseline, kind)), tag("td", verdict_word(row["verdict"]))]


def _details(found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """All further figures and groups, folded."""
    blocks = []
    for name, entry in found.items():
        rows = [_figure_row(key, value) for key, value in mapping_of(entry.get("figures")).items()]
        parts = []
        if rows:
            columns = ("figure", "value and 95 %", "n", "what it is")
            parts.append(table("All figures", columns, rows, numbers=(2,)))
        for kind, group in mapping_of(entry.get("groups")).items():
            rows = [_figure_row(key, value) for key, value in mapping_of(group).items()]
            if rows:
                columns = (kind, "value and 95 %", "n", "what it is")
                parts.append(table(f"By {kind}", columns, rows, numbers=(2,)))
        if parts:
            blocks.append(folded(f"{_title(name, entry)}: all figures", *parts))
    return join(blocks)


def _figure_row(name: str, value: Any) -> tuple[Child, ...]:
    entry = mapping_of(value)
    what = entry.get("what")
    return (
        name.replace("_", " "),
        figure_text(entry, kind_of(entry)),
        whole(entry.get("n")),
        what if isinstance(what, str) else "",
    )
