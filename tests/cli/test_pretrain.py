# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba pretrain`` as it is typed; what it does stands in tests/pretraining."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.pretraining.plan import PLANS, PretrainPlan
from tests.cli.asked import as_json, check_mistake, run


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """The command silences absl for its process, which is the tests' here."""
    level = logging.getLogger("absl").level
    yield
    logging.getLogger("absl").setLevel(level)


def test_a_plan_that_is_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, one line, and no folder."""
    monkeypatch.chdir(tmp_path)
    check_mistake(capsys, tmp_path, ["pretrain", "--plan", "ful"], "did you mean full?")
    assert not list(tmp_path.iterdir())


def test_what_it_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it will take comes first; then where the result lies, or the whole note."""
    calls: list[tuple[PretrainPlan, Path]] = []

    def pretrain(plan: PretrainPlan, root: Path, console: Any) -> dict[str, Any]:
        calls.append((plan, root))
        return {"schema": "robomamba.pretrain/1", "tokens": plan.tokens}

    monkeypatch.setattr("robomamba_jax.pretraining.run.pretrain", pretrain)
    monkeypatch.setattr("robomamba_jax.world.sim.vulkan.load_sapien", lambda: None)
    monkeypatch.setattr("robomamba_jax.training.run.use_compilation_cache", lambda: None)
    out = str(tmp_path / "start")
    status, said, progress = run(capsys, "pretrain", "--plan", "smoke", "--out", out)
    assert status == 0
    assert said == f"{out}/nano-start: an encoder and a language model to begin with\n"
    assert "hours on two cores" in progress
    found = as_json(capsys, "pretrain", "--plan", "full", "--out", out)
    assert json.loads(json.dumps(found)) == {
        "schema": "robomamba.pretrain/1",
        "tokens": PLANS["full"].tokens,
    }
    assert calls == [(PLANS["smoke"], Path(out)), (PLANS["full"], Path(out))]
