#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The real 2.8B on TPUs that are not there: does every plan hold what docs/pods.md says?

    make test-plan

libtpu compiles one process at a time, so this is no part of the parallel tests.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GIB = 2**30

# Stage, topology, rows of the batch.
PLANS = (
    ("stage1_1_align", "v5e:4x4", 16),
    ("stage1_2_instruct", "v5e:4x4", 16),
    ("stage1_2_instruct", "v5e:16x16", 256),
    ("stage1_2_instruct", "v5p:4x4x4", 64),
    ("stage2_manipulation", "v5e:4x4", 16),
    ("stage2_manipulation", "v5e:16x16", 256),
    ("stage2_manipulation", "v5p:4x4x4", 64),
)


def make_plan(
    stage: str,
    topology: str,
    rows: int,
    layers: int | None = None,
    scan_method: str = "auto",
    mesh: dict[str, int] | None = None,
) -> dict[str, Any]:
    """One plan, with rows of 2,048 tokens in every stage, so that they can be compared."""
    from robomamba_jax.config.files import config_module
    from robomamba_jax.training.planning import open_topology, plan

    config = config_module(ROOT / "configs" / f"{stage}.py").get_config()
    encoding = dataclasses.replace(config.data.encoding, max_tokens=1792)
    batch = dataclasses.replace(config.data.batch, batch_size=rows, seq_len=2048, images=7)
    data = dataclasses.replace(config.data, batch=batch, encoding=encoding)
    model = dataclasses.replace(config.model, scan_method=scan_method)
    config = dataclasses.replace(config, data=data, model=model)
    if mesh is not None:
        config = dataclasses.replace(config, mesh=dataclasses.replace(config.mesh, **mesh))
    return dict(plan(config, open_topology(topology), layers=layers))


def line(stage: str, report: dict[str, Any]) -> str:
    """A row of the table in docs/pods.md."""
    sizes = report["bytes"]
    asked = report["asked"]
    cells = [stage.split("_", 1)[1], report["topology"], str(report["layers"])]
    cells += [
        f"{sizes[name] / GIB:.2f}" for name in ("trained", "moments", "frozen", "work", "peak")
    ]
    cells.append(f"{report['chip_bytes'] / GIB:.0f}")
    cells += [f"{asked[kind]['bytes'] / GIB:.1f}" for kind in ("all-gather", "reduce-scatter")]
    cells.append(f"{report['seconds']['compile']:.0f}")
    return "| " + " | ".join(cells) + " |"


def check_kernel(without: dict[str, Any]) -> list[str]:
    """Plans with the scan's kernel, beside one without: two passes forward, since layers are
    rematerialised, and one backward in each of 64 layers, in no more memory."""
    problems = []
    for mesh in (None, {"data": 1, "fsdp": 8, "tensor": 2}):
        report = make_plan("stage1_2_instruct", "v5e:4x4", 16, scan_method="kernel", mesh=mesh)
        print(line("stage1_2_instruct", report), report["kernels"], flush=True)
        if report["kernels"] != {"mamba_scan_fwd": 128, "mamba_scan_bwd": 64}:
            problems.append(f"kernels of mesh {report['mesh']}: {report['kernels']}")
        if mesh is None and report["bytes"]["peak"] > without["bytes"]["peak"]:
            problems.append("the scan's kernel needs more memory than the chunked scan")
    return problems


def main() -> int:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    problems = []
    reports: dict[tuple[str, str], dict[str, Any]] = {}
    for stage, topology, rows in PLANS:
        report = reports[stage, topology] = make_plan(stage, topology, rows)
        print(line(stage, report), flush=True)
        if not report["fits"]:
            problems.append(f"{stage} does not fit on {topology}")
        collectives = [*report["asked_collective_ops"], *report["collective_ops"]]
        in_loops = {row["kind"] for row in collectives if row["loops"]}
        if "all-to-all" in in_loops:
            problems.append(f"{stage} on {topology}: all-to-all in a loop")
    short = make_plan("stage1_2_instruct", "v5e:4x4", 16, layers=4)
    print(line("stage1_2_instruct", short), flush=True)
    long = reports["stage1_2_instruct", "v5e:4x4"]
    growth = long["hlo_bytes"] / short["hlo_bytes"]
    print(f"HLO of 64 layers is {growth:.3f} times that of 4")
    if not 0.95 < growth < 1.05:
        problems.append(f"the program grows with depth: {growth:.3f}")
    problems += check_kernel(long)
    ratio = reports["stage2_manipulation", "v5e:4x4"]["bytes"]["peak"] / long["bytes"]["peak"]
    print(f"stage 2's peak is {ratio:.3f} of stage 1.2's, with the same rows")
    if ratio >= 0.25:
        problems.append(f"stage 2 needs {ratio:.2f} of stage 1.2's memory")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
