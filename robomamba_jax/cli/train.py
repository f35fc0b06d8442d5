# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``train.py``: arguments in, one run."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.cli.configs import add_config_arguments, add_process_arguments, read_config
from robomamba_jax.cli.main import Parser, run_command

EXAMPLE = """examples:
  python train.py --config configs/stage1_1_align.py --tiny --workdir runs/tiny
  python train.py --config configs/stage1_2_instruct.py --workdir runs/instruct \\
      --set optim.learning_rate=2e-5 --set data.sources.0.path=my.json
  python train.py ... --coordinator host0:1234 --process-id 1 --num-processes 4   (on every host)

The same command goes on after any interruption. SIGTERM or Ctrl-C save and end."""


def make_parser() -> Parser:
    """The command line of train.py."""
    parser = Parser(prog="train.py", description="Train one stage of RoboMamba.", epilog=EXAMPLE)
    add_config_arguments(parser)
    parser.add_argument("--workdir", help="the run's folder (runs/STAGE)")
    add_process_arguments(parser)
    parser.add_argument("--json", action="store_true", help="a summary as one object on stdout")
    parser.set_defaults(run=_run, parser=parser)
    return parser


def _run(args: argparse.Namespace) -> dict[str, Any]:
    config, origins = read_config(args)
    from robomamba_jax.training.distributed import connect

    # orbax logs the traceback of every thread; what fails is raised here, too.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    connect(args.coordinator, args.process_id, args.num_processes)
    from robomamba_jax.training.report import Terminal
    from robomamba_jax.training.run import train

    workdir = Path(args.workdir or f"runs/{config.stage}{'-tiny' if args.tiny else ''}")
    terminal = Terminal(every=config.run.log_every)
    return train(config, workdir, origins={} if args.tiny else origins, terminal=terminal)


def main(argv: Sequence[str] | None = None) -> int:
    """Run train.py and return its exit status."""
    status = run_command(make_parser(), argv)
    if status and "jax" in sys.modules:
        from robomamba_jax.training.distributed import leave_now

        leave_now(status)
    return status
