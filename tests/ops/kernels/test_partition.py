# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel on a mesh: as on one device, and nothing travels but sums."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from robomamba_jax.ops.kernels.partition import Partition, context_partition


def test_without_a_mesh_nothing_is_split() -> None:
    """The function is called as it is."""
    alone = context_partition(rows=8, channels=512)
    assert alone == Partition((), (), (), 1)
    seen = alone.forward(lambda inputs: inputs, "the inputs", keep_boundaries=False)  # type: ignore
    assert seen == "the inputs"


@pytest.mark.slow
def test_eight_devices_compute_what_one_does_and_only_sums_travel() -> None:
    """Channels and rows by the compiler, rows by hand as training does, a mesh axis of one device,
    and channels that are not divisible: values, gradients and collectives."""
    script = Path(__file__).with_name("eight_devices.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [re.fullmatch(r"(.*): (\S+), (.*)", line) for line in done.stdout.splitlines()]
    found = {line[1]: (float(line[2]), line[3]) for line in lines if line}
    assert set(found) == {
        "compiler",
        "training",
        "tensor of one device",
        "channels that two do not divide",
    }
    for name, (error, collectives) in found.items():
        assert error < 1e-6, name
        assert re.fullmatch(r"all-reduce \d", collectives), (name, collectives)
