# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One side after the other, most important first, until the time is over."""

from __future__ import annotations

import dataclasses
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from robomamba_jax.bench.device.case import DeviceCase
from robomamba_jax.bench.device.cases import FACTS
from robomamba_jax.bench.device.settings import DeviceBench
from robomamba_jax.bench.records import CaseResult, DeviceResult, Figures, Limits
from robomamba_jax.bench.results import SCHEMA, rates
from robomamba_jax.bench.runner import machine_facts, run_side, versions
from robomamba_jax.errors import InputError
from robomamba_jax.utils.progress import Log

_FACTS_SECONDS = 120
_LEAST_SECONDS = 10.0
"""Nothing is begun with less time left: starting alone takes as long."""
# One process has the device to itself; by default jax would leave a quarter of it free.
_MEMORY = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.92"}

RunSide = Callable[..., Figures]


def run_device(bench: DeviceBench, on_progress: Log, *, run: RunSide = run_side) -> DeviceResult:
    """All cases that fit into the time.

    This process never touches the device: on a TPU only one may.

    Args:
      bench: the settings.
      on_progress: called with a line when something begins.
      run: as ``runner.run_side``.

    Raises:
      InputError: a setting is wrong, or jax finds no device that works.
    """
    bench.device_cases()  # for its errors, before anything starts
    started = time.monotonic()
    for name, value in _MEMORY.items():
        os.environ.setdefault(name, value)
    on_progress("what the device is")
    kind = "rehearsal" if bench.rehearse else "device"
    device = run(FACTS, {"kind": kind}, bench.rounds, seconds=_FACTS_SECONDS)
    if "skipped" in device:
        what = f"jax cannot compute here: {device['skipped']}"
        raise InputError("no_accelerator", what, "robomamba doctor tells more")
    # Whoever has no accelerator rehearses: real sizes would take hours.
    rehearse = bench.rehearse or device["backend"] == "cpu"
    cases = dataclasses.replace(bench, rehearse=rehearse).device_cases()
    found = _run_all(cases, bench, started, on_progress, run)
    limits: Limits = {
        "read_gb_s": device["copy_bytes_s"] / 1e9,
        "gemm_gflop_s": device["float32_flop_s"] / 1e9,
    }
    return {
        "schema": SCHEMA,
        "what": bench.what,
        "machine": machine_facts(),
        "versions": versions(),
        "limits": limits,
        "cases": [_result(case, found, limits) for case in cases],
        "device": device,
        "rehearsal": rehearse,
        "minutes": bench.minutes,
        "seconds": time.monotonic() - started,
    }


def in_order(cases: Sequence[DeviceCase]) -> list[tuple[DeviceCase, str]]:
    """Sides by their priority; of the same, in the order of the cases."""
    sides = [(case, side) for case in cases for side in case.sides]
    return sorted(sides, key=lambda pair: pair[0].sides[pair[1]])


def _run_all(
    cases: Sequence[DeviceCase], bench: DeviceBench, started: float, on_progress: Log, run: RunSide
) -> dict[tuple[str, str], Figures]:
    """(case's name, side) -> figures."""
    found: dict[tuple[str, str], Figures] = {}
    for case, side in in_order(cases):
        left = 60 * bench.minutes - (time.monotonic() - started)
        if left < _LEAST_SECONDS:
            found[case.name, side] = {"skipped": f"no time left of {bench.minutes} minutes"}
            continue
        on_progress(f"{case.name}: {side}, {left:.0f} s left")
        seconds = min(left, case.seconds)
        found[case.name, side] = run(side, case.work, bench.rounds, seconds=seconds)
    return found


def _result(
    case: DeviceCase, found: Mapping[tuple[str, str], Figures], limits: Limits
) -> CaseResult:
    """A case's sides, with rates and with what each takes of the first one's time."""
    sides = {side: found[case.name, side] for side in case.sides}
    for figures in sides.values():
        if "skipped" not in figures:
            figures.update(_rates(case.work, figures, limits))
    first, *others = case.sides
    ratios: dict[str, float] = {}
    if "skipped" not in sides[first]:
        # They did not take turns: medians are all that there is.
        ratios = {
            side: sides[side]["seconds"] / sides[first]["seconds"]
            for side in others
            if "skipped" not in sides[side]
        }
    return {"name": case.name, "work": case.work, "sides": sides, "ratios": ratios}


def _rates(work: Mapping[str, Any], side: Figures, limits: Limits) -> Figures:
    """Of one call: milliseconds of both passes; of a step: tokens a second and the MFU."""
    kind, seconds = work["kind"], side["seconds"]
    if kind == "device-scan":
        forward, both = 1e3 * side["forward_seconds"], 1e3 * seconds / side["calls"]
        return {"forward_ms": forward, "backward_ms": both - forward}
    if kind == "device-products":
        call = seconds / side["calls"]
        return {"products_ms": 1e3 * call, "flop_s": side["flops"] / call}
    if kind == "device-step":
        rate = side["tokens"] / seconds
        mfu = 6 * side["params"] * rate / side["peak_flops"]
        return {"tokens_per_second": rate, "mfu": mfu}
    return rates(work, side, limits)


def scan_share(cases: Sequence[CaseResult], scan: CaseResult, side: str) -> float | None:
    """(2 forward + backward) of the scan : 4 products, as in a block's training step under remat.

    None where either was not measured.
    """
    work = scan["work"]
    figures = scan["sides"][side]
    for case in cases:
        other = case["work"]
        same = all(other.get(n) == work.get(n) for n in ("batch", "length", "inner"))
        if other["kind"] != "device-products" or not same or "skipped" in figures:
            continue
        products = [s["products_ms"] for s in case["sides"].values() if "skipped" not in s]
        if products:
            scans = 2 * figures["forward_ms"] + figures["backward_ms"]
            return scans / (4 * statistics.median(products))
    return None
