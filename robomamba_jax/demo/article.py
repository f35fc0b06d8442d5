# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the article prints (arXiv 2406.04339), for its layout beside a report's figures."""

from __future__ import annotations

from typing import Any

from robomamba_jax.evaluation.runner.paper import COLUMNS, NOTE, PAPER

# Averages of Table 2, (seen, unseen).
AVERAGES = {
    "UMPNet": (0.34, 0.26),
    "FlowBot3D": (0.35, 0.30),
    "RoboFlamingo": (0.41, 0.43),
    "ManipLLM": (0.56, 0.51),
    "RoboMamba": (0.63, 0.53),
}

# RoboMamba's row of Table 2. The article shows icons; which category each is was read from them.
SEEN = {
    "Safe": 0.81,
    "Door": 0.73,
    "Display": 0.33,
    "Refrigerator": 0.85,
    "Laptop": 0.86,
    "Lighter": 0.60,
    "Microwave": 0.81,
    "Mouse": 0.42,
    "Box": 0.56,
    "TrashCan": 0.54,
    "KitchenPot": 0.68,
    "Suitcase": 0.81,
    "Pliers": 0.26,
    "StorageFurniture": 0.86,
    "Remote": 0.39,
    "Bottle": 0.91,
    "FoldingChair": 0.40,
    "Toaster": 0.55,
    "Lamp": 0.37,
    "Dispenser": 0.80,
}
UNSEEN = {
    "Toilet": 0.19,
    "Scissors": 0.23,
    "Table": 0.67,
    "Stapler": 0.66,
    "Kettle": 0.57,
    "USB": 0.45,
    "Switch": 0.65,
    "WashingMachine": 0.68,
    "Faucet": 0.30,
    "Phone": 0.93,
}
ICONS = "The article's Table 2 heads its columns with icons; the names here were read from them."


def article() -> dict[str, Any]:
    """The ``paper`` of report.json: both tables' columns and rows, and what to know of them.

    Returns:
      {"table1": {"columns": [[key, title], ...], "rows": {name: {key: value}}, "notes": [...]},
      "table2": {"columns": {"seen": [...], "unseen": [...]}, "rows": {name: {"seen": average,
      "unseen": average, "categories": {name: rate}}}, "notes": [...]}}.
    """
    methods: dict[str, Any] = {
        name: {"seen": seen, "unseen": unseen, "categories": {}}
        for name, (seen, unseen) in AVERAGES.items()
    }
    methods["RoboMamba"]["categories"] = {**SEEN, **UNSEEN}
    return {
        "table1": {
            "columns": [list(column) for column in COLUMNS],
            "rows": {name: dict(row) for name, row in PAPER.items()},
            "notes": [NOTE],
        },
        "table2": {
            "columns": {"seen": list(SEEN), "unseen": list(UNSEEN)},
            "rows": methods,
            "notes": [ICONS],
        },
    }
