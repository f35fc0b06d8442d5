# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the start is worth: what is pre-trained, where it lies, and what goes through the stages."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.demo import phases, start_ablations
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.phases import Demo
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.demo.results import EvaluationResult, FrozenCheck, Results, Spent
from robomamba_jax.demo.start_ablations import SCRATCH, STARTS, run_start_ablations
from robomamba_jax.pretraining.plan import PLANS, pretrain_plan
from tests.demo.small_demo import entry, rolled
from tests.demo.test_ablations import Console, policy, score

FULL = MODES["full"]
SHORT = pretrain_plan("short")


@dataclasses.dataclass
class Noted:
    """In place of all that takes time: what was asked for, in order.

    Attributes:
      calls: (what, where, more).
      poor: a folder's name -> how much lower its figures are.
    """

    calls: list[tuple[str, Path, Any]] = dataclasses.field(default_factory=list)
    poor: dict[str, float] = dataclasses.field(default_factory=dict)

    def pretrain(self, plan: Any, root: Path, console: Any, *, shared: Path | None) -> None:
        self.calls.append(("pretrain", root, (plan, shared)))
        root.mkdir(parents=True, exist_ok=True)
        (root / "tokenizer.json").write_text(plan.name)

    def convert_parts(self, vision: Path, llm: Path, out: Path, **more: Any) -> None:
        assert vision == llm
        self.calls.append(("convert", out, (vision, more["tokenizer"].read_text())))

    def cache_features(self, config: Any, out: Path, kind: str, console: Any) -> None:
        self.calls.append(("features", out, kind))

    def train_run(self, config: Any, workdir: Path, console: Any) -> None:
        self.calls.append(("train", workdir, config))

    def manipulate(self, plan: Any, paths: Any, console: Any, workdir: Path) -> None:
        self.calls.append(("head", workdir, plan.manipulate_epochs))

    def evaluate(self, plan: Any, bench: Path, checkpoint: Path, out: Path, **more: Any) -> Any:
        self.calls.append(("ask", checkpoint, (bench, plan.questions)))
        less = sum(part for name, part in self.poor.items() if name in out.parts)
        return {name: replace(entry(0.5), **vars(score(0.8 - less))) for name in more["names"]}

    def roll_out(self, plan: Any, train: Path, checkpoint: Path, out: Path, **more: Any) -> Any:
        self.calls.append(("act", checkpoint, (train, plan.episodes)))
        return {"nano": policy(0.6)}

    def begin(self, plan: DemoPlan, paths: DemoPaths) -> None:
        self.calls.append(("begin", paths.root, plan))

    def of(self, what: str) -> list[tuple[Path, Any]]:
        """What was asked of one kind."""
        return [(where, more) for name, where, more in self.calls if name == what]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """Instead of pre-training, training, asking and acting."""
    made = Noted()
    for name in (
        *("pretrain", "convert_parts", "cache_features", "train_run", "manipulate"),
        *("evaluate", "roll_out"),
    ):
        monkeypatch.setattr(start_ablations, name, getattr(made, name))
    return made


def test_the_rows(noted: Noted, tmp_path: Path) -> None:
    """The short start first; the others beside it, with what is lower."""
    noted.poor = {f"start-{SCRATCH}": 0.4}
    rows = run_start_ablations(FULL, DemoPaths(tmp_path), Console(), noted.begin)
    assert [row.name for row in rows] == [one.title for one in STARTS]
    assert rows[0].compared_with is None
    assert {row.compared_with for row in rows[1:]} == {rows[0].name}
    assert [row.significant_drop for row in rows] == [None, False, False, True]
    assert all(set(row.figures) == {"pope", "vqav2", "robovqa", "seen", "unseen"} for row in rows)


def test_what_is_pretrained(noted: Noted, tmp_path: Path) -> None:
    """Each plan in a folder of its own, once; images and encoder are shared where they are the
    same; and nothing at all from the web of ready parts for the last."""
    run_start_ablations(FULL, DemoPaths(tmp_path), Console(), noted.begin)
    folder = tmp_path / "ablations"
    plans = dict(noted.of("pretrain"))
    assert {where: plan.name for where, (plan, _) in plans.items()} == {
        folder / f"start-{name}" / "pretrain": name
        for name in ("short", "short-no-assemblies", "short-no-texts")
    }
    shared = {plan.name: other for plan, other in plans.values()}
    assert shared == {
        "short": None,
        "short-no-assemblies": None,
        "short-no-texts": folder / "start-short" / "pretrain",
    }
    assert {plan.workers for plan, _ in plans.values()} == {FULL.workers}
    ((where, plan),) = noted.of("begin")
    assert where == folder / f"start-{SCRATCH}"
    assert plan.start is None
    assert (plan.encoder_steps, plan.language_steps) == (SHORT.encoder_steps, SHORT.language_steps)
    # Every start has its own tokenizer: the model's words are numbered by it.
    for out, (parts, tokenizer) in noted.of("convert"):
        assert parts == out.parents[1] / "pretrain" / "nano-start"
        assert f"start-{tokenizer}" == out.parents[1].name


def test_what_goes_through_the_stages(noted: Noted, tmp_path: Path) -> None:
    """The demo's data and tests, in folders of the start's own, as long as the other rows."""
    paths = DemoPaths(tmp_path)
    run_start_ablations(FULL, paths, Console(), noted.begin)
    trained = noted.of("train")
    assert len(trained) == 2 * len(STARTS)
    for workdir, config in trained:
        own = workdir.parent
        steps = {"align": FULL.align_steps, "instruct": FULL.ablation_steps}[workdir.name]
        assert config.run.steps == steps
        before = {"align": own / "start" / "model", "instruct": own / "align"}[workdir.name]
        assert config.init_from == str(before)
        assert config.data.encoding.tokenizer == str(own / "start" / "tokenizer.json")
        assert config.data.features == str(own / "features")
        for source in config.data.sources:
            assert source.path.startswith(str(paths.train))
    assert {epochs for _, epochs in noted.of("head")} == {FULL.ablation_epochs}
    assert {more for _, more in noted.of("ask")} == {(paths.test / "bench", 400)}
    assert {more for _, more in noted.of("act")} == {(paths.train, 20)}
    models = [where for where, _ in noted.of("ask")]
    assert models == [where for where, _ in noted.of("act")]
    assert len(set(models)) == len(STARTS)


def test_plans_of_all_starts() -> None:
    """A name is a pre-training's, or none's; what is shared came before."""
    names = [one.name for one in STARTS]
    assert set(names) - {SCRATCH} <= set(PLANS)
    for one in STARTS:
        assert one.shared is None or names.index(one.shared) < names.index(one.name)


@pytest.mark.parametrize("starts", [True, False])
def test_the_phase(
    noted: Noted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    """Behind the other rows, where the mode has them; from scratch a tokenizer is made of the
    demo's own words, once."""
    asked: list[Any] = []
    monkeypatch.setattr(phases, "run_ablations", lambda *rest: ())
    monkeypatch.setattr(
        phases, "run_pretraining", lambda demo, done: asked.append((demo.plan, demo.paths))
    )
    monkeypatch.setattr(phases.configs, "training_texts", lambda paths: [str(paths.train)])
    monkeypatch.setattr(
        phases, "write_tokenizer", lambda out, texts, vocab: asked.append((out, texts))
    )
    plan = replace(FULL, ablation_starts=starts)
    paths = DemoPaths(tmp_path)
    demo = Demo(plan, paths, Console(), Spent({}, {}, 0))
    check = FrozenCheck(1, 1, logits_identical=True, parameters_identical=True)
    done = Results(evaluation=EvaluationResult({}, {}, check), rollouts={"nano": rolled("nano")})
    rows = phases.run_ablation_table(demo, done)
    assert [row.name for row in rows] == ([one.title for one in STARTS] if starts else [])
    if not starts:
        assert asked == []
        return
    own = DemoPaths(tmp_path / "ablations" / f"start-{SCRATCH}", paths.data)
    (tokenizer, texts), (other, where) = asked
    assert (tokenizer, texts) == (own.tokenizer, [str(paths.train)])
    assert where == own
    assert other.start is None
