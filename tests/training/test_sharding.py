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
from robomamba_jax.training import checkpoint
from robomamba_jax.training.sharding import mesh_shape
from tests.counting import PATIENCE
from tests.training.runs import QUIET, ROOT, STAGES, arguments, lines, run

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
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_same_losses_on_any_mesh(eight: Any, stage: str) -> None:
    """2 x 2 x 2 against one device; where all is trained 8 x 1 x 1 and 1 x 8 x 1 too."""
    found = eight["losses"][stage]
    assert found.keys() >= {"1x1x1", "2x2x2"}
    for name, values in found.items():
        np.testing.assert_allclose(values, found["1x1x1"], rtol=TOLERANCE, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["align", "instruct"])
def test_bytes_per_device(eight: Any, stage: str) -> None:
    """Along fsdp parameters and moments are split; along data they are copied."""
    found = eight["shares"][stage]
    assert found["1x8x1"] <= 1.1 / 8
    assert found["8x1x1"] == 1.0


@pytest.mark.slow
def test_saved_on_n_restored_on_m(eight: Any) -> None:
    """16 of 16, to the bit."""
    assert len(eight["matrix"]) == 16
    assert all(eight["matrix"].values()), eight["matrix"]


CHANGES = ("run.steps=6", "checkpoint.every=2", "eval_data=null", *QUIET)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process that those of several are compared with."""
    workdir = tmp_path_factory.mktemp("alone") / "run"
    run("instruct", workdir, *CHANGES)
    return workdir


def check_as_alone(workdir: Path, alone: Path) -> None:
    """The same samples and losses; and one process alone reads what several have written."""
    for a, b in zip(lines(workdir), lines(alone), strict=True):
        assert (a["step"], a["samples"]) == (b["step"], b["samples"])
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
    steps = [checkpoint.newest_good(folder) for folder in (workdir, alone)]
    one, other = (checkpoint.read_arrays(step, "") for step in steps if step is not None)
    assert one.keys() == other.keys()


@pytest.mark.slow
def test_two_processes(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command with CPU collectives on four devices, begun by one process on one, in a
    workdir of a difficult name: each has a way of its own to the folder that they share."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")  # of each process
    workdir = tmp_path / "runs [v1]*" / "a"
    run("instruct", workdir, *CHANGES, "run.stop_after=4")
    found = launch([arguments("instruct", workdir, *CHANGES, "mesh.data=1", "mesh.fsdp=4")] * 2)
    assert all(code == 0 for code, _ in found), found
    assert "2 processes" in found[0][1]
    assert "resuming from step 4" in found[0][1]
    check_as_alone(workdir, alone)


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
def test_one_of_two_is_killed(alone: Path, tmp_path: Path) -> None:
    """The other ends too, with an error and soon; the same command goes on afterwards."""
    command = arguments("instruct", tmp_path, *CHANGES, "mesh.data=2")
    found = launch([command, command], {1: {"ROBOMAMBA_FAILPOINT": "stepped:5"}})
    assert found[1][0] == -signal.SIGKILL
    assert found[0][0] not in (0, None)
    assert all(code == 0 for code, _ in launch([command, command]))
    check_as_alone(tmp_path, alone)


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
    try:
        return [(p.returncode, err) for p in run for err in [p.communicate(timeout=PATIENCE)[1]]]
    finally:
        for p in run:  # those that still wait for one that failed
            p.kill()


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
