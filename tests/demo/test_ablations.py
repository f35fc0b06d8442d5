# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What each part is worth: which runs are made, what of, and what is called worse."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config.training import TrainConfig
from robomamba_jax.demo import ablations, configs
from robomamba_jax.demo.ablations import FIGURES, HEADS, TRAINED, run_ablations
from robomamba_jax.demo.benchmarks import shuffled
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import MODES
from robomamba_jax.demo.results import AblationRow, PolicyResult, Score, SplitRate
from tests.demo.small_demo import entry, rolled

FULL = MODES["full"]


def score(value: float, half: float = 0.05) -> Score:
    """A score in the middle of its interval."""
    return Score(value, (value - half, value + half))


class Console:
    """Says nothing."""

    def log(self, line: str) -> None:
        """Nothing."""

    def progress(self, name: str, done: int, total: int) -> None:
        """Nothing."""

    def terminal(self) -> Any:
        """None is wanted."""
        raise AssertionError("no run of train.py belongs here")


@dataclasses.dataclass
class Stubs:
    """Runs, questions and rollouts that are noted, and figures by the model's folder.

    Attributes:
      trained: (folder, configuration) of stage 1.2.
      heads: what ``manipulate`` was told.
      asked: what ``evaluate`` was told.
      acted: what ``roll_out`` was told.
      poor: a folder's or policy's name -> how much lower its figures are.
    """

    trained: list[tuple[Path, TrainConfig]] = dataclasses.field(default_factory=list)
    heads: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    asked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    acted: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    poor: dict[str, float] = dataclasses.field(default_factory=dict)

    def _worse(self, path: Path) -> float:
        return sum(less for name, less in self.poor.items() if name in str(path))

    def train_run(self, config: TrainConfig, workdir: Path, console: Any) -> None:
        self.trained.append((workdir, config))

    def manipulate(self, plan: Any, paths: Any, console: Any, workdir: Path, **more: Any) -> None:
        self.heads.append({"workdir": workdir, "epochs": plan.manipulate_epochs, **more})

    def evaluate(self, plan: Any, bench: Path, checkpoint: Path, out: Path, **more: Any) -> Any:
        self.asked.append({"plan": plan, "checkpoint": checkpoint, "out": out, **more})
        return {
            name: replace(entry(0.5), **vars(score(0.8 - self._worse(out))))
            for name in more["names"]
        }

    def roll_out(self, plan: Any, train: Path, checkpoint: Path, out: Path, **more: Any) -> Any:
        (name,) = more["policies"]
        self.acted.append({"plan": plan, "checkpoint": checkpoint, "out": out, "policy": name})
        return {name: policy(0.6 - self._worse(out / name))}


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Stubs:
    """In place of all that takes time."""
    made = Stubs()
    for name in ("evaluate", "roll_out", "train_run", "manipulate"):
        monkeypatch.setattr(ablations, name, getattr(made, name))
    return made


def policy(value: float) -> PolicyResult:
    """A policy's result with this rate on both splits."""
    rate = SplitRate(value, value, (value - 0.05, value + 0.05), 100)
    return replace(rolled("nano"), seen=rate, unseen=rate)


def table(root: Path) -> tuple[AblationRow, ...]:
    """All rows of a full demo whose model has 0.8 of the questions and 0.6 of the trials."""
    benchmarks = {name: entry(0.8) for name in (*FIGURES, "gqa")}
    return run_ablations(FULL, DemoPaths(root), Console(), benchmarks, policy(0.6))


def test_rows(stubs: Stubs, tmp_path: Path) -> None:
    """The whole first; everything that is like it hurts nothing; the short whole has no verdict."""
    rows = table(tmp_path)
    assert [row.name for row in rows] == [
        *("whole", "images shuffled", "instructions shuffled"),
        *(ablation.name for ablation in HEADS),
        *(ablation.name for ablation in TRAINED),
    ]
    for row in rows:
        assert row.what
        assert set(row.figures) <= {*FIGURES, "seen", "unseen"}
        assert {"seen", "unseen"} <= set(row.figures)
    wholes = ["whole"] * 2 + [HEADS[0].name] * 3 + [TRAINED[0].name] * 3
    assert [row.compared_with for row in rows if row.compared_with is not None] == wholes
    nobody = {"whole", "own head, shorter", "whole, shorter"}
    assert {row.name for row in rows if row.significant_drop is None} == nobody
    assert not any(row.significant_drop for row in rows)
    # Neither the words of a pose nor its head change an answer.
    asked = {row.name for row in rows if set(FIGURES) <= set(row.figures)}
    assert asked == {"whole", "images shuffled", *(ablation.name for ablation in TRAINED)}


def test_what_is_trained(stubs: Stubs, tmp_path: Path) -> None:
    """Each run of stage 1.2 lacks what it is named after and is as long as the others; heads are
    put on the demo's own stage 1.2."""
    table(tmp_path)
    paths = DemoPaths(tmp_path)
    whole, unaligned, no_robot, no_negatives = (config for _, config in stubs.trained)
    assert {config.run.steps for _, config in stubs.trained} == {FULL.ablation_steps}
    assert unaligned.init_from == str(paths.start)
    assert {whole.init_from, no_robot.init_from, no_negatives.init_from} == {
        str(paths.root / "align")
    }
    sources = [{s.label for s in config.data.sources} for _, config in stubs.trained]
    every = set(configs.INSTRUCT_WEIGHTS)
    assert sources == [every, every, every - set(configs.ROBOT), every - {"lrv"}]
    folders = [workdir for workdir, _ in stubs.trained]
    assert len({*folders, *(told["workdir"] for told in stubs.heads)}) == 4 + 8
    own, anew = stubs.heads[: len(HEADS)], stubs.heads[len(HEADS) :]
    assert [(told["init"], told["policy"]) for told in own] == [
        (paths.root / "instruct", None),
        (paths.root / "instruct", "two_mlp"),
        (paths.root / "instruct", "attn_mlp"),
        (paths.root / "instruct", "ssm_mlp"),
    ]
    assert [told["init"] for told in anew] == folders
    assert {told["policy"] for told in anew} == {None}
    # The same states for heads on the same model; another model's never among the demo's own.
    assert {told["features"] for told in own} == {None}
    assert len({told["features"] for told in anew} - {None, tmp_path / "states"}) == len(TRAINED)
    # Blocks read whole sequences, which takes long.
    epochs = FULL.ablation_epochs
    assert epochs < FULL.manipulate_epochs
    assert [told["epochs"] for told in own] == [epochs, epochs, epochs, 4]
    assert {told["epochs"] for told in anew} == {epochs}


def test_who_is_asked(stubs: Stubs, tmp_path: Path) -> None:
    """The finished model with others' pictures and words, and each new one as it is; nobody is
    asked blindly again, and no answer lands among the demo's own."""
    table(tmp_path)
    paths = DemoPaths(tmp_path)
    first, *others = stubs.asked
    assert first["checkpoint"] == paths.model
    assert first["altered"] is shuffled
    assert all("altered" not in told for told in others)
    assert len(others) == len(TRAINED)
    assert not any(told["blind"] for told in stubs.asked)
    assert {told["names"] for told in stubs.asked} == {FIGURES}
    policies = [(told["policy"], told["checkpoint"]) for told in stubs.acted]
    assert policies[:2] == [
        ("shuffled-images", paths.model),
        ("shuffled-words", paths.model),
    ]
    assert {name for name, _ in policies[2:]} == {"nano"}
    models = [told["workdir"] / "export" for told in stubs.heads]
    assert [model for _, model in policies[2:]] == models
    assert [told["checkpoint"] for told in others] == models[len(HEADS) :]
    for told in (*stubs.asked, *stubs.acted):
        assert (tmp_path / "ablations") in told["out"].parents
    assert len({told["out"] / told["policy"] for told in stubs.acted}) == len(stubs.acted)
    plans = {told["plan"] for told in (*stubs.asked, *stubs.acted)}
    assert {(plan.questions, plan.episodes) for plan in plans} == {(400, 20)}


def test_what_hurts(stubs: Stubs, tmp_path: Path) -> None:
    """Intervals apart, in the table's own comparison: runs that are trained anew with the short
    whole one, all others with the finished model."""
    stubs.poor = {"shuffled-images": 0.3, "whole-shorter": 0.3, "without-negatives": 0.3}
    hurts = {row.name: row.significant_drop for row in table(tmp_path)}
    assert hurts["images shuffled"] is True
    assert hurts["instructions shuffled"] is False
    assert hurts["whole, shorter"] is None
    assert hurts["without negatives"] is False  # as poor as the short whole one
    assert hurts["without robot data"] is False  # better than that


@pytest.mark.parametrize(
    ("figures", "drop"),
    [
        ({"pope": score(0.5)}, True),
        ({"pope": score(0.75)}, False),
        ({"pope": score(0.5), "seen": score(0.9)}, False),  # worse here, better there
        ({"pope": score(0.5), "seen": score(0.62)}, True),
        ({"seen": Score(0.1, None)}, False),
        ({"vqav2": score(0.1)}, False),  # nothing to compare with
        ({}, False),
    ],
)
def test_apart(figures: dict[str, Score], drop: bool) -> None:
    """Some score lower, and none higher, beyond both intervals."""
    whole = {"pope": score(0.8), "seen": score(0.6)}
    assert ablations.significant_drop(figures, whole) is drop
