# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A workdir of any name; and a step is good only after it was read back."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError
from robomamba_jax.training import checkpoint
from tests.training.runs import QUIET, run

SIGNS = "- [v1] *?#%20%03d'\"\\ü語:smile:[b]|;&$(){}~@3,=!`<>\n\t\udcff"
NAME = SIGNS + "x" * (255 - len(os.fsencode(SIGNS)))
CHANGES = ("run.steps=4", "checkpoint.every=2", "eval_data=null", *QUIET)


def arrays(workdir: Path, step: int) -> dict[str, np.ndarray]:
    return checkpoint.read_arrays(workdir / "checkpoints" / str(step), "")


def check_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a folder of plain name."""
    workdir = tmp_path_factory.mktemp("plain") / "run"
    run("align", workdir, *CHANGES)
    return workdir


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs [v1]/a", NAME])
def test_a_workdir_of_any_name(name: str, plain: Path, tmp_path: Path) -> None:
    """Begun, gone on with, exported, loaded, begun from: the numbers of a plain one."""
    workdir = tmp_path / name
    run("align", workdir, *CHANGES, "run.stop_after=2")
    check_same(arrays(workdir, 2), arrays(plain, 2))
    run("align", workdir, *CHANGES)
    check_same(arrays(workdir, 4), arrays(plain, 4))
    assert (workdir / "metrics.jsonl").read_bytes() == (plain / "metrics.jsonl").read_bytes()
    out = tmp_path / f"{name[:-4]}.out"
    assert main(["convert", "--from", "run", "--in", str(workdir), "--out", str(out)]) == 0
    found, exported = rm.load(workdir)[0].params, rm.load(out)[0].params
    assert repr(found) == repr(exported)
    if name == NAME:
        after = run("instruct", tmp_path / "next", "run.steps=1", *QUIET, init=workdir)
        assert after["step"] == 1
        base = json.loads((tmp_path / "next" / "frozen.json").read_bytes())["path"]
        assert Path(base) == workdir / "checkpoints" / "4"


def spoil_index(step: Path) -> None:
    """What orbax leaves where its pattern finds nothing to join."""
    (step / "state" / "manifest.ocdbt").unlink()
    shutil.rmtree(step / "state" / "d")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["no index", "other numbers", "an array less"])
def test_a_step_that_cannot_be_read_back(
    how: str, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files change under the writer's hands, as a broken disk's do: the run stops and says which
    step it was; the steps before stay, and the same command goes on from them."""
    workdir = tmp_path / "run"
    told = checkpoint.reached

    def at(moment: str, step: int) -> None:
        told(moment, step)
        state = workdir / "checkpoints" / f".partial-{step}" / "state"
        if moment != "written" or step != 4:
            return
        if how == "no index":
            spoil_index(state.parent)
        elif how == "other numbers":
            shutil.rmtree(state)
            shutil.copytree(workdir / "checkpoints" / "2" / "state", state)
        else:
            other = tmp_path / "other"
            run("manipulate", other, "run.steps=2", "checkpoint.every=2", *QUIET)
            shutil.rmtree(state)
            shutil.copytree(other / "checkpoints" / "2" / "state", state)

    monkeypatch.setattr(checkpoint, "reached", at)
    with pytest.raises(InputError, match="step 4 was written to") as caught:
        run("align", workdir, *CHANGES, "checkpoint.keep=1")
    assert caught.value.kind == "cannot_read_back"
    assert checkpoint.steps(workdir) == [2]
    monkeypatch.undo()
    run("align", workdir, *CHANGES, "checkpoint.keep=1")
    check_same(arrays(workdir, 4), arrays(plain, 4))


def as_before(step: Path) -> None:
    """A step as it was committed when none was read back: its files whole, no array in it."""
    spoil_index(step)
    content = json.loads((step / "manifest.json").read_bytes())
    content["files"] = {
        name: facts for name, facts in content["files"].items() if (step / name).is_file()
    }
    (step / "manifest.json").write_text(json.dumps(content))


@pytest.mark.slow
def test_an_older_step_without_arrays(plain: Path, tmp_path: Path) -> None:
    """Is passed over by name; asked for, it says what it lacks."""
    workdir = tmp_path / "run"
    shutil.copytree(plain, workdir)
    newest = workdir / "checkpoints" / "4"
    as_before(newest)
    said: list[str] = []
    assert checkpoint.newest_good(workdir, said.append) == workdir / "checkpoints" / "2"
    assert len(said) == 1
    assert str(newest) in said[0]
    assert "state/manifest.ocdbt is missing" in said[0]
    with pytest.raises(InputError, match="cannot be read"):
        rm.load(newest)
    run("align", workdir, *CHANGES)
    check_same(arrays(workdir, 4), arrays(plain, 4))


@pytest.mark.slow
def test_sums_here_and_on_devices(plain: Path, tmp_path: Path) -> None:
    """What is compared is the same number wherever it is taken, and of every bit and place."""
    copied = tmp_path / "run"
    shutil.copytree(plain, copied)
    as_before(copied / "checkpoints" / "4")
    assert checkpoint.damage(copied / "checkpoints" / "4")  # what the sums are for
    import jax
    import jax.numpy as jnp

    from robomamba_jax.training import step_arrays

    rng = np.random.default_rng(0)
    tree: dict[str, Any] = {
        "a": jnp.asarray(rng.normal(size=(7, 5, 3)), jnp.float32),
        "b": {"c": jnp.asarray(rng.normal(size=(600, 700)), jnp.bfloat16)},
        "d": jnp.asarray(rng.integers(0, 2**32, 4), jnp.uint32),
        "e": jnp.asarray(rng.integers(0, 2, 9), bool),
        "f": jnp.int32(-5),
        "g": jnp.zeros((0, 3)),
    }
    here = np.asarray(step_arrays.array_sums(tree))
    arrays = list(step_arrays.flat(tree).values())
    assert np.array_equal(here, jax.jit(step_arrays._device_sums)(arrays))
    assert here[0] == _sum_by_definition(np.asarray(tree["a"]))
    for place in range(5):
        other = {**tree, "a": tree["a"].at[place, 1, 2].multiply(1.0001)}
        assert np.array_equal(np.asarray(step_arrays.array_sums(other)) != here, [1, 0, 0, 0, 0, 0])
    turned = {**tree, "a": tree["a"][::-1]}
    assert step_arrays.array_sums(turned)[0] != here[0]


def _sum_by_definition(array: np.ndarray) -> int:
    words = [int(word) for word in array.reshape(-1).view(np.uint32)]
    return sum(word * (2 * place + 1) for place, word in enumerate(words)) % 2**32
