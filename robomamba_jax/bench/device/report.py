# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``bench device``'s result as Markdown, for a terminal, a file and whoever it is sent to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from robomamba_jax.bench.device.running import scan_share
from robomamba_jax.bench.records import CaseResult, DeviceResult, Figures

_Row: TypeAlias = "tuple[str, ...]"


def report(result: DeviceResult) -> str:
    """The whole text."""
    parts = [_head(result)]
    for title, columns, rows in (
        ("Scan", _SCAN_COLUMNS, _scan_rows(result["cases"])),
        ("Products of a block", ("tokens", "ms", "TFLOP/s"), _product_rows(result["cases"])),
        ("Training step", _STEP_COLUMNS, _step_rows(result["cases"])),
        ("Poses and words", ("what", "median", "rate"), _control_rows(result["cases"])),
        ("Not measured", ("what", "by", "why"), _missing_rows(result["cases"])),
    ):
        if rows:
            parts.append(f"## {title}\n\n{_table(columns, rows)}")
    return "\n\n".join(parts) + "\n"


def _head(result: DeviceResult) -> str:
    device, load = result["device"], result["device"]["under_load"]
    lines = [f"# {device['device']}"]
    if result["rehearsal"]:
        lines.append("**A rehearsal on tiny shapes: these times say nothing of any device.**")
    versions = {**result["versions"], **device["packages"]}
    known = [
        f"{name} {version}" for name, version in versions.items() if version != "not installed"
    ]
    # Its first line: others tell of builds.
    platform = device["platform_version"].partition("\n")[0]
    facts = [
        f"{device['devices']} x {device['device']} ({device['backend']}), of which one is used",
        f"driver {load.get('driver_version', 'not told')}, {platform}",
        f"NVRTC {device['nvrtc']}" if device["nvrtc"] else "",
        ", ".join(known),
        "under load: " + ", ".join(f"{k} {v}" for k, v in load.items() if k != "driver_version")
        if load
        else "",
        f"products {device['bfloat16_flop_s'] / 1e12:.4g} TFLOP/s in bfloat16, "
        f"{device['float32_flop_s'] / 1e12:.4g} in float32 as jax multiplies by default; "
        f"copies {device['copy_bytes_s'] / 1e9:.4g} GB/s",
        f"{result['seconds']:.0f} s of {result['minutes']} minutes",
    ]
    return "\n\n".join([*lines, "\n".join(f"- {fact}" for fact in facts if fact)])


def _measured(
    cases: Sequence[CaseResult], *kinds: str
) -> Iterable[tuple[CaseResult, str, Figures]]:
    """(case, side, figures) of all that were."""
    for case in cases:
        if case["work"]["kind"] in kinds:
            for side, figures in case["sides"].items():
                if "skipped" not in figures:
                    yield case, side, figures


_SCAN_COLUMNS = (
    *("B x T x I x N", "dtype", "by", "forward ms", "backward ms"),
    *("scan : products", "temporaries MiB", "off by", "same bits twice"),
)


def _scan_rows(cases: Sequence[CaseResult]) -> list[_Row]:
    rows = []
    for case, side, figures in _measured(cases, "device-scan"):
        work = case["work"]
        shape = "x".join(str(work[name]) for name in ("batch", "length", "inner", "state"))
        ratio = scan_share(cases, case, side)
        temporary = figures.get("temp_bytes")
        rows.append(
            (
                shape,
                work["dtype"],
                side.removeprefix("device-scan-"),
                f"{figures['forward_ms']:.3f}",
                f"{figures['backward_ms']:.3f}",
                "" if ratio is None else f"{ratio:.2f} : 1",
                "" if temporary is None else f"{temporary / 2**20:.0f}",
                f"{figures['off_by']:.1e}" if "off_by" in figures else "",
                {True: "yes", False: "**no**", None: ""}[figures.get("repeatable")],
            )
        )
    return rows


def _product_rows(cases: Sequence[CaseResult]) -> list[_Row]:
    return [
        (
            f"{case['work']['batch']} x {case['work']['length']}",
            f"{figures['products_ms']:.3f}",
            f"{figures['flop_s'] / 1e12:.4g}",
        )
        for case, _, figures in _measured(cases, "device-products")
    ]


_STEP_COLUMNS = (
    *("model", "rows x tokens", "remat", "scan", "ms", "tokens/s", "MFU"),
    *("temporaries GiB", "device GiB", "first loss"),
)


def _step_rows(cases: Sequence[CaseResult]) -> list[_Row]:
    rows = []
    for case, side, figures in _measured(cases, "device-step"):
        work, temporary = case["work"], figures.get("temp_bytes")
        rows.append(
            (
                work["preset"],
                f"{work['rows']} x {work['tokens']}",
                work["remat"],
                side.removeprefix("device-step-"),
                f"{1e3 * figures['seconds']:.1f}",
                f"{figures['tokens_per_second']:.0f}",
                f"{100 * figures['mfu']:.1f} %",
                "" if temporary is None else f"{temporary / 2**30:.2f}",
                f"{figures['device_bytes'] / 2**30:.2f}",
                f"{figures['loss']:.4f}",
            )
        )
    return rows


def _control_rows(cases: Sequence[CaseResult]) -> list[_Row]:
    rows = []
    for case, _, figures in _measured(cases, "pose", "decode"):
        rate = (
            f"{figures['hz']:.1f} Hz"
            if "hz" in figures
            else f"{figures['tokens_per_second']:.1f} tokens/s"
        )
        rows.append((case["name"], f"{1e3 * figures['seconds']:.1f} ms", rate))
    return rows


def _missing_rows(cases: Sequence[CaseResult]) -> list[_Row]:
    return [
        # A bar would be the table's own.
        (case["name"], side, figures["skipped"].replace("|", "/"))
        for case in cases
        for side, figures in case["sides"].items()
        if "skipped" in figures
    ]


def _table(columns: _Row, rows: Sequence[_Row]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
