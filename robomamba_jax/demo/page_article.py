# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The article's two tables with our row on top, which must not be read as a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.article import article
from robomamba_jax.demo.page_lead import parameters
from robomamba_jax.demo.page_markup import (
    Child,
    Markup,
    heading_of,
    join,
    paragraph,
    scrolling,
    section,
    tag,
)
from robomamba_jax.demo.page_numbers import (
    NONE,
    UNMEASURED,
    interval_text,
    kind_of,
    scaled_text,
    share,
    short_count,
)
from robomamba_jax.demo.verdicts import SPLITS, mapping_of, model_policy, number_of, rate_entry

_MME = "perception"
_ROBOVQA = {"robovqa4": "bleu4", "robovqa1": "bleu1"}


def beside_the_article(report: Mapping[str, Any]) -> Markup:
    """Both tables."""
    printed = mapping_of(report.get("paper")) or article()
    warning = tag(
        "p",
        tag("strong", "Not comparable. "),
        "The article's layout, so that one can see where each figure belongs. The rows of this run "
        "are figures of the embedded world: other pictures, other questions, other objects, other "
        f"physics, and a model of {_our_size(report)} where the article\u2019s language model "
        "alone has 2.8 billion. Neither row says anything about the other. A dash: no figure.",
        class_="note",
    )
    return section(
        "article",
        "The article\u2019s layout",
        warning,
        _table1(report, mapping_of(printed.get("table1"))),
        _table2(report, mapping_of(printed.get("table2"))),
    )


def _our_size(report: Mapping[str, Any]) -> str:
    count = parameters(report)
    return "another size" if count is None else f"{short_count(count)} parameters"


def our_cells(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Table 1's column -> (figure, interval).

    RoboVQA's two columns are two of its figures, and MME's is the points of perception, whichever
    figure of them is the report's headline.
    """
    cells: dict[str, tuple[str, str]] = {}
    for name, value in mapping_of(report.get("benchmarks")).items():
        entry = mapping_of(value)
        if name == "mme" and entry.get("metric") != _MME:
            _fill(cells, name, mapping_of(mapping_of(entry.get("figures")).get(_MME)))
            continue
        if name != "robovqa":
            _fill(cells, name, entry)
            continue
        metric = entry.get("metric")
        form = metric.rpartition("_")[0] if isinstance(metric, str) else ""
        for column, ending in _ROBOVQA.items():
            key = f"{form}_{ending}" if form else ending
            known = mapping_of(mapping_of(entry.get("figures")).get(key))
            _fill(cells, column, entry if metric == key else known)
    return cells


def _fill(cells: dict[str, tuple[str, str]], column: str, entry: Mapping[str, Any]) -> None:
    value = number_of(entry.get("value"))
    if value is not None:
        kind = kind_of(entry)
        cells[column] = scaled_text(value, kind), interval_text(entry, kind)


def _our_name(report: Mapping[str, Any]) -> str:
    preset = mapping_of(report.get("model")).get("preset")
    return f"this run ({preset}), embedded world" if preset else "this run, embedded world"


def _table1(report: Mapping[str, Any], printed: Mapping[str, Any]) -> Markup:
    pairs = printed.get("columns")
    pairs = pairs if isinstance(pairs, list) else []
    columns = [(str(p[0]), p[1]) for p in pairs if isinstance(p, list | tuple) and len(p) == 2]
    mine = our_cells(report)
    ours = [
        join(mine[key][0], _under(mine[key][1])) if key in mine else UNMEASURED
        for key, _ in columns
    ]
    lines = [_line(_our_name(report), ours, "ours")]
    for name, row in mapping_of(printed.get("rows")).items():
        values = [number_of(mapping_of(row).get(key)) for key, _ in columns]
        lines.append(_line(name, [NONE if v is None else f"{v:.1f}" for v in values]))
    caption = "Table 1: understanding and reasoning (per cent; MME in points)"
    return _printed(caption, [title for _, title in columns], lines, printed.get("notes"))


def _under(interval: str) -> Markup | None:
    return tag("small", interval) if interval else None


def _line(name: Child, values: list[Child], style: str | None = None) -> Markup:
    cells = [tag("td", value, class_="n") for value in values]
    return tag("tr", tag("th", name, scope="row"), cells, class_=style)


def _printed(
    caption: str, columns: list[Any], lines: list[Markup], notes: Any, style: str = ""
) -> Markup:
    head = [tag("th", tag("span", title), scope="col", class_="n") for title in columns]
    whole = tag(
        "table",
        heading_of(caption),
        tag("thead", tag("tr", tag("th", "model", scope="col"), head)),
        tag("tbody", lines),
        class_=f"printed {style}".strip(),
    )
    texts = notes if isinstance(notes, list) else []
    return join(scrolling(whole, caption), [paragraph(text, class_="soft") for text in texts])


def _table2(report: Mapping[str, Any], printed: Mapping[str, Any]) -> Markup:
    rollouts, model = mapping_of(report.get("rollouts")), model_policy(report)
    ours = mapping_of(rollouts.get(model or ""))
    theirs = mapping_of(printed.get("rows"))
    blocks = []
    for split in SPLITS:
        names = mapping_of(printed.get("columns")).get(split)
        columns = [str(name) for name in names] if isinstance(names, list) else []
        rates = {name: rate_entry(entry) for name, entry in _of(ours, "categories").items()}
        lines = [_rates(_our_name(report), columns, rates, rate_entry(ours.get(split)), "ours")]
        for name, row in theirs.items():
            known = {key: {"value": v} for key, v in _of(mapping_of(row), "categories").items()}
            average = {"value": mapping_of(row).get(split)}
            lines.append(_rates(name, columns, known, average, None))
        caption = f"Table 2, {split} kinds of objects: success"
        notes = printed.get("notes") if split == SPLITS[-1] else None
        blocks.append(_printed(caption, [*columns, "average"], lines, notes, "upright"))
    return join(blocks)


def _of(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return mapping_of(entry.get(name))


def _rates(
    name: str,
    columns: list[str],
    rates: Mapping[str, Mapping[str, Any]],
    average: Mapping[str, Any],
    style: str | None,
) -> Markup:
    entries = [*(rates.get(column, {}) for column in columns), average]
    values = [number_of(entry.get("value")) for entry in entries]
    dash = NONE if style is None else UNMEASURED
    shown: list[Child] = [dash if value is None else share(value, 2) for value in values]
    return _line(name, [*shown[:-1], tag("b", shown[-1])], style)
