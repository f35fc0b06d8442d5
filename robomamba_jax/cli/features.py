# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba data features``: what the frozen parts say of every image, once."""

from __future__ import annotations

import argparse
from typing import Any

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.configs import add_config_arguments, read_config
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import positive
from robomamba_jax.cli.terminal import say
from robomamba_jax.config.aliases import OLD_FEATURE_KINDS
from robomamba_jax.config.data import FEATURE_KINDS

EXAMPLE = """example:
  robomamba data features --config configs/stage2_manipulation.py \\
      --kind pooled_hidden --out runs/pooled
  python train.py --config configs/stage2_manipulation.py --set data.features=runs/pooled"""


def add_parser(whats: Commands) -> None:
    """Add ``features`` to the commands of ``data``."""
    parser = whats.add_parser(
        "features",
        help="compute the frozen parts' features once, for training",
        description=(
            "vision_patches: the encoder's features, for every stage. pooled_hidden: all that the "
            "policy head reads, for stage 2. hidden_states: those at all positions, for heads that "
            "read these. Interrupted, the same command resumes."
        ),
        epilog=EXAMPLE,
    )
    add_config_arguments(parser)
    add_renamed(
        parser,
        "--kind",
        values=OLD_FEATURE_KINDS,
        choices=FEATURE_KINDS,
        default="vision_patches",
        metavar="KIND",
        help="vision_patches, pooled_hidden or hidden_states (vision_patches)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the cache's folder")
    parser.add_argument("--dtype", help="of the file: float32 or bfloat16 (as the model computes)")
    add_renamed(
        parser,
        "--batch-size",
        "--rows",
        type=positive,
        default=32,
        help="images or prompts at a time (32)",
    )
    parser.runs(_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    config, _ = read_config(args)
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.training.features import compute_features
    from robomamba_jax.training.run import use_compilation_cache

    # A second run of the same configuration, after an interruption, compiles nothing again.
    use_compilation_cache()
    with count_bar("samples") as bar:
        done = compute_features(
            config, args.out, kind=args.kind, dtype=args.dtype, batch=args.batch_size, tell=bar
        )
    if not args.json:
        for name, reason in done.skipped[:10]:
            say(f"left out: {name}: {reason}")
        say(f"{args.out}: {done.rows:,} features, {done.computed:,} of them computed now")
    return {
        "schema": "robomamba.data features/1",
        "out": args.out,
        "kind": args.kind,
        "rows": done.rows,
        "computed": done.computed,
        "skipped": [{"id": name, "reason": reason} for name, reason in done.skipped],
    }
