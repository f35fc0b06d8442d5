# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every command of the guides, run in order on small files under the same names."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.cli.train import main as train_main
from robomamba_jax.config.files import load_data_config
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.verify.random_files import hf_clip, hf_mamba, robomamba
from tests.data.samples import llava, poses

DOCS = Path(__file__).parents[1] / "docs"
FILES = Path(__file__).parent / "data" / "files"


def commands_of(page: str) -> list[list[str]]:
    """The words of each command of a page's shell blocks, without the program's name."""
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    found = [shlex.split(line) for block in blocks for line in block.splitlines() if line]
    assert all(words[0] == "robomamba" for words in found)
    return [words[1:] for words in found]


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From originals to proven folders and back; heads have 64 channels, as the guide assumes."""
    monkeypatch.chdir(tmp_path)
    hf_clip(Path("clip-vit-large-patch14"))
    hf_mamba(Path("mamba-2.8b-hf"))
    robomamba(Path("robomamba.pth"), head="two_mlp_repo", embed_dim=128, num_heads=2, mlp_ratio=1)
    Path("assets").mkdir()
    builtin_processor("tiny").need_tokenizer().save(Path("assets/tokenizer.json"))
    commands = commands_of("checkpoints.md")
    assert len(commands) == 13
    for words in commands:
        status = main(words)
        assert status == 0, (words, capsys.readouterr())
    printed = capsys.readouterr().out
    assert printed.count("agrees with torch") == 9
    assert printed.count("report found") == 2
    model, processor = rm.load("robomamba")
    assert processor.need_tokenizer().size == 300
    assert model.config.policy is not None
    assert rm.load("llm")[0].config.vision is None


@pytest.mark.slow
def test_the_data_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Look, prepare, verify; the guide's own configuration; fewer processes than cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    for folder in ("llava", "robovqa/tfrecord/train", "poses", "assets"):
        Path(folder).mkdir(parents=True)
    llava(Path("llava"), 30).rename("llava/blip_laion_cc_sbu_558k.json")
    Path("llava/images").mkdir()
    Path("llava/pictures").rename("llava/images/pictures")
    shutil.copy(FILES / "robovqa.tfrecord", "robovqa/tfrecord/train/train-00000")
    poses(Path("poses"), 5).rename("poses/train.json")
    builtin_processor("tiny").need_tokenizer().save(Path("assets/tokenizer.json"))
    text = (DOCS / "data.md").read_text()
    # The two behind them, of LeRobot data sets, are tried with LeRobot's own files.
    config, fields, robot, _ = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    Path("data.json").write_text(config)
    shutil.copytree(FILES / "lerobot" / "v3.0" / "two_cameras", "my_robot")
    Path("fields.json").write_text(json.dumps(json.loads(robot)["sources"][0]["fields"]))
    for words in commands_of("data.md"):
        status = main(words)
        assert status == 0, (words, capsys.readouterr())
    assert "all as written" in capsys.readouterr().out
    with BatchLoader(load_data_config("data.json")) as pipeline:
        assert len(pipeline.plan.samples(0)) == 40
        assert np.asarray(pipeline.batch(0).arrays["mask"]).any()
    source = json.loads(fields)
    assert set(source) == {"path", "fields"}
    source["path"] = str(next(FILES.glob("robot_episodes/*")))
    Path("fields.json").write_text(json.dumps({**json.loads(config), "sources": [source]}))
    with BatchLoader(load_data_config("fields.json")) as pipeline:
        assert len(pipeline.sample_index) == 9


@pytest.mark.slow
def test_the_guide_to_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three stages one after the other, features, training on them."""
    text = (DOCS / "training.md").read_text().replace("\\\n", " ")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    commands = [words for words in lines if "--tiny" in words]
    assert len(commands) == 5
    (tmp_path / "configs").symlink_to(DOCS.parent / "configs")
    monkeypatch.chdir(tmp_path)
    for words in commands:
        if words[0] == "python":  # train.py; a third of its steps
            assert train_main([*words[2:], "--set", "run.steps=10"]) == 0, words
        else:
            assert main(words[1:]) == 0, words
    model, _ = rm.load("runs/tiny-policy")
    assert model.config.policy is not None
