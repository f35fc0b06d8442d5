# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""train.py and what reads its runs, as a user meets them: status, one line, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.cli.train import main as train_main
from robomamba_jax.errors import InputError
from robomamba_jax.training.weights import find_step
from tests.training.runs import config_path, lines, run

SHORT = ("--set", "run.steps=3", "--set", "run.samples=0", "--set", "run.export=false")


def call(*arguments: str, stage: str = "instruct") -> list[str]:
    return ["--config", str(config_path(stage)), "--tiny", *SHORT, *arguments]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workdir = tmp_path_factory.mktemp("trained") / "run"
    run("instruct", workdir, "run.steps=4", "checkpoint.every=2", "run.samples=0")
    return workdir


@pytest.mark.slow
def test_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One object on stdout, progress on stderr."""
    assert train_main([*call("--workdir", str(tmp_path / "w")), "--json"]) == 0
    out, err = capfd.readouterr()
    summary = json.loads(out)
    assert summary["schema"] == "robomamba.train/1"
    assert (summary["step"], summary["steps"], summary["stopped"]) == (3, 3, "")
    assert {"loss", "grad_norm", "lr"} <= set(summary["last"])
    assert "trained: 78.302%" in err
    assert "step 3/3" in err


@pytest.mark.slow
def test_again_does_nothing_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A finished run stays as it is."""
    arguments = call("--workdir", str(tmp_path))
    assert train_main(arguments) == 0
    before = (tmp_path / "metrics.jsonl").read_bytes()
    assert train_main(arguments) == 0
    assert "resuming from step 3 of 3" in capfd.readouterr().err
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


WRONG: dict[str, tuple[list[str], str]] = {
    "no such config": (["--config", "configs/stage3.py"], "does not exist"),
    "no config": ([], "--config"),
    "unknown flag": (call("--wrkdir", "x"), "did you mean --workdir"),
    "unknown key": (call("--set", "optim.lr=1"), "unknown field of --set optim.lr: 'lr'"),
    "no such base": (call("--init", "/nowhere"), "/nowhere does not exist"),
    "mesh": (call("--set", "mesh.data=3"), "a mesh of 3x1x1"),
    "process alone": (call("--process-id", "1"), "no --coordinator"),
    "pattern": (call("--set", 'trainable=["projektor/.*"]'), "matches no parameter"),
    "data": (call("--set", "data.sources.0.path=many"), "'many' is not a number"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line."""
    arguments, what = WRONG[name]
    if "--workdir" not in arguments and name != "no config":
        arguments = [*arguments, "--workdir", str(tmp_path / "w")]
    assert train_main(arguments) == 2
    err = [line for line in capfd.readouterr().err.splitlines() if line.startswith("robomamba:")]
    assert len(err) == 1
    assert what in err[0]


@pytest.mark.slow
def test_a_config_that_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Is named with what it raised."""
    file = tmp_path / "mine.py"
    file.write_text("def get_config():\n    return 1 / 0\n")
    assert train_main(["--config", str(file)]) == 2
    assert "mine.py: ZeroDivisionError" in capfd.readouterr().err
    file.write_text("x = 1\n")
    assert train_main(["--config", str(file)]) == 2
    assert "no attribute 'get_config'" in capfd.readouterr().err


@pytest.mark.slow
def test_everything_reads_a_run(trained: Path, tmp_path: Path) -> None:
    """``rm.load`` and ``convert``, of the workdir, a step and the export: the same numbers."""
    whole, _ = rm.load(trained)
    step, _ = rm.load(trained / "checkpoints" / "4")
    older, _ = rm.load(trained / "checkpoints" / "2")
    arguments = ["convert", "--from", "run", "--in", str(trained), "--out", str(tmp_path / "f")]
    assert main(arguments) == 0
    folder, _ = rm.load(tmp_path / "f")
    for other in (step, folder):
        for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)
    pairs = zip(jax.tree.leaves(whole), jax.tree.leaves(older), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "name"), [("hf-mamba", "hf"), ("robomamba", "out.pth")])
def test_a_run_goes_to_torch(trained: Path, tmp_path: Path, layout: str, name: str) -> None:
    """And comes back the same."""
    out = tmp_path / name
    arguments = ["convert", "--to", layout, "--in", str(trained), "--out", str(out)]
    # The head was never trained, and its widths are not the published ones.
    assert main([*arguments, *(["--without-policy"] if layout == "robomamba" else [])]) == 0
    back = tmp_path / "back"
    arguments = ["convert", "--from", layout, "--in", str(out), "--out", str(back)]
    if layout == "robomamba":
        # The encoder's last block and norm, which nobody reads, were never in this model.
        arguments += ["--set", "vision.heads=3", "--set", "vision.feature_layer=-1"]
    assert main(arguments) == 0
    whole, _ = rm.load(trained)
    again, _ = rm.load(back)
    for a, b in zip(
        jax.tree.leaves(whole.params["llm"]), jax.tree.leaves(again.params["llm"]), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_converting_a_run_without_steps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing to read is said."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.json").write_text("{}")
    arguments = ["convert", "--from", "run", "--in", str(tmp_path), "--out", str(tmp_path / "o")]
    assert main(arguments) == 2
    assert "has no checkpoint yet" in capfd.readouterr().err
    with pytest.raises(InputError):
        find_step(tmp_path / "nothing")


@pytest.mark.slow
def test_a_manipllm_folder_through_stage_two(tmp_path: Path) -> None:
    """Its own format, read, trained on and predicted from."""
    root = manipllm(tmp_path / "data", 12)
    changes = (
        *(f"data.sources.0.path={root}", "data.sources.0.format=manipllm"),
        *("data.sources.0.factory=none", "run.steps=8", "run.samples=2", "model.gripper=true"),
    )
    summary = run("manipulate", tmp_path / "run", *changes)
    assert summary["table"][-1]["trained"] > 1380  # the gripper's own head
    found = [line for line in lines(tmp_path / "run") if "loss" in line]
    assert found[-1]["loss_contact"] > 0
    model, processor = rm.load(tmp_path / "run")
    image = next(root.glob("*/*.png"))
    pose = rm.predict_pose(model, processor, str(image), "open the door")
    assert pose.rotation.shape == (3, 3)
    assert 0 <= pose.gripper_open <= 1


def manipllm(root: Path, count: int) -> Path:
    """A small data set as ManipLLM's generator leaves it."""
    from tests.data.samples import picture

    rng = np.random.default_rng(0)
    for number in range(count):
        folder = root / f"{number}_Door_0_pulling"
        picture(folder / "original_rgb.png", rng, 336, 336)
        result: dict[str, Any] = {
            "pixel_locs": rng.integers(100, 200, 2).tolist(),
            "gripper_up_direction_camera": [0.0, 0.6, -0.8],
            "gripper_forward_direction_camera": [1.0, 0.0, 0.0],
            "mani_succ": "True",
        }
        (folder / "result.json").write_text(json.dumps(result))
    return root


@pytest.mark.slow
def test_the_older_good_step_is_loaded(trained: Path, tmp_path: Path) -> None:
    """A damaged newest one is passed over when a model is loaded, too."""
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "4" / "processor.json").unlink()
    older, _ = rm.load(trained / "checkpoints" / "2")
    found, _ = rm.load(tmp_path / "run")
    for a, b in zip(jax.tree.leaves(older), jax.tree.leaves(found), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_preset_as_a_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Random weights by seed: the same as ``rm.load`` draws, and a base for training."""
    out = str(tmp_path / "start")
    assert main(["convert", "--from", "preset", "--in", "tiny", "--out", out, "--seed", "3"]) == 0
    folder, _ = rm.load(out)
    drawn, _ = rm.load("tiny", seed=3)
    for a, b in zip(jax.tree.leaves(folder), jax.tree.leaves(drawn), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)  # one is drawn under jit
    arguments = call("--workdir", str(tmp_path / "w"), "--init", out)
    assert train_main(arguments) == 0
    assert main(["convert", "--from", "preset", "--in", "130m", "--out", out + "2"]) == 2
    assert "brings no tokenizer" in capfd.readouterr().err
