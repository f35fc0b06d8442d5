# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba data``: look at data sets, prepare them once, check what was prepared."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robomamba_jax.cli import features
from robomamba_jax.cli.command_line import Commands, Parser
from robomamba_jax.cli.configs import add_allow_root
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import add_set, natural, pick, positive
from robomamba_jax.cli.terminal import can_show, plain_console, say
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import fitting
from robomamba_jax.utils.untrusted_text import parse_json, printable, read_bytes

if TYPE_CHECKING:
    from robomamba_jax.data.pipeline.datasets import Dataset

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


def add_parser(commands: Commands) -> None:
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
    add_set(prepare, "change a value, such as on_error=skip")
    add_allow_root(prepare)
    _add_workers(prepare).runs(_prepare)
    verify = whats.add_parser("verify", help="check every file's hash", epilog=EXAMPLE)
    verify.add_argument("path", metavar="DIR", help="a prepared folder")
    verify.runs(_verify)
    features.add_parser(whats)


def _add_workers(parser: Parser) -> Parser:
    cores = os.cpu_count() or 1
    parser.add_argument(
        "--workers", type=natural, default=cores, help="processes (as many as cores)"
    )
    return parser


def _add_inspect(whats: Commands) -> None:
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
    inspect.add_argument("--limit", type=positive, help="look at so many samples, evenly spread")
    inspect.add_argument("--no-images", action="store_true", help="do not decode images")
    add_renamed(
        inspect, "--preview", "--sheet", metavar="FILE", help="a page of samples (NAME.contact.png)"
    )
    add_renamed(inspect, "--no-preview", "--no-sheet", action="store_true", help="draw no page")
    _add_workers(inspect).runs(_inspect)


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
        **pick(args, "root", "frames", "split", "frame", "tfds_split"),
        pixel_order="xy" if assumed else args.pixel_order,
        fields=_fields(args.fields),
        allow_roots=tuple(args.allow_root),
    )
    # Where the order of pixels is not known, whether contacts lie in the crop is not either.
    pose = kind in ("robomamba-poses", "manipllm") and not assumed
    # Robot recordings hold poses only where the field map says which fields they are.
    if kind == "lerobot" and source.fields is not None:
        pose = source.fields.poses
    encoding = EncodingConfig(
        tokenizer=args.tokenizer or (str(_NEOX) if _NEOX.is_file() else "nano"),
        transform=args.encoder,
        **pick(args, "template", "loss"),
        target="pose" if pose else "text",
        # No sample is too long to be looked at: lengths are among what is asked.
        max_tokens=2**40,
    )
    config = inspection_config(source, kind, encoding)
    with DataPool(config, args.workers) as pool:
        with count_bar("samples") as bar:
            images = not args.no_images
            report = inspect(
                pool, kind, args.path, images=images, limit=args.limit, on_progress=bar
            )
        report["assumed_pixel_order"] = "xy" if assumed else None
        report["preview"] = None if args.no_preview else _preview(args, pool.tasks.datasets[0])
        report["sheet"] = report["preview"]  # its earlier name, for one version
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


def _preview(args: argparse.Namespace, dataset: Dataset) -> str | None:
    """The page of samples; None for prepared data, whose images are cut already."""
    from robomamba_jax.data.pipeline.contact_sheet import contact_sheet
    from robomamba_jax.data.pipeline.datasets import SourceDataset

    if not isinstance(dataset, SourceDataset):
        return None
    # A pattern such as train/* is called after its folder.
    stem = Path(args.path.rstrip("/*")).stem or "data"
    path = Path(args.preview or fitting(stem, ".contact.png"))
    page = contact_sheet(dataset)
    try:
        page.save(path, "PNG")
    except OSError as error:
        # A page that was asked for by name is an error if it cannot be written, else a remark.
        if args.preview:
            raise InputError(
                "bad_arguments", f"--preview {path}: {error}", "give another path"
            ) from error
        say(f"robomamba: no page of samples: {error}", file=sys.stderr)
        return None
    return str(path)


def _show(report: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = plain_console(100)
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
    if report["preview"]:
        rows["samples"] = report["preview"]
    for name, value in rows.items():
        table.add_row(name, printable(value))
    out.print(table)
    bar = "█" if can_show("█") else "#"
    most = max((count for _, _, count in report["histogram"]), default=1)
    for low, high, count in report["histogram"]:
        # The fullest bin is 40 characters long, the others in proportion.
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
            # Besides what the configuration allows: it may come from a machine with other mounts.
            dataclasses.replace(source, allow_roots=(*source.allow_roots, *args.allow_root))
            for source in config.sources
        )
        config = dataclasses.replace(config, sources=sources)
    with count_bar("samples") as bar:
        manifest = prepare(config, args.out, workers=args.workers, on_progress=bar)
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
    # 1 and not 2: the call was right, the data are damaged.
    args.status = 1 if problems else 0
    if not args.json:
        for problem in problems:
            say(f"{problem['file']}: {problem['reason']}")
        state = f"{len(problems)} problems" if problems else "all as written"
        say(f"{args.path}: {len(files)} files, {total / 1e6:,.1f} MB: {state}")
    report = {"schema": "robomamba.data verify/1", "path": args.path, "files": len(files)}
    return {**report, "bytes": total, "problems": problems}
