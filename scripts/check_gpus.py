#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The GPU's scan kernel and plans for GPUs, without one: what the compilers say.

    make test-plan

NVRTC and ptxas come with the extra `plan`: every variant of the kernel must fit its registers, and
the real 2.8B step must have it in it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# States, threads of a channel, and the registers that a thread may have: with 168 three blocks of
# the backward kernel fit a multiprocessor. Above 16 states no model that is published has any.
VARIANTS = ((4, 1), (8, 1), (8, 4), (12, 2), (16, 1), (16, 2), (16, 4), (20, 1), (32, 1), (32, 4))
REGISTERS = {True: 168, False: 255}
ARCHITECTURES = ("sm_80", "sm_90")

# Topology, scan, rows: the kernel must be in the one program and not in the other.
PLANS = (("h200:8", "kernel", 8), ("h200:8", "chunked", 8), ("2xh100:8", "kernel", 16))


def find_ptxas() -> str | None:
    """The wheel's, or the system's."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).glob("*/bin/ptxas"):
            return str(path)
    return shutil.which("ptxas")


def check_registers() -> list[str]:
    """No spills, and registers within their bounds."""
    from robomamba_jax.ops.kernels import scan_cuda

    ptxas, reason = find_ptxas(), scan_cuda.missing()
    if ptxas is None or reason:
        return [reason or "no ptxas: make plan-env"]
    problems = []
    for states, lanes in VARIANTS:
        for backward in (0, 1):
            macros: dict[str, str | int] = {"SCAN_N": states, "SCAN_I": 5120, "SCAN_L": 2048}
            macros |= {"SCAN_LANES": lanes, "SCAN_U": "bf16", "SCAN_Z": "bf16"}
            macros |= {"SCAN_DELTA": "float", "SCAN_SOFTPLUS": 1, "SCAN_GATE": 1}
            macros |= {"SCAN_RESETS": 1, "SCAN_BOUNDARIES": 1, "SCAN_BACKWARD": backward}
            ptx = scan_cuda.compiled(macros)
            for architecture in ARCHITECTURES:
                name = f"{'backward' if backward else 'forward'} N={states} lanes={lanes}"
                said = assemble(ptxas, ptx, architecture)
                used = re.search(r"Used (\d+) registers", said)
                spills = sum(int(n) for n in re.findall(r"(\d+) bytes spill", said))
                print(f"{architecture} {name}: {used[1] if used else said} registers", flush=True)
                limit = REGISTERS[states <= 16]
                if used is None or spills or int(used[1]) > limit:
                    problems.append(f"{architecture} {name}: {spills} bytes spilled; {said[:300]}")
    return problems


def assemble(ptxas: str, ptx: str, architecture: str) -> str:
    """What ptxas says of a program."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "kernel.ptx"
        path.write_text(ptx)
        words = [ptxas, "-v", f"-arch={architecture}", str(path), "-o", str(Path(work) / "out")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stderr if not done.returncode else f"it does not assemble: {done.stderr}"


def check_plans() -> list[str]:
    """The kernel runs twice forward and once backward a layer, and the step takes less time."""
    from robomamba_jax.ops.kernels.scan_cuda import BACKWARD, FORWARD

    problems = []
    seconds: dict[tuple[str, str], float] = {}
    for topology, method, rows in PLANS:
        report = make_plan(topology, method, rows)
        time = report["time"]
        parts = {name: round(part["seconds"] * 1e3, 1) for name, part in time["parts"].items()}
        seconds[topology, method] = time["parts"]["scan"]["seconds"]
        print(f"{topology} {method}: peak {report['bytes']['peak'] / 2**30:.2f} GiB, ms {parts}")
        layers = report["layers"]
        want = {FORWARD: 2 * layers, BACKWARD: layers} if method == "kernel" else {}
        if report["kernels"] != want:
            problems.append(f"{topology} {method}: kernels {report['kernels']}, not {want}")
        if not report["fits"]:
            problems.append(f"{topology} {method}: it does not fit")
    if seconds["h200:8", "kernel"] > 0.3 * seconds["h200:8", "chunked"]:
        problems.append(f"the kernel saves too little: {seconds}")
    return problems


def make_plan(topology: str, method: str, rows: int) -> dict[str, Any]:
    """Of stage 1.2, one row of 2,048 tokens a device."""
    import dataclasses

    from robomamba_jax.config.files import config_module
    from robomamba_jax.training.planning import open_topology, plan

    config = config_module(ROOT / "configs" / "stage1_2_instruct.py").get_config()
    batch = dataclasses.replace(config.data.batch, batch_size=rows)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, batch=batch),
        model=dataclasses.replace(config.model, scan_method=method),
    )
    return dict(plan(config, open_topology(topology)))


def main() -> int:
    sys.path.insert(0, str(ROOT))
    from robomamba_jax.training.gpu_targets import FLAGS

    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["XLA_FLAGS"] = " ".join((*os.environ.get("XLA_FLAGS", "").split(), *FLAGS))
    problems = [*check_registers(), *check_plans()]
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
