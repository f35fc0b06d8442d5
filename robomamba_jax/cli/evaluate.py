# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba eval``, and the same as ``eval.py``: arguments in, one benchmark's result."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robomamba_jax.cli.command_line import Commands, Parser, run_command
from robomamba_jax.cli.configs import add_config_arguments, add_process_arguments, read_config
from robomamba_jax.cli.options import flag_of
from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from robomamba_jax.config.evaluation import EvalConfig

EXAMPLE = """examples:
  robomamba eval --config eval_pope --checkpoint runs/instruct --tiny
  robomamba eval --config eval_vqav2 --checkpoint DIR --set files.root=/data/vqav2
  robomamba eval --config eval_gqa --predictions answers.json --set scoring=official
  robomamba eval --table runs/eval

To resume after any interruption, run the same command."""
_DESCRIPTION = "Evaluate RoboMamba, or anyone's answers, on a benchmark."


def add_parser(commands: Commands) -> None:
    """Add ``eval``."""
    _add_arguments(
        commands.add_parser(
            "eval",
            help="score a checkpoint, or anyone's answers, on a benchmark",
            description=_DESCRIPTION,
            epilog=EXAMPLE,
        )
    )


def make_parser() -> Parser:
    """The command line of eval.py."""
    return _add_arguments(Parser(prog="eval.py", description=_DESCRIPTION, epilog=EXAMPLE))


def _add_arguments(parser: Parser) -> Parser:
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
    return parser.runs(_run, "the result as one object on stdout", distributed=True)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    if args.table is not None:
        _alone(args, "table", "config", "checkpoint", "predictions", "against", "lmms_task")
        # Results that lie there already: no configuration is needed.
        return _table(args)
    if args.config is None:
        raise InputError("bad_arguments", "no --config", "give eval_BENCHMARK, such as eval_pope")
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
    # Tiny results lie apart: their numbers must not pass for those of the whole benchmark.
    out = Path(args.out or f"runs/eval/{config.benchmark}{'-tiny' if args.tiny else ''}")
    if args.predictions is not None:
        # Other people's answers: jax is never loaded.
        config, chosen, loaded = run.load(config, out)
        answered = run.from_predictions(config, Path(args.predictions), loaded)
        return _printed(run.finish(config, chosen, loaded, answered, out), out, args)
    return _answer(args, config, out)


def _alone(args: argparse.Namespace, name: str, *others: str) -> None:
    """Raise for a flag that another one would silently ignore."""
    for other in others:
        if getattr(args, other) is not None:
            flag, spare = flag_of(name), flag_of(other)
            raise InputError("bad_arguments", f"{flag} makes no use of {spare}", f"give no {spare}")


def _answer(args: argparse.Namespace, config: EvalConfig, out: Path) -> dict[str, Any]:
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
        # Before the questions are asked, which may take hours.
        run.check_against(Path(args.against), chosen, loaded)
    # One bar, though every process answers its share.
    with count_bar(f"{chosen.title} questions") if first else contextlib.nullcontext() as tell:
        answered, seconds = run.answer_all(config, chosen, loaded, args.checkpoint, out, tell)
    result: dict[str, Any] = {}
    if first:
        result = run.finish(config, chosen, loaded, answered, out, seconds=seconds)
    if args.against is not None:
        from robomamba_jax.evaluation.runner.compare_runs import compare

        mine, other = out / "answers.jsonl", Path(args.against)
        result["against"] = compare(config, chosen, loaded, args.checkpoint, mine, other)
    return _printed(result, out, args) if first else {}


def _printed(result: dict[str, Any], out: Path, args: argparse.Namespace) -> dict[str, Any]:
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
    return run_command(make_parser(), argv)
