# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark's result as tables in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from robomamba_jax.cli.terminal import plain_console, table
from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from rich.console import Console

_MOST_PROBLEMS = 5
_MOST_ROWS = 40


def print_result(result: dict[str, Any], out: Path) -> None:
    """Metrics with intervals, groups, the paper's table, what went wrong, and where files lie."""
    console = plain_console(120)
    said = f"{result['benchmark']}, scoring={result['scoring']}: {result['answered']} of "
    said += f"{result['questions']} questions answered by {result['answers_from']}"
    console.print(printable(said), soft_wrap=True)
    for note in result["notes"]:
        console.print(printable(f"note: {note}"))
    tables = {"": result["figures"], **result["groups"]}
    for title, figures in tables.items():
        if not figures:
            continue
        columns = ("", "value", "95 %", "n", *(() if title else ("what",)))
        rows = []
        # GQA alone has a hundred question types: the rest is in the file.
        for name, figure in list(figures.items())[:_MOST_ROWS]:
            star = " *" if not title and name == result["headline"] else ""
            what = () if title else (figure["what"],)
            rows.append((printable(f"{name}{star}"), *_numbers(figure), str(figure["n"]), *what))
        console.print(table(columns, rows, title=title or None, fold=("what",)))
        if len(figures) > _MOST_ROWS:
            console.print(f"{len(figures) - _MOST_ROWS} more rows are in results.json")
    for scoring, other in result["also"].items():
        value, interval = _numbers(other)
        console.print(
            f"the same answers, scoring={scoring}: {other['headline']} {value} ({interval})"
        )
    _print_paper(console, result)
    _print_problems(console, result)
    if "against" in result:
        console.print(printable(result["against"]["words"]))
    names = ["results.json", *result["submission"]]
    names += [name for name in ("wrong.html", "table.md") if (out / name).is_file()]
    console.print(printable(f"in {out}: {', '.join(names)}"), soft_wrap=True)


def _print_paper(console: Console, result: dict[str, Any]) -> None:
    """Our metrics above the paper's."""
    from robomamba_jax.evaluation.runner import paper

    mine = paper.cells({result["benchmark"]: result})
    columns = [column for column, _ in paper.COLUMNS if column in mine]
    if not columns:
        return
    titles = ("model", *(name for column, name in paper.COLUMNS if column in mine))
    rows = [
        ("this one", *(mine[column][0] for column in columns)),
        ("95 %", *(mine[column][1] or "-" for column in columns)),
        *((name, *values) for name, values in paper.paper_rows(columns)),
    ]
    console.print(table(titles, rows, title="beside the paper"))


def _print_problems(console: Console, result: dict[str, Any]) -> None:
    problems = list(result["problems"].items())
    if problems:
        console.print(f"{len(problems)} questions were left out:")
    for key, why in problems[:_MOST_PROBLEMS]:
        console.print(printable(f"  {key}: {why}"))


def _numbers(figure: dict[str, Any]) -> tuple[str, str]:
    """Value and interval, shares times 100."""
    # Files hold shares; papers print percent.
    scale, sign = (100, " %") if figure["percent"] else (1, "")
    value = f"{scale * figure['value']:.2f}{sign}"
    interval = figure["ci95"]
    if interval is None:
        return value, "-"
    return value, " .. ".join(f"{scale * end:.2f}" for end in interval)
