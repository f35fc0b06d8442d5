# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba world``: data of the embedded world, its images, and rollouts."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robomamba_jax.cli.command_line import Commands, Parser
from robomamba_jax.cli.configs import add_allow_root
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import add_on_error, flag_of, natural, pick, positive
from robomamba_jax.cli.terminal import say
from robomamba_jax.errors import InputError

SPLITS = ("train", "validation", "test")
# Flags of ``Thresholds``' fields, whose class is loaded with the simulator and not for --help.
THRESHOLDS = {"joint": 0.03, "cosine": 0.3, "initial": 0.01, "long": 0.1}

EXAMPLE = """examples:
  robomamba world generate --out runs/world --samples 10000 --num-images 3000 --seed 0 --workers 2
  robomamba world render --out categories.png
  robomamba world rollout --policy oracle --episodes 50
  robomamba world rollout --checkpoint runs/manipulate --episodes 50 --out runs/rollout --json
  robomamba world episodes --episodes 50 --out trials
  robomamba world rollout --policy file:predictions.json --episodes 50"""


def add_parser(commands: Commands) -> None:
    """Add ``world generate``, ``render``, ``rollout`` and ``episodes``."""
    parser = commands.add_parser(
        "world",
        help="the embedded world: generate data, render it, roll out policies",
        description=(
            "Thirty categories of articulated objects in SAPIEN, or a PartNet-Mobility download of "
            "your own (--assets, --asset-list)."
        ),
        epilog=EXAMPLE,
    )
    names = "{generate,render,rollout,episodes}"
    actions = parser.add_subparsers(dest="what", metavar=names, required=True)
    _add_generate(actions)
    _add_render(actions)
    _add_rollout(actions)
    _add_episodes(actions)


def _add_objects(
    parser: Parser, split: str, help_text: str = "train, validation or test"
) -> Parser:
    """Which objects, and what becomes of those that cannot be used."""
    parser.add_argument(
        "--split", choices=SPLITS, default=split, metavar="NAME", help=f"{help_text} ({split})"
    )
    parser.add_argument("--seed", type=natural, default=0, help="(0)")
    parser.add_argument("--categories", metavar="A,B", help="only these, such as Door,Safe")
    parser.add_argument("--assets", metavar="DIR", help="PartNet-Mobility: <id>/mobility.urdf")
    parser.add_argument("--asset-list", metavar="FILE", help='its "<id> <Category>" lines')
    add_on_error(parser, "an object or a trial that cannot be used: stop, or leave it out")
    add_allow_root(parser)
    return parser


def _add_generate(actions: Commands) -> None:
    parser = actions.add_parser("generate", help="write a data set for all stages", epilog=EXAMPLE)
    parser.add_argument("--out", required=True, metavar="DIR", help="where to")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="pose samples kept (0)")
    add_renamed(
        parser,
        "--num-images",
        "--language",
        type=int,
        default=0,
        metavar="M",
        help="images for stages 1.1 and 1.2 (0)",
    )
    parser.add_argument("--clips", type=int, metavar="K", help="RoboVQA clips (a tenth of M)")
    parser.add_argument(
        "--num-texts",
        type=int,
        default=0,
        metavar="T",
        help="conversations in words alone, about scenes told in words (0)",
    )
    parser.add_argument("--size", type=int, default=224, help="pixels (224)")
    parser.add_argument("--dof", type=int, default=6, help="6, or 7 with a gripper state (6)")
    add_renamed(
        parser,
        "--contact-sampling",
        "--contacts",
        values={"spread": "random", "middle": "center"},
        metavar="random|center",
        default="random",
        help="contact points: any that moves the part well, or the central one (random)",
    )
    parser.add_argument(
        "--world",
        default="paper",
        metavar="paper|broad|broad-categories",
        help="broad adds assemblies, plain things, cameras, lights, clutter: for training; "
        "broad-categories leaves the assemblies out (paper)",
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument(
        "--failed-images",
        action="store_true",
        help="keep image, depth and mask of poses that failed, below failed/",
    )
    _add_objects(parser, "train", f"{', '.join(SPLITS)}: other objects each").runs(_generate)


def _add_render(actions: Commands) -> None:
    parser = actions.add_parser("render", help="one image of all categories", epilog=EXAMPLE)
    parser.add_argument("--out", required=True, metavar="FILE", help="a .png or .jpg")
    parser.add_argument("--size", type=int, default=224, help="of an image, in pixels (224)")
    _add_objects(parser, "test").runs(_render)


def _add_trials(parser: Parser) -> None:
    parser.add_argument(
        "--episodes", type=positive, default=50, metavar="N", help="per category (50)"
    )
    parser.add_argument("--size", type=int, default=224, help="pixels (224)")
    parser.add_argument("--dof", type=int, default=6, help="6, or 7 for a hand (6)")
    _add_objects(parser, "test")


def _add_rollout(actions: Commands) -> None:
    # A module of names alone: the policies themselves would load the simulator for --help.
    from robomamba_jax.world.policies.policy_names import POLICIES

    parser = actions.add_parser("rollout", help="execute a policy's poses", epilog=EXAMPLE)
    parser.add_argument("--checkpoint", metavar="DIR", help="a model: a folder, a run or a step")
    parser.add_argument("--policy", metavar="NAME", help=", ".join(POLICIES))
    parser.add_argument("--train", metavar="DIR", help="the priors' training set")
    _add_trials(parser)
    parser.add_argument("--out", metavar="DIR", help="images, clips and the result as JSON")
    parser.add_argument("--clips", type=int, default=0, metavar="K", help="GIFs per category (0)")
    parser.add_argument("--pixel-order", help="of a file's points: xy or rowcol")
    parser.add_argument("--frame", default="manipllm", help="of its directions, or opencv")
    parser.add_argument(
        "--contact-frame",
        metavar="file",
        choices=("file",),
        help="its lists are the published program's: contacts in pixels of a file, from 0",
    )
    parser.add_argument(
        "--contact-side", type=int, metavar="N", help="of the square images of their training"
    )
    parser.add_argument("--answer-field", metavar="NAME", help="a file's poses, if several fields")
    parser.add_argument("--id-field", metavar="NAME", help="its field of trials, if several")
    parser.add_argument("--on-missing", help="trials that it leaves out: error or fail (error)")
    parser.add_argument("--on-extra", help="its other trials: error or skip (error)")
    parser.add_argument("--panda", metavar="URDF", help="execute with a Franka Panda of this URDF")
    for name, default in THRESHOLDS.items():
        parser.add_argument(
            f"--threshold-{name}", type=float, default=default, metavar="X", help=f"({default})"
        )
    parser.runs(_rollout)


def _add_episodes(actions: Commands) -> None:
    parser = actions.add_parser(
        "episodes",
        help="write the trials of a rollout, for predictions made elsewhere",
        epilog=EXAMPLE,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="a new folder")
    _add_trials(parser)
    parser.runs(_episodes)


def _names(args: argparse.Namespace) -> list[str] | None:
    return None if args.categories is None else [n for n in args.categories.split(",") if n]


def _simulator(args: argparse.Namespace) -> Any:
    """SAPIEN, with the objects that the arguments name."""
    from robomamba_jax.world.sim.simulator import Simulator

    return Simulator(args.assets, args.asset_list, args.on_error, args.allow_root)


def _print_remarks(result: Mapping[str, Any]) -> None:
    """What had to be assumed, and what was left out or skipped, on stderr."""
    # On stderr with --json as well: a script that drops it has still the same lists in the object.
    for note in result.get("notes", ()):
        say(f"note: {note}", file=sys.stderr)
    for one in result.get("left_out", ()):
        count = one["objects"]
        what = "1 object" if count == 1 else f"{count:,} objects"
        say(f"left out: {one['name']}: {what} ({one['reason']})", file=sys.stderr)
    skipped = result.get("skipped", ())
    for one in skipped:
        say(f"skipped: {one['name']}: {one['message']} ({one['fix']})", file=sys.stderr)


def _skipped(result: Mapping[str, Any]) -> str:
    """How many were skipped, if any."""
    count = len(result.get("skipped", ()))
    return f"; {count:,} of them skipped" if count else ""


def _texts(count: int) -> str:
    """How many records in words alone, if any."""
    return f", {count:,} texts" if count else ""


def _generate(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.world.dataset.generate import generate
    from robomamba_jax.world.dataset.tasks import WorldPlan, check_plan
    from robomamba_jax.world.objects.library import EMBEDDED
    from robomamba_jax.world.sim.vulkan import load_sapien

    load_sapien()  # one message here, and not one per worker
    # Users' objects are listed from their files; the embedded ones need no simulator for that.
    objects = _simulator(args).objects if args.assets or args.asset_list else EMBEDDED
    plan = WorldPlan(
        **pick(args, "samples", "num_images", "seed", "split", "size", "dof", "contact_sampling"),
        failed_images=args.failed_images,
        world=args.world,
        texts=args.num_texts,
        clips=args.num_images // 10 if args.clips is None else args.clips,
        categories=objects.categories(_names(args), args.split),
        # Absolute: worker processes, and a later run that resumes, may be elsewhere.
        assets=args.assets and str(Path(args.assets).resolve()),
        asset_list=args.asset_list and str(Path(args.asset_list).resolve()),
        allow_roots=tuple(str(Path(root).resolve()) for root in args.allow_root),
    )
    check_plan(plan)
    with count_bar("items") as on_progress:
        manifest = generate(plan, Path(args.out), args.workers, on_progress, args.on_error)
    _print_remarks(manifest)
    if not args.json:
        poses = manifest["poses"]
        print(
            f"{args.out}: {poses['kept']:,} poses kept, {poses['failed']:,} trials failed; "
            f"{plan.num_images:,} images with language, {plan.clips:,} clips{_texts(plan.texts)}"
            f"{_skipped(manifest)}"
        )
        bench = [name for name in manifest["files"] if name.startswith("bench/")]
        for name, entry in manifest["files"].items():
            if name not in bench:
                print(f"  {name}  {entry['bytes']:,} bytes")
        if bench:
            names = sorted({name.split("/")[1] for name in bench})
            print(f"  bench/  {len(bench)} files: {', '.join(names)}")
    return {**manifest, "out": args.out}


def _render(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.world.rollout.contact_sheet import render_sheet
    from robomamba_jax.world.sim.scenes import check_size

    path = Path(args.out)
    if path.suffix.lower() not in (".png", ".jpg"):
        raise InputError("bad_arguments", f"--out {args.out}", "give a .png or .jpg file")
    check_size(args.size)
    simulator = _simulator(args)
    categories = simulator.objects.categories(_names(args), args.split)
    page = render_sheet(simulator, categories, args.split, args.seed, args.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)
    remarks = simulator.objects.remarks().to_json()
    _print_remarks(remarks)
    if not args.json:
        print(f"{path}: {len(categories)} categories, {page.width}x{page.height} pixels")
    return {
        "schema": "robomamba.world render/1",
        "out": str(path),
        "categories": list(categories),
        "size": [page.width, page.height],
        **remarks,
    }


def _plan(args: argparse.Namespace, simulator: Any) -> Any:
    """The trials that the arguments name."""
    from robomamba_jax.world.rollout.run import RolloutPlan
    from robomamba_jax.world.sim.episodes import check_dof
    from robomamba_jax.world.sim.scenes import check_size

    # Before the simulator makes its first scene, where they would fail as well, but late.
    check_dof(args.dof)
    check_size(args.size)
    categories = simulator.objects.categories(_names(args), args.split)
    given = pick(args, "episodes", "seed", "split", "size", "dof", "on_error")
    return RolloutPlan(categories, **given)


def _file_options(args: argparse.Namespace) -> dict[str, Any]:
    """Options for a file of predictions."""
    from robomamba_jax.world.policies.predictions import FIELD_NAMES

    # All of them are None where they are not given, so that none is passed over silently.
    names = ("answer_field", "id_field", "on_missing", "on_extra", "pixel_order")
    names += ("contact_frame", "contact_side")
    given = [name for name in names if getattr(args, name) is not None]
    if given and not (args.policy or "").startswith("file:"):
        flag = flag_of(given[0])
        what = f"{flag} is for predictions, and the policy is not file:PREDICTIONS"
        raise InputError("bad_arguments", what, f"leave {flag} out")
    field_names = dataclasses.replace(
        FIELD_NAMES, answer=args.answer_field or "", id=args.id_field or ""
    )
    return {
        "field_names": field_names,
        "on_missing": args.on_missing or "error",
        "on_extra": args.on_extra or "error",
        "contacts": _contacts(args),
    }


def _contacts(args: argparse.Namespace) -> Any:
    """How a file counts its contacts; None = pixels of each image, centres at +0.5."""
    from robomamba_jax.data.geometry.contacts import Contacts

    if args.contact_frame is None and args.contact_side is None:
        return None
    if args.contact_frame is None:
        raise InputError(
            "bad_arguments", "--contact-side without --contact-frame", "give --contact-frame file"
        )
    return Contacts("raw", args.contact_frame, args.contact_side)


def _rollout(args: argparse.Namespace) -> dict[str, Any]:
    import json

    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.utils.files import write_text
    from robomamba_jax.world.policies.registry import choose_policy
    from robomamba_jax.world.rollout.run import rollout
    from robomamba_jax.world.rollout.success_rates import table
    from robomamba_jax.world.sim.episodes import Thresholds
    from robomamba_jax.world.sim.gripper import execute
    from robomamba_jax.world.sim.panda import PandaExecutor

    if args.clips < 0 or (args.clips and not args.out):
        raise InputError("bad_arguments", f"--clips {args.clips} without --out", "give --out DIR")
    policy = choose_policy(
        args.policy,
        args.checkpoint,
        train=args.train and Path(args.train),
        **pick(args, "pixel_order", "frame"),
        **_file_options(args),
    )
    simulator = _simulator(args)
    thresholds = {name: getattr(args, f"threshold_{name}") for name in THRESHOLDS}
    plan = dataclasses.replace(_plan(args, simulator), thresholds=Thresholds(**thresholds))
    out = None if args.out is None else Path(args.out)
    with count_bar("episodes") as on_progress:
        result = rollout(
            simulator,
            policy,
            plan,
            save_images=None if out is None else out / "images",
            clips=args.clips,
            executor=execute if args.panda is None else PandaExecutor(Path(args.panda)),
            on_progress=on_progress,
        )
    for note in getattr(policy, "notes", []):
        print(f"note: {note}", file=sys.stderr)
    executor = "suction" if args.panda is None else "panda"
    result = {"schema": "robomamba.world rollout/1", "executor": executor, **result}
    if out is not None:
        # Before anything is printed: a closed stdout ends the command, and the trials took hours.
        write_text(out / "rollout.json", json.dumps(result, indent=1) + "\n")
    _print_remarks(result)
    if not args.json:
        print(f"policy {policy.name}, {policy.parameters:,} trained parameters")
        print("\n".join(table(result)))
        if result["skipped"]:
            print(f"{len(result['skipped']):,} trials were skipped, and are not counted")
    return result


def _episodes(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.world.rollout.export import export_episodes

    simulator = _simulator(args)
    plan = _plan(args, simulator)
    with count_bar("episodes") as on_progress:
        done = export_episodes(simulator, plan, Path(args.out), on_progress)
    _print_remarks(done)
    if not args.json:
        print(f"{args.out}: {done['episodes']} trials; their questions are in maniptest.json")
    return {"schema": "robomamba.world episodes/1", **done}
