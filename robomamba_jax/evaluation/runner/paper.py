# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's own figures (arXiv 2406.04339), and tables in its layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import printable

COLUMNS = (
    *(("okvqa", "OKVQA"), ("vqav2", "VQAv2"), ("gqa", "GQA"), ("vizwiz", "VizWiz")),
    *(("ocrvqa", "OCR-VQA"), ("pope", "POPE"), ("mme", "MME"), ("mmbench", "MMB")),
    *(("mmvet", "MM-Vet"), ("robovqa4", "RoboVQA-4"), ("robovqa1", "RoboVQA-1")),
)

# Table 1 of both versions, Mamba-2.8B, in the order of COLUMNS; in per cent, but MME (of
# perception, at most 2000). The second version leaves OCR-VQA out, the first RoboVQA.
_TABLE_1 = {
    "paper v2, 224 px": (63.3, 79.6, 64.2, 57.1, None, 86.3, 1297.2, 60.9, 29.4, 42.8, 62.7),
    "paper v2, 336 px": (62.7, 77.7, 63.3, 58.1, None, 87.0, 1335.5, 60.7, 31.4, 41.8, 61.9),
    "paper v1, 224 px": (63.1, 80.3, 62.4, 55.0, 62.5, 85.3, 1314.8, 64.2, 28.6, None, None),
    "paper v1, 384 px": (62.4, 79.1, 64.4, 55.0, 66.7, 86.9, 1354.2, 65.7, 29.7, None, None),
}
PAPER: dict[str, dict[str, float]] = {
    name: {
        column: value for (column, _), value in zip(COLUMNS, row, strict=True) if value is not None
    }
    for name, row in _TABLE_1.items()
}
NOTE = (
    "The paper's VQA figures come from the repository's lenient match: compare them with "
    "scoring=official. Its POPE column does not say whether it is accuracy or F1."
)


def cells(results: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Column -> (figure, interval) as text, of results by benchmark."""
    found = {}
    for name, result in results.items():
        # MM-Vet without its judge has no headline, and no cell.
        figures, headline = result["figures"], result["headline"]
        if headline is None:
            continue
        if name == "robovqa":
            # The paper's two columns are of one form; which one it is, it does not say.
            form = headline.removesuffix("_bleu4")
            found["robovqa4"] = _cell(figures[f"{form}_bleu4"], percent=True)
            found["robovqa1"] = _cell(figures[f"{form}_bleu1"], percent=True)
        else:
            found[name] = _cell(figures[headline], percent=name != "mme")
    return found


def _cell(figure: Mapping[str, Any], *, percent: bool) -> tuple[str, str]:
    scale = 100 if percent else 1
    interval = figure["ci95"]
    shown = "" if interval is None else "-".join(f"{scale * end:.1f}" for end in interval)
    return f"{scale * figure['value']:.1f}", shown


def paper_rows(columns: list[str]) -> list[tuple[str, list[str]]]:
    """The paper's rows: (name, a figure per column, "-" where it has none)."""
    rows = []
    for name, row in PAPER.items():
        shown = [f"{row[column]:.1f}" if column in row else "-" for column in columns]
        rows.append((name, shown))
    return rows


def _cell_text(text: str) -> str:
    """A text as a cell of a Markdown table: on one line, and no border in it."""
    return printable(text).replace("|", "\\|")


def markdown(name: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """The paper's table with our row above its own, as Markdown."""
    mine = cells(results)
    columns = [column for column, _ in COLUMNS if column in mine]
    titles = [title for column, title in COLUMNS if column in mine]
    scoring = ", ".join(sorted({str(result["scoring"]) for result in results.values()}))
    rows = [
        (f"{_cell_text(name)} ({scoring})", [mine[column][0] for column in columns]),
        ("95 % interval", [mine[column][1] or "-" for column in columns]),
        *paper_rows(columns),
    ]
    lines = ["| model | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    lines += [f"| {label} | " + " | ".join(values) + " |" for label, values in rows]
    return "\n".join([*lines, "", NOTE, ""])


# Averages of Table 2, (seen, unseen).
AVERAGES = {
    "UMPNet": (0.34, 0.26),
    "FlowBot3D": (0.35, 0.30),
    "RoboFlamingo": (0.41, 0.43),
    "ManipLLM": (0.56, 0.51),
    "RoboMamba": (0.63, 0.53),
}


def _rates(text: str) -> dict[str, float]:
    pairs = (pair.split() for pair in text.split(","))
    return {category: float(rate) for category, rate in pairs}


# RoboMamba's row of Table 2. The paper shows icons; which category each is was read from them.
SEEN_RATES = _rates(
    "Safe .81, Door .73, Display .33, Refrigerator .85, Laptop .86, Lighter .60, Microwave .81, "
    "Mouse .42, Box .56, TrashCan .54, KitchenPot .68, Suitcase .81, Pliers .26, "
    "StorageFurniture .86, Remote .39, Bottle .91, FoldingChair .40, Toaster .55, Lamp .37, "
    "Dispenser .80"
)
UNSEEN_RATES = _rates(
    "Toilet .19, Scissors .23, Table .67, Stapler .66, Kettle .57, USB .45, Switch .65, "
    "WashingMachine .68, Faucet .30, Phone .93"
)
ICONS_NOTE = "The paper's Table 2 heads its columns with icons; the names here were read from them."


def paper_tables() -> dict[str, Json]:
    """Both of the paper's tables: columns and rows, and what to know of them.

    Returns:
      {"table1": {"columns": [[key, title], ...], "rows": {name: {key: value}}, "notes": [...]},
      "table2": {"columns": {"seen": [...], "unseen": [...]}, "rows": {name: {"seen": average,
      "unseen": average, "categories": {name: rate}}}, "notes": [...]}}.
    """
    categories: dict[str, dict[str, float]] = {"RoboMamba": {**SEEN_RATES, **UNSEEN_RATES}}
    methods = {
        name: {"seen": seen, "unseen": unseen, "categories": categories.get(name, {})}
        for name, (seen, unseen) in AVERAGES.items()
    }
    return {
        "table1": {
            "columns": [list(column) for column in COLUMNS],
            "rows": {name: dict(row) for name, row in PAPER.items()},
            "notes": [NOTE],
        },
        "table2": {
            "columns": {"seen": list(SEEN_RATES), "unseen": list(UNSEEN_RATES)},
            "rows": methods,
            "notes": [ICONS_NOTE],
        },
    }
