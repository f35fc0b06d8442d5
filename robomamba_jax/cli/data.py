# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba data``: look at data sets, prepare them once, check what was prepared."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from robomamba_jax.cli import features
from robomamba_jax.cli.configs import add_allow_root
from robomamba_jax.cli.terminal import can_show, say
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import fitting
from robomamba_jax.utils.untrusted_text import parse_json, printable, read_bytes

EXAMPLE = """examples:
  robomamba data inspect blip_laion_cc_sbu_558k.json --root images
  robomamba data inspect 'tfrecord/train/train*' --frames 4 --json
  robomamba data inspect poses.json --pixel-order xy
  robomamba data prepare --config data.json --out prepared --workers 8
  robomamba data verify prepared
  robomamba data features --config configs/stage2_manipulation.py \\
      --kind pooled_hidden --out runs/pooled"""

_NEOX = Path("assets/tokenizer.json")
_SHOWN = 10


def add_parser(commands: Any) -> None:
    """Add ``data inspect``, ``prepare``, ``verify`` and ``features``."""
    parser = commands.add_parser(
        "data",
        help="look at data sets, prepare them, check what was prepared",
        description="Data sets of all training stages: look, prepare, check.",
        epilog=EXAMPLE,
    )
    names = "{inspect,prepare,verify,features}"
    whats = parser.add_subparsers(dest="what", metavar=names, required=True)
    _add_inspect(whats)
    prepare = whats.add_parser(
        "prepare", help="tokenise, resize and store once, resumably", epilog=EXAMPLE
    )
    prepare.add_argument("--config", required=True, help="a DataConfig as .json, or a .py file")
    prepare.add_argument("--out", required=True, metavar="DIR", help="where to")
    prepare.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="such as on_error=skip"
    )
    add_allow_root(prepare)
    prepare.set_defaults(run=_prepare, parser=prepare)
    verify = whats.add_parser("verify", help="check every file's hash", epilog=EXAMPLE)
    verify.add_argument("path", metavar="DIR", help="a prepared folder")
    verify.set_defaults(run=_verify, parser=verify)
    features.add_parser(whats)
    for each in whats.choices.values():
        each.add_argument("--json", action="store_true", help="one object on stdout")
        if each.prog.endswith(("inspect", "prepare")):
            each.add_argument("--workers", type=int, help="processes (as many as cores)")


def _add_inspect(whats: Any) -> None:
    inspect = whats.add_parser(
        "inspect", help="format, counts, lengths, broken images, a page of samples", epilog=EXAMPLE
    )
    inspect.add_argument("path", metavar="PATH", help="a file, a folder or a pattern")
    inspect.add_argument("--format", default="auto", help="where it cannot be told (auto)")
    inspect.add_argument("--root", metavar="DIR", help="of the images (beside the file)")
    add_allow_root(inspect)
    inspect.add_argument("--frames", type=int, default=1, help="RoboVQA: images per clip (1)")
    inspect.add_argument("--split", default="standard", help="RoboVQA: standard or official")
    inspect.add_argument("--pixel-order", help="poses: xy or rowcol; without it xy is assumed")
    inspect.add_argument("--frame", help="poses: manipllm or opencv")
    inspect.add_argument("--fields", metavar="FILE", help="RLDS, LeRobot: a FieldMap as JSON")
    inspect.add_argument("--tfds-split", default="train", help="RLDS, LeRobot: which split (train)")
    inspect.add_argument(
        "--tokenizer", metavar="PATH", help=f"({_NEOX} if it is there, else a small built-in one)"
    )
    inspect.add_argument("--template", default="standard", help="the prompts' (standard)")
    inspect.add_argument("--loss", default="standard", help="standard or official")
    inspect.add_argument("--encoder", default="nano", help="poses: whose crop is checked (nano)")
    inspect.add_argument("--limit", type=int, help="look at so many samples, evenly spread")
    inspect.add_argument("--no-images", action="store_true", help="do not decode images")
    inspect.add_argument("--sheet", metavar="FILE", help="the page of samples (NAME.contact.png)")
    inspect.add_argument("--no-sheet", action="store_true", help="draw no page")
    inspect.set_defaults(run=_inspect, parser=inspect)


def _inspect(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.config.data import EncodingConfig, SourceConfig
    from robomamba_jax.data.pipeline.inspection import inspect, inspection_config
    from robomamba_jax.data.pipeline.tasks import DataPool
    from robomamba_jax.data.sources.formats import detect

    kind = args.format if args.format != "auto" else detect(args.path)
    assumed = args.pixel_order is None and kind == "robomamba-poses"
    source = SourceConfig(
        args.path,
        format=kind,
        root=args.root,
        frames=args.frames,
        split=args.split,
        pixel_order="xy" if assumed else args.pixel_order,
        frame=args.frame,
        tfds_split=args.tfds_split,
        fields=_fields(args.fields),
        allow_roots=tuple(args.allow_root),
    )
    # Where the order of pixels is not known, whether contacts lie in the crop is not either.
    pose = kind in ("robomamba-poses", "manipllm") and not assumed
    if kind == "lerobot" and source.fields is not None:
        pose = source.fields.poses
    encoding = EncodingConfig(
        tokenizer=args.tokenizer or (str(_NEOX) if _NEOX.is_file() else "nano"),
        transform=args.encoder,
        template=args.template,
        loss=args.loss,
        target="pose" if pose else "text",
        max_tokens=2**40,
    )
    config = inspection_config(source, kind, encoding)
    if args.limit is not None and args.limit < 1:
        raise InputError("bad_arguments", f"--limit is {args.limit}", "give 1 or more")
    with DataPool(config, _workers(args)) as pool:
        with count_bar("samples") as bar:
            images = not args.no_images
            report = inspect(
                pool, kind, args.path, images=images, limit=args.limit, on_progress=bar
            )
        report["assumed_pixel_order"] = "xy" if assumed else None
        report["sheet"] = None if args.no_sheet else _sheet(args, pool.tasks.datasets[0])
    if not args.json:
        _show(report)
    return report


def _fields(file: str | None) -> Any:
    if file is None:
        return None
    from robomamba_jax.config.data import FieldMap
    from robomamba_jax.config.tree import tree_from_json

    try:
        content = parse_json(read_bytes(file), file, unique_keys=True)
    except InputError as error:
        raise InputError(error.kind, f"--fields {error.message}", error.fix) from error
    return tree_from_json(FieldMap, content, file)


def _sheet(args: argparse.Namespace, part: Any) -> str | None:
    """The page of samples; None for prepared data, whose pictures are cut already."""
    from robomamba_jax.data.pipeline.contact_sheet import contact_sheet
    from robomamba_jax.data.pipeline.datasets import SourceDataset

    if not isinstance(part, SourceDataset):
        return None
    stem = Path(args.path.rstrip("/*")).stem or "data"
    path = Path(args.sheet or fitting(stem, ".contact.png"))
    page = contact_sheet(part)
    try:
        page.save(path, "PNG")
    except OSError as error:
        if args.sheet:
            raise InputError(
                "bad_arguments", f"--sheet {path}: {error}", "give another place"
            ) from error
        say(f"robomamba: no page of samples: {error}", file=sys.stderr)
        return None
    return str(path)


def _show(report: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else 100
    # Paths and ids are shown as they are, whatever stands in them.
    out = Console(width=width, highlight=False, markup=False, emoji=False)
    images, tokens, sizes = report["images"], report["tokens"], report["lengths"]
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    looked = "" if report["inspected"] == report["records"] else f", {report['inspected']:,} read"
    decoded = "" if report["images_decoded"] else " (not decoded)"
    share = tokens["supervised"] / max(tokens["total"], 1)
    rows = {
        "format": report["format"],
        "records": f"{report['records']:,}{looked}",
        "images": f"{images['found']:,} found{decoded}, {images['missing']:,} missing, "
        f"{images['broken']:,} broken",
        "text only": f"{report['text_only']:,}",
        "tokens": f"{tokens['total']:,}, of them learned {tokens['supervised']:,} ({share:.1%})",
        "lengths": f"median {sizes['p50']}, 99 % {sizes['p99']}, longest {sizes['max']}",
        "template": f"{report['template']}; tokenizer {report['tokenizer']}",
    }
    repeated = report["repeated_ids"]
    if repeated["samples"]:
        rows["ids"] = f"{repeated['samples']:,} samples share one, such as {repeated['first']!r}"
    if report["assumed_pixel_order"]:
        rows["pixels"] = "taken for (x, y): give --pixel-order to have the contacts checked"
    if report["sheet"]:
        rows["samples"] = report["sheet"]
    for name, value in rows.items():
        table.add_row(name, printable(value))
    out.print(table)
    bar = "█" if can_show("█") else "#"
    most = max((count for _, _, count in report["histogram"]), default=1)
    for low, high, count in report["histogram"]:
        out.print(f"  {low:>6} .. {high:<6} {bar * round(40 * count / most):<40} {count:,}")
    for problem in report["problems"][:_SHOWN]:
        name = printable(str(problem["id"]))
        reason = printable(f"{problem['reason']} ({problem['fix']})")
        out.print(Text.assemble("  ", (name, "red"), f": {reason}"), soft_wrap=True)
    more = len(report["problems"]) - _SHOWN
    if more > 0:
        out.print(f"  and {more:,} more problems; --json lists all")


def _prepare(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.config.files import load_data_config
    from robomamba_jax.config.serial import with_changes
    from robomamba_jax.data.pipeline.prepare_run import prepare

    config = with_changes(load_data_config(args.config), args.set)
    if args.allow_root:
        sources = tuple(
            dataclasses.replace(source, allow_roots=(*source.allow_roots, *args.allow_root))
            for source in config.sources
        )
        config = dataclasses.replace(config, sources=sources)
    with count_bar("samples") as bar:
        manifest = prepare(config, args.out, workers=_workers(args), on_progress=bar)
    report = {
        "schema": "robomamba.data prepare/1",
        "out": args.out,
        "parts": manifest["parts"],
        "shards": len(manifest["shards"]),
        "bytes": sum(facts["bytes"] for facts in manifest["files"].values()),
    }
    if not args.json:
        for part in report["parts"]:
            say(f"{part['name']}: {part['samples']:,} samples, {part['skipped']:,} left out")
        say(f"{args.out}: {report['shards']} shards, {report['bytes'] / 1e6:,.1f} MB")
    return report


def _verify(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.cli.progress import bytes_bar
    from robomamba_jax.data.cache.prepared import read_manifest, verify_files

    files = read_manifest(Path(args.path))["files"]
    total = sum(facts["bytes"] for facts in files.values())
    with bytes_bar("reads", total) as bar:
        problems = verify_files(Path(args.path), bar)
    args.status = 1 if problems else 0
    if not args.json:
        for problem in problems:
            say(f"{problem['file']}: {problem['reason']}")
        state = f"{len(problems)} problems" if problems else "all as written"
        say(f"{args.path}: {len(files)} files, {total / 1e6:,.1f} MB: {state}")
    report = {"schema": "robomamba.data verify/1", "path": args.path, "files": len(files)}
    return {**report, "bytes": total, "problems": problems}


def _workers(args: argparse.Namespace) -> int:
    if args.workers is None:
        return os.cpu_count() or 1
    if args.workers < 0:
        raise InputError("bad_arguments", f"--workers is {args.workers}", "give 0 or more")
    return args.workers
