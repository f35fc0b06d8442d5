# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Running a benchmark: its result as one object, and as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from robomamba_jax.bench import control
from robomamba_jax.bench.benchmark import BenchCase
from robomamba_jax.bench.records import BenchResult, CaseResult, ControlWork, Figures, Limits
from robomamba_jax.bench.runner import machine_facts, run_case, versions
from robomamba_jax.utils.progress import Log

SCHEMA = "robomamba.bench/1"


# The machine's own limits, measured beside everything else.
_LIMITS = (
    BenchCase("memory read", ("machine",), {"kind": "read"}),
    BenchCase("float32 product", ("machine",), {"kind": "gemm"}),
)


def run(what: str, cases: Sequence[BenchCase], rounds: int, on_progress: Log) -> BenchResult:
    """Run the machine's limits and ``cases``.

    Args:
      what: the benchmark.
      cases: of it.
      rounds: measurements per side, where a case does not say how many.
      on_progress: called with a line when something begins.
    """
    read, gemm = (run_case(case, rounds, on_progress)["sides"]["machine"] for case in _LIMITS)
    # The fastest round: a limit is what the machine can do.
    limits: Limits = {
        "read_gb_s": read["bytes"] / read["seconds_min"] / 1e9,
        "gemm_gflop_s": gemm["flops"] / gemm["seconds_min"] / 1e9,
    }
    results = [run_case(case, rounds, on_progress) for case in cases]
    for result in results:
        for side in result["sides"].values():
            if "skipped" not in side:
                side.update(rates(result["work"], side, limits))
    return {
        "schema": SCHEMA,
        "what": what,
        "machine": machine_facts(),
        "versions": versions(),
        "limits": limits,
        "cases": results,
    }


def table_rows(case: CaseResult) -> list[tuple[str, ...]]:
    """(side, median, range, p99, times ours, peak memory, note) as text, a row per side."""
    rows = []
    for side, figures in case["sides"].items():
        if "skipped" in figures:
            rows.append((side, "-", "-", "-", "-", "-", f"skipped: {figures['skipped']}"))
            continue
        spread = f"{_seconds(figures['seconds_min'])} .. {_seconds(figures['seconds_max'])}"
        ratio = case["ratios"].get(side, 1.0)
        memory = f"{figures.get('peak_rss', 0) / 2**30:.2f} GiB"
        median = _seconds(figures["seconds"])
        slow = _seconds(figures["seconds_p99"])
        rows.append((side, median, spread, slow, f"{ratio:.2f}", memory, _note(figures)))
    return rows


def rates(work: Mapping[str, Any], side: Figures, limits: Limits) -> Figures:
    """Tokens per second, and the share of the read bandwidth that decoding reaches."""
    if "control" in work:
        return control.rates(cast("ControlWork", work), side)
    if "samples" in work:
        return {"samples_per_second": work["samples"] / side["seconds"]}
    if "patches" in work:
        tokens = work["rows"] * (work["text"] + work["patches"])
        return {"tokens_per_second": tokens / side["seconds"]}
    if "preset" not in work:
        return {}
    per_row = work["new_tokens"] if work["kind"] == "decode" else work["length"]
    rates: Figures = {"tokens_per_second": work["batch"] * per_row / side["seconds"]}
    if work["kind"] == "decode" and "weight_bytes" in side:
        # Batch 1 reads every weight once a token; the prompt is counted as one token more.
        read = side["weight_bytes"] * (per_row + 1) / side["seconds"] / 1e9
        rates["read_gb_s"], rates["share_of_read_limit"] = read, read / limits["read_gb_s"]
    return rates


# What of a side's figures stands in the table's last column: times what, and in which words.
_NOTES = {
    "hz": (1, "{:.2f} Hz"),
    "tokens_per_second": (1, "{:.1f} tokens/s"),
    "samples_per_second": (1, "{:.0f} samples/s"),
    "packing_efficiency": (100, "rows {:.1f} % full"),
    "share_of_read_limit": (100, "{:.0f} % of the read limit"),
    "loss": (1, "first loss {:.4f}"),
    "temp_bytes": (2**-20, "{:.0f} MiB temporary"),
}


def _note(figures: Figures) -> str:
    # A figure may be there and None: not every backend tells how much memory a program needs.
    found = {name: value for name in _NOTES if (value := figures.get(name)) is not None}
    return ", ".join(
        words.format(scale * found[name])
        for name, (scale, words) in _NOTES.items()
        if name in found
    )


def _seconds(value: float) -> str:
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"
