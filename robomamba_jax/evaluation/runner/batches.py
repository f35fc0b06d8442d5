# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions into arrays: each process reads the images of its own rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from robomamba_jax.data.processor import Processor
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.text.prompts import PromptTemplate
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import ImageLoader
from robomamba_jax.evaluation.benchmarks.prompts import keep_placeholders
from robomamba_jax.evaluation.benchmarks.question_files import with_question
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.inference.prompts import padded_length
from robomamba_jax.models.placement import batch_sharding, local_rows, replicate, shard_rows

_LONGEST = GenerationSettings().max_prompt_tokens


class Request(NamedTuple):
    """One question as it is put.

    Attributes:
      id: the question's.
      text: in its style, before the template.
      load_images: gives the images.
    """

    id: str
    text: str
    load_images: ImageLoader


class Batch(NamedTuple):
    """What a model is given. B rows, of which the first are requests and the rest repeat the last;
    M images of a row at most.

    Attributes:
      requests: the rows' requests.
      tokens: token ids per row.
      image_positions: int32[B, M], see ``RoboMamba``.
      images: float32[B, M, S, S, 3], on the mesh where there is one; None for text alone.
      image_sizes: int32[B, 2], (width, height) of the first image's original.
      problems: per row, why it cannot be asked; None where it can.
      skip: whether a row that turns out to be bad is left out, and is no error.
    """

    requests: Sequence[Request]
    tokens: list[list[int]]
    image_positions: np.ndarray
    images: jax.Array | np.ndarray | None
    image_sizes: np.ndarray
    problems: list[str | None]
    skip: bool = False


class _Prompt(NamedTuple):
    """Token ids, the positions of images, and why it cannot be asked (then the ids stand in)."""

    ids: list[int]
    places: list[int]
    problem: str | None = None


class BatchReader:
    """Makes batches of one size, ordered by length, the next one while the last is answered."""

    def __init__(
        self,
        processor: Processor,
        template: PromptTemplate,
        *,
        batch_size: int,
        max_images: int,
        mesh: Mesh | None,
        skip: bool,
    ) -> None:
        """Begin.

        Args:
          processor: the checkpoint's.
          template: around the questions.
          batch_size: of every batch.
          images: of a request, at most.
          mesh: of devices; None = one device.
          skip: a question that cannot be put, or an image that cannot be read, makes its row bad
            instead of being an error.
        """
        self._processor, self._template = processor, template
        self._rows, self._max_images, self._mesh, self._skip = batch_size, max_images, mesh, skip
        self._encoded: dict[str, _Prompt] = {}

    def batches(self, requests: Sequence[Request]) -> Iterator[Batch]:
        """All requests, short ones first; those of about one length in their order."""
        lengths = [len(self._encode(request).ids) for request in requests]
        # A batch is padded to its longest prompt, and every padded length is a program to compile.
        order = sorted(range(len(requests)), key=lambda k: (padded_length(lengths[k]), k))
        parts = [order[k : k + self._rows] for k in range(0, len(order), self._rows)]
        if not parts:
            return
        # One batch ahead: its images are read while the model answers the one before.
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._read, [requests[k] for k in parts[0]])
            for part in [*parts[1:], []]:
                batch = coming.result()
                if part:
                    coming = ahead.submit(self._read, [requests[k] for k in part])
                yield batch

    def _encode(self, request: Request) -> _Prompt:
        """Its text as a generator takes it: what is too long there is an error here."""
        if request.id not in self._encoded:
            text = keep_placeholders(request.text, self._max_images, self._template)
            try:
                found = self._template.encode_prompt(self._processor.need_tokenizer(), text)
                if len(found.ids) > _LONGEST:
                    what = f"it has {len(found.ids):,} tokens, over the limit of {_LONGEST:,}"
                    raise InputError("prompt_too_long", what, "shorten it")
                if not found.ids and not self._max_images:
                    raise InputError("empty_prompt", "it is empty", "ask something")
                prompt = _Prompt(found.ids, found.image_positions)
            except InputError as error:
                prompt = _Prompt([0], [], self._reason(request, error))
            self._encoded[request.id] = prompt
        return self._encoded[request.id]

    def _reason(self, request: Request, error: InputError) -> str:
        """Why a request is bad, where such are skipped; else the error itself."""
        if self._skip:
            return error.message
        raise with_question(request.id, error) from error

    def _read(self, requests: Sequence[Request]) -> Batch:
        # The last batch is filled up, since another number of rows would be another program.
        rows = [*requests, *[requests[-1]] * (self._rows - len(requests))]
        encoded = [self._encode(request) for request in rows]
        image_positions = np.full((self._rows, self._max_images), -1, np.int32)
        image_sizes = np.zeros((self._rows, 2), np.int32)
        problems: list[str | None] = [None] * self._rows
        pixels: dict[int, np.ndarray] = {}
        local: Sequence[int] = range(self._rows)
        if self._mesh is not None:
            # The rows whose images this process's devices hold.
            local = local_rows(self._mesh, self._rows)
        for row in local:
            pixels[row], image_sizes[row], count, problems[row] = self._read_images(rows[row])
            # Without <image> in the text images stand before its first token.
            places = encoded[row].places or [0] * count
            image_positions[row, :count] = places[:count]
        images = self._sharded(pixels) if self._max_images else None
        problems = [prompt.problem or why for prompt, why in zip(encoded, problems, strict=True)]
        ids = [prompt.ids for prompt in encoded]
        return Batch(requests, ids, image_positions, images, image_sizes, problems, self._skip)

    def _read_images(self, request: Request) -> tuple[np.ndarray, tuple[int, int], int, str | None]:
        """Pixels, the first one's size, how many there are, and what is wrong with them."""
        if not self._max_images:
            return np.zeros(0, np.float32), (0, 0), 0, None
        transform, limit = self._processor.transform, self._processor.max_pixels
        if transform is None:
            raise InputError("bad_image", "this model reads no images", "use one that does")
        canvas = np.zeros((self._max_images, transform.size, transform.size, 3), np.float32)
        size = (0, 0)
        try:
            refs = request.load_images()[: self._max_images]
            for place, ref in enumerate(refs):
                image = open_ref(ref, max_pixels=limit)
                canvas[place] = transform(image, max_pixels=limit)
                size = size if place else image.size
        except InputError as error:
            return np.zeros_like(canvas), (1, 1), self._max_images, self._reason(request, error)
        return canvas, size, len(refs), None

    def _sharded(self, pixels: dict[int, np.ndarray]) -> jax.Array | np.ndarray:
        """Images as one array, of which every process gives its rows."""
        if self._mesh is None:
            return np.stack([pixels[row] for row in range(self._rows)])
        shape = (self._rows, *next(iter(pixels.values())).shape)

        def rows_at(index: Any) -> np.ndarray:  # a slice per axis
            return np.stack([pixels[row] for row in range(*index[0].indices(self._rows))])

        # No host ever holds all rows: each of its devices asks for its own slice.
        sharding = batch_sharding(self._mesh, self._rows)
        return jax.make_array_from_callback(shape, sharding, rows_at)


def gather_rows(mesh: Mesh | None, local: np.ndarray) -> np.ndarray:
    """Rows of which each process knows its own, known to all: int32[B, ...]."""
    if mesh is None or jax.process_count() == 1:
        return local
    return np.asarray(replicate(mesh, shard_rows(mesh, local, len(local))))
