# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``eval.py``: arguments in, one benchmark's result."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robomamba_jax.cli.configs import add_config_arguments, add_process_arguments, read_config
from robomamba_jax.cli.main import Parser, run_command
from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import printable

EXAMPLE = """examples:
  python eval.py --config configs/eval_pope.py --checkpoint runs/instruct --tiny
  python eval.py --config configs/eval_vqav2.py --checkpoint DIR --set files.root=/data/vqav2
  python eval.py --config configs/eval_gqa.py --predictions answers.json --set scoring=official
  python eval.py --table runs/eval

The same command goes on after any interruption."""


def make_parser() -> Parser:
    """The command line of eval.py."""
    parser = Parser(
        prog="eval.py", description="Evaluate RoboMamba, or anyone's answers.", epilog=EXAMPLE
    )
    add_config_arguments(parser, init=False, required=False)
    parser.add_argument("--checkpoint", metavar="PATH", help="a folder, a run, a step or a preset")
    parser.add_argument(
        "--predictions", metavar="FILE", help="score these answers instead of a checkpoint's"
    )
    parser.add_argument("--out", metavar="DIR", help="the result's folder (runs/eval/BENCHMARK)")
    parser.add_argument(
        "--against", metavar="FILE", help="another run's answers.jsonl: which answers differ?"
    )
    parser.add_argument(
        "--table", metavar="DIR", help="no new run: the table of all results below a folder"
    )
    parser.add_argument(
        "--lmms-task", metavar="DIR", help="write RoboVQA or OCR-VQA as a task of lmms-eval"
    )
    add_process_arguments(parser)
    parser.add_argument("--json", action="store_true", help="the result as one object on stdout")
    parser.set_defaults(run=_run, parser=parser)
    return parser


def _run(args: argparse.Namespace) -> dict[str, Any]:
    if args.table is not None:
        _alone(args, "table", "config", "checkpoint", "predictions", "against", "lmms_task")
        return _table(args)
    if args.config is None:
        raise InputError("bad_arguments", "no --config", "give configs/eval_BENCHMARK.py")
    if args.lmms_task is not None:
        _alone(args, "lmms_task", "checkpoint", "predictions", "against")
        return _export(args)
    if (args.checkpoint is None) == (args.predictions is None):
        raise InputError(
            "bad_arguments",
            "one of --checkpoint and --predictions is needed",
            "give a checkpoint to ask, or a file of answers to score",
        )
    if args.against is not None and args.checkpoint is None:
        raise InputError("bad_arguments", "--against without --checkpoint", "give the checkpoint")
    from robomamba_jax.config.evaluation import EvalConfig
    from robomamba_jax.evaluation.runner import run

    config, _ = read_config(args, EvalConfig)
    out = Path(args.out or f"runs/eval/{config.benchmark}{'-tiny' if args.tiny else ''}")
    if args.predictions is not None:
        config, chosen, loaded = run.load(config, out)
        answered = run.from_predictions(config, Path(args.predictions), loaded)
        return _told(run.finish(config, chosen, loaded, answered, out), out, args)
    return _ask(args, config, out)


def _alone(args: argparse.Namespace, name: str, *others: str) -> None:
    """Whether no flag is given that another one would pass over."""
    for other in others:
        if getattr(args, other) is not None:
            flag, spare = (f"--{part.replace('_', '-')}" for part in (name, other))
            raise InputError("bad_arguments", f"{flag} makes no use of {spare}", f"give no {spare}")


def _ask(args: argparse.Namespace, config: Any, out: Path) -> dict[str, Any]:
    from robomamba_jax.cli.progress import count_bar
    from robomamba_jax.evaluation.runner import run
    from robomamba_jax.training.distributed import check_alike, connect

    logging.getLogger("absl").setLevel(logging.CRITICAL)
    connect(args.coordinator, args.process_id, args.num_processes)
    import jax

    first = jax.process_index() == 0
    read = partial(run.load, config, out, write=first)
    found = read() if first else None
    check_alike({"configuration": repr(config)})  # the others wait here for what the first writes
    config, chosen, loaded = found or read()
    if args.against is not None:
        # Said now rather than behind hours of answers.
        run.check_against(Path(args.against), chosen, loaded)
    with count_bar(f"{chosen.title} questions") if first else contextlib.nullcontext() as tell:
        answered, seconds = run.answer_all(config, chosen, loaded, args.checkpoint, out, tell)
    result: dict[str, Any] = {}
    if first:
        result = run.finish(config, chosen, loaded, answered, out, seconds=seconds)
    if args.against is not None:
        from robomamba_jax.evaluation.runner.compare_runs import compare

        mine, other = out / "answers.jsonl", Path(args.against)
        result["against"] = compare(config, chosen, loaded, args.checkpoint, mine, other)
    return _told(result, out, args) if first else {}


def _told(result: dict[str, Any], out: Path, args: argparse.Namespace) -> dict[str, Any]:
    if not args.json:
        from robomamba_jax.cli.evaluate_table import print_result

        print_result(result, out)
    return result


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.config.evaluation import EvalConfig
    from robomamba_jax.evaluation.lmms.export import export_task
    from robomamba_jax.evaluation.runner import run

    config, _ = read_config(args, EvalConfig)
    folder = Path(args.lmms_task)
    _, chosen, loaded = run.load(config, folder / "files")
    skip = config.on_error == "skip"
    result = export_task(chosen.name, loaded, folder, skip=skip)
    for one in result["left_out"]:
        print(f"left out: question {one['id']!r}: {one['reason']}", file=sys.stderr)
    if not args.json:
        print(
            f"{result['questions']} questions; now: lmms-eval --include_path {folder} "
            f"--tasks {result['task']} --model robomamba --model_args checkpoint=DIR"
        )
    return {"schema": "robomamba.eval lmms-task/1", **result}


def _table(args: argparse.Namespace) -> dict[str, Any]:
    from robomamba_jax.evaluation.runner import paper, run

    folder = Path(args.table)
    results = run.collect(folder)
    sources = list(dict.fromkeys(str(result["answers_from"]) for result in results.values()))
    text = paper.markdown(" + ".join(sources), results)
    if not args.json:
        sys.stdout.write(printable(text, lines=True))
    rows = {
        name: {"headline": r["headline"], "figures": r["figures"]} for name, r in results.items()
    }
    return {"schema": "robomamba.eval table/1", "benchmarks": rows, "markdown": text}


def main(argv: Sequence[str] | None = None) -> int:
    """Run eval.py and return its exit status."""
    status = run_command(make_parser(), argv)
    if status and "jax" in sys.modules:
        from robomamba_jax.training.distributed import leave_now

        leave_now(status)
    return status
