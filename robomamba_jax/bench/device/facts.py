# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the device is, and what matrix products and memory reach on it."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import shutil
import subprocess
from typing import Any

import jax
import jax.numpy as jnp

from robomamba_jax.bench.device.timing import compiled, in_a_loop, median_seconds
from robomamba_jax.bench.records import MachineWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.ops.kernels import nvrtc
from robomamba_jax.utils.version import installed_version

_SMI = (
    "driver_version",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "power.draw",
    "temperature.gpu",
)
_PACKAGES = ("libtpu", "jax-cuda12-pjrt", "jax-cuda13-pjrt", "mamba-ssm")
_CALLS = 10


def build(side: str, case: MachineWork) -> Workload:
    """``case["kind"]`` "device", or "rehearsal" with small arrays."""
    del side
    small = case["kind"] == "rehearsal" or jax.default_backend() == "cpu"
    device = jax.devices()[0]
    size = 256 if small else 8192
    facts: dict[str, Any] = {
        "device": device.device_kind,
        "devices": jax.device_count(),
        "backend": jax.default_backend(),
        "compute_capability": str(getattr(device, "compute_capability", "")),
        # Of the compiler and the runtime behind jax, such as libtpu's or CUDA's.
        "platform_version": device.client.platform_version.strip(),
        "nvrtc": nvrtc.version(),
        "packages": {name: found for name in _PACKAGES if (found := installed_version(name))},
    }
    runs = {}
    for dtype in ("bfloat16", "float32"):
        x = jax.random.normal(jax.random.key(0), (size, size), dtype)
        runs[dtype], _ = compiled(in_a_loop(lambda x: x @ x, _CALLS), x)
        seconds = median_seconds(runs[dtype], _CALLS)
        facts[f"{dtype}_flop_s"] = 2 * size**3 / seconds
    # As large as no cache: one read and one write of each number.
    numbers = jnp.ones(2**20 if small else 2**29, jnp.bfloat16)
    copy, _ = compiled(in_a_loop(lambda x: x + 1, _CALLS), numbers)
    facts["copy_bytes_s"] = 2 * numbers.nbytes / median_seconds(copy, _CALLS)
    # Behind two seconds' worth of work that is, so that the clock is the one under load.
    facts["under_load"] = smi_under_load(runs["bfloat16"])
    return Workload(runs["bfloat16"], facts)


def smi_under_load(run: Any) -> dict[str, str]:
    """What the driver says of the first GPU while work is on it; nothing where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    words = [program, f"--query-gpu={','.join(_SMI)}", "--format=csv,noheader", "--id=0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    # Asking takes the driver some time, in which the device must not fall asleep.
    while process.poll() is None:
        run()
    said, _ = process.communicate()
    return dict(zip(_SMI, (part.strip() for part in said.split(",")), strict=False))
