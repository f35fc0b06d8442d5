# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``bench device``: every case's code on tiny shapes, the time, failures, the table."""

from __future__ import annotations

import importlib.machinery
import json
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import pytest

from robomamba_jax.bench import runner
from robomamba_jax.bench.device import facts, peers, running, scan
from robomamba_jax.bench.device.cases import GROUPS
from robomamba_jax.bench.device.report import report
from robomamba_jax.bench.device.running import in_order, run_device, scan_share
from robomamba_jax.bench.device.settings import DeviceBench
from robomamba_jax.bench.worker import SIDES
from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.utils.process_pool import WorkerError
from tests.ops.kernels.kernels import PlainKernel

DEVICE = {
    "device": "NVIDIA H200",
    "devices": 1,
    "backend": "gpu",
    "platform_version": "cuda 12090\nmore",
    "nvrtc": "12.9",
    "packages": {"libtpu": "1"},
    "under_load": {"driver_version": "570.1", "clocks.sm": "1755 MHz"},
    "bfloat16_flop_s": 7e14,
    "float32_flop_s": 3e14,
    "copy_bytes_s": 4e12,
}
TIMES = {"seconds": 0.1, "seconds_min": 0.1, "seconds_max": 0.1, "seconds_p99": 0.1}


def pretend(side: str, work: Mapping[str, Any], rounds: int, *, seconds: float) -> Any:
    """A device on which every call takes as long."""
    assert seconds > 0
    assert rounds == 5
    if side == "device-facts":
        return dict(DEVICE)
    known: dict[str, Any] = {
        "device-scan": {"forward_seconds": 0.001, "calls": work.get("calls"), "off_by": 1e-7},
        "device-products": {"flops": 1e9, "calls": work.get("calls")},
        "device-step": {
            "params": 10,
            "tokens": 100,
            "peak_flops": 60_000.0,
            "temp_bytes": 2**30,
            "device_bytes": 2**31,
            "loss": 2.5,
        },
    }
    return {**TIMES, "repeatable": True, **known.get(work["kind"], {})}


@pytest.mark.parametrize("name", GROUPS)
def test_a_rehearsal_runs_all_that_a_device_would(name: str) -> None:
    """Every side, of the same kinds of work with the same keys; each is known to the workers."""
    real, tiny = (GROUPS[name](rehearse) for rehearse in (False, True))

    def kinds(cases: Any) -> set[tuple[str, str, tuple[str, ...]]]:
        return {(s, c.work["kind"], tuple(sorted(c.work))) for c in cases for s in c.sides}

    assert kinds(real) == kinds(tiny)
    assert {side for side, *_ in kinds(real)} <= set(SIDES)
    assert len({case.name for case in real}) == len(real)


def test_the_most_important_comes_first() -> None:
    """What the rest is compared with, then steps; variants of the kernel last."""
    order = [(case.work["kind"], side) for case, side in in_order(DeviceBench().device_cases())]
    assert order[:2] == [
        ("device-scan", "device-scan-kernel"),
        ("device-products", "device-products"),
    ]
    assert order.index(("device-step", "device-step-kernel")) < order.index(
        ("pose", "robomamba-control")
    )
    assert "lanes" in order[-2][1] or "mambapy" in order[-1][1]


def test_mistakes_are_told_before_anything_starts() -> None:
    """A group that there is not; torch left out."""
    with pytest.raises(InputError, match="unknown case 'scam'"):
        run_device(DeviceBench(cases=("scam",)), print, run=pretend)
    assert not any("torch" in c.name for c in DeviceBench(no_peers=True).device_cases())


def test_rates_and_ratios() -> None:
    """Of one call: 100 ms for 20 are 5, of which 1 forward; products likewise 5."""
    result = run_device(DeviceBench(), lambda line: None, run=pretend)
    assert not result["rehearsal"]
    first = result["cases"][0]
    kernel = first["sides"]["device-scan-kernel"]
    assert (kernel["forward_ms"], kernel["backward_ms"]) == pytest.approx((1.0, 4.0))
    assert first["ratios"]["device-scan-chunk-8"] == 1.0
    share = scan_share(result["cases"], first, "device-scan-kernel")
    assert share == pytest.approx((2 * 1 + 4) / (4 * 5))
    (step, *_) = (c for c in result["cases"] if c["work"]["kind"] == "device-step")
    figures = step["sides"]["device-step-kernel"]
    # 100 tokens in 0.1 s, 6 x 10 parameters each, of 60,000 a second.
    assert (figures["tokens_per_second"], figures["mfu"]) == pytest.approx((1000.0, 1.0))
    text = report(result)
    for words in ("# NVIDIA H200", "driver 570.1", "0.30 : 1", "| 100.0 % |", "clocks.sm 1755 MHz"):
        assert words in text
    assert "rehearsal" not in text
    json.dumps(result)


def test_what_fails_is_named_and_the_rest_goes_on() -> None:
    """One side that runs out of memory, in the JSON and in the table; no ratio without a first."""

    def fails(side: str, work: Mapping[str, Any], rounds: int, *, seconds: float) -> Any:
        if side == "device-scan-kernel":
            return {"skipped": "RESOURCE_EXHAUSTED: 9 | 8"}
        return pretend(side, work, rounds, seconds=seconds)

    result = run_device(DeviceBench(cases=("scan", "products")), lambda line: None, run=fails)
    assert result["cases"][0]["ratios"] == {}
    assert "forward_ms" in result["cases"][0]["sides"]["device-scan-chunk-8"]
    row = "| scan 8x2048x5120x16, bfloat16 | device-scan-kernel | RESOURCE_EXHAUSTED: 9 / 8 |"
    assert row in report(result)


def test_no_device_at_all_is_an_error() -> None:
    """Nothing else could run either."""
    with pytest.raises(InputError, match="jax cannot compute here: no driver"):
        run_device(DeviceBench(), print, run=lambda *a, **k: {"skipped": "no driver"})


def test_when_the_time_is_over_the_rest_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones ran; nobody gets more than what is left."""
    clock, given = [0.0], list[float]()
    monkeypatch.setattr(running.time, "monotonic", lambda: clock[0])

    def slow(side: str, work: Mapping[str, Any], rounds: int, *, seconds: float) -> Any:
        clock[0] += 25
        given.append(seconds)
        return pretend(side, work, rounds, seconds=seconds)

    result = run_device(DeviceBench(minutes=1), lambda line: None, run=slow)
    assert given == [120, 35, 10]
    sides = [side for case in result["cases"] for side in case["sides"].values()]
    left_out = [side for side in sides if side.get("skipped") == "no time left of 1 minutes"]
    assert len(sides) - len(left_out) == 2


def test_a_side_that_takes_too_long_is_ended() -> None:
    """In the middle of whatever it does: here, of starting."""
    found = runner.run_side("machine", {"kind": "read"}, 1, seconds=0.05)
    assert found == {"skipped": "not done in 0 s"}


def test_of_an_allocators_report_the_one_line_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line, which others end with, is of no use there."""

    class Full:
        def __init__(self, *args: Any, **kinds: Any) -> None: ...

        def ready(self) -> None:
            told = "Traceback\nXlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory\n*****__*\n"
            raise WorkerError(f"a bench worker crashed:\n{told}")

        def kill(self) -> None: ...

        close = kill

    monkeypatch.setattr(runner, "WorkerProcess", Full)
    found = runner.run_side("machine", {"kind": "read"}, 1, seconds=9)
    assert found == {"skipped": "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory"}


def test_nvidia_smi_is_asked_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says, by name; without it nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.smi_under_load(lambda: None) == {}
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '570.1, 1755 MHz, 3201 MHz, 1980 MHz, 612.5 W, 54'\n")
    program.chmod(0o755)
    runs = list[int]()
    found = facts.smi_under_load(lambda: runs.append(1))
    assert (found["driver_version"], found["power.draw"]) == ("570.1", "612.5 W")
    assert runs


@pytest.mark.slow
def test_a_wrong_kernel_is_not_timed() -> None:
    """A gradient of the wrong sign; the right one passes."""

    class Wrong(PlainKernel):
        def backward(self, *args: Any, softplus: bool) -> Any:
            grads = super().backward(*args, softplus=softplus)
            return grads._replace(delta=-grads.delta)

    work: Any = {"state": 4, "dtype": "float32", "rehearse": True}
    with kernel_instead(PlainKernel()):
        found = scan.check("kernel", work)
    assert found["repeatable"]
    assert found["off_by"] < 1e-5
    with kernel_instead(Wrong()), pytest.raises(InputError, match=r"kernel is wrong by 2\.0e"):
        scan.check("kernel", work)


def test_a_variant_of_another_device_is_refused() -> None:
    """A GPU's lanes on a CPU: there is nothing of them to rehearse."""
    refused = pytest.raises(InputError, match="lanes-2 is a gpu's, and this is a cpu")
    with refused, scan.variant("lanes-2", rehearse=True):
        pass


@pytest.mark.torch
@pytest.mark.slow
def test_torch_without_a_gpu_is_not_timed() -> None:
    """A CPU's seconds would say nothing of the GPU; a package that is missing is named."""
    with pytest.raises(InputError, match="torch sees no CUDA device"):
        peers.build("torch-mambapy-scan", {"rehearse": False})
    with pytest.raises(InputError, match="mamba_ssm is not installed"):
        peers.build("torch-mamba-ssm", {"rehearse": False})


@pytest.mark.torch
@pytest.mark.slow
def test_mamba_ssm_is_called_as_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its function's own parameters, time last, delta in u's dtype."""
    from transformers.models.mamba.modeling_mamba import mamba_selective_scan

    def selective_scan_fn(u: Any, delta: Any, A: Any, B: Any, C: Any, **more: Any) -> Any:
        assert u.shape == delta.shape == (1, 8, 16)
        assert (B.shape, u.dtype) == ((1, 2, 16), delta.dtype)
        return mamba_selective_scan(u, delta, A, B, C, use_mambapy=True, **more)

    name = "mamba_ssm.ops.selective_scan_interface"
    for each in ("mamba_ssm", "mamba_ssm.ops", name):
        module = types.ModuleType(each)
        module.__spec__ = importlib.machinery.ModuleSpec(each, None)
        monkeypatch.setitem(sys.modules, each, module)
    sys.modules[name].selective_scan_fn = selective_scan_fn  # type: ignore[attr-defined]
    work: Any = {"batch": 1, "length": 16, "inner": 8, "state": 2, "dtype": "float32"}
    made = peers.build("torch-mamba-ssm", {**work, "calls": 2, "rehearse": True})
    made.run()
    assert made.facts["forward_seconds"] > 0


@pytest.mark.slow
@pytest.mark.usefixtures("sides_here")
@pytest.mark.parametrize("name", GROUPS)
def test_the_rehearsal(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a CPU without asking: every side runs or says why not, and both files are written."""
    assert jax.default_backend() == "cpu"
    words = [
        "bench",
        "device",
        "--cases",
        name,
        "--rounds",
        "1",
        "--out",
        str(tmp_path / "a" / "b"),
    ]
    assert main(words) == 0
    result = json.loads((tmp_path / "a" / "b" / "device.json").read_text())
    assert result["rehearsal"]
    said = capsys.readouterr().out
    text = (tmp_path / "a" / "b" / "device.md").read_text()
    assert text in said
    assert "A rehearsal on tiny shapes" in text
    for case in result["cases"]:
        for side, figures in case["sides"].items():
            if "lanes" in side or side == "torch-mamba-ssm":
                assert "is a gpu's" in figures["skipped"] or "mamba_ssm" in figures["skipped"]
            else:
                assert figures["seconds"] > 0
