# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small runs of the three stages, in this process and in others."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from robomamba_jax.config.files import config_module
from robomamba_jax.config.serial import with_changes
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.training.run import train
from tests.counting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
STAGES = {
    "align": "stage1_1_align",
    "instruct": "stage1_2_instruct",
    "manipulate": "stage2_manipulation",
}
QUIET = ("run.export=false", "run.samples=0")


def config_path(stage: str) -> Path:
    return ROOT / "configs" / f"{STAGES[stage]}.py"


def tiny(stage: str, *changes: str, init: Path | None = None) -> TrainConfig:
    """A stage's tiny variant, with some values changed."""
    config = config_module(config_path(stage)).get_tiny()
    if init is not None:
        config = dataclasses.replace(config, init_from=str(init))
    return with_changes(config, changes)


def run(stage: str, workdir: Path, *changes: str, init: Path | None = None) -> dict[str, Any]:
    """A whole run in this process."""
    return train(tiny(stage, *changes, init=init), workdir)


def arguments(stage: str, workdir: Path, *changes: str) -> list[str]:
    """train.py's command line."""
    flags = [flag for change in changes for flag in ("--set", change)]
    return [
        *(sys.executable, str(ROOT / "train.py"), "--tiny", "--config", str(config_path(stage))),
        *("--workdir", str(workdir), *flags),
    ]


def process(
    stage: str, workdir: Path, *changes: str, more: tuple[str, ...] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """A whole run in a process of its own."""
    return subprocess.run(
        [*arguments(stage, workdir, *changes), *more],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def lines(workdir: Path, name: str = "metrics.jsonl") -> list[dict[str, Any]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in (workdir / name).read_text().splitlines()]


def losses(workdir: Path) -> list[float]:
    """Of every step."""
    return [line["loss"] for line in lines(workdir) if "loss" in line]
