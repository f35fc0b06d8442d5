# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba convert``: checkpoints of other frameworks in, and out again."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

from robomamba_jax.cli.terminal import say
from robomamba_jax.errors import InputError

FROM = (
    *("hf-mamba", "hf-clip", "hf-siglip", "timm-vit", "dinov2", "robomamba"),
    *("parts", "run", "preset"),
)
TO = ("hf-mamba", "hf-clip", "hf-siglip", "timm-vit", "dinov2", "robomamba", "safetensors")

EXAMPLE = """examples:
  robomamba convert --from hf-mamba --in mamba-130m-hf --out mamba-130m
  robomamba convert --from robomamba --in robomamba.pth --tokenizer tokenizer.json --out robomamba
  robomamba convert --from robomamba --in head.pth --contact-side 336 --out head
  robomamba convert --from parts --vision clip --llm mamba-130m --out start
  robomamba convert --to robomamba --in robomamba --out back.pth
  robomamba convert --from run --in runs/instruct --out instruct
  robomamba convert --from preset --in nano --out nano-start
  robomamba convert --to hf-mamba --in runs/instruct --out instruct-hf
  robomamba convert --to robomamba --in runs/instruct --without-policy --out instruct.pth"""

# Flags that belong to one way or another: attribute -> where; elsewhere they would change nothing.
_PLACES = {
    "tokenizer": ("hf-mamba", "robomamba", "parts", "preset"),
    "policy": ("parts",),
    "seed": ("parts", "preset"),
    "lora": ("robomamba",),
    "lora_alpha": ("robomamba",),
    **dict.fromkeys(
        ("template", "contact_scale", "contact_frame", "contact_side", "rotation_convention"),
        FROM[:-2],
    ),
    "without_policy": ("--to robomamba",),
    "anyway": ("--to robomamba",),
}


def add_parser(commands: Any) -> None:
    """Add ``convert``."""
    parser = commands.add_parser(
        "convert",
        help="bring weights in from other frameworks, and out again",
        description=(
            "Every tensor of the file stands in the table that is printed: loaded, kept or "
            "ignored for a stated reason. One that does not fit ends the conversion, and nothing "
            "is written. No code in any file is run."
        ),
        epilog=EXAMPLE,
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--from", dest="family", metavar="FAMILY", help=", ".join(FROM))
    way.add_argument("--to", metavar="LAYOUT", help=", ".join(TO))
    parser.add_argument("--in", dest="source", metavar="PATH", help="a file or a folder")
    parser.add_argument("--out", required=True, metavar="PATH", help="the new folder or file")
    parser.add_argument("--vision", metavar="PATH", help="with --from parts: the encoder")
    parser.add_argument("--llm", metavar="PATH", help="with --from parts: the language model")
    parser.add_argument("--tokenizer", metavar="FILE", help="a tokenizer.json to go along")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the configuration, such as vision.heads=3; repeatable",
    )
    parser.add_argument("--policy", help="with --from parts: the new head (two_mlp)")
    parser.add_argument("--seed", type=int, help="with --from parts or preset: of what is new (0)")
    _add_reading(parser)
    parser.add_argument(
        "--without-policy",
        action="store_true",
        help="with --to robomamba: leave the policy head out",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="with --to robomamba: write what its published classes cannot load or would lose",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older folder")
    parser.add_argument("--verbose", action="store_true", help="a line per layer, not per kind")
    parser.add_argument("--json", action="store_true", help="one object on stdout")
    parser.set_defaults(run=_run, parser=parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Flags that say what a file of weights does not."""
    parser.add_argument("--lora", help="with --from robomamba: merge or base (merge)")
    parser.add_argument("--lora-alpha", type=float, help="of LoRA factors (32)")
    parser.add_argument(
        "--template",
        help="prompt template (standard; official_pose for a published policy head; raw for a "
        "language model)",
    )
    parser.add_argument("--contact-scale", help="unit or raw (raw for a published policy head)")
    parser.add_argument(
        "--contact-frame",
        help="of raw contacts: pixels of the crop, or of the picture's file (file for a published "
        "policy head)",
    )
    parser.add_argument(
        "--contact-side",
        type=int,
        metavar="PIXELS",
        help="with contact-frame file: side of the square pictures that the head was trained on, "
        "such as 336 (each picture's own pixels)",
    )
    parser.add_argument("--rotation-convention", help="opencv or manipllm (as contact-scale)")


def _check_places(args: argparse.Namespace) -> None:
    """No flag is passed over that would change nothing here.

    Raises:
      InputError: one belongs elsewhere.
    """
    here = f"--to {args.to}" if args.to else args.family
    known = not args.to and args.family in FROM
    for name, places in _PLACES.items():
        wanted = args.to or known
        if wanted and getattr(args, name) not in (None, False) and here not in places:
            flag = "--" + name.replace("_", "-")
            belongs = " or ".join(p if p.startswith("--") else f"--from {p}" for p in places)
            raise InputError(
                "bad_arguments",
                f"{flag} changes nothing with {here if args.to else f'--from {here}'}",
                f"leave it out: it belongs to {belongs}",
            )


def _run(args: argparse.Namespace) -> dict[str, Any]:
    _check_places(args)
    if args.to:
        return _export(args)
    if args.family in ("run", "preset"):
        return _of_ours(args)
    rows, notes = _import(args)
    result = {"schema": "robomamba.convert/1", "from": args.family, "out": args.out}
    result |= {"notes": notes, "tensors": _counts(rows), "table": [_as_json(row) for row in rows]}
    if not args.json:
        _print_table(rows, args.verbose)
        for note in notes:
            say(f"note: {note}")
        say(f"wrote {args.out}: " + ", ".join(f"{n} {what}" for what, n in _counts(rows).items()))
    return result


def _of_ours(args: argparse.Namespace) -> dict[str, Any]:
    """A training run's weights, or a preset's random ones, as an inference folder."""
    from robomamba_jax.cli.progress import bytes_bar
    from robomamba_jax.training.export import export_folder, export_preset

    _need(args, ("source",), ("vision", "llm"))
    if args.set:
        raise InputError(
            "bad_arguments",
            f"--set changes nothing with --from {args.family}",
            "set it where the model is trained: train.py --set model....",
        )
    shared = {"overwrite": args.overwrite}
    with bytes_bar("writes") as progress:
        if args.family == "run":
            export_folder(args.source, args.out, progress=progress, **shared)
        else:
            seed = args.seed or 0
            export_preset(args.source, args.out, seed, args.tokenizer, progress, **shared)
    if not args.json:
        say(f"wrote {args.out}")
    return {"schema": "robomamba.convert/1", "from": args.family, "out": args.out}


def _import(args: argparse.Namespace) -> tuple[Sequence[Any], list[str]]:
    from robomamba_jax.cli.progress import bytes_bar
    from robomamba_jax.config import PolicyConfig
    from robomamba_jax.convert.run import convert_checkpoint, convert_parts

    settings = {
        "template": args.template,
        "contact_scale": args.contact_scale,
        "contact_frame": args.contact_frame,
        "contact_side": args.contact_side,
        "rotation_convention": args.rotation_convention,
    }
    shared = {"tokenizer": args.tokenizer, "settings": settings, "overwrite": args.overwrite}
    if args.family == "parts":
        _need(args, ("vision", "llm"), ("source",))
        with bytes_bar("writes") as progress:
            done = convert_parts(
                args.vision,
                args.llm,
                args.out,
                policy=PolicyConfig(args.policy or "two_mlp"),
                seed=args.seed or 0,
                progress=progress,
                **shared,
            )
        return done.rows, list(done.notes)
    _need(args, ("source",), ("vision", "llm"))
    checkpoint = _open(args)
    with bytes_bar("writes") as progress:
        done = convert_checkpoint(checkpoint, args.out, progress=progress, **shared)
    return done.rows, list(done.notes)


def _open(args: argparse.Namespace) -> Any:
    """The checkpoint; its table is printed where something in it does not fit."""
    from robomamba_jax.convert.families import open_checkpoint
    from robomamba_jax.convert.lora import ALPHA

    alpha = ALPHA if args.lora_alpha is None else args.lora_alpha
    checkpoint = open_checkpoint(
        args.family, args.source, changes=args.set, lora_alpha=alpha, lora=args.lora or "merge"
    )
    try:
        checkpoint.plan.check(args.source)
    except InputError:
        checkpoint.source.close()
        _print_table([row for row in checkpoint.plan.rows if row.action == "problem"], True)
        raise
    return checkpoint


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.checkpoints import stored_kind
    from robomamba_jax.convert.export import export
    from robomamba_jax.convert.export_checks import export_notes
    from robomamba_jax.convert.folder import open_folder

    _need(args, ("source",), ("vision", "llm"))
    if args.set or args.overwrite:
        flag = "--set" if args.set else "--overwrite"
        raise InputError(
            "bad_arguments", f"{flag} changes nothing with --to {args.to}", "leave it out"
        )
    folder: Any = args.source
    if stored_kind(folder) in ("step", "workdir"):
        from robomamba_jax.training.export import open_trained

        folder = open_trained(folder)
    else:
        folder = open_folder(folder)
    policy = not args.without_policy
    rows = export(args.to, folder, args.out, policy=policy, anyway=args.anyway)
    notes = export_notes(args.to, folder, policy=policy)
    if not args.json:
        _print_table(rows, args.verbose)
        for note in notes:
            say(f"note: {note}")
        say(f"wrote {args.out}: {_counts(rows)['written']} tensors")
    return {
        "schema": "robomamba.convert/1",
        "to": args.to,
        "out": args.out,
        "notes": notes,
        "tensors": _counts(rows),
        "table": [_as_json(row) for row in rows],
    }


def _need(args: argparse.Namespace, wanted: Sequence[str], unwanted: Sequence[str]) -> None:
    flags = {"source": "--in", "vision": "--vision", "llm": "--llm"}
    for name in wanted:
        if getattr(args, name) is None:
            raise InputError("bad_arguments", f"{flags[name]} is missing", "see convert --help")
    for name in unwanted:
        if getattr(args, name) is not None:
            raise InputError(
                "bad_arguments", f"{flags[name]} does not belong here", "see convert --help"
            )


def _counts(rows: Sequence[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.action] = counts.get(row.action, 0) + 1
    return counts


def _as_json(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "shape": None if row.info is None else list(row.info.shape),
        "dtype": None if row.info is None else row.info.dtype,
        "action": row.action,
        "targets": list(row.targets),
        "reason": row.reason,
    }


def _print_table(rows: Sequence[Any], verbose: bool) -> None:
    """Tensors of all layers on one line, unless every one shall have its own."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    problems = any(row.action == "problem" for row in rows)
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("tensor", "shape", "dtype", "", "becomes", "why"):
        table.add_column(column, overflow="fold")
    grouped: dict[tuple[str, ...], int] = {}
    for row in rows:
        grouped[_cells(row, verbose)] = grouped.get(_cells(row, verbose), 0) + 1
    for cells, count in grouped.items():
        times = f"{cells[3]} x {count}" if count > 1 else cells[3]
        table.add_row(*cells[:3], times, *cells[4:])
    out = sys.stderr if problems else sys.stdout
    Console(file=out, width=None if out.isatty() else 180, markup=False, emoji=False).print(table)


def _cells(row: Any, verbose: bool) -> tuple[str, ...]:
    name, targets = row.name or "-", ", ".join(row.targets)
    if not verbose:
        name, targets = (re.sub(r"(layers?|blocks)\.\d+\.", r"\1.*.", t) for t in (name, targets))
    shape = "" if row.info is None else "x".join(str(size) for size in row.info.shape)
    dtype = "" if row.info is None else row.info.dtype
    part = targets.split(".")[0]
    if targets == f"{part}.{name}":
        targets = f"{part}.="  # the same name behind the part's own
    return name, shape, dtype, row.action, targets, row.reason
