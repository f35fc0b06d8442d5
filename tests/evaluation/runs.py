# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small evaluations of a small model, in this process and in others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from robomamba_jax.cli.evaluate import main
from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.evaluation.benchmarks.base import Question

ROOT = Path(__file__).resolve().parents[2]


def arguments(name: str, out: Path, *changes: str, checkpoint: str = "tiny") -> list[str]:
    """eval.py's arguments for a tiny run."""
    flags = [flag for change in changes for flag in ("--set", change)]
    config = str(ROOT / "configs" / f"eval_{name}.py")
    return ["--tiny", "--config", config, "--checkpoint", checkpoint, "--out", str(out), *flags]


def run(name: str, out: Path, *changes: str, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """In this process; its results."""
    assert main([*arguments(name, out, *changes), *more]) == 0
    return json.loads((out / "results.json").read_text())


def start(arguments: list[str], **env: str) -> subprocess.Popen[str]:
    """eval.py in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "eval.py"), *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(out: Path) -> dict[str, Any]:
    """What was said, by question."""
    _, *rows = [json.loads(line) for line in (out / "answers.jsonl").read_bytes().splitlines()]
    return {row["id"]: row["answer"] for row in rows}


def right(item: Question) -> Any:
    """The answer that is wanted."""
    if "action" in item.metadata:
        return detection(item.metadata["action"].contact_xy, item.metadata["action"].rotation())
    return item.references[0]
