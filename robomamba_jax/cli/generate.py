# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba generate``: ask a checkpoint about images, one prompt or a file of them."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from robomamba_jax.cli import loading
from robomamba_jax.cli.batch_files import Reply, Request, Task, add_batch_arguments, run_batch
from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.options import not_negative, numeric, pick, share, whole
from robomamba_jax.cli.terminal import shown, text_argument
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from PIL import Image

    from robomamba_jax.generation.settings import GenerationSettings
    from robomamba_jax.inference.engine import Engine
    from robomamba_jax.inference.prompts import Prompt

SCHEMA = "robomamba.generate/1"
MAX_NEW_TOKENS = 2**20
MAX_BATCH_SIZE = 4096

EXAMPLE = """examples:
  robomamba generate --image drawer.png --prompt "What can be opened here?"
  robomamba generate --image before.png --image after.png --prompt "What has changed?" --json
  robomamba generate --prompt "Name three tools." --temperature 0.8 --top-p 0.9 --seed 1
  robomamba generate --batch questions.jsonl --out answers.jsonl --batch-size 16

Lines of a --batch: {"id": "a", "prompt": "Is it open?", "image": "drawer.png"}; "images": [...] for
several images, "max_new_tokens" for a budget of its own. Images lie relative to the file. A run
with --out that was killed goes on by the same command."""


_budget = numeric(
    int, lambda n: 1 <= n <= MAX_NEW_TOKENS, f"a whole number from 1 to {MAX_NEW_TOKENS:,}"
)
_batch_size = numeric(
    int, lambda n: 1 <= n <= MAX_BATCH_SIZE, f"a whole number from 1 to {MAX_BATCH_SIZE:,}"
)


def add_parser(commands: Commands) -> None:
    """Add ``generate``."""
    parser = commands.add_parser(
        "generate",
        help="answer prompts about images",
        description="The prompt goes through the checkpoint's own template, behind the images. "
        "The answer is printed as it comes.",
        epilog=EXAMPLE,
    )
    loading.add_checkpoint_arguments(parser)
    parser.add_argument(
        "--image", action="append", default=[], metavar="FILE", help="an image; repeatable"
    )
    parser.add_argument("--prompt", type=text_argument, metavar="TEXT", help="what is asked")
    parser.add_argument(
        "--max-new-tokens", type=_budget, default=64, metavar="N", help="of an answer (64)"
    )
    parser.add_argument(
        "--temperature", type=not_negative, default=0.0, metavar="X", help="0 = the likeliest (0)"
    )
    parser.add_argument("--top-k", type=whole, default=0, metavar="K", help="0 = all (0)")
    parser.add_argument("--top-p", type=share, default=1.0, metavar="P", help="1 = all (1)")
    parser.add_argument("--seed", type=whole, default=0, help="of the draws (0)")
    parser.add_argument(
        "--stop", action="append", default=[], type=_text, help="ends an answer; repeatable"
    )
    add_batch_arguments(parser, '{"prompt": "...", "image": "a.png"}')
    parser.add_argument("--out", metavar="FILE", help="with --batch: the answers (stdout)")
    add_renamed(
        parser,
        "--batch-size",
        "--rows",
        type=_batch_size,
        default=8,
        metavar="N",
        help="with --batch: answered at a time (8)",
    )
    parser.runs(_run, "one object on stdout, not streamed")


def _run(args: argparse.Namespace) -> dict[str, Json]:
    if args.batch is not None:
        if args.prompt is not None or args.image:
            raise InputError(
                "bad_arguments", "--batch has prompts and images of its own", "leave these out"
            )
        task = _Answers(args)
        done = run_batch(args, task)
        return {"schema": SCHEMA, "checkpoint": task.checkpoint.path, **done, **task.speed()}
    if args.prompt is None:
        raise InputError("bad_arguments", "--prompt is missing", "give --prompt, or --batch FILE")
    if args.out is not None:
        raise InputError("bad_arguments", "--out belongs to --batch", "redirect stdout: > FILE")
    return _one(args)


def _one(args: argparse.Namespace) -> dict[str, Json]:
    """One prompt: its answer printed while it comes, or returned for ``--json``."""
    from rich.console import Console

    # Images before the checkpoint, and both before jax: the cheapest mistake is told first.
    images = [loading.read_image(path) for path in args.image]
    checkpoint = loading.find_checkpoint(args)
    checkpoint.need(vision=f"--image {args.image[0]}" if images else None)
    with Console(file=sys.stderr).status(f"Loading {shown(checkpoint.path)} ...") as status:
        loaded = loading.load(checkpoint)
        from robomamba_jax.inference.prompts import join

        engine = loaded.engine
        prompt = engine.encode(args.prompt, images)
        status.update("Reading the prompt ...")
        began = time.perf_counter()
        # Where nobody watches, one call for the whole answer.
        settings = _settings(engine, args, args.max_new_tokens, args.seed)
        every = MAX_NEW_TOKENS if args.json else 1
        pieces = engine.stream(join([prompt]), settings, every=every)
        # The first piece ends the prefill and both compilations: from here on text keeps coming,
        # and would be printed over the status line.
        first = next(pieces)
    # A file gets the answer as it is; a terminal must not obey control characters in it.
    plain = partial(printable, lines=True) if sys.stdout.isatty() else str
    answer, count, reason = "", 0, ""
    for piece in itertools.chain((first,), pieces):
        answer, count, reason = answer + piece.text, count + len(piece.tokens), piece.reason
        if not args.json:
            sys.stdout.write(plain(piece.text))
            sys.stdout.flush()
    # With the compilation of a first call: it is what the user has waited.
    seconds = time.perf_counter() - began
    if not args.json and not answer.endswith("\n"):
        print()
    return {
        "schema": SCHEMA,
        "checkpoint": checkpoint.path,
        "answer": answer,
        "reason": reason,
        **_counts(engine, prompt, count),
        "seconds": seconds,
        "load_seconds": loaded.seconds,
        "tokens_per_second": count / seconds,
    }


def _settings(
    engine: Engine, args: argparse.Namespace, budget: int | list[int], seed: int
) -> GenerationSettings:
    drawn = pick(args, "temperature", "top_k", "top_p")
    return engine.settings(max_new_tokens=budget, stop=tuple(args.stop), seed=seed, **drawn)


def _counts(engine: Engine, prompt: Prompt, new: int) -> dict[str, int]:
    """How many tokens were read, and ``new`` ones."""
    return {
        "prompt_tokens": len(prompt.ids),
        "image_tokens": engine.image_tokens(prompt),
        "new_tokens": new,
    }


class _Answers(Task):
    """``--batch``: a block of requests is one compiled call.

    A request's draws hang on the seed, its block and its place in it, whatever else of the block is
    answered in the same call: a run that goes on draws what it would have drawn.
    """

    fields: ClassVar = {
        "prompt": (lambda value: isinstance(value, str), "text"),
        "image": (lambda value: isinstance(value, str) and value != "", "the path of an image"),
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
        super().__init__(args)
        self._args, self.rows = args, args.batch_size
        self._tokens, self._seconds = 0, 0.0

    def paths(self, request: Request) -> list[str]:
        """Its images, in order."""
        single = [request.fields["image"]] if "image" in request.fields else []
        return [*single, *request.fields.get("images", [])]

    def settings(self) -> Json:
        """Of what an answer is made beside its request."""
        args = self._args
        # The likeliest token is the same in any batch; a draw depends on its place in one.
        drawn = [args.top_k, args.top_p, args.seed, args.batch_size] if args.temperature else []
        common = [self.checkpoint.fingerprint, args.max_new_tokens, args.stop, args.temperature]
        return [*common, *drawn]

    def check(self, request: Request) -> None:
        """Decode its images."""
        if "image" in request.fields and "images" in request.fields:
            raise InputError("bad_line", "it has both image and images", "give one of them")
        self._images(request)

    def _images(self, request: Request) -> list[Image.Image]:
        paths = self.paths(request)
        if paths:
            self.checkpoint.need(vision=f"image {paths[0]}")
        return [loading.read_image(self.root / path) for path in paths]

    def answer(self, start: int, requests: Mapping[int, Request]) -> dict[int, Reply]:
        """One compiled call, whose shape is the same for every block of about one length."""
        from robomamba_jax.inference.prompts import join

        engine = self.loaded.engine
        prompts: dict[int, Prompt] = {}
        replies: dict[int, Reply] = {}
        for number, request in requests.items():
            try:
                prompts[number] = engine.encode(request.fields["prompt"], self._images(request))
            except InputError as error:
                replies[number] = error
        if not prompts:
            return replies
        # The key of a draw is made of the seed and the row, and a compiled program belongs to one
        # batch size. So requests keep their rows, and rows of which nothing is wanted (skipped, or
        # answered before a kill) repeat some prompt and end after one token.
        spare = next(iter(prompts.values()))
        numbers = range(start, start + self.rows)
        budgets = [self._budget(requests[n]) if n in prompts else 1 for n in numbers]
        batch = join([prompts.get(number, spare) for number in numbers])
        settings = _settings(engine, self._args, budgets, _block_seed(self._args.seed, start))
        began = time.perf_counter()
        answers = engine.generate(batch, settings)
        # Generation alone, summed over the blocks: images are decoded and lines written between
        # them.
        self._seconds += time.perf_counter() - began
        for number, prompt in prompts.items():
            text, tokens, reason = answers[number - start]
            self._tokens += len(tokens)
            counts = _counts(engine, prompt, len(tokens))
            replies[number] = {"answer": text, "reason": reason, **counts}
        return replies

    def _budget(self, request: Request) -> int:
        return request.fields.get("max_new_tokens", self._args.max_new_tokens)

    def speed(self) -> dict[str, float]:
        """Of what was answered now."""
        return {
            "new_tokens": self._tokens,
            "load_seconds": self._loaded.seconds if self._loaded else 0.0,
            "tokens_per_second": self._tokens / self._seconds if self._seconds else 0.0,
        }


def _block_seed(seed: int, start: int) -> int:
    """The seed of the block that begins with request ``start``; the first one has the run's own."""
    if not start:
        return seed
    # 31 bits: what a seed may have.
    return int.from_bytes(hashlib.sha256(f"{seed} {start}".encode()).digest()[:4], "big") >> 1


def _text(value: str) -> str:
    if not value:
        raise argparse.ArgumentTypeError("it is empty")
    return text_argument(value)
