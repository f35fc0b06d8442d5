# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Drawn benchmarks, and scoring somebody's answers to them by eval.py in this process."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.cli.evaluate import main
from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.evaluation.benchmarks.base import BenchmarkData, Question
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of, write_toy

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A drawn benchmark, where it lies, and its questions."""

    name: str
    folder: Path
    config: EvalConfig
    loaded: BenchmarkData

    @property
    def questions(self) -> tuple[Question, ...]:
        return self.loaded.questions


def drawn(name: str, folder: Path, toy: int = 4) -> Drawn:
    """A benchmark about so many pictures."""
    config = write_toy(EvalConfig(name, FilesConfig(""), toy=toy), folder)
    return Drawn(name, folder, config, benchmark(name).load(config))


def digest(files: tuple[Path, ...]) -> str:
    """As the first line of answers.jsonl has it."""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def score(
    said: Path, asked: Drawn, capsys: pytest.CaptureFixture[str], *changes: str
) -> tuple[int, dict[str, Any]]:
    """eval.py --predictions: its exit status, and the object that it prints."""
    files = files_of(asked.name, str(asked.folder))
    sets = [f"files.{key}={value}" for key, value in files.items() if isinstance(value, str)]
    sets += [f"files.questions={json.dumps(files['questions'])}", *changes]
    flags = [flag for change in sets for flag in ("--set", change)]
    config = str(ROOT / "configs" / f"eval_{asked.name}.py")
    out = str(asked.folder.parent / f"{asked.folder.name}-out")
    capsys.readouterr()
    status = main(["--config", config, "--predictions", str(said), "--out", out, "--json", *flags])
    return status, json.loads(capsys.readouterr().out)


def refused(result: tuple[int, dict[str, Any]]) -> str:
    """The one line of a refusal, message and mend; fails where nothing was refused."""
    status, said = result
    assert status == 2, f"scored, with {said.get('answered')} answers of {said.get('questions')}"
    error = said["error"]
    assert "\n" not in error["message"] + error["fix"]
    return f"{error['message']} ({error['fix']})"
