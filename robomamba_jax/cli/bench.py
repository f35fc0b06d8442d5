# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba bench``: speed and memory beside other implementations in the same run."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.errors import InputError, unknown_name

KINDS = ("prefill", "decode", "train")
TRAIN_STAGES = ("instruct", "manipulate", "manipulate-cached")

WHATS = "{scan,lm,data,train,world,control}"
EXAMPLE = """example:
  robomamba bench scan --lengths 256,1024
  robomamba bench lm --json > bench.json
  robomamba bench data --tokenizer assets/tokenizer.json
  robomamba bench train --preset 130m --rounds 3
  robomamba bench world --sizes 224,336
  robomamba bench control --preset 130m --encoder clip-l14-224 --peers 130m"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bench scan``, ``lm``, ``data``, ``train``, ``world`` and ``control``."""
    parser = commands.add_parser(
        "bench",
        help="measure speed and memory beside other implementations",
        description=(
            "Each side runs in a process of its own and they take turns; times are medians, "
            "ratios are taken round by round. The machine's own limits are measured too."
        ),
        epilog=EXAMPLE,
    )
    subcommands = parser.add_subparsers(dest="what", metavar=WHATS, required=True)
    scan = subcommands.add_parser("scan", help="the selective scan", epilog=EXAMPLE)
    scan.add_argument("--lengths", default="1024", help="lengths, separated by commas (1024)")
    add_renamed(scan, "--batch-size", "--batch", type=_count, default=1, help="rows (1)")
    scan.add_argument("--inner", type=_count, default=1536, help="channels I (1536)")
    scan.add_argument("--state", type=_count, default=16, help="states N per channel (16)")
    scan.add_argument("--chunk-size", type=_count, help="of the chunked method (backend's table)")
    scan.set_defaults(run=_run_scan, parser=scan)
    lm = subcommands.add_parser("lm", help="the language model", epilog=EXAMPLE)
    lm.add_argument("--preset", default="130m", help="the model's shape (130m)")
    lm.add_argument("--cases", default=",".join(KINDS), help="of prefill,decode,train (all)")
    lm.add_argument("--full", action="store_true", help="train on 2x512 tokens, not 2x128")
    lm.add_argument("--remat", default="block", help="none, block or dots, for training (block)")
    lm.set_defaults(run=_run_lm, parser=lm)
    data = subcommands.add_parser("data", help="decoding, resizing, tokenising", epilog=EXAMPLE)
    data.add_argument("--samples", type=_count, default=128, help="of an epoch (128)")
    add_renamed(data, "--batch-size", "--rows", type=_count, default=16, help="samples (16)")
    data.add_argument("--encoder", default="clip-l14-224", help="whose transform (clip-l14-224)")
    data.add_argument("--tokenizer", default="nano", help="a tokenizer.json (the small nano)")
    data.set_defaults(run=_run_data, parser=data)
    train = subcommands.add_parser("train", help="a training step of each stage", epilog=EXAMPLE)
    train.add_argument("--preset", default="130m", help="the language model's shape (130m)")
    train.add_argument("--encoder", default="nano-clip", help="clip-l14-224, ... (nano-clip)")
    train.add_argument("--stages", default=",".join(TRAIN_STAGES), help="(all)")
    add_renamed(train, "--batch-size", "--rows", type=_count, default=2, help="rows (2)")
    train.add_argument("--text", type=_count, default=64, help="tokens behind each image (64)")
    train.add_argument("--remat", default="block", help="none, block or dots (block)")
    train.set_defaults(run=_run_train, parser=train)
    world = subcommands.add_parser(
        "world", help="images and trials of the simulator", epilog=EXAMPLE
    )
    world.add_argument("--sizes", default="224,336", help="of images, in pixels (224,336)")
    world.set_defaults(run=_run_world, parser=world)
    control = _add_control(subcommands)
    for each in (scan, lm, data, train, world, control):
        rounds = 30 if each is control else 5
        each.add_argument(
            "--rounds", type=_count, default=rounds, help=f"measurements per side ({rounds})"
        )
        each.add_argument("--no-peers", action="store_true", help="leave torch out")
        each.add_argument("--json", action="store_true", help="one object on stdout")


def _add_control(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    control = subcommands.add_parser(
        "control",
        help="poses a second, time to the first token, beside a LLaMA-shaped transformer",
        epilog=EXAMPLE,
    )
    control.add_argument("--preset", default="130m", help="the language model's shape (130m)")
    control.add_argument("--encoder", default="clip-l14-224", help="of images (clip-l14-224)")
    add_renamed(control, "--batch-size", "--batch", type=_count, default=1, help="images (1)")
    control.add_argument("--text", type=_count, default=32, help="tokens of an instruction (32)")
    control.add_argument("--dtype", default="float32", help="ours: float32 or bfloat16 (float32)")
    control.add_argument(
        "--peers", default="auto", help="7b,3b,1b,350m,130m (the preset's, and the largest here)"
    )
    control.add_argument("--peer-dtype", default="float32", help="theirs (float32)")
    lengths = "256,512,1024,2048,4096,8192"
    control.add_argument("--lengths", default=lengths, help=f"of the curve ({lengths}), or none")
    control.set_defaults(run=_run_control, parser=control)
    return control


def _run_scan(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.bench.cases import scan_cases

    lengths = _counts("--lengths", args.lengths, "256,1024")
    cases = scan_cases(
        lengths,
        batch=args.batch_size,
        inner=args.inner,
        state=args.state,
        chunk_size=args.chunk_size,
        peers=not args.no_peers,
    )
    return _run("scan", cases, args)


def _run_lm(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.bench.cases import lm_cases
    from robomamba_jax.config import preset

    preset(args.preset, remat=args.remat)  # a wrong name is an error before anything starts
    kinds = args.cases.split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise unknown_name("bad_arguments", "case", kind, KINDS)
    cases = lm_cases(args.preset, kinds, full=args.full, remat=args.remat, peers=not args.no_peers)
    return _run("lm", cases, args)


def _run_train(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.bench.cases import train_cases
    from robomamba_jax.config import model_preset

    model_preset(
        args.preset, vision=args.encoder, remat=args.remat
    )  # a wrong name is an error before anything starts
    stages = args.stages.split(",")
    for stage in stages:
        if stage not in TRAIN_STAGES:
            raise unknown_name("bad_arguments", "stage", stage, TRAIN_STAGES)
    cases = train_cases(
        stages,
        preset=args.preset,
        encoder=args.encoder,
        rows=args.batch_size,
        text=args.text,
        remat=args.remat,
        peers=not args.no_peers,
    )
    return _run("train", cases, args)


def _run_data(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.bench.cases import data_cases
    from robomamba_jax.data.examples import open_tokenizer
    from robomamba_jax.data.images.transforms import image_transform

    image_transform(args.encoder)  # a wrong name is an error before anything starts
    open_tokenizer(args.tokenizer)
    cases = data_cases(
        samples=args.samples,
        rows=args.batch_size,
        encoder=args.encoder,
        tokenizer=args.tokenizer,
        peers=not args.no_peers,
    )
    return _run("data", cases, args)


def _run_world(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.bench.cases import world_cases
    from robomamba_jax.world.sim.vulkan import load_sapien

    sizes = _counts("--sizes", args.sizes, "224,336")
    load_sapien()  # a missing package is an error before anything starts
    return _run("world", world_cases(sizes, peers=not args.no_peers), args)


def _run_control(args: argparse.Namespace) -> dict[str, Any]:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from robomamba_jax.bench import control
    from robomamba_jax.config.checks import one_of

    for flag, value in (("--dtype", args.dtype), ("--peer-dtype", args.peer_dtype)):
        one_of(flag, value, ("float32", "bfloat16"))
    peers: list[str] = []
    if not args.no_peers:
        peers = control.chosen_peers(args.peers, args.preset, args.peer_dtype)
    lengths = [] if args.lengths == "none" else _counts("--lengths", args.lengths, "256,1024")
    cases = control.control_cases(
        args.preset,
        args.encoder,
        batch=args.batch_size,
        text=args.text,
        dtype=args.dtype,
        peers=peers,
        peer_dtype=args.peer_dtype,
        lengths=lengths,
        rounds=args.rounds,
    )
    result = _run("control", cases, args)
    if lengths and not args.json:
        table = Table(
            title="over the context's length, language models alone, batch 1",
            title_justify="left",
            box=box.SIMPLE_HEAD,
        )
        for column in ("context", "side", "to read it", "a token behind it", "x ours"):
            table.add_column(column, no_wrap=True)
        for row in control.curve_rows(result["cases"]):
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    if not args.json:
        print(control.DEFINITION)
    return result


def _run(what: str, cases: Any, args: argparse.Namespace) -> dict[str, Any]:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from robomamba_jax.bench.cases import run, table_rows

    progress = Console(file=sys.stderr)
    with progress.status("Starting ...") as status:
        result = run(what, cases, args.rounds, status.update)
    if args.json:
        return result
    machine, limits = result["machine"], result["limits"]
    # Redirected output has no width of its own; rich would cut at 80.
    out = Console(width=None if sys.stdout.isatty() else 120)
    out.print(
        f"{machine['cpu']}, {machine['cores']} cores: reads {limits['read_gb_s']:.1f} GB/s, "
        f"float32 product {limits['gemm_gflop_s']:.0f} GFLOP/s"
    )
    for case in result["cases"]:
        if "context" in case["work"]:
            continue  # the curve has a table of its own
        table = Table(title=case["name"], title_justify="left", box=box.SIMPLE_HEAD)
        for column in ("side", "median", "min .. max", "p99", "x ours", "peak"):
            table.add_column(column, no_wrap=True)
        table.add_column("note")
        for row in table_rows(case):
            table.add_row(*row)
        out.print(table)
    return result


def _counts(flag: str, text: str, example: str) -> list[int]:
    try:
        return [_count(part) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise InputError("bad_arguments", f"{flag}: {error}", f"e.g. {flag} {example}") from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
