# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The ``robomamba`` program: its commands."""

from __future__ import annotations

from collections.abc import Sequence

from robomamba_jax.cli import (
    bench,
    convert,
    data,
    demo,
    doctor,
    evaluate,
    generate,
    plan,
    predict,
    pretrain,
    probe,
    train,
    verify,
    world,
)
from robomamba_jax.cli.command_line import Parser, run_command
from robomamba_jax.utils.version import __version__

# In the order of --help: what most users come for stands first.
COMMANDS = (
    *(demo, generate, predict, train, evaluate, pretrain, probe),
    *(convert, verify, data, world, plan, doctor, bench),
)


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(prog="robomamba", description="RoboMamba in JAX.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Each module is imported for its flags alone; what it runs is imported when it runs.
    for module in COMMANDS:
        module.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return run_command(build_parser(), argv)
