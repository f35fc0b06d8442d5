# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba verify``: is a converted checkpoint the original? Compared with torch."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.options import add_set, pick
from robomamba_jax.cli.terminal import plain_console, table
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.files import writing

FAMILIES = ("hf-mamba", "hf-clip", "hf-siglip", "timm-vit", "dinov2", "robomamba")

EXAMPLE = """examples:
  robomamba verify --random tiny
  robomamba verify --from hf-mamba --in mamba-130m-hf --checkpoint mamba-130m
  robomamba verify --random tiny --from hf-mamba --perturb llm.backbone.layers.1.mixer.A_log
  robomamba verify --hashes mamba-130m"""


def add_parser(commands: Commands) -> None:
    """Add ``verify``."""
    parser = commands.add_parser(
        "verify",
        help="compare a checkpoint here and in torch, op by op",
        description=(
            "torch loads the original by transformers or timm. Two reports: which weight differs, "
            "and which op is the first to differ when both are given the same inputs, forward and "
            "in gradients. Exit status 0 if both agree, 1 if not; with --perturb, 0 if the planted "
            "error was found by both reports."
        ),
        epilog=EXAMPLE,
    )
    parser.add_argument("--from", dest="family", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument("--in", dest="source", metavar="PATH", help="the original, for torch")
    parser.add_argument("--checkpoint", metavar="DIR", help="our folder; else converted in memory")
    parser.add_argument("--random", metavar="SIZE", help="tiny: small random files, all families")
    parser.add_argument("--hashes", metavar="DIR", help="check a folder's files, nothing else")
    parser.add_argument("--perturb", metavar="NAME", help="plant an error of 1 %% in this tensor")
    parser.add_argument("--output", help="features, logits or pose (the last that there is)")
    parser.add_argument("--no-gradients", action="store_true", help="the forward pass alone")
    add_set(parser, "as for convert, such as vision.heads=3")
    parser.add_argument("--lora-alpha", type=float, default=32.0, help="of LoRA factors (32)")
    parser.add_argument("--lora", default="merge", help="as for convert: merge or base (merge)")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs (0)")
    parser.add_argument("--out", default="verify.json", help="the certificate (verify.json)")
    parser.add_argument("--verbose", action="store_true", help="a line for every op")
    parser.runs(_run, "the certificate on stdout")


def _run(args: argparse.Namespace) -> dict[str, Any]:
    if args.hashes:
        return _hashes(args)
    if args.random:
        return _random(args)
    if args.family is None or args.source is None:
        raise InputError(
            "bad_arguments", "--from and --in are missing", "or use --random tiny, or --hashes DIR"
        )
    report = _verify(args, args.family, args.source, args.set, args.checkpoint)
    return _finish(args, report, _passed(report))


def _verify(
    args: argparse.Namespace, family: str, source: Any, changes: list[str], folder: str | None
) -> dict[str, Any]:
    from rich.console import Console

    from robomamba_jax.verify.run import open_comparison, verify

    with Console(file=sys.stderr).status(f"{family}: loading ...") as status:
        comparison = open_comparison(
            family,
            source,
            folder=folder,
            changes=changes,
            **pick(args, "output", "lora_alpha", "lora", "seed"),
        )
        status.update(f"{family}: comparing ...")
        report = verify(comparison, gradients=not args.no_gradients, perturb=args.perturb)
    if not args.json:
        _print(report, args.verbose)
    return report


def _random(args: argparse.Namespace) -> dict[str, Any]:
    """Random files of one family, or of all; timm may be missing."""
    from robomamba_jax.verify.random_files import MAKERS, SETTINGS

    if args.random != "tiny":
        raise unknown_name("bad_arguments", "size", args.random, ("tiny",))
    if args.family is not None and args.family not in MAKERS:
        raise unknown_name("unknown_format", "checkpoint family", args.family, MAKERS)
    reports: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for family in [args.family] if args.family else MAKERS:
        bare = family == "robomamba"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ("robomamba.pth" if bare else family)
            try:
                MAKERS[family](path, **({"head": "two_mlp_repo"} if bare else {}))
            except InputError as error:
                # Of all families one is skipped if its library is missing; one that was asked for
                # is not.
                if error.kind != "missing_package" or args.family:
                    raise
                skipped[family] = error.message
                continue
            except ModuleNotFoundError as error:
                raise InputError(
                    "missing_package", f"{error.name} is not installed", "make install-test"
                ) from error
            # A bare .pth does not say how many heads its encoder has.
            changes = SETTINGS if bare else []
            reports[family] = _verify(args, family, path, changes, None)
    for family, why in skipped.items():
        print(f"{family}: skipped, {why}", file=sys.stderr)
    result = {
        "schema": "robomamba.verify/1",
        "agree": all(report["agree"] for report in reports.values()),
        "skipped": skipped,
        "families": reports,
    }
    return _finish(args, result, all(_passed(report) for report in reports.values()))


def _hashes(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.convert.folder import check_files
    from robomamba_jax.utils.files import read_json

    folder = Path(args.hashes)
    found = check_files(folder, read_json(folder / "manifest.json"))
    wrong = {name: what for name, what in found.items() if what}
    if not args.json:
        for name, what in found.items():
            print(f"{'differs' if what else 'ok':8} {name} {what}")
    if wrong:
        name, what = next(iter(wrong.items()))
        raise InputError("bad_folder", f"{folder}: {name} {what}", "copy or convert it again")
    return {"schema": "robomamba.verify/1", "agree": True, "files": dict.fromkeys(found, "ok")}


def _passed(report: dict[str, Any]) -> bool:
    # With a planted error both sides must differ: what counts is whether it was found.
    planted = report.get("perturbed")
    if planted is None:
        return report["agree"]
    return planted["weights_found"] and planted["activations_found"]


def _finish(args: argparse.Namespace, report: dict[str, Any], passed: bool) -> dict[str, Any]:
    """Write the certificate, and set the exit status."""
    with writing(args.out):
        Path(args.out).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if not args.json:
        print(f"wrote {args.out}")
    # 1 and not 2: the call was right, the checkpoint is another than its original.
    args.status = 0 if passed else 1
    return report


def _print(report: dict[str, Any], verbose: bool) -> None:
    weights, ops = report["weights"], report["activations"]
    out = plain_console(120)
    verdict = "agrees with torch" if report["agree"] else "DIFFERS from torch"
    out.print(f"{report['family']} ({report['output']}): {verdict}")
    merged = f", {weights['merged']} merged from LoRA" if weights["merged"] else ""
    out.print(
        f"  weights      {weights['equal']} of {weights['compared']} bit for bit{merged}"
        + "".join(f"; {row['name']} off by {_number(row['error'])}" for row in weights["differing"])
    )
    worst = max(ops["ops"], key=lambda row: float(row["error"]))
    carried = max(float(row["carried"]) for row in ops["ops"])
    out.print(
        f"  activations  {len(ops['ops'])} ops, worst {_number(worst['error'])} of its scale at "
        f"{worst['op']}; end to end {carried:.1e}"
    )
    if ops["first_diverging"]:
        out.print(f"  first op to diverge: {ops['first_diverging']}")
    if "gradients" in report:
        # Of gradients that are zero by mathematics both sides hold rounding alone.
        rows = [row for row in report["gradients"]["parameters"] if not row["zero"]]
        worst = max(rows, key=lambda row: float(row["error"]))
        out.print(
            f"  gradients    {len(rows)} tensors, worst {_number(worst['error'])} of its block at "
            f"{worst['name']}"
        )
    if "perturbed" in report:
        planted = report["perturbed"]
        for kind in ("weights", "activations"):
            found = "found" if planted[f"{kind}_found"] else "NOT FOUND"
            out.print(f"  planted error in {planted['tensor']}: {kind} report {found}")
    if verbose:
        rows = [(row["op"], *(_number(row[k]) for k in ("error", "carried"))) for row in ops["ops"]]
        out.print(table(("op", "alone", "end to end"), rows))


def _number(value: Any) -> str:
    return f"{float(value):.1e}"
