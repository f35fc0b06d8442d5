# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a demo begins with: shipped parts, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import Start
from robomamba_jax.pretraining.run import NOTE
from robomamba_jax.released import start_path
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.hashes import file_sha256

SCRATCH = Start("scratch", "", 0)
"""Encoder and language model come out of the demo's own training set."""


def start_of(plan: DemoPlan) -> Start:
    """What a mode begins with.

    Raises:
      InputError: this installation came without it.
    """
    return SCRATCH if plan.start is None else shipped_start(plan.start, start_path())


def shipped_start(name: str, folder: Path) -> Start:
    """Parts that ``robomamba pretrain`` left in a folder, by what it noted of itself.

    Raises:
      InputError: the note is missing or broken.
    """
    return Start(name, file_sha256(folder / "manifest.json"), int(start_note(folder)["tokens"]))


def start_note(folder: Path) -> dict[str, Any]:
    """What ``robomamba pretrain`` noted of the parts in a folder.

    Raises:
      InputError: it is missing or broken.
    """
    return read_json(folder / NOTE, fix="install the package again")
