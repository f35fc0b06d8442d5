# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba data features``: what the frozen parts say of every picture, once."""

from __future__ import annotations

import argparse
from typing import Any

from robomamba_jax.cli.configs import add_config_arguments, read_config
from robomamba_jax.cli.terminal import say
from robomamba_jax.errors import InputError

EXAMPLE = """example:
  robomamba data features --config configs/stage2_manipulation.py --kind pooled --out pooled
  python train.py --config configs/stage2_manipulation.py --set data.features=pooled"""


def add_parser(whats: Any) -> None:
    """Add ``features`` to the commands of ``data``."""
    parser = whats.add_parser(
        "features",
        help="compute the frozen parts' features once, for training",
        description=(
            "patches: the encoder's features, for every stage. pooled: all that the policy head "
            "reads, for stage 2. states: those at all positions, for heads that read these. "
            "Stopped, it goes on where it was."
        ),
        epilog=EXAMPLE,
    )
    add_config_arguments(parser)
    parser.add_argument("--kind", default="patches", help="patches, pooled or states (patches)")
    parser.add_argument("--out", required=True, metavar="DIR", help="the cache's folder")
    parser.add_argument("--dtype", help="of the file: float32 or bfloat16 (as the model computes)")
    parser.add_argument("--rows", type=int, default=32, help="pictures or prompts at a time (32)")
    parser.set_defaults(run=_run, parser=parser)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.data.cache.features import KINDS

    if args.kind not in KINDS:
        raise InputError("bad_arguments", f"--kind {args.kind}", f"give {' or '.join(KINDS)}")
    if args.rows < 1:
        raise InputError("bad_arguments", f"--rows is {args.rows}", "give 1 or more")
    config, _ = read_config(args)
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.training.features import compute_features
    from robomamba_jax.training.run import use_compilation_cache

    use_compilation_cache()
    with count_bar("samples") as tell:
        done = compute_features(
            config, args.out, kind=args.kind, dtype=args.dtype, batch=args.rows, tell=tell
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
