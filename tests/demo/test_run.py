# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The demo as a whole: phases in their order, each once, over as many calls as it takes."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.demo import phases, train_stages
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.phases import Demo, Phase
from robomamba_jax.demo.plan import MODES, PHASES, DemoPlan
from robomamba_jax.demo.results import Results, Spent
from robomamba_jax.demo.run import PhaseLog, peak_rss, run_demo
from robomamba_jax.errors import InputError
from robomamba_jax.pretraining.runs import loss_curve
from robomamba_jax.world.dataset.tasks import WorldPlan
from robomamba_jax.world.objects.categories import SEEN, UNSEEN
from tests.demo.small_demo import phase_results
from tests.demo.small_world import write_world

SMOKE = MODES["smoke"]


class Console:
    """Notes what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        """A line."""
        self.lines.append(line)

    def progress(self, name: str, done: int, total: int) -> None:
        """Nothing."""

    def terminal(self) -> Any:
        """None is wanted."""
        raise AssertionError("no run of train.py belongs here")


class StoppedError(Exception):
    """A phase that does not come to its end."""


@dataclasses.dataclass
class Fakes:
    """Phases that do nothing but note that they were begun, and have results.

    Attributes:
      begun: their names, in order.
      before: phase -> those whose results it was given.
      fails: names of phases that raise, once each.
      lasts: seconds of each.
    """

    begun: list[str] = dataclasses.field(default_factory=list)
    before: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    fails: set[str] = dataclasses.field(default_factory=set)
    lasts: float = 0.0

    @property
    def work(self) -> dict[str, Phase]:
        """For ``run_demo``."""
        return {name: self._phase(name) for name in PHASES}

    def _phase(self, name: str) -> Phase:
        results = {**phase_results(), "ablations": ()}

        def work(demo: Demo, done: Results) -> object:
            self.begun.append(name)
            self.before[name] = done.done()
            time.sleep(self.lasts)
            if name in self.fails:
                self.fails.remove(name)
                raise StoppedError(name)
            if name != "report":
                return results[name]
            report = {
                "mode": demo.plan.mode,
                "seconds": dict(demo.spent.seconds),
                "done": done.to_json(),
            }
            (demo.paths.root / "report.json").write_text(json.dumps(report))
            return None

        return work


@pytest.fixture
def fakes() -> Fakes:
    """In place of all phases."""
    return Fakes()


def phases_of(plan: DemoPlan) -> list[str]:
    """Those that a mode has, in order."""
    return [name for name in PHASES if name in dict(plan.budget)]


@pytest.mark.parametrize("mode", MODES)
def test_phases_in_their_order(mode: str, fakes: Fakes, tmp_path: Path) -> None:
    """Those that the mode has a budget for; each knows what the ones before have found."""
    plan, console = MODES[mode], Console()
    run_demo(plan, tmp_path / "demo", console, fakes.work)
    expected = phases_of(plan)
    assert fakes.begun == expected
    assert ("ablations" in expected) == (plan.ablation_steps > 0)
    for number, name in enumerate(expected[:-1]):
        assert fakes.before[name] == tuple(expected[:number])
    said = [line for line in console.lines if line.startswith("[")]
    for line, name in zip(said, expected, strict=True):
        place = f"[{PHASES.index(name) + 1}/{len(PHASES)}]"
        assert line == f"{place} {name}: about {dict(plan.budget)[name]:g} minutes"


def test_a_phase_that_raises_is_taken_up_again(fakes: Fakes, tmp_path: Path) -> None:
    """The ones before it are not repeated, the ones behind it not begun; its own times add up."""
    fakes.fails, fakes.lasts = {"align"}, 0.02
    with pytest.raises(StoppedError):
        run_demo(SMOKE, tmp_path, Console(), fakes.work)
    expected = phases_of(SMOKE)
    at = expected.index("align")
    assert fakes.begun == expected[: at + 1]
    kept = json.loads((tmp_path / "phases.json").read_text())
    assert sorted(kept["done"]) == sorted(expected[:at])
    assert set(kept["seconds"]) == set(expected[: at + 1])
    first = kept["seconds"]["align"]
    assert first >= 0.02
    fakes.begun.clear()
    console = Console()
    report = run_demo(SMOKE, tmp_path, console, fakes.work)
    assert fakes.begun == expected[at:]
    done = [line for line in console.lines if line.endswith("done before")]
    assert [line.split()[1] for line in done] == [f"{name}:" for name in expected[:at]]
    assert report["seconds"]["align"] >= first + 0.02
    assert report["seconds"]["data"] == kept["seconds"]["data"]


def test_a_finished_demo_writes_its_report_again(fakes: Fakes, tmp_path: Path) -> None:
    """And does nothing else."""
    once = run_demo(SMOKE, tmp_path, Console(), fakes.work)
    fakes.begun.clear()
    again = run_demo(SMOKE, tmp_path, Console(), fakes.work)
    assert fakes.begun == ["report"]
    assert again["done"] == once["done"]
    assert set(again["seconds"]) == set(phases_of(SMOKE))


def test_another_plan_in_the_folder(fakes: Fakes, tmp_path: Path) -> None:
    """Refused in one line that says what differs, before anything is done."""
    run_demo(SMOKE, tmp_path, Console(), fakes.work)
    fakes.begun.clear()
    for other, differs in (
        (MODES["standard"], "other align_steps"),
        (dataclasses.replace(SMOKE, episodes=2), "other episodes"),
    ):
        with pytest.raises(InputError) as caught:
            run_demo(other, tmp_path, Console(), fakes.work)
        assert "mode 'smoke'" in caught.value.message
        assert caught.value.message.endswith(differs)
        assert "\n" not in str(caught.value)
    assert fakes.begun == []


def test_a_plan_of_an_older_version(fakes: Fakes, tmp_path: Path) -> None:
    """With a field more or less than now it is another plan, and no traceback."""
    run_demo(SMOKE, tmp_path, Console(), fakes.work)
    note = tmp_path / "plan.json"
    content = json.loads(note.read_text())
    note.write_text(json.dumps({**content, "speed": 3}))
    with pytest.raises(InputError, match="other speed"):
        run_demo(SMOKE, tmp_path, Console(), fakes.work)
    del content["vocab"]
    note.write_text(json.dumps(content))
    with pytest.raises(InputError, match="other vocab"):
        run_demo(SMOKE, tmp_path, Console(), fakes.work)


def test_the_log_adds_up(tmp_path: Path) -> None:
    """Over several openings; also what was interrupted; memory is the largest of all."""
    log = PhaseLog(tmp_path)
    assert (log.done, log.seconds, log.peak_rss) == (Results(), {}, 0)

    def interrupted() -> None:
        with log.phase("data"):
            time.sleep(0.03)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    log = PhaseLog(tmp_path)
    assert log.seconds["data"] >= 0.03
    assert log.done == Results()
    before = log.seconds["data"]
    with log.phase("data"):
        time.sleep(0.05)
    result = phase_results()["data"]
    log.finish("data", result)
    again = PhaseLog(tmp_path)
    assert again.seconds["data"] >= before + 0.05
    assert again.done == Results(data=result)  # type: ignore[arg-type]
    assert 50e6 < again.peak_rss <= peak_rss()
    again.peak_rss = huge = 2**60
    with again.phase("align"):
        pass
    assert PhaseLog(tmp_path).peak_rss == huge


def test_results_are_read_back(tmp_path: Path) -> None:
    """Every phase's, as the objects that they were."""
    log = PhaseLog(tmp_path)
    for name, result in phase_results().items():
        log.finish(name, result)
    again = PhaseLog(tmp_path).done
    assert again == log.done
    assert again.done() == tuple(phase_results())


def test_phases_of_an_older_version(tmp_path: Path) -> None:
    """What it left is resumed from: older keys, shares that its report added, a note of the report
    itself. What is of no version that is known is named in one line."""
    log = PhaseLog(tmp_path)
    for name, result in phase_results().items():
        log.finish(name, result)
    file = tmp_path / "phases.json"
    content = json.loads(file.read_text())
    content["done"]["features"] = {"pictures": content["done"]["features"]["images"]}
    content["done"]["align"] |= {"share": 0.1, "seconds": 3.0}
    row = {"name": "x", "what": "y", "figures": {}, "beside": "whole", "hurts": True}
    content["done"] |= {"report": None, "ablations": [row]}
    # Neither paired tests nor probes were kept.
    del content["done"]["evaluation"]["probes"]
    for entry in content["done"]["evaluation"]["benchmarks"].values():
        del entry["more"], entry["baselines"]["blind"]["paired"]
    for policy in content["done"]["rollouts"].values():
        del policy["paired"]
    file.write_text(json.dumps(content))
    old = PhaseLog(tmp_path).done
    assert old.evaluation is not None
    assert old.evaluation.probes == {}
    assert log.done.evaluation is not None
    probes = log.done.evaluation.probes
    evaluation = dataclasses.replace(old.evaluation, probes=probes)
    assert dataclasses.replace(old, ablations=None, evaluation=evaluation) == log.done
    assert old.ablations is not None
    assert (old.ablations[0].compared_with, old.ablations[0].significant_drop) == ("whole", True)
    for strange in ({"x": 1}, 3, [], None):
        file.write_text(json.dumps({**content, "done": {"data": {}, "align": strange}}))
        with pytest.raises(InputError, match="written by another version") as caught:
            PhaseLog(tmp_path)
        assert str(file) in caught.value.message
        assert "\n" not in str(caught.value)


def test_the_data_of_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen categories to learn from; other objects of them, and the unseen ones, to be tested on;
    contacts in the middle everywhere. The tokenizer is made once."""
    plans: dict[str, WorldPlan] = {}

    def generate(plan: WorldPlan, out: Path, workers: int, tell: Any) -> dict[str, Any]:
        plans[out.name] = plan
        assert workers == SMOKE.workers
        if out.name == "train" and not out.exists():
            write_world(out)
        return {"poses": {"kept": plan.samples}}

    monkeypatch.setattr("robomamba_jax.world.dataset.generate.generate", generate)
    paths = DemoPaths(tmp_path)
    demo = Demo(SMOKE, paths, Console(), Spent({}, {}, 0))
    found = phases.run_data(demo, Results())
    assert vars(found) == {name: {"kept": plan.samples} for name, plan in plans.items()}
    assert {name: (plan.split, plan.categories) for name, plan in plans.items()} == {
        "train": ("train", SEEN),
        "test": ("test", SEEN),
        "unseen": ("test", UNSEEN),
        "assemblies": ("train", ("Assembly",)),
    }
    assert {plan.contact_sampling for plan in plans.values()} == {"center"}
    train = plans["train"]
    assert (train.samples, train.num_images, train.clips) == (SMOKE.poses, SMOKE.language, 6)
    assert plans["unseen"].samples == plans["unseen"].clips == 0
    kept = paths.tokenizer.read_bytes()
    phases.run_data(demo, Results())
    assert paths.tokenizer.read_bytes() == kept


def test_weights_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dino mode's, in one line with how to fetch them."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        phases.pretrain_vision(
            Demo(MODES["dino"], DemoPaths(tmp_path), Console(), Spent({}, {}, 0))
        )
    assert "dinov2_s.safetensors is not there" in caught.value.message
    assert "make assets" in caught.value.fix


@pytest.mark.slow
def test_ready_weights_become_the_modes_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of DINOv2 for larger pictures, as transformers writes it: its positions are resampled,
    and a run of the mode takes the folder."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    preset = VISION_PRESETS["dinov2-s14-112"].replace(width=64, depth=2, heads=1, mlp_dim=128)
    preset = preset.replace(image_size=28)
    monkeypatch.setitem(phases.VISION_PRESETS, "dinov2-s14-112", preset)
    torch.manual_seed(0)
    theirs = transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=1,
            mlp_ratio=2,
            image_size=518,
            patch_size=14,
        )
    )
    theirs.save_pretrained(tmp_path / "theirs")
    plan = dataclasses.replace(MODES["dino"], assets=str(tmp_path / "theirs" / "model.safetensors"))
    paths = DemoPaths(tmp_path)
    paths.encoder.parent.mkdir()
    note = phases.pretrain_vision(Demo(plan, paths, Console(), Spent({}, {}, 0)))
    assert (note.steps, note.note) == (0, "the weights of model.safetensors, frozen")
    made = open_folder(paths.encoder)
    assert made.parts.vision == preset
    assert made.processor().transform.size == 28


def test_a_stage_in_numbers(tmp_path: Path) -> None:
    """The first loss, the mean of the last ten, what is trained and what it weighs; lines without a
    loss do not count."""
    losses = [4.0, *[2.0] * 4, *[1.0, 0.5] * 5]
    lines: list[dict[str, Any]] = [{"step": k, "loss": x} for k, x in enumerate(losses)]
    lines.insert(7, {"step": 7, "eval": {"loss": 9.0}})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = [
        {"part": "vision", "trained": 0, "frozen": 100, "bytes": 400},
        {"part": "projector", "trained": 20, "frozen": 0, "bytes": 80},
        {"part": "llm", "trained": 30, "frozen": 5, "bytes": 140},
        {"part": "total", "trained": 50, "frozen": 105, "bytes": 620},
    ]
    found = train_stages.stage_result(
        {"table": table, "steps": 15, "eval": {"loss": 0.7}}, tmp_path
    )
    assert found.loss_first == 4.0
    assert found.loss_last == pytest.approx(0.75)
    assert found.trained_params == 50
    assert found.bytes == 220
    assert (found.steps, found.eval) == (15, {"loss": 0.7})
    assert found.curve == tuple(enumerate(losses))


def test_a_long_curve_is_averaged(tmp_path: Path) -> None:
    """About sixty points, none of the steps left out."""
    lines = [{"step": k, "loss": float(k)} for k in range(1000)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curve = loss_curve(tmp_path)
    assert 60 <= len(curve) <= 70
    assert curve[0] == (15, 7.5)
    assert curve[-1][0] == 999
    weights = [b[0] - a[0] for a, b in zip([(-1, 0.0), *curve], curve, strict=False)]
    assert sum(w * x for w, (_, x) in zip(weights, curve, strict=True)) == pytest.approx(499500)
