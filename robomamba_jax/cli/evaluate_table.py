# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark's result as tables in a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from rich.console import Console

_MOST_PROBLEMS = 5
_MOST_ROWS = 40


def print_result(result: dict[str, Any], out: Path) -> None:
    """Metrics with intervals, groups, the paper's table, what went wrong, and where files lie."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # Redirected output has no width, for which rich takes 80 columns: too few for a metric's row.
    width = None if sys.stdout.isatty() else 120
    # Paths and names from files are shown as they are, whatever stands in them.
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    said = f"{result['benchmark']}, scoring={result['scoring']}: {result['answered']} of "
    said += f"{result['questions']} questions answered by {result['answers_from']}"
    console.print(printable(said), soft_wrap=True)
    for note in result["notes"]:
        console.print(printable(f"note: {note}"))
    tables = {"": result["figures"], **result["groups"]}
    for title, figures in tables.items():
        if not figures:
            continue
        table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
        for column in ("", "value", "95 %", "n"):
            table.add_column(column, no_wrap=True)
        if not title:
            table.add_column("what", overflow="fold")
        for name, figure in list(figures.items())[:_MOST_ROWS]:
            star = " *" if not title and name == result["headline"] else ""
            what = () if title else (figure["what"],)
            table.add_row(printable(f"{name}{star}"), *_numbers(figure), str(figure["n"]), *what)
        console.print(table)
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
    from rich import box
    from rich.table import Table

    from robomamba_jax.evaluation.runner import paper

    mine = paper.cells({result["benchmark"]: result})
    columns = [column for column, _ in paper.COLUMNS if column in mine]
    if not columns:
        return
    table = Table(title="beside the paper", title_justify="left", box=box.SIMPLE_HEAD)
    for title in ("model", *(name for column, name in paper.COLUMNS if column in mine)):
        table.add_column(title, no_wrap=True)
    table.add_row("this one", *(mine[column][0] for column in columns))
    table.add_row("95 %", *(mine[column][1] or "-" for column in columns))
    for name, values in paper.paper_rows(columns):
        table.add_row(name, *values)
    console.print(table)


def _print_problems(console: Console, result: dict[str, Any]) -> None:
    problems = list(result["problems"].items())
    if problems:
        console.print(f"{len(problems)} questions were left out:")
    for key, why in problems[:_MOST_PROBLEMS]:
        console.print(printable(f"  {key}: {why}"))


def _numbers(figure: dict[str, Any]) -> tuple[str, str]:
    """Value and interval, shares times 100."""
    scale, sign = (100, " %") if figure["percent"] else (1, "")
    value = f"{scale * figure['value']:.2f}{sign}"
    interval = figure["ci95"]
    if interval is None:
        return value, "-"
    return value, " .. ".join(f"{scale * end:.2f}" for end in interval)
