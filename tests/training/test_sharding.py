# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One device, eight, several processes: the same numbers, an eighth of the memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.config.training import MeshConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.sharding import partition_spec, split_axis
from robomamba_jax.training.sharding import mesh_shape
from tests.training.runs import QUIET, ROOT, STAGES, arguments, lines, process

HERE = Path(__file__).parent
# Measured: 1.7e-7 relative; sums are taken in another order.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What eight_devices.py found."""
    done = subprocess.run(
        [sys.executable, str(HERE / "eight_devices.py"), str(tmp_path_factory.mktemp("eight"))],
        cwd=ROOT,
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "8"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("stage", STAGES)
def test_the_same_losses_on_any_mesh(eight: Any, stage: str) -> None:
    """8 x 1 x 1, 1 x 8 x 1 and 2 x 2 x 2 against one device."""
    found = eight["losses"][stage]
    for name, values in found.items():
        np.testing.assert_allclose(
            values["losses"], found["1x1x1"]["losses"], rtol=TOLERANCE, err_msg=name
        )


@pytest.mark.parametrize("stage", ["align", "instruct"])
def test_bytes_per_device(eight: Any, stage: str) -> None:
    """Along fsdp parameters and moments are split; along data they are copied."""
    found = eight["losses"][stage]
    assert found["1x8x1"]["share"] <= 1.1 / 8
    assert found["8x1x1"]["share"] == 1.0


def test_saved_on_n_restored_on_m(eight: Any) -> None:
    """16 of 16, to the bit."""
    assert len(eight["matrix"]) == 16
    assert all(eight["matrix"].values()), eight["matrix"]


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_several_processes(count: int, tmp_path: Path) -> None:
    """The same command with CPU collectives; one process's checkpoint goes on in several."""
    alone = process("instruct", tmp_path / "alone", "run.steps=6", "checkpoint.every=3", *QUIET)
    assert alone.returncode == 0, alone.stderr[-2000:]
    workdir = tmp_path / "several"
    first = process(
        "instruct", workdir, "run.steps=6", "checkpoint.every=3", "run.stop_after=3", *QUIET
    )
    assert first.returncode == 0, first.stderr[-2000:]
    mesh = ("mesh.data=2", f"mesh.fsdp={count // 2}")
    found = together(count, workdir, "run.steps=6", "checkpoint.every=3", *mesh, *QUIET)
    assert all(code == 0 for code, _ in found), found
    assert f"{count} processes" in found[0][1]
    assert "goes on from step 3" in found[0][1]
    for a, b in zip(lines(workdir), lines(tmp_path / "alone"), strict=True):
        assert a["step"] == b["step"]
        if "loss" in a:
            assert a["samples"] == b["samples"]
            assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)


@pytest.mark.slow
def test_processes_with_other_settings(tmp_path: Path) -> None:
    """Are told so, instead of hanging or training nonsense."""
    commands = [
        arguments("instruct", tmp_path, "run.steps=4", f"optim.learning_rate={rate}", *QUIET)
        for rate in ("0.001", "0.002")
    ]
    found = launch(commands)
    assert [code for code, _ in found] == [2, 2], found
    assert "process 1 has another configuration" in found[0][1]


@pytest.mark.slow
def test_one_of_two_is_killed(tmp_path: Path) -> None:
    """The other ends too, with an error and soon; the same command goes on afterwards."""
    changes = ("run.steps=8", "checkpoint.every=2", "mesh.data=2", *QUIET)
    command = arguments("instruct", tmp_path, *changes)
    found = launch([command, command], {1: {"ROBOMAMBA_DIE_AT": "stepped:5"}})
    assert found[1][0] == -signal.SIGKILL
    assert found[0][0] not in (0, None)
    assert all(code == 0 for code, _ in launch([command, command]))
    assert [line["step"] for line in lines(tmp_path) if "loss" in line] == list(range(8))


def together(count: int, workdir: Path, *changes: str) -> list[tuple[int, str]]:
    """The same command in several processes."""
    return launch([arguments("instruct", workdir, *changes)] * count)


def launch(
    commands: list[list[str]], more: dict[int, dict[str, str]] | None = None
) -> list[tuple[int, str]]:
    """(status, stderr) of commands that make one run; some with more in their environment."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    run = [
        subprocess.Popen(
            [
                *(*command, "--coordinator", f"localhost:{port}"),
                *("--process-id", str(n), "--num-processes", str(len(commands))),
            ],
            cwd=ROOT,
            env={**os.environ, **(more or {}).get(n, {})},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for n, command in enumerate(commands)
    ]
    return [(p.wait(), err) for p, err in [(p, p.communicate(timeout=300)[1]) for p in run]]


@pytest.mark.parametrize(
    ("sizes", "devices", "want"),
    [
        ((-1, 1, 1), 8, (8, 1, 1)),
        ((1, -1, 1), 8, (1, 8, 1)),
        ((2, -1, 2), 8, (2, 2, 2)),
        ((2, 2, 2), 8, (2, 2, 2)),
    ],
)
def test_mesh_shape(sizes: Any, devices: int, want: Any) -> None:
    """What is left goes to the axis that asks for it."""
    assert mesh_shape(MeshConfig(*sizes), devices) == want


@pytest.mark.parametrize("sizes", [(3, -1, 1), (2, 2, 1), (16, 1, 1)])
def test_a_mesh_that_does_not_fit(sizes: Any) -> None:
    """Is named with the devices."""
    with pytest.raises(InputError) as caught:
        mesh_shape(MeshConfig(*sizes), 8)
    assert "on 8 devices" in str(caught.value)


def test_partition_spec_splits_what_it_can() -> None:
    """The rule's axis, else the longest other one; nothing where nothing divides."""
    sizes = {"data": 1, "fsdp": 8, "tensor": 1}
    layer = "llm/backbone/layers/mixer"
    assert tuple(partition_spec(f"{layer}/in_proj/weight", (3, 192, 48), sizes)) == (
        None,
        "tensor",
        "fsdp",
    )
    assert split_axis(f"{layer}/x_proj/weight", (3, 21, 96), sizes) == 2
    assert split_axis(f"{layer}/A_log", (3, 96, 8), sizes) == 1
    assert split_axis("llm/norm_f/weight", (48,), sizes) == 0
    assert split_axis("policy/action_head1/fc3/weight", (2, 6), sizes) is None
    # The layers' axis is walked over, not split.
    assert split_axis(f"{layer}/D", (8, 3), sizes) is None
    assert split_axis("llm/norm_f/weight", (48,), {"fsdp": 1}) is None
