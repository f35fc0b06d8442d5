# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What each part is worth: which runs are made, what of, and what is called worse."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config.training import TrainConfig
from robomamba_jax.demo import ablations, run, configs
from robomamba_jax.demo.ablations import FIGURES, HEADS, TRAINED, run_ablations
from robomamba_jax.demo.benchmarks import shuffled
from robomamba_jax.demo.plan import MODES
from robomamba_jax.demo.run import Journal
from robomamba_jax.demo.paths import DemoPaths

FULL = MODES["full"]


def figure(value: float, half: float = 0.05) -> dict[str, Any]:
    """A figure in the middle of its interval."""
    return {"value": value, "ci95": [value - half, value + half]}


class Console:
    """Says nothing."""

    def bar(self, what: str, done: int, total: int) -> None:
        """Nothing."""


@dataclasses.dataclass
class Stubs:
    """Runs, questions and rollouts that are noted, and figures by the model's folder.

    Attributes:
      trained: (folder, configuration) of stage 1.2.
      heads: what ``manipulate`` was told.
      asked: what ``evaluate`` was told.
      acted: what ``act`` was told.
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
        return {name: figure(0.8 - self._worse(out)) for name in more["names"]}

    def roll_out(self, plan: Any, train: Path, checkpoint: Path, out: Path, **more: Any) -> Any:
        (name,) = more["policies"]
        self.acted.append({"plan": plan, "checkpoint": checkpoint, "out": out, "policy": name})
        found = figure(0.6 - self._worse(out / name))
        rates = {"rate": found["value"], "ci95": found["ci95"]}
        return {name: {"seen": rates, "unseen": rates}}


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Stubs:
    """In place of all that takes time."""
    made = Stubs()
    for module, name in (
        *((ablations, "evaluate"), (ablations, "act")),
        *((run, "train_run"), (run, "manipulate")),
    ):
        monkeypatch.setattr(module, name, getattr(made, name))
    return made


def table(root: Path) -> list[dict[str, Any]]:
    """All rows of a full demo whose model has 0.8 of the questions and 0.6 of the trials."""
    journal = Journal(root)
    rates = {split: {"rate": 0.6, "ci95": [0.55, 0.65]} for split in ("seen", "unseen")}
    journal.done = {
        "evaluation": {"benchmarks": {name: figure(0.8) for name in (*FIGURES, "gqa")}},
        "rollouts": {"nano": rates},
    }
    return run_ablations(FULL, DemoPaths(root), Console(), journal)


def test_rows(stubs: Stubs, tmp_path: Path) -> None:
    """The whole first; everything that is like it hurts nothing; the short whole has no verdict."""
    rows = table(tmp_path)
    assert [row["name"] for row in rows] == [
        *("whole", "pictures shuffled", "instructions shuffled"),
        *(ablation.name for ablation in HEADS),
        *(ablation.name for ablation in TRAINED),
    ]
    for row in rows:
        assert set(row) == {"name", "what", "figures", "beside", "hurts"}
        assert row["what"]
        assert set(row["figures"]) <= {*FIGURES, "seen", "unseen"}
        assert {"seen", "unseen"} <= set(row["figures"])
    wholes = ["whole"] * 2 + [HEADS[0].name] * 3 + [TRAINED[0].name] * 3
    assert [row["beside"] for row in rows if row["beside"] is not None] == wholes
    nobody = {"whole", "own head, shorter", "whole, shorter"}
    assert {row["name"] for row in rows if row["hurts"] is None} == nobody
    assert not any(row["hurts"] for row in rows)
    # Neither the words of a pose nor its head change an answer.
    asked = {row["name"] for row in rows if set(FIGURES) <= set(row["figures"])}
    assert asked == {"whole", "pictures shuffled", *(ablation.name for ablation in TRAINED)}


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
        ("shuffled-pictures", paths.model),
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
    stubs.poor = {"shuffled-pictures": 0.3, "whole-shorter": 0.3, "without-negatives": 0.3}
    hurts = {row["name"]: row["hurts"] for row in table(tmp_path)}
    assert hurts["pictures shuffled"] is True
    assert hurts["instructions shuffled"] is False
    assert hurts["whole, shorter"] is None
    assert hurts["without negatives"] is False  # as poor as the short whole one
    assert hurts["without robot data"] is False  # better than that


@pytest.mark.parametrize(
    ("row", "hurts"),
    [
        ({"pope": figure(0.5)}, True),
        ({"pope": figure(0.75)}, False),
        ({"pope": figure(0.5), "seen": figure(0.9)}, False),  # worse here, better there
        ({"pope": figure(0.5), "seen": figure(0.62)}, True),
        ({"seen": {"value": 0.1, "ci95": None}}, False),
        ({"vqav2": figure(0.1)}, False),  # nothing to compare with
        ({}, False),
    ],
)
def test_apart(row: dict[str, Any], hurts: bool) -> None:
    """Some figure lower, and none higher, beyond both intervals."""
    whole = {"figures": {"pope": figure(0.8), "seen": figure(0.6)}}
    assert ablations._hurts({"figures": row}, whole) is hurts
