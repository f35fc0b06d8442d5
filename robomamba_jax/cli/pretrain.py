# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba pretrain``: the encoder and the language model with which the nano begins."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from robomamba_jax.cli.command_line import Commands

if TYPE_CHECKING:
    from robomamba_jax.utils.json_types import JsonObject

EXAMPLE = """examples:
  robomamba pretrain --out runs/pretrain          (hours; make pretrain)
  robomamba pretrain --plan smoke --out runs/pretrain-smoke

The same command resumes after any interruption."""


def add_parser(commands: Commands) -> None:
    """Add ``pretrain``."""
    parser = commands.add_parser(
        "pretrain",
        help="train the encoder and the language model that nano begins with",
        description=(
            "Draw a broad world of random articulated objects, train a small encoder and a small "
            "language model on it, and join them: DIR/nano-start, which stands where the paper has "
            "CLIP and a pretrained Mamba."
        ),
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--plan",
        default="full",
        metavar="NAME",
        help="full, smoke, or one of the demo's ablations: short, short-no-assemblies, "
        "short-no-texts (full)",
    )
    parser.add_argument("--out", default="runs/pretrain", metavar="DIR", help="(runs/pretrain)")
    parser.runs(_run, "pretrain.json as one object on stdout")


def _run(args: argparse.Namespace) -> JsonObject:
    from robomamba_jax.pretraining.plan import pretrain_plan

    plan = pretrain_plan(args.plan)
    from robomamba_jax.world.sim.vulkan import load_sapien

    load_sapien()  # a missing package is better said now than in some minutes
    # orbax logs the traceback of every thread; what fails is raised here, too.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    from robomamba_jax.cli.console import Terminal
    from robomamba_jax.pretraining.run import pretrain
    from robomamba_jax.training.run import use_compilation_cache

    use_compilation_cache()
    out, terminal = Path(args.out), Terminal()
    encoder, language = plan.hours
    terminal.log(
        f"pretrain, plan {plan.name}: about {encoder + language:g} hours on two cores, of which "
        f"the language model's {plan.tokens / 1e6:.0f}M tokens take {language:g}"
    )
    report = pretrain(plan, out, terminal)
    if not args.json:
        print(f"{out / 'nano-start'}: an encoder and a language model to begin with")
    return report
