# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A whole pre-training, small, interrupted in each of its parts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import robomamba_jax as rm
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.errors import InputError
from robomamba_jax.pretraining import configs, run
from robomamba_jax.pretraining.paths import PretrainPaths
from robomamba_jax.pretraining.plan import PretrainPlan, pretrain_plan
from robomamba_jax.pretraining.run import PARTS, Work, pretrain
from robomamba_jax.training.report import Terminal
from robomamba_jax.utils.json_types import JsonObject

PLAN = dataclasses.replace(
    pretrain_plan("smoke"), images=24, texts=16, held_out=12, encoder_steps=3, language_steps=3
)


class Silent:
    """A console that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)

    def progress(self, name: str, done: int, total: int) -> None:
        """Nothing."""

    def terminal(self) -> Terminal:
        return Terminal(every=50)


class KilledError(Exception):
    """What a killed run looks like from within."""


@pytest.mark.slow
@pytest.mark.usefixtures("simulator")
def test_it_resumes_and_ends_with_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed behind the work of each part and before its note: what was done is taken as it is."""
    console = Silent()
    with monkeypatch.context() as patch:
        # Each part is done and not noted once.
        waiting = set(PARTS)

        def killed(work: Work, name: str, result: JsonObject) -> None:
            if name in waiting:
                waiting.remove(name)
                raise KilledError
            original(work, name, result)

        original = Work.finish
        patch.setattr(Work, "finish", killed)
        for _ in PARTS:
            with pytest.raises(KilledError):
                pretrain(PLAN, tmp_path / "run", console)
        found = pretrain(PLAN, tmp_path / "run", console)
    assert found == json.loads((tmp_path / "run" / "pretrain.json").read_text())
    assert list(found["found"]) == list(PARTS)
    assert found["found"]["encoder"]["steps"] == found["found"]["language"]["steps"] == 3
    assert found["found"]["features"]["images"] == 36
    assert found["tokens"] == PLAN.tokens
    assert set(found["seconds"]) == set(PARTS)
    folder = tmp_path / "run" / "nano-start"
    note = json.loads((folder / "pretrain.json").read_text())
    assert note["found"] == {k: v for k, v in found["found"].items() if k != "model"}
    model, processor = rm.load(folder)
    (answer,) = rm.generate(model, processor, [None], ["What is this?"], max_new_tokens=2)
    assert answer is not None
    # The parts are those that were trained, and the projector is a new one.
    joined, encoder, language = (
        open_folder(path).source()
        for path in (folder, tmp_path / "run" / "encoder", tmp_path / "run/language/export")
    )
    for name in joined.names():
        if name.startswith("vision"):
            assert joined.read(name).tobytes() == encoder.read(name).tobytes()
        elif name.startswith("llm"):
            assert joined.read(name).tobytes() == language.read(name).tobytes()
        elif name.startswith("projector") and name.endswith("weight"):
            assert joined.read(name).tobytes() != language.read(name).tobytes()
    for source in (joined, encoder, language):
        source.close()
    told = len(console.lines)
    assert pretrain(PLAN, tmp_path / "run", console)["found"] == found["found"]
    assert console.lines[told:] == [f"{name}: done before" for name in PARTS]


def test_a_folder_holds_one_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs is named."""

    def nothing(work: Work) -> JsonObject:
        return {}

    monkeypatch.setattr(run, "PARTS", {"data": nothing})
    pretrain(PLAN, tmp_path, Silent())
    other: Any = {"encoder_steps": 4}
    changed: PretrainPlan = dataclasses.replace(PLAN, **other)
    with pytest.raises(InputError, match="with other encoder_steps") as caught:
        pretrain(changed, tmp_path, Silent())
    assert caught.value.kind == "plan_mismatch"


def test_a_note_of_an_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came later has its default there."""
    monkeypatch.setattr(run, "PARTS", {"data": lambda work: {}})
    pretrain(PLAN, tmp_path, Silent())
    note = tmp_path / "pretrain.json"
    content = json.loads(note.read_text())
    del content["plan"]["assemblies"]
    note.write_text(json.dumps(content))
    assert pretrain(PLAN, tmp_path, Silent())["found"] == {"data": {}}
    other = dataclasses.replace(PLAN, assemblies=False)
    with pytest.raises(InputError, match="with other assemblies"):
        pretrain(other, tmp_path, Silent())


def note_of(folder: Path, plan: PretrainPlan, **found: Any) -> Path:
    """A folder of a pre-training that has got so far."""
    work = Work(plan, PretrainPaths(folder), Silent())
    for name, result in found.items():
        work.finish(name, result)
    return folder


def test_images_and_encoder_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are taken where they are the same, and never drawn or trained again."""
    plans: list[Any] = []
    monkeypatch.setattr(
        "robomamba_jax.world.dataset.generate.generate", lambda plan, *rest: plans.append(plan)
    )
    monkeypatch.setattr(configs, "training_texts", lambda plan, world: [plan.name, str(world)])
    monkeypatch.setattr(configs, "write_tokenizer", lambda out, texts, vocab: plans.append(texts))
    encoder = {"steps": 3, "images_seen": 96, "words": 7, "held_out": {}}
    first = note_of(tmp_path / "first", PLAN, encoder=encoder)
    silent = dataclasses.replace(PLAN, name="silent", texts=0)
    made = {name: PARTS[name] for name in ("data", "encoder")}
    monkeypatch.setattr(run, "PARTS", made)
    found = pretrain(silent, tmp_path / "second", Silent(), shared=first)
    assert found["found"]["encoder"] == encoder
    # The tokenizer alone is its own.
    assert plans == [["silent", str(first / "data" / "train")]]
    paths = PretrainPaths(tmp_path / "second", first)
    assert paths.encoder == first / "encoder"
    assert paths.features.parent == paths.tokenizer.parent == tmp_path / "second"
    others = dataclasses.replace(silent, assemblies=False)
    with pytest.raises(InputError, match="has other assemblies"):
        pretrain(others, tmp_path / "third", Silent(), shared=first)
    begun = note_of(tmp_path / "begun", PLAN)
    with pytest.raises(InputError, match="has no encoder yet"):
        pretrain(silent, tmp_path / "third", Silent(), shared=begun)


def test_words_alone_are_left_out(tmp_path: Path) -> None:
    """Of a set that has them, by a plan that has none; of the tokenizer's texts, too."""
    names = ("language_images", "language_text", "stage1_1", "stage1_2_detail")
    for name in names:
        said = [{"conversations": [{"from": "human", "value": name}]}]
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    silent = dataclasses.replace(PLAN, texts=0)
    assert list(configs.training_texts(PLAN, tmp_path)) == list(names)
    assert list(configs.training_texts(silent, tmp_path)) == [names[0], *names[2:]]
