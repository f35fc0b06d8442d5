# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba generate``: ask a checkpoint about pictures, one prompt or a file of them."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import math
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from robomamba_jax.cli import loading
from robomamba_jax.cli.batch_files import Request, Task, add_batch_arguments, run_batch
from robomamba_jax.cli.terminal import shown, text_argument
from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from robomamba_jax.cli.asking import Asker, Prompt

SCHEMA = "robomamba.generate/1"
MAX_NEW_TOKENS = 2**20
MAX_ROWS = 4096

EXAMPLE = """examples:
  robomamba generate --image drawer.png --prompt "What can be opened here?"
  robomamba generate --image before.png --image after.png --prompt "What has changed?" --json
  robomamba generate --prompt "Name three tools." --temperature 0.8 --top-p 0.9 --seed 1
  robomamba generate --batch questions.jsonl --out answers.jsonl --rows 16

Lines of a --batch: {"id": "a", "prompt": "Is it open?", "image": "drawer.png"}; "images": [...] for
several pictures, "max_new_tokens" for a budget of its own. Pictures lie relative to the file. A run
with --out that was killed goes on by the same command."""


def _number(kind: Callable[[str], Any], allowed: Callable[[Any], bool], words: str) -> Any:
    """What argparse reads a number with; ``words`` say which are allowed."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not allowed(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
        return value

    return read


_budget = _number(
    int, lambda n: 1 <= n <= MAX_NEW_TOKENS, f"a whole number from 1 to {MAX_NEW_TOKENS:,}"
)
_rows = _number(int, lambda n: 1 <= n <= MAX_ROWS, f"a whole number from 1 to {MAX_ROWS:,}")
_whole = _number(int, lambda n: 0 <= n < 2**31, "a whole number from 0 to 2,147,483,647")
_temperature = _number(float, lambda x: 0 <= x < math.inf, "0 or more")
_share = _number(float, lambda x: 0 < x <= 1, "above 0 and at most 1")


def add_parser(commands: Any) -> None:
    """Add ``generate``."""
    parser = commands.add_parser(
        "generate",
        help="answer prompts about pictures",
        description="The prompt goes through the checkpoint's own template, behind the pictures. "
        "The answer is printed as it comes.",
        epilog=EXAMPLE,
    )
    loading.add_checkpoint_arguments(parser)
    parser.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="a picture; repeatable"
    )
    parser.add_argument("--prompt", type=text_argument, metavar="TEXT", help="what is asked")
    parser.add_argument(
        "--max-new-tokens", type=_budget, default=64, metavar="N", help="of an answer (64)"
    )
    parser.add_argument(
        "--temperature", type=_temperature, default=0.0, metavar="X", help="0 = the likeliest (0)"
    )
    parser.add_argument("--top-k", type=_whole, default=0, metavar="K", help="0 = all (0)")
    parser.add_argument("--top-p", type=_share, default=1.0, metavar="P", help="1 = all (1)")
    parser.add_argument("--seed", type=_whole, default=0, help="of the draws (0)")
    parser.add_argument(
        "--stop", action="append", default=[], type=_text, help="ends an answer; repeatable"
    )
    add_batch_arguments(parser, '{"prompt": "...", "image": "a.png"}')
    parser.add_argument("--out", metavar="FILE", help="with --batch: the answers (stdout)")
    parser.add_argument(
        "--rows", type=_rows, default=8, metavar="N", help="with --batch: answered at a time (8)"
    )
    parser.add_argument("--json", action="store_true", help="one object on stdout, not streamed")
    parser.set_defaults(run=_run, parser=parser)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    if args.batch is not None:
        if args.prompt is not None or args.image:
            raise InputError(
                "bad_arguments", "--batch has prompts and pictures of its own", "leave these out"
            )
        task = _Answers(args)
        done = run_batch(args, task)
        return {"schema": SCHEMA, "checkpoint": task.checkpoint.path, **done, **task.speed()}
    if args.prompt is None:
        raise InputError("bad_arguments", "--prompt is missing", "give --prompt, or --batch FILE")
    if args.out is not None:
        raise InputError("bad_arguments", "--out belongs to --batch", "redirect stdout: > FILE")
    return _one(args)


def _one(args: argparse.Namespace) -> dict[str, Any]:
    """One prompt: its answer printed while it comes, or told as JSON at its end."""
    from rich.console import Console

    pictures = [loading.read_picture(path) for path in args.image]
    vision = f"--image {args.image[0]}" if pictures else None
    checkpoint = loading.find_checkpoint(args)
    loading.need_parts(checkpoint.path, checkpoint.parts, vision=vision)
    with Console(file=sys.stderr).status(f"loads {shown(checkpoint.path)}") as status:
        loaded = loading.load(checkpoint)
        from robomamba_jax.cli.asking import Asker

        loading.need_parts(checkpoint.path, loaded.model.config, vision=vision)
        asker = Asker(loaded, args)
        prompt = asker.read(args.prompt, pictures)
        status.update("reads the prompt")
        began = time.perf_counter()
        events = asker.stream(prompt, args.max_new_tokens, every=MAX_NEW_TOKENS if args.json else 1)
        first = next(events)  # what takes long is over once it is there
    text, count, reason = asker.text(), 0, ""
    # A file gets the answer as it is; a terminal must not obey it.
    plain = partial(printable, lines=True) if sys.stdout.isatty() else str
    answer: list[str] = []
    for event in itertools.chain((first,), events):
        count, reason = count + len(event.tokens), event.reason
        answer.append(text.add(event.tokens, ended=reason != "running"))
        if not args.json:
            sys.stdout.write(plain(answer[-1]))
            sys.stdout.flush()
    seconds = time.perf_counter() - began
    whole = "".join(answer)
    if not args.json and not whole.endswith("\n"):
        print()
    return {
        "schema": SCHEMA,
        "checkpoint": checkpoint.path,
        "answer": whole,
        "reason": reason,
        **asker.counts(prompt, count),
        "seconds": seconds,
        "load_seconds": loaded.seconds,
        "tokens_per_second": count / seconds,
    }


class _Answers(Task):
    """``--batch``: a block of requests is one compiled call.

    A request's draws hang on the seed, its block and its place in it, whatever else of the block is
    answered in the same call: a run that goes on draws what it would have drawn.
    """

    fields: ClassVar = {
        "prompt": (lambda value: isinstance(value, str), "text"),
        "image": (lambda value: isinstance(value, str) and value != "", "the path of a picture"),
        "images": (
            lambda value: isinstance(value, list) and all(isinstance(v, str) and v for v in value),
            "a list of paths",
        ),
        "max_new_tokens": (
            lambda value: type(value) is int and 1 <= value <= MAX_NEW_TOKENS,
            f"a whole number from 1 to {MAX_NEW_TOKENS:,}",
        ),
    }
    required = ("prompt",)

    def __init__(self, args: argparse.Namespace) -> None:
        self._args, self.rows = args, args.rows
        self._root = Path(args.batch).parent
        self.checkpoint = loading.find_checkpoint(args)
        self._asker: Asker | None = None
        self._tokens, self._seconds, self._load_seconds = 0, 0.0, 0.0

    def paths(self, request: Request) -> list[str]:
        """Its pictures, in order."""
        single = [request.fields["image"]] if "image" in request.fields else []
        return [*single, *request.fields.get("images", [])]

    def settings(self) -> Any:
        """Of what an answer is made beside its request."""
        args = self._args
        drawn = [args.top_k, args.top_p, args.seed, args.rows] if args.temperature else []
        common = [self.checkpoint.mark, args.max_new_tokens, args.stop, args.temperature]
        return [*common, *drawn]

    def check(self, request: Request) -> None:
        """Decode its pictures."""
        if "image" in request.fields and "images" in request.fields:
            raise InputError("bad_line", "it has both image and images", "give one of them")
        self._pictures(request)

    def _pictures(self, request: Request) -> list[Any]:
        paths = self.paths(request)
        if paths:
            parts, vision = self.checkpoint.parts, f"image {paths[0]}"
            loading.need_parts(self.checkpoint.path, parts, vision=vision)
        return [loading.read_picture(self._root / path) for path in paths]

    def open(self) -> None:
        """Load."""
        loaded = loading.load(self.checkpoint)
        from robomamba_jax.cli.asking import Asker

        self.checkpoint = self.checkpoint._replace(parts=loaded.model.config)
        self._load_seconds = loaded.seconds
        self._asker = Asker(loaded, self._args)

    def answer(
        self, start: int, requests: Mapping[int, Request]
    ) -> dict[int, Mapping[str, Any] | InputError]:
        """One compiled call, whose shape is the same for every block of about one length."""
        assert self._asker is not None
        prompts: dict[int, Prompt] = {}
        replies: dict[int, Mapping[str, Any] | InputError] = {}
        for number, request in requests.items():
            try:
                pictures = self._pictures(request)
                prompts[number] = self._asker.read(request.fields["prompt"], pictures)
            except InputError as error:
                replies[number] = error
        if not prompts:
            return replies
        # Places of which nothing is wanted repeat some prompt, and end after one token.
        spare = next(iter(prompts.values()))
        numbers = range(start, start + self.rows)
        budgets = [self._budget(requests[n]) if n in prompts else 1 for n in numbers]
        rows = [prompts.get(number, spare) for number in numbers]
        began = time.perf_counter()
        done = self._asker.answer(rows, budgets, _block_seed(self._args.seed, start))
        self._seconds += time.perf_counter() - began
        for number, prompt in prompts.items():
            tokens, reason = done[number - start]
            self._tokens += len(tokens)
            replies[number] = {
                "answer": self._asker.text().add(tokens, ended=True),
                "reason": reason,
                **self._asker.counts(prompt, len(tokens)),
            }
        return replies

    def _budget(self, request: Request) -> int:
        return request.fields.get("max_new_tokens", self._args.max_new_tokens)

    def speed(self) -> dict[str, float]:
        """Of what was answered now."""
        return {
            "new_tokens": self._tokens,
            "load_seconds": self._load_seconds,
            "tokens_per_second": self._tokens / self._seconds if self._seconds else 0.0,
        }


def _block_seed(seed: int, start: int) -> int:
    """The seed of the block that begins with request ``start``; the first one has the run's own."""
    if not start:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {start}".encode()).digest()[:4], "big") >> 1


def _text(value: str) -> str:
    if not value:
        raise argparse.ArgumentTypeError("it is empty")
    return text_argument(value)
