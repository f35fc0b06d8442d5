#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The reference policies' table, and whether the world tells methods apart as it should.

    robomamba world generate --out runs/world --samples 10000 --workers 2
    .venv/bin/python scripts/world_table.py --train runs/world --checkpoint runs/manipulate

Prints a table for docs/world.md; status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

REFERENCE_POLICIES = (
    "oracle",
    "flowbot3d",
    "umpnet",
    "center-normal",
    "part-normal",
    "part-random",
)
BLIND = ("prior-category", "prior", "random", "no_pull")


def row(result: dict[str, Any], seconds: float) -> str:
    """One line of the table."""
    cells = [result["policy"], f"{result['trained_parameters']:,}"]
    for split in ("seen", "unseen"):
        low, high = result[split]["ci95"]
        mean = result[split]
        cells.append(f"{mean['by_sample']:.3f} ({low:.3f}-{high:.3f})")
        cells.append(f"{mean['by_category']:.3f}")
    entries = result["categories"].values()
    total = sum(entry["n"] for entry in entries)
    keys = ("initial", "long", "off_part")
    cells += [f"{sum(entry[key] for entry in entries) / total:.2f}" for key in keys]
    cells.append(f"{1000 * seconds / total:.0f} ms")
    return "| " + " | ".join(cells) + " |"


def overall(result: dict[str, Any]) -> float:
    """Over all trials."""
    both = [result[split] for split in ("seen", "unseen")]
    return sum(part["success"] for part in both) / sum(part["n"] for part in both)


def faults(results: dict[str, dict[str, Any]], episodes: int) -> list[str]:
    """Every bar that is missed."""
    found = []
    for name, entry in results["oracle"]["categories"].items():
        if entry["rate"] < 0.9 or (episodes >= 50 and entry["ci95"][0] < 0.8):
            found.append(f"oracle on {name}: {entry['rate']:.2f}, from {entry['ci95'][0]:.2f}")
    rates = {name: overall(result) for name, result in results.items()}
    bars = {"part-normal": 0.75, "part-random": 0.4, "random": 0.4}
    found += [
        f"{name}: {rates[name]:.3f}, more than {most}"
        for name, most in bars.items()
        if rates[name] > most
    ]
    for name in ("prior", "prior-category"):
        if name in rates and rates[name] > rates["oracle"] / 2:
            found.append(f"{name}: {rates[name]:.3f}, more than half of the oracle's")
    if rates["no_pull"] > 0:
        found.append(f"no_pull: {rates['no_pull']:.3f}, more than 0")
    return found


def main() -> int:
    """Run all, print the table, judge."""
    from robomamba_jax.world.objects.categories import choose_categories
    from robomamba_jax.world.policies.registry import choose_policy
    from robomamba_jax.world.rollout.run import RolloutPlan, rollout
    from robomamba_jax.world.sim.simulator import Simulator

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, help="a folder of world generate, for the priors")
    parser.add_argument("--checkpoint", help="a model to put beside them")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--dof", type=int, default=6)
    parser.add_argument("--out", type=Path, help="the results as JSON")
    args = parser.parse_args()
    plan = RolloutPlan(choose_categories(None, "test"), args.episodes, dof=args.dof)
    simulator = Simulator()
    names = [
        *REFERENCE_POLICIES,
        *(name for name in BLIND if args.train or not name.startswith("prior")),
    ]
    policies = [choose_policy(name, train=args.train) for name in names]
    if args.checkpoint:
        policies.append(choose_policy(None, args.checkpoint))
    print(
        "| policy | trained | seen by sample | by category | unseen by sample | by category ",
        end="",
    )
    print("| >= 1 cm | >= 10 cm | missed | per trial |\n|" + "---|" * 10)
    results = {}
    for policy in policies:
        start = time.monotonic()
        results[policy.name] = rollout(simulator, policy, plan)
        print(row(results[policy.name], time.monotonic() - start), flush=True)
    if args.out:
        args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    missed = faults(results, args.episodes) if args.dof == 6 else []
    for fault in missed:
        print(f"missed: {fault}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
