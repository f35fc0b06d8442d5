# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba plan``: does a run fit on hardware that is not here?"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.configs import add_config_arguments, read_config
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import not_negative, positive
from robomamba_jax.config.aliases import OLD_FEATURE_KINDS
from robomamba_jax.config.data import FEATURE_KINDS
from robomamba_jax.training.gpu_targets import FLAGS, GPUS
from robomamba_jax.utils.files import writing

if TYPE_CHECKING:
    from robomamba_jax.training.plan_time import TimeReport
    from robomamba_jax.training.planning import PlanReport

EXAMPLE = """examples:
  robomamba plan --config configs/stage1_2_instruct.py --topology v5e:4x4
  robomamba plan --config configs/stage2_manipulation.py --topology v5p:4x4x4 \\
      --set data.batch.batch_size=64
  robomamba plan --config configs/stage1_2_instruct.py --topology 2xh100:8 --price 2.5
  robomamba plan --config configs/stage1_2_instruct.py --topology cpu:8 --layers 4

TPU and GPU topologies need their compilers, in an environment of its own (make plan-env), and
neither a TPU nor a GPU."""


def add_parser(commands: Commands) -> None:
    """Add ``plan``."""
    parser = commands.add_parser(
        "plan",
        help="compile a run for hardware that is not here: memory, collectives, does it fit",
        description="Compiles the real sharded step ahead of time; reads no data and no weights.",
        epilog=EXAMPLE,
    )
    add_config_arguments(parser)
    parser.add_argument(
        "--topology",
        required=True,
        help="v5e:4x4, v5p:4x4x4, v6e:16x16, h200:8, 2xh100:8, a100:8, cpu:8",
    )
    parser.add_argument("--layers", type=positive, help="of the language model, instead of all")
    add_renamed(
        parser,
        "--features",
        values=OLD_FEATURE_KINDS,
        choices=FEATURE_KINDS,
        default="",
        metavar="KIND",
        help="plan with cached features: vision_patches, pooled_hidden or hidden_states",
    )
    parser.add_argument(
        "--price", type=not_negative, metavar="P", help="of one device for an hour, in any money"
    )
    parser.add_argument(
        "--text-tokens",
        type=positive,
        metavar="N",
        help="of a sample of the paper's data on average (robomamba data inspect counts them)",
    )
    parser.add_argument("--out", metavar="FILE", help="write the report as JSON")
    parser.add_argument("--all", action="store_true", help="list every collective")
    parser.runs(_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    # First of all: jax and libtpu read these variables when they are loaded.
    _prepare(args.topology)
    config, _ = read_config(args)
    from robomamba_jax.training.planning import open_topology, plan

    topology = open_topology(args.topology)
    report = plan(
        config,
        topology,
        layers=args.layers,
        features=args.features,
        text_tokens=args.text_tokens,
        price=args.price,
    )
    if args.out:
        with writing(args.out):
            Path(args.out).write_text(json.dumps(report, indent=1) + "\n")
    if not args.json:
        _print(report, args.all)
    return dict(report)


def _prepare(topology: str) -> None:
    """What jax and libtpu must know before they are loaded: compile here, ask no cloud."""
    # Defaults only: whoever has set one of them knows more. Without the second, libtpu asks the
    # metadata server of a cloud machine, and waits for it where there is none.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    os.environ.setdefault("TPU_STDERR_LOG_LEVEL", "3")
    os.environ.setdefault("TPU_MIN_LOG_LEVEL", "3")
    cpu = re.fullmatch(r"cpu:(\d+)", topology)
    if cpu:
        # As many virtual devices of this machine: sharding and collectives are compiled as for
        # real.
        os.environ.setdefault("JAX_NUM_CPU_DEVICES", cpu[1])
    flags = os.environ.get("XLA_FLAGS", "").split()
    given = {flag.split("=")[0] for flag in flags}
    flags += [flag for flag in _gpu_flags(topology) if flag.split("=")[0] not in given]
    if flags:
        os.environ["XLA_FLAGS"] = " ".join(flags)


def _gpu_flags(topology: str) -> tuple[str, ...]:
    """What XLA needs to compile for GPUs without one."""
    kind = topology.partition(":")[0].rpartition("x")[2]
    return FLAGS if kind in GPUS else ()


def _print(report: PlanReport, everything: bool) -> None:
    from robomamba_jax.training.report import bytes_text

    mesh = " x ".join(f"{name} {size}" for name, size in report["mesh"].items())
    print(f"{report['stage']} on {report['topology']} ({report['devices']} devices; {mesh})")
    print(
        f"per device: {report['rows_per_device']} rows of {report['seq_len']} tokens, "
        f"{report['layers']} layers"
    )
    names = {
        "trained": "trained parameters",
        "moments": "optimizer",
        "frozen": "frozen parameters",
        "batch": "batch",
        "work": "work (activations, gradients, gathered weights)",
        "layer_inputs": "  of it inputs of layers, kept for the backward pass",
        "peak": "peak",
    }
    for name, what in names.items():
        if name in report["bytes"]:
            print(f"  {what:52} {bytes_text(report['bytes'][name]):>11}")
    if report["chip_bytes"]:
        print(f"  {'memory of the chip':52} {bytes_text(report['chip_bytes']):>11}")
    for name, what in (("asked", "the program asks for"), ("collectives", "compiled to")):
        for kind, row in report.get(name, {}).items():
            count, size = f"{row['count']:>6,} a step", f"{bytes_text(row['bytes']):>10} of results"
            print(f"  {what:20} {kind:18} {count} {size}, {row['in_loops']:,} in loops")
        if everything:
            list_name = "asked_collective_ops" if name == "asked" else "collective_ops"
            for row in report.get(list_name, []):
                # The end of a path names the op; its beginning is the same for all.
                print(f"    {row['kind']} {row['shape']} x {row['count']}  {row['where'][-80:]}")
    if report.get("hlo_bytes") == 0:
        print("  libtpu's compiled program cannot be read as text here")
    for name, count in report.get("kernels", {}).items():
        print(f"  kernel {name:32} {count:>6,} a step")
    if "time" in report:
        _print_time(report["time"], report["devices"])
    seconds = report["seconds"]
    print(f"  lowered in {seconds['lower']:.1f} s, compiled in {seconds['compile']:.1f} s")
    verdict = {True: "it fits", False: "it does not fit", None: "no limit is known"}
    print(verdict[report["fits"]] + (f": {report['refused']}" if report["refused"] else ""))
    for line in report["advice"]:
        print(f"  try {line}")


def _print_time(time: TimeReport, devices: int) -> None:
    """The estimate, with all that it assumes."""
    print("  time of a step, estimated from the compiled program, not run:")
    for name, part in time["parts"].items():
        what = f"{part['bytes'] / 1e9:9,.1f} GB"
        if part["flops"]:
            what += f", {part['flops'] / 1e12:,.1f} TFLOP"
        print(
            f"    {name:12} {part['seconds'] * 1e3:9,.1f} ms {part['kernels']:>9,} launches {what}"
        )
    print(
        f"    {'together':12} {time['step_seconds'] * 1e3:9,.1f} ms: "
        f"{time['tokens_per_second']:,.0f} tokens a second on {devices} devices, "
        f"products at {time['peak_share']:.1%} of the peak"
    )
    stage = time["stage"]
    if stage is not None:
        data = " + ".join(
            f"{c['name']} (about {c['text_tokens']} text tokens a sample)" for c in stage["corpora"]
        )
        epochs = f"{stage['epochs']} epoch{'s' if stage['epochs'] > 1 else ''}"
        print(f"  the paper's stage: {data}, {epochs}:")
        cost = "" if stage["cost"] is None else f", cost {stage['cost']:,.0f}"
        print(
            f"    {stage['tokens'] / 1e6:,.0f} million tokens, {stage['steps']:,} steps, "
            f"{stage['hours']:,.1f} hours, {stage['device_hours']:,.1f} device-hours{cost}"
        )
    for line in time["assumptions"]:
        print(f"    assumed: {line}")
