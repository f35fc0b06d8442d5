# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba probe``: what a frozen encoder's patches say to linear models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.terminal import plain_console, say, table
from robomamba_jax.errors import InputError

EXAMPLE = """examples:
  robomamba world generate --out runs/p --num-images 1500 --clips 0 --seed 101
  robomamba world generate --out runs/q --num-images 300 --clips 0 --seed 102 --split test
  robomamba probe --encoder runs/encoder --train runs/p --test runs/q
  robomamba probe --train runs/p --test runs/q --unseen runs/u --json       (the released nano's)"""


def add_parser(commands: Commands) -> None:
    """Add ``probe``."""
    parser = commands.add_parser(
        "probe",
        help="linear probes of a frozen image encoder",
        description=(
            "Fit linear models on the patches of an encoder that stays as it is: movable parts and "
            "their motion, colour, shape, side and presence. Sets are folders of world generate "
            "with --num-images."
        ),
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--encoder", metavar="PATH", help="a folder, with a language model or not (released nano)"
    )
    parser.add_argument("--train", required=True, metavar="DIR", help="the set to fit on")
    parser.add_argument("--test", required=True, metavar="DIR", help="the set to read")
    parser.add_argument("--unseen", metavar="DIR", help="one more, of unseen categories")
    parser.runs(_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    tests = {name: Path(getattr(args, name)) for name in ("test", "unseen") if getattr(args, name)}
    # Before jax is loaded: a mistyped folder is told at once.
    for name, folder in {"train": Path(args.train), **tests}.items():
        if not (folder / "scenes.jsonl").is_file():
            raise InputError(
                "missing_file",
                f"--{name} {folder} has no scenes.jsonl",
                "generate it: robomamba world generate --num-images N",
            )
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.evaluation.probes.run import run_probes
    from robomamba_jax.training.run import use_compilation_cache

    use_compilation_cache()
    with count_bar("images") as on_progress:
        report = run_probes(args.encoder, Path(args.train), tests, on_progress)
    if not args.json:
        say(f"{report['encoder']}, fitted on {report['train_images']:,} images of {args.train}")
        columns = ("probe", "metric", "set", "value", "95 %", "chance", "n")
        rows = []
        for score in report["scores"]:
            digits = 1 if score["metric"] == "median_degrees" else 3
            value, low, high, chance = (
                f"{score[key]:.{digits}f}" for key in ("value", "low", "high", "chance")
            )
            asked = f"{score['n']:,} {score['unit']}"
            names = (str(score[key]) for key in ("probe", "metric", "data"))
            rows.append((*names, value, f"{low} .. {high}", chance, asked))
        plain_console(120).print(table(columns, rows))
    return {"schema": "robomamba.probe/1", **report}
