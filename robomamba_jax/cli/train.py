# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba train``, and the same as ``train.py``: arguments in, one run."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.cli.command_line import Commands, Parser, run_command
from robomamba_jax.cli.configs import add_config_arguments, add_process_arguments, read_config

EXAMPLE = """examples:
  robomamba train --config stage1_1_align --tiny --workdir runs/tiny
  robomamba train --config stage1_2_instruct --workdir runs/instruct \\
      --set optim.learning_rate=2e-5 --set data.sources.0.path=my.json
  robomamba train ... --coordinator host0:1234 --process-id 1 --num-processes 4  (on every host)

To resume after any interruption, run the same command. SIGTERM or Ctrl-C save a step and end."""
_DESCRIPTION = "Train one stage of RoboMamba."


def add_parser(commands: Commands) -> None:
    """Add ``train``."""
    _add_arguments(
        commands.add_parser(
            "train", help="train one stage", description=_DESCRIPTION, epilog=EXAMPLE
        )
    )


def make_parser() -> Parser:
    """The command line of train.py."""
    return _add_arguments(Parser(prog="train.py", description=_DESCRIPTION, epilog=EXAMPLE))


def _add_arguments(parser: Parser) -> Parser:
    add_config_arguments(parser)
    parser.add_argument("--workdir", metavar="DIR", help="the run's folder (runs/STAGE)")
    add_process_arguments(parser)
    return parser.runs(_run, "a summary as one object on stdout", distributed=True)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    config, origins = read_config(args)
    from robomamba_jax.training.distributed import connect

    # orbax logs the traceback of every thread that fails; the error is raised here as well.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    # Before anything asks for devices: jax cannot join other processes once it has its own.
    connect(args.coordinator, args.process_id, args.num_processes)
    from robomamba_jax.training.report import Terminal
    from robomamba_jax.training.run import train

    workdir = Path(args.workdir or f"runs/{config.stage}{'-tiny' if args.tiny else ''}")
    terminal = Terminal(every=config.run.log_every)
    # Where a value comes from (the paper, its repository) is said of the full run's values.
    shown = {} if args.tiny else origins
    return dict(train(config, workdir, origins=shown, terminal=terminal))


def main(argv: Sequence[str] | None = None) -> int:
    """Run train.py and return its exit status."""
    return run_command(make_parser(), argv)
