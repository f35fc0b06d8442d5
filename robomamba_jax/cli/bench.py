# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba bench``: speed and memory beside other implementations in the same run."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from robomamba_jax.bench.benchmark import Bench
from robomamba_jax.bench.cases import BENCHES
from robomamba_jax.bench.control import DEFINITION, ControlBench, curve_rows
from robomamba_jax.bench.device.settings import DeviceBench
from robomamba_jax.bench.records import BenchResult, DeviceResult
from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.options import add_fields, read_fields
from robomamba_jax.cli.terminal import plain_console, table
from robomamba_jax.utils.files import write_text, writing

EXAMPLE = """example:
  robomamba bench scan --lengths 256,1024
  robomamba bench lm --json > bench.json
  robomamba bench data --tokenizer assets/tokenizer.json
  robomamba bench train --preset 130m --rounds 3
  robomamba bench step --layers 3,6 --widths 256,384
  robomamba bench world --sizes 224,336
  robomamba bench control --preset 130m --encoder clip-l14-224 --peers 130m
  robomamba bench device --minutes 10 --out runs/bench-device"""


def add_parser(commands: Commands) -> None:
    """Add ``bench`` with a command for each of ``BENCHES``."""
    parser = commands.add_parser(
        "bench",
        help="measure speed and memory beside other implementations",
        description=(
            "Each side runs in a process of its own and they take turns; times are medians, "
            "ratios are taken round by round. The machine's own limits are measured too."
        ),
        epilog=EXAMPLE,
    )
    names = "{" + ",".join(kind.what for kind in BENCHES) + "}"
    subcommands = parser.add_subparsers(dest="what", metavar=names, required=True)
    for kind in BENCHES:
        # The class's own words, as all helps are written: without a capital and a full stop.
        words = (kind.__doc__ or "").removesuffix(".")
        each = subcommands.add_parser(kind.what, help=words[:1].lower() + words[1:], epilog=EXAMPLE)
        add_fields(each, kind)
        each.runs(partial(_run, kind))


def _run(kind: type[Bench], args: argparse.Namespace) -> BenchResult:
    from rich.console import Console

    from robomamba_jax.bench.results import run, table_rows

    bench = read_fields(args, kind)
    if isinstance(bench, DeviceBench):
        return _run_device(bench, print_report=not args.json)
    cases = bench.make_cases()
    with Console(file=sys.stderr).status("Starting ...") as status:
        result = run(bench.what, cases, bench.rounds, status.update)
    if args.json:
        return result
    machine, limits = result["machine"], result["limits"]
    out = plain_console(120)
    out.print(
        f"{machine['cpu']}, {machine['cores']} cores: reads {limits['read_gb_s']:.1f} GB/s, "
        f"float32 product {limits['gemm_gflop_s']:.0f} GFLOP/s"
    )
    columns = ("side", "median", "min .. max", "p99", "x ours", "peak", "note")
    for case in result["cases"]:
        # The curve over the context's length has a table of its own.
        if "context" not in case["work"]:
            out.print(table(columns, table_rows(case), title=case["name"], fold=("note",)))
    if isinstance(bench, ControlBench):
        if bench.lengths:
            title = "over the context's length, language models alone, batch 1"
            columns = ("context", "side", "to read it", "a token behind it", "x ours")
            out.print(table(columns, curve_rows(result["cases"]), title=title))
        print(DEFINITION)
    return result


def _run_device(bench: DeviceBench, *, print_report: bool) -> DeviceResult:
    """Into its folder: the JSON as it is with --json, and the table."""
    from rich.console import Console

    from robomamba_jax.bench.device.report import report
    from robomamba_jax.bench.device.running import run_device

    folder = Path(bench.out)
    # Before the ten minutes, not behind them.
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with Console(file=sys.stderr).status("Starting ...") as status:
        result = run_device(bench, status.update)
    text = report(result)
    with writing(folder):
        write_text(folder / "device.json", json.dumps(result, indent=1) + "\n")
        write_text(folder / "device.md", text)
    if print_report:
        print(text)
        print(f"{folder / 'device.json'} and device.md have it.")
    return result
