# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba demo`` as it is typed: one line for a mistake, sentences or one object in the end."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from robomamba_jax.cli.console import Terminal
from robomamba_jax.demo.plan import MODES
from robomamba_jax.errors import InputError
from tests.cli.asked import check_mistake, run
from tests.demo.report_sample import sample_report


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """The command silences absl for its process, which is the tests' here."""
    level = logging.getLogger("absl").level
    yield
    logging.getLogger("absl").setLevel(level)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--mode", "smok"], "did you mean smoke?"),
        (["--mode", "everything"], "'everything'"),
    ],
)
def test_a_mode_that_is_none(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[Any],
    complaint: str,
) -> None:
    """Status 2, one line, and no folder."""
    monkeypatch.chdir(tmp_path)
    check_mistake(capsys, tmp_path, ["demo", *words], complaint)
    assert not list(tmp_path.iterdir())


def test_without_a_simulator(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before the folder is made, and not after some minutes."""

    def missing() -> None:
        raise InputError("missing_package", "sapien is not installed", "make install-sim")

    monkeypatch.setattr("robomamba_jax.world.sim.vulkan.load_sapien", missing)
    monkeypatch.setattr("robomamba_jax.demo.run.run_demo", lambda *plan: sample_report())
    monkeypatch.chdir(tmp_path)
    check_mistake(capsys, tmp_path, ["demo", "--out", tmp_path / "x"], "make install-sim")


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """A demo that is over at once; what it was asked for."""
    asked: list[tuple[str, Path]] = []

    def run_demo(plan: Any, root: Path, console: Any) -> dict[str, Any]:
        asked.append((plan.mode, root))
        console.log("[1/10] data: about 1 minutes")
        console.progress("train", 1, 2)
        return sample_report()

    monkeypatch.setattr("robomamba_jax.world.sim.vulkan.load_sapien", lambda: None)
    monkeypatch.setattr("robomamba_jax.demo.run.run_demo", run_demo)
    return asked


def test_what_it_says_in_the_end(
    capsys: pytest.CaptureFixture[str], stubbed: list[tuple[str, Path]]
) -> None:
    """The verdict in sentences on stdout, progress on stderr."""
    status, out, err = run(capsys, "demo", "--mode", "smoke", "--out", "somewhere")
    assert status == 0
    assert stubbed == [("smoke", Path("somewhere"))]
    *sentences, last = out.strip().splitlines()
    assert sentences
    assert last.startswith("in somewhere: report.html, report.json; the model: ")
    assert "[1/10] data" in err
    assert f"about {MODES['smoke'].minutes:.0f} minutes" in err
    assert "two cores; begins from scratch: encoder and language model" in err
    assert "[1/10]" not in out


def test_as_json(capsys: pytest.CaptureFixture[str], stubbed: list[tuple[str, Path]]) -> None:
    """The report, and nothing else on stdout; the standard mode, in its place, unless told."""
    status, out, _ = run(capsys, "demo", "--json")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(sample_report()))
    assert stubbed == [("standard", Path("runs/demo"))]


def test_lines_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal bars are nothing, and long lines are not broken."""
    terminal = Terminal()
    terminal.progress("train", 1, 10)
    terminal.log("x " * 200)
    terminal.progress("train", 10, 10)
    assert terminal.terminal() is not None
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == ["x " * 200]


def test_bars_where_somebody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """One at a time, gone when it is done or something is said."""
    terminal = Terminal()
    terminal._console = Console(file=sys.stderr, force_terminal=True, width=100)
    for name, done, open_after in (("train", 1, True), ("train", 10, False), ("test", 3, True)):
        terminal.progress(name, done, 10)
        assert (terminal._bar is not None) == open_after
    terminal.log("enough")
    assert terminal._bar is None
    said = capsys.readouterr().err
    assert "train" in said
    assert "3/10" in said
    assert "enough" in said
