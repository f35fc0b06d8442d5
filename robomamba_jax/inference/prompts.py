# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Prompts as a model reads them, alone and as a batch; the one place where they are padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from robomamba_jax.data.processor import ProcessedBatch
from robomamba_jax.generation.generator import PROMPT_STEP, round_up


class Prompt(NamedTuple):
    """One prompt, through the template and the image transform. M = its images.

    Attributes:
      ids: token ids.
      images: float32[M, S, S, 3]; None without images.
      image_positions: int32[M], the text index before which each image stands.
    """

    ids: list[int]
    images: np.ndarray | None
    image_positions: np.ndarray


class PromptBatch(NamedTuple):
    """Prompts of any lengths. B rows, M = most images of a row.

    Attributes:
      ids: token ids per row, not yet padded.
      images: float32[B, M, S, S, 3], zeros where there is none; None for text alone. It may lie
        on a mesh already.
      image_positions: int32[B, M], -1 = no image there; None for text alone.
    """

    ids: Sequence[Sequence[int]]
    images: np.ndarray | jax.Array | None
    image_positions: np.ndarray | jax.Array | None


def batch_of(processed: ProcessedBatch) -> PromptBatch:
    """What a processor made of a list of prompts."""
    rows = zip(processed.input_ids, processed.mask, strict=True)
    # The processor's padding is taken off: the generator pads to lengths of its own.
    ids = [row[real].tolist() for row, real in rows]
    if processed.images is None:
        return PromptBatch(ids, None, None)
    return PromptBatch(ids, processed.images, processed.image_positions)


def join(prompts: Sequence[Prompt]) -> PromptBatch:
    """Prompts that were encoded one by one, with as many image places as the fullest needs."""
    ids = [prompt.ids for prompt in prompts]
    first = next((prompt.images for prompt in prompts if prompt.images is not None), None)
    if first is None:
        return PromptBatch(ids, None, None)
    most = max(len(prompt.image_positions) for prompt in prompts)
    images = np.zeros((len(prompts), most, *first.shape[1:]), np.float32)
    # -1 = no image there: the zeros in its place are never looked at.
    positions = np.full((len(prompts), most), -1, np.int32)
    for row, prompt in enumerate(prompts):
        if prompt.images is not None:
            images[row, : len(prompt.images)] = prompt.images
            positions[row, : len(prompt.image_positions)] = prompt.image_positions
    return PromptBatch(ids, images, positions)


def padded_length(tokens: int) -> int:
    """The length to which a prompt of some tokens is padded.

    A jitted function is compiled once per shape, and compiling takes longer than answering. Padding
    is invisible to the model, so lengths are rounded up and few shapes exist.
    """
    return round_up(max(1, tokens), PROMPT_STEP)
