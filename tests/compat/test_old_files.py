# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What commit 72c6413 wrote goes on being read: ``scripts/make_compat_files.py`` made it.

The numbers are compared to the bit where this machine computes the first steps as that one did,
and within rounding where its processor adds up in another order.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli import evaluate, main, train
from tests.compiling import users_compilation

FILES = Path(__file__).parent / "files"
CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module", autouse=True)
def as_users() -> Iterator[None]:
    """Bits are compared with those that users had."""
    with users_compilation():
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a user's folder, which is the current one: its configuration names data/."""
    shutil.copytree(FILES, tmp_path / "user")
    monkeypatch.chdir(tmp_path / "user")
    return tmp_path / "user"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


@pytest.mark.slow
def test_run_resumes(folder: Path) -> None:
    """Steps 3 and 4 of a run whose first two that commit made: samples, losses, norms, rates."""
    status = train.main(["--config", "user_config.py", "--workdir", "workdir"])
    assert status == 0
    found, wanted = lines(folder / "workdir/metrics.jsonl"), lines(folder / "metrics.jsonl")
    assert [line["step"] for line in found] == [0, 1, 2, 3]
    again = train.main(["--config", "user_config.py", "--workdir", "anew"])
    assert again == 0
    anew = lines(folder / "anew/metrics.jsonl")
    same_machine = anew[:2] == wanted[:2]
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.keys() == theirs.keys()
        for key, value in theirs.items():
            if same_machine or not isinstance(value, float):
                assert mine[key] == value, (theirs["step"], key)
            else:
                assert mine[key] == pytest.approx(value, rel=2e-5), (theirs["step"], key)
    model, _ = rm.load(folder / "workdir")
    assert model.config.llm.d_model == 48


def test_inference_folder_loads(folder: Path) -> None:
    """With the parameters whose hash stands beside the answers."""
    from robomamba_jax.evaluation.runner.params_hash import parameters_sha256

    model, processor = rm.load(folder / "inference")
    assert parameters_sha256(model.params) == lines(folder / "eval/answers.jsonl")[0]["checkpoint"]
    assert (processor.template.name, processor.contact_scale) == ("standard", "unit")
    assert main.main(["verify", "--hashes", str(folder / "inference"), "--json"]) == 0


@pytest.mark.slow
def test_answers_go_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a file of answers is gone on with, and ends as it was."""
    file = folder / "eval/answers.jsonl"
    whole = file.read_bytes()
    kept = whole.split(b"\n")[:13]
    file.write_bytes(b"\n".join(kept) + b"\n")
    status = evaluate.main(
        [
            *("--config", str(CONFIGS / "eval_pope.py"), "--tiny", "--checkpoint", "inference"),
            *("--out", "eval", "--set", "limit=40", "--json"),
        ]
    )
    assert status == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["questions"], result["answered"]) == (24, 24)
    assert file.read_bytes() == whole


def test_prepared_set_and_data_config(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its rows are what the files give today; preparing again finds everything done."""
    assert main.main(["data", "verify", "prepared", "--json"]) == 0
    capsys.readouterr()
    before = {path.name: path.read_bytes() for path in (folder / "prepared").iterdir()}
    prepare = ["data", "prepare", "--config", "data.json", "--out", "prepared", "--workers", "1"]
    assert main.main([*prepare, "--json"]) == 0
    capsys.readouterr()
    assert {path.name: path.read_bytes() for path in (folder / "prepared").iterdir()} == before
    assert main.main(["data", "prepare", "--config", "data.json", "--out", "again", "--json"]) == 0
    capsys.readouterr()

    from robomamba_jax.config.data import DataConfig, SourceConfig
    from robomamba_jax.config.files import config_module
    from robomamba_jax.data.examples import Encoder
    from robomamba_jax.data.pipeline.datasets import open_datasets

    config = config_module(folder / "user_config.py").get_config().data
    (direct,) = open_datasets(config, Encoder.open(config))
    sources = (SourceConfig("prepared", name="ours"),)
    prepared = DataConfig(sources, config.encoding, config.batch)
    (stored,) = open_datasets(prepared, Encoder.open(prepared))
    assert len(direct) == len(stored) == 12
    for number in range(12):
        one, other = direct.example(number), stored.example(number)
        assert one.id == other.id
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.images, other.images)


@pytest.mark.slow
def test_features_are_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A feature cache of that commit needs no new feature, and a run trains on it."""
    features = ["data", "features", "--config", "user_config.py", "--out", "features", "--json"]
    assert main.main(features) == 0
    assert json.loads(capsys.readouterr().out)["computed"] == 0
    changes = ("data.features=features", "run.steps=1", "run.export=false")
    flags = [flag for change in changes for flag in ("--set", change)]
    assert train.main(["--config", "user_config.py", "--workdir", "cached", *flags]) == 0
    found, wanted = lines(folder / "cached/metrics.jsonl")[0], lines(folder / "metrics.jsonl")[0]
    assert found["loss"] == pytest.approx(wanted["loss"], rel=2e-5)
