# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba convert``: checkpoints of other frameworks in, and out again."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.options import add_set, flag_of, pick
from robomamba_jax.cli.terminal import plain_console, say, table
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import JsonObject

if TYPE_CHECKING:
    from robomamba_jax.convert.families import ForeignCheckpoint
    from robomamba_jax.convert.rules import TensorRow

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

_SETTINGS = ("template", "contact_scale", "contact_frame", "contact_side", "rotation_convention")
_FAMILIES = FROM[:-3]
# Where the attributes of flags belong; elsewhere a flag would change nothing, and silently.
_PLACES = {
    "source": (*_FAMILIES, "run", "preset", "--to"),
    "vision": ("parts",),
    "llm": ("parts",),
    "set": _FAMILIES,
    "overwrite": FROM,
    "tokenizer": ("hf-mamba", "robomamba", "parts", "preset"),
    "policy": ("parts",),
    "seed": ("parts", "preset"),
    "lora": ("robomamba",),
    "lora_alpha": ("robomamba",),
    **dict.fromkeys(_SETTINGS, (*_FAMILIES, "parts")),
    "without_policy": ("--to robomamba",),
    "anyway": ("--to robomamba",),
}


def add_parser(commands: Commands) -> None:
    """Add ``convert``."""
    parser = commands.add_parser(
        "convert",
        help="convert checkpoints from and to other frameworks",
        description=(
            "Every tensor of the file is listed in the table that is printed: loaded, kept or "
            "ignored for a stated reason. One that does not fit ends the conversion, and nothing "
            "is written. No code in any file is run."
        ),
        epilog=EXAMPLE,
    )
    # In or out: which flags count depends on it (_PLACES).
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--from", dest="family", metavar="FAMILY", help=", ".join(FROM))
    way.add_argument("--to", metavar="LAYOUT", help=", ".join(TO))
    parser.add_argument("--in", dest="source", metavar="PATH", help="a file or a folder")
    parser.add_argument("--out", required=True, metavar="PATH", help="the new folder or file")
    parser.add_argument("--vision", metavar="PATH", help="with --from parts: the encoder")
    parser.add_argument("--llm", metavar="PATH", help="with --from parts: the language model")
    parser.add_argument("--tokenizer", metavar="FILE", help="the tokenizer.json to add")
    add_set(parser, "change the configuration, such as vision.heads=3")
    parser.add_argument("--policy", help="with --from parts: the new head (two_mlp)")
    parser.add_argument(
        "--seed", type=int, help="with --from parts or preset: of the new parameters (0)"
    )
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
    parser.add_argument("--verbose", action="store_true", help="one line per layer")
    parser.runs(_run)


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
        help="of raw contacts: crop or file: pixels of the crop, or of the whole image (file for a "
        "published policy head)",
    )
    parser.add_argument(
        "--contact-side",
        type=int,
        metavar="PIXELS",
        help="with contact-frame file: side of the square images that the head was trained on, "
        "such as 336 (each image's own pixels)",
    )
    parser.add_argument("--rotation-convention", help="opencv or manipllm (as contact-scale)")


def _check_places(args: argparse.Namespace) -> None:
    """Every flag that is given is one that counts here, and those that are needed are there.

    Raises:
      InputError: one belongs elsewhere, or is missing.
    """
    here, way = {args.family}, f"--from {args.family}"
    if args.to:
        here, way = {"--to", f"--to {args.to}"}, f"--to {args.to}"
    elif args.family not in FROM:
        raise unknown_name("unknown_format", "checkpoint family", args.family, FROM)
    for name, places in _PLACES.items():
        if getattr(args, name) in (None, False, []) or here & set(places):
            continue
        belongs = " or ".join(p if p.startswith("--") else f"--from {p}" for p in places)
        fix = f"leave it out: it belongs to {belongs}"
        if name == "set" and args.family in ("run", "preset"):
            fix = "set it where the model is trained: train.py --set model...."
        raise InputError("bad_arguments", f"{_flag(name)} changes nothing with {way}", fix)
    for name in ("vision", "llm") if args.family == "parts" else ("source",):
        if getattr(args, name) is None:
            raise InputError("bad_arguments", f"{_flag(name)} is missing", "see convert --help")


def _flag(name: str) -> str:
    return "--in" if name == "source" else flag_of(name)


def _run(args: argparse.Namespace) -> JsonObject:
    _check_places(args)
    way = {"to": args.to} if args.to else {"from": args.family}
    result: JsonObject = {"schema": "robomamba.convert/1", **way, "out": args.out}
    if args.family in ("run", "preset"):
        _of_ours(args)
        if not args.json:
            say(f"wrote {args.out}")
        return result
    rows, notes = _export(args) if args.to else _import(args)
    counts = Counter(row.action for row in rows)
    if not args.json:
        _print_table(rows, args.verbose)
        for note in notes:
            say(f"note: {note}")
        what = ", ".join(f"{count} {action}" for action, count in counts.items())
        say(f"wrote {args.out}: " + (f"{counts['written']} tensors" if args.to else what))
    table_rows = [_as_json(row) for row in rows]
    return {**result, "notes": notes, "tensors": dict(counts), "table": table_rows}


def _of_ours(args: argparse.Namespace) -> None:
    """A training run's weights, or a preset's random ones, as an inference folder."""
    from robomamba_jax.cli.progress import bytes_bar
    from robomamba_jax.training.export import export_folder, export_preset

    with bytes_bar("Writing") as progress:
        if args.family == "run":
            export_folder(args.source, args.out, overwrite=args.overwrite, progress=progress)
        else:
            given = (args.source, args.out, args.seed or 0, args.tokenizer, progress)
            export_preset(*given, overwrite=args.overwrite)


def _import(args: argparse.Namespace) -> tuple[Sequence[TensorRow], list[str]]:
    from robomamba_jax.cli.progress import bytes_bar
    from robomamba_jax.config import PolicyConfig
    from robomamba_jax.convert.run import convert_checkpoint, convert_parts

    shared = {**pick(args, "tokenizer", "overwrite"), "settings": pick(args, *_SETTINGS)}
    checkpoint = None if args.family == "parts" else _open(args)
    with bytes_bar("Writing") as progress:
        if checkpoint is not None:
            done = convert_checkpoint(checkpoint, args.out, progress=progress, **shared)
        else:
            new = {"policy": PolicyConfig(args.policy or "two_mlp"), "seed": args.seed or 0}
            done = convert_parts(
                args.vision, args.llm, args.out, progress=progress, **new, **shared
            )
    return done.rows, list(done.notes)


def _open(args: argparse.Namespace) -> ForeignCheckpoint:
    """The checkpoint; its table is printed where something in it does not fit."""
    from robomamba_jax.convert.families import open_checkpoint
    from robomamba_jax.convert.lora import ALPHA

    # None in the arguments, so that a flag which is given where it counts for nothing is seen.
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


def _export(args: argparse.Namespace) -> tuple[Sequence[TensorRow], list[str]]:
    from robomamba_jax.checkpoints import stored_kind
    from robomamba_jax.convert.export import export
    from robomamba_jax.convert.export_checks import export_notes
    from robomamba_jax.convert.folder import open_folder

    if stored_kind(args.source) in ("step", "workdir"):
        # Here, because orbax is slow to load and a folder needs none of it.
        from robomamba_jax.training.export import open_trained

        folder = open_trained(args.source)
    else:
        folder = open_folder(args.source)
    policy = not args.without_policy
    rows = export(args.to, folder, args.out, policy=policy, anyway=args.anyway)
    return rows, export_notes(args.to, folder, policy=policy)


def _as_json(row: TensorRow) -> JsonObject:
    return {
        "name": row.name,
        "shape": None if row.info is None else list(row.info.shape),
        "dtype": None if row.info is None else row.info.dtype,
        "action": row.action,
        "targets": list(row.targets),
        "reason": row.reason,
    }


def _print_table(rows: Sequence[TensorRow], verbose: bool) -> None:
    """Tensors of all layers on one line, unless every one shall have its own."""
    problems = any(row.action == "problem" for row in rows)
    grouped = Counter(_cells(row, verbose) for row in rows)
    lines = [
        (*cells[:3], f"{cells[3]} x {count}" if count > 1 else cells[3], *cells[4:])
        for cells, count in grouped.items()
    ]
    columns = ("tensor", "shape", "dtype", "", "becomes", "why")
    # Problems go where the error will stand, and leave stdout to what has been done.
    out = plain_console(180, sys.stderr if problems else sys.stdout)
    out.print(table(columns, lines, fold=columns))


def _cells(row: TensorRow, verbose: bool) -> tuple[str, ...]:
    # A row of ours that the file lacks has no name there.
    name, targets = row.name or "-", ", ".join(row.targets)
    if not verbose:
        name, targets = (re.sub(r"(layers?|blocks)\.\d+\.", r"\1.*.", t) for t in (name, targets))
    shape = "" if row.info is None else "x".join(str(size) for size in row.info.shape)
    dtype = "" if row.info is None else row.info.dtype
    part = targets.split(".")[0]
    if targets == f"{part}.{name}":
        targets = f"{part}.="  # the same name behind the part's own
    return name, shape, dtype, row.action, targets, row.reason
