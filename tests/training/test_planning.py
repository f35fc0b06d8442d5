# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The planner, and the reading of compiled programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.training.hlo import collectives, kernel_name
from robomamba_jax.training.planning import open_topology
from tests.counting import PATIENCE
from tests.training.runs import ROOT, config_path

HLO = """HloModule jit_step

%add (a: f32[], b: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%a, %b)
}

%condition (p: (s32[], f32[8])) -> pred[] {
  %limit = s32[] constant(5)
  ROOT %less = pred[] compare(%i, %limit), direction=LT
}

%inner (p: (s32[], f32[8])) -> (s32[], f32[8]) {
  %g = bf16[16,4]{1,0} all-gather(%w), channel_id=3, metadata={op_name="jit(step)/layer/gather"}
  %r = f32[2]{0} reduce-scatter(%x), channel_id=4, to_apply=%add
}

%body (p: (s32[], f32[8])) -> (s32[], f32[8]) {
  %loop = (s32[], f32[8]) while(%t), condition=%condition, body=%inner
  %other = f32[8]{0} fusion(%q), kind=kLoop, calls=%fused
}

%fused (p: f32[8]) -> f32[8] {
  %p = (f32[8]{0}, f32[8]{0}) collective-permute-start(%q), channel_id=5
}

ENTRY %main (a: f32[8]) -> f32[8] {
  %outer = (s32[], f32[8]) while(%t), condition=%condition, body=%body, TRIPS
  %all = (f32[4]{0}, /*index=1*/s32[]) all-reduce(%a, %b), channel_id=1, to_apply=%add
  %gone = f32[64] all-to-all(%a), channel_id=2
}
""".replace("TRIPS", 'backend_config={"known_trip_count":{"n":"3"}}')


@pytest.mark.parametrize("place", ["jit(step)/while/scan_fwd/pallas_call", "scan_fwd"])
def test_a_tpu_s_kernel_is_called_by_its_own_name(place: str) -> None:
    """Pallas' own operation stands behind it; other custom calls are no kernels."""
    line = f'%k.3 = f32[8] custom-call(%a), custom_call_target="TARGET", {{op_name="{place}"}}'
    assert kernel_name(line.replace("TARGET", "tpu_custom_call")) == "scan_fwd"
    assert kernel_name(line.replace("TARGET", "TopK")) == ""


def test_collectives() -> None:
    """Counted through loops within loops, by result and channel."""
    found = {collective.kind: collective for collective in collectives(HLO)}
    assert found["all-gather"][:5] == ("all-gather", 15, 128, 2, "bf16[16,4]")
    assert found["all-gather"].where == "jit(step)/layer/gather"
    assert found["reduce-scatter"][:4] == ("reduce-scatter", 15, 8, 2)
    assert found["collective-permute"][:4] == ("collective-permute", 3, 32, 1)
    assert found["all-reduce"][:4] == ("all-reduce", 1, 20, 0)
    assert found["all-to-all"][:4] == ("all-to-all", 1, 256, 0)
    assert collectives("") == []
    # A computation that is called twice runs twice.
    twice = HLO.replace("kind=kLoop, calls=%fused", "kind=kLoop, calls={%fused, %fused}")
    assert {row.kind: row for row in collectives(twice)}["collective-permute"].count == 6


def plan(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """``robomamba plan --json`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "robomamba_jax", "plan", "--json", *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "XLA_FLAGS"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.slow
def test_plan_of_the_largest_model_on_eight_devices(tmp_path: Path) -> None:
    """Seven layers, as few as are a loop: no collectives but those that the program asks for."""
    out = tmp_path / "plan.json"
    code, report, err = plan(
        *("--config", str(config_path("instruct")), "--topology", "cpu:8", "--layers", "7"),
        *("--set", "data.batch.batch_size=8", "--set", "data.batch.seq_len=300"),
        *("--set", "data.batch.images=1", "--set", "data.encoding.max_tokens=40"),
        *("--out", str(out)),
    )
    assert code == 0, err[-2000:]
    assert json.loads(out.read_text()) == report
    assert report["schema"] == "robomamba.plan/1"
    assert (report["devices"], report["layers"], report["rows_per_device"]) == (8, 7, 1)
    asked, found = report["asked"], report["collectives"]
    assert set(found) == {"all-gather", "all-reduce", "reduce-scatter"}
    for kind in ("all-gather", "reduce-scatter"):
        assert found[kind]["count"] == asked[kind]["count"]
    layers = [row for row in report["asked_collective_ops"] if row["loops"]]
    assert {row["kind"] for row in layers} == {"all-gather", "reduce-scatter"}
    # Gathered in each direction, reduced once.
    weights = [row for row in layers if row["shape"].endswith("[10240,2560]")]
    assert sum(row["count"] for row in weights) == 14
    total = report["table"][-1]
    sizes = report["bytes"]
    assert sizes["trained"] <= 1.02 * 4 * total["trained"] / 8
    assert sizes["moments"] <= 1.02 * 8 * total["trained"] / 8
    assert sizes["peak"] >= sizes["trained"] + sizes["moments"] + sizes["frozen"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("v5z:4x4", "unknown chip 'v5z' (did you mean"),
        ("pod", "no topology 'pod'"),
        ("cpu:64", "JAX_NUM_CPU_DEVICES=64"),
    ],
)
def test_wrong_topologies(name: str, what: str) -> None:
    """With what there is."""
    with pytest.raises(InputError) as caught:
        open_topology(name)
    assert what in str(caught.value)


@pytest.mark.slow
def test_rows_that_cannot_be_shared_out() -> None:
    """Are named, with the number that could be."""
    code, report, _ = plan("--config", str(config_path("instruct")), "--topology", "cpu:5")
    assert code == 2
    assert "data.batch.batch_size as a multiple of 5" in report["error"]["fix"]
