# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What ``robomamba generate`` does once a model is there: prompts in, tokens and their text out."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from robomamba_jax.cli.loading import Loaded
from robomamba_jax.errors import InputError
from robomamba_jax.generation import Completion, GenerationSettings, Generator, StreamEvent
from robomamba_jax.generation.stopping import byte_level_spelling


class Prompt(NamedTuple):
    """What a model reads: token ids, M pictures as float32[M, S, S, 3] (None where there are none),
    and the text index before which each stands, int32[M]."""

    ids: list[int]
    images: np.ndarray | None
    positions: np.ndarray


class Asker:
    """A loaded model, and how the arguments want it asked."""

    def __init__(self, loaded: Loaded, args: argparse.Namespace) -> None:
        self._model, self._processor = loaded.model, loaded.processor
        self._tokenizer = self._processor.need_tokenizer()
        self._settings = GenerationSettings(
            temperature=args.temperature,
            top_k=args.top_k,
            top_p=args.top_p,
            eos_ids=(self._tokenizer.eos_id,),
            stop=tuple(args.stop),
            seed=args.seed,
        )
        size, spelling = self._model.config.llm.vocab_size, None
        if args.stop:
            spelling = byte_level_spelling(self._tokenizer.vocab, self._tokenizer.added, size)
        self._generator = Generator(
            self._model.config, self._model.params, layout=self._model.layout, token_bytes=spelling
        )

    def read(self, prompt: str, pictures: Sequence[Any]) -> Prompt:
        """A prompt behind its pictures, through the checkpoint's template and transform.

        Raises:
          InputError: it cannot be read so, or is too long.
        """
        if not prompt.strip() and not pictures:
            raise InputError("empty_prompt", "the prompt is empty", "ask something")
        batch = self._processor([list(pictures)], [prompt])
        ids, longest = batch.input_ids[0][batch.mask[0]].tolist(), self._settings.max_prompt_tokens
        if len(ids) > longest:
            what = f"the prompt has {len(ids):,} tokens, over the limit of {longest:,}"
            raise InputError("prompt_too_long", what, "shorten it")
        images = None if batch.images is None else batch.images[0]
        return Prompt(ids, images, batch.image_positions[0])

    def stream(self, prompt: Prompt, budget: int, *, every: int) -> Iterator[StreamEvent]:
        """The answer's ``StreamEvent``s, ``every`` tokens at a time."""
        settings = dataclasses.replace(self._settings, max_new_tokens=budget)
        return self._generator.stream([prompt.ids], settings, every=every, **_pictures([prompt]))

    def answer(
        self, prompts: Sequence[Prompt], budgets: Sequence[int], seed: int
    ) -> list[Completion]:
        """The answers' ``Completion``s, all from one compiled call."""
        settings = dataclasses.replace(self._settings, max_new_tokens=budgets, seed=seed)
        ids = [prompt.ids for prompt in prompts]
        return self._generator.generate(ids, settings, **_pictures(prompts))

    def text(self) -> AnswerText:
        """What turns the tokens of one answer into text."""
        return AnswerText(self._tokenizer.decode, self._settings.stop)

    def counts(self, prompt: Prompt, new: int) -> dict[str, int]:
        """How many tokens were read, and ``new`` ones."""
        vision = self._model.config.vision
        images = 0 if vision is None else len(prompt.positions) * vision.num_patches
        return {"prompt_tokens": len(prompt.ids), "image_tokens": images, "new_tokens": new}


def _pictures(prompts: Sequence[Prompt]) -> dict[str, Any]:
    """The pictures of several prompts as a generator takes them: B rows of M places each."""
    most = max(len(prompt.positions) for prompt in prompts)
    first = next((prompt.images for prompt in prompts if prompt.images is not None), None)
    if first is None:
        return {}
    images = np.zeros((len(prompts), most, *first.shape[1:]), np.float32)
    positions = np.full((len(prompts), most), -1, np.int32)
    for row, prompt in enumerate(prompts):
        if prompt.images is not None:
            images[row, : len(prompt.images)] = prompt.images
            positions[row, : len(prompt.positions)] = prompt.positions
    return {"images": jnp.asarray(images), "image_positions": jnp.asarray(positions)}


class AnswerText:
    """A growing answer as text of which nothing has to be taken back.

    Held back until more is known: the bytes of an unfinished letter, which ``decode`` gives as
    U+FFFD, and an end that may become a stop string.
    """

    def __init__(self, decode: Callable[[list[int]], str], stops: Sequence[str]) -> None:
        self._decode, self._stops = decode, stops
        self._tokens: list[int] = []
        self._told = 0

    def add(self, tokens: Sequence[int], *, ended: bool) -> str:
        """The text that is new with some tokens; with ``ended`` all that was held back, too."""
        self._tokens += tokens
        text = self._decode(self._tokens)
        if ended:
            places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
            text = text[: min(places, default=len(text))]
        else:
            text = text.rstrip("\ufffd")
            text = text[: len(text) - self._held(text)]
        new, self._told = text[self._told :], max(self._told, len(text))
        return new

    def _held(self, text: str) -> int:
        """Letters at the end of ``text`` with which a stop string begins."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        return next(
            (
                count
                for count in range(min(longest, len(text)), 0, -1)
                if any(stop.startswith(text[-count:]) for stop in self._stops)
            ),
            0,
        )
