# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba demo``: the whole paper, small."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from robomamba_jax.cli.command_line import Commands

if TYPE_CHECKING:
    from robomamba_jax.utils.json_types import JsonObject

EXAMPLE = """examples:
  robomamba demo                              (20 minutes on two cores; make demo)
  robomamba demo --mode smoke --out runs/smoke   (4 minutes; make demo DEMO=smoke)
  robomamba demo --mode full --out runs/full     (hours; make demo DEMO=full)

The same command resumes after any interruption."""


def add_parser(commands: Commands) -> None:
    """Add ``demo``."""
    parser = commands.add_parser(
        "demo",
        help="make data, train all three stages, evaluate, act, and report",
        description=(
            "Build the embedded world's data, train a small RoboMamba on it through all three "
            "stages, let it answer the benchmarks and act in the simulator, and write "
            "report.html and report.json."
        ),
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--mode", default="standard", help="standard, smoke, full, gpu, dino or scratch (standard)"
    )
    parser.add_argument("--out", default="runs/demo", metavar="DIR", help="(runs/demo)")
    parser.runs(_run, "the report as one object on stdout")


def _run(args: argparse.Namespace) -> JsonObject:
    from robomamba_jax.demo.plan import demo_plan

    plan = demo_plan(args.mode)
    from robomamba_jax.demo.start import start_of

    start = start_of(plan)  # shipped parts that are missing are better said now, too
    from robomamba_jax.world.sim.vulkan import load_sapien

    load_sapien()  # a missing package is better said now than in some minutes
    # orbax logs the traceback of every thread; what fails is raised here, too.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    from robomamba_jax.cli.console import Terminal
    from robomamba_jax.demo.report.summary import begins, checkpoint, verdict_sentences
    from robomamba_jax.demo.run import run_demo
    from robomamba_jax.training.run import use_compilation_cache

    # The phases train and ask models of a few shapes again and again.
    use_compilation_cache()
    out = Path(args.out)
    terminal = Terminal()
    ready = None if plan.assets is None else Path(plan.assets).name
    terminal.log(
        f"demo, mode {plan.mode}: about {plan.minutes:.0f} minutes on two cores; "
        f"{begins(start.name, start.tokens, ready)}"
    )
    report = run_demo(plan, out, terminal)
    if not args.json:
        for sentence in verdict_sentences(report):
            print(sentence)
        print(f"in {out}: report.html, report.json; the model: {checkpoint(report)}")
    return report
