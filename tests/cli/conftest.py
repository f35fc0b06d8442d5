# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints and a folder with pictures, for the tests of ``generate`` and ``predict``."""

from pathlib import Path
from typing import Any

import pytest

import robomamba_jax as rm
from tests.cli.asked import checkpoints, pictures


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See ``checkpoints``."""
    return checkpoints(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def loaded(models: Path) -> tuple[rm.Model, rm.Processor]:
    """The whole one."""
    return rm.load(models / "whole")


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures, in which a command is run."""
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path)
    return tmp_path


@pytest.fixture
def ask(models: Path) -> list[Any]:
    """The words with which most commands of ``generate`` begin."""
    return ["generate", "--checkpoint", models / "whole", "--max-new-tokens", 12]
