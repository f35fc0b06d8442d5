# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Killed, stopped, damaged: the run goes on as if nothing had happened, or says what has."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.errors import InputError
from robomamba_jax.training import checkpoint
from robomamba_jax.training.failpoints import MOMENTS
from tests.counting import PATIENCE, wait_for
from tests.training.runs import QUIET, ROOT, arguments, lines, process, run

CHANGES = ("run.steps=9", "checkpoint.every=2", "run.eval_every=3", *QUIET)


def arrays(workdir: Path) -> dict[str, np.ndarray]:
    found = checkpoint.newest_good(workdir)
    assert found is not None
    return checkpoint.read_arrays(found, "")


def check_alike(one: Path, other: Path) -> None:
    """Parameters, optimizer, random key, metrics: to the bit."""
    first, second = arrays(one), arrays(other)
    assert first.keys() == second.keys()
    assert {"rng", "step"} <= first.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    workdir = tmp_path_factory.mktemp("quiet") / "run"
    run("instruct", workdir, *CHANGES)
    return workdir


# One each of: between steps, before, in and after a write, and while an old step is removed.
KILLS = ("recorded:3", "writing:4", "written:4", "evaluated:6", "commit:6", "deleting:2")


@pytest.mark.slow
def test_killed_at_every_phase(quiet: Path, tmp_path: Path) -> None:
    """Six kills in one run."""
    for moment in KILLS:
        done = process("instruct", tmp_path, *CHANGES, ROBOMAMBA_FAILPOINT=moment)
        assert done.returncode == -signal.SIGKILL, (moment, done.stderr[-2000:])
    run("instruct", tmp_path, *CHANGES)
    assert not list((tmp_path / "checkpoints").glob(".*"))
    check_alike(quiet, tmp_path)


@pytest.mark.slow
def test_the_kills_are_moments_that_exist() -> None:
    """A misspelt one would kill nothing."""
    assert {kill.split(":")[0] for kill in KILLS} <= set(MOMENTS)


@pytest.mark.slow
def test_told_to_stop(quiet: Path, tmp_path: Path) -> None:
    """SIGTERM saves the step that it came to, and ends with status 0; so does stop_after."""
    run("instruct", tmp_path, *CHANGES, "run.stop_after=1")
    assert checkpoint.steps(tmp_path) == [1]
    command = arguments("instruct", tmp_path, *CHANGES)
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        metrics = tmp_path / "metrics.jsonl"
        wait_for(lambda: len(metrics.read_bytes().splitlines()) >= 2, running)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, err[-2000:]
    if checkpoint.steps(tmp_path)[0] < 9:
        assert "interrupted; run the same command to resume" in err
    run("instruct", tmp_path, *CHANGES)
    check_alike(quiet, tmp_path)


def damaged(quiet: Path, tmp_path: Path) -> Path:
    shutil.copytree(quiet, tmp_path / "run")
    return tmp_path / "run"


def step_files(workdir: Path, step: int) -> list[Path]:
    folder = workdir / "checkpoints" / str(step)
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_any_flipped_bit_is_found(quiet: Path, tmp_path: Path) -> None:
    """In every file of a step, the manifest too; also one cut short, one gone, one too many."""
    workdir = damaged(quiet, tmp_path)
    newest = checkpoint.steps(workdir)[0]
    folder = workdir / "checkpoints" / str(newest)
    rng = np.random.default_rng(0)
    assert checkpoint.damage(folder) == ""
    files = step_files(workdir, newest)
    assert len(files) > 8
    for file in files:
        whole = file.read_bytes()
        changes = {"cut": whole[: len(whole) // 2], "gone": None}
        if whole:
            place, bit = int(rng.integers(len(whole))), int(rng.integers(8))
            flipped = bytes([whole[place] ^ (1 << bit)])
            changes["flipped"] = whole[:place] + flipped + whole[place + 1 :]
        for what, content in changes.items():
            if content == whole:
                continue
            file.unlink() if content is None else file.write_bytes(content)
            found = checkpoint.damage(folder)
            # The manifest's own text may say the same with another spacing or letter case.
            if file.name != "manifest.json" or what != "flipped":
                assert found, (file, what)
            file.write_bytes(whole)
    (folder / "extra").write_text("x")
    assert checkpoint.damage(folder) == "extra is not in the manifest"


@pytest.mark.slow
def test_the_newest_good_step_is_taken(quiet: Path, tmp_path: Path) -> None:
    """And the run comes to the same end; what was passed over is said and kept aside."""
    workdir = damaged(quiet, tmp_path)
    newest, older = checkpoint.steps(workdir)[:2]
    file = max(step_files(workdir, newest), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    said: list[str] = []
    found = checkpoint.newest_good(workdir, said.append)
    assert found == workdir / "checkpoints" / str(older)
    assert "its sha256 differs" in said[0]
    run("instruct", workdir, *CHANGES)
    check_alike(quiet, workdir)
    assert (workdir / "checkpoints" / f"damaged-{newest}").is_dir()


@pytest.mark.slow
def test_a_damaged_step_asked_for_by_name(quiet: Path, tmp_path: Path) -> None:
    """Nothing is put in its place."""
    workdir = damaged(quiet, tmp_path)
    step = workdir / "checkpoints" / "9"
    (step / "processor.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        rm.load(step)
    assert caught.value.kind == "bad_checkpoint"


@pytest.mark.slow
def test_no_good_step_is_an_error(quiet: Path, tmp_path: Path) -> None:
    """It does not begin anew in silence."""
    workdir = damaged(quiet, tmp_path)
    for step in checkpoint.steps(workdir):
        (workdir / "checkpoints" / str(step) / "meta.json").unlink()
    with pytest.raises(InputError) as caught:
        run("instruct", workdir, *CHANGES)
    assert caught.value.kind == "bad_checkpoint"


@pytest.mark.slow
def test_what_stays(quiet: Path, tmp_path: Path) -> None:
    """The newest two, and multiples of keep_every for ever."""
    assert checkpoint.steps(quiet) == [9, 8]
    run("instruct", tmp_path, *CHANGES, "checkpoint.keep=1", "checkpoint.keep_every=4")
    assert checkpoint.steps(tmp_path) == [9, 8, 4]


@pytest.mark.slow
def test_a_workdir_holds_one_run(quiet: Path, tmp_path: Path) -> None:
    """Another rate is another run; another mesh or more logging is not."""
    workdir = damaged(quiet, tmp_path)
    with pytest.raises(InputError) as caught:
        run("instruct", workdir, *CHANGES, "optim.learning_rate=0.5")
    assert "optim.learning_rate 0.003, now 0.5" in str(caught.value)
    with pytest.raises(InputError) as caught:
        run("instruct", workdir, *CHANGES, "data.sources.0.path=95")
    assert "data.sources.0.path" in str(caught.value)
    summary = run("instruct", workdir, *CHANGES, "run.log_every=1", "mesh.data=1")
    assert summary["step"] == 9


@pytest.mark.slow
def test_other_data_are_noticed(quiet: Path, tmp_path: Path) -> None:
    """Files that have changed under the same name."""
    workdir = damaged(quiet, tmp_path)
    meta_file = workdir / "checkpoints" / "9" / "meta.json"
    meta = json.loads(meta_file.read_text())
    assert set(meta["data"]) == {"seed", "step", "plan_hash"}
    meta["data"]["plan_hash"] = "0" * 64
    rewrite(workdir / "checkpoints" / "9", "meta.json", meta)
    with pytest.raises(InputError) as caught:
        run("instruct", workdir, *CHANGES)
    assert caught.value.kind == "data_mismatch"


@pytest.mark.slow
def test_another_base_is_noticed(tmp_path: Path) -> None:
    """A stage's base that has changed since: by its hash, not its path."""
    one, two = tmp_path / "one", tmp_path / "two"
    run("instruct", one, "run.steps=2", "run.samples=0")
    run("manipulate", two, "run.steps=4", "run.stop_after=2", *QUIET, init=one / "export")
    readme = one / "export" / "README.md"
    manifest = json.loads((one / "export" / "manifest.json").read_text())
    manifest["origin"]["stage"] = "another"
    (one / "export" / "manifest.json").write_text(json.dumps(manifest))
    assert readme.is_file()
    with pytest.raises(InputError) as caught:
        run("manipulate", two, "run.steps=4", *QUIET, init=one / "export")
    assert caught.value.kind == "base_mismatch"
    shutil.rmtree(one / "export")
    with pytest.raises(InputError) as caught:
        run("manipulate", two, "run.steps=4", *QUIET, init=one / "export")
    assert caught.value.kind == "missing_checkpoint"


def rewrite(folder: Path, name: str, content: Any) -> None:
    """Change a file of a step together with its hash."""
    (folder / name).write_text(json.dumps(content))
    manifest = json.loads((folder / "manifest.json").read_text())
    from robomamba_jax.utils.hashes import file_sha256

    manifest["files"][name] = {
        "bytes": (folder / name).stat().st_size,
        "sha256": file_sha256(folder / name),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_metrics_hold_every_step_once(quiet: Path) -> None:
    """With samples, losses, norms and rates; evaluations between them."""
    found = lines(quiet)
    train = [line for line in found if "loss" in line]
    assert [line["step"] for line in train] == list(range(9))
    assert {"samples", "epoch", "grad_norm", "param_norm", "lr"} <= set(train[0])
    assert [line["step"] for line in found if "eval" in line] == [3, 6, 9]
