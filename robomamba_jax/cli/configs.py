# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments that name a run's configuration, alike in all commands."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, TypeVar, overload

from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import add_set
from robomamba_jax.errors import InputError

if TYPE_CHECKING:
    from robomamba_jax.config.provenance import Origins
    from robomamba_jax.config.training import TrainConfig

ConfigT = TypeVar("ConfigT")


def add_config_arguments(
    parser: argparse.ArgumentParser, *, init: bool = True, required: bool = True
) -> None:
    """``--config``, ``--tiny``, ``--init`` (if ``init``) and ``--set``."""
    parser.add_argument(
        "--config",
        required=required,
        metavar="NAME",
        help="a configuration's name, such as stage1_1_align, or your own .py file",
    )
    parser.add_argument("--tiny", action="store_true", help="shrink it to seconds on a CPU")
    if init:
        parser.add_argument(
            "--init",
            metavar="PATH",
            help="start from a folder, a run or a step (config's init_from)",
        )
    add_set(parser, "change a value, such as optim.learning_rate=1e-4")


def add_allow_root(parser: argparse._ActionsContainer) -> None:
    """``--allow-root``, the fields ``allow_roots`` of configurations as an argument."""
    parser.add_argument(
        "--allow-root",
        action="append",
        default=[],
        metavar="DIR",
        help="links among the data's files may lead into this folder; repeatable",
    )


def add_process_arguments(parser: argparse._ActionsContainer) -> None:
    """``--coordinator``, ``--process-id`` and ``--num-processes``."""
    parser.add_argument("--coordinator", help="host:port of process 0, or auto on a cluster")
    add_renamed(parser, "--process-id", "--process", type=int, help="this process's number, from 0")
    add_renamed(parser, "--num-processes", "--processes", type=int, help="how many there are")


@overload
def read_config(args: argparse.Namespace) -> tuple[TrainConfig, Origins]: ...
@overload
def read_config(args: argparse.Namespace, kind: type[ConfigT]) -> tuple[ConfigT, Origins]: ...
def read_config(args: argparse.Namespace, kind: type | None = None) -> tuple[object, Origins]:
    """The configuration that the arguments name, and where its values come from.

    Args:
      args: with the fields of :func:`add_config_arguments`.
      kind: of configuration; None = ``TrainConfig``.

    Raises:
      InputError: the file, or what is to be changed in it, is wrong.
    """
    from robomamba_jax.config.files import config_module, get_config
    from robomamba_jax.config.serial import with_changes
    from robomamba_jax.config.training import TrainConfig

    kind = kind or TrainConfig
    module = config_module(args.config)
    # Each file has a function of its own for --tiny: what is small enough depends on the stage.
    config = get_config(module, args.config, "get_tiny" if args.tiny else "get_config")
    if not isinstance(config, kind):
        training = kind is TrainConfig
        work, name = ("training", "stage1_1_align") if training else ("evaluation", "eval_pope")
        what = f"{args.config} is not a configuration of {work}"
        raise InputError("bad_config", what, f"give one of this kind, such as {name}")
    if getattr(args, "init", None) is not None:
        config = dataclasses.replace(config, init_from=args.init)
    # Last, because --set is the most particular: it may change what --init has set.
    config = with_changes(config, args.set)
    return config, getattr(module, "ORIGINS", {})
