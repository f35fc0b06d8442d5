# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2 trains the policy head alone: answers before and after it are the same bits."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np

from robomamba_jax import api
from robomamba_jax.demo.results import FrozenCheck

# Letters alone could hide a small change, logits alone a wrong decoder: both are compared, and the
# parameters' bits, which leave no room for "close".
_QUESTIONS = 64
_TOKENS = 24


def same_answers(before: Path, after: Path, world: Path) -> FrozenCheck:
    """Ask two checkpoints the same, and compare letters and logits.

    Args:
      before: the checkpoint of stage 1.2.
      after: the one of stage 2.
      world: a folder of the world, whose instructions are asked.

    Returns:
      How many answers there are and how many are identical, and whether logits and parameters are:
      those of everything but the head, bit by bit.
    """
    records = json.loads((world / "stage1_2_lrv.json").read_bytes())
    chosen = [records[k * len(records) // _QUESTIONS] for k in range(min(_QUESTIONS, len(records)))]
    prompts = [record["question"] for record in chosen]
    images = [world / "images" / f"{record['image_id']}.jpg" for record in chosen]
    predictions, logits, params = [], [], []
    for path in (before, after):
        model, processor = api.load(path)
        predictions.append(api.generate(model, processor, images, prompts, max_new_tokens=_TOKENS))
        # Of eight: logits are as many numbers as the vocabulary has tokens, at every position.
        batch = processor(images[:8], prompts[:8])
        logits.append(
            np.asarray(
                jax.jit(api.forward)(
                    model,
                    batch.input_ids,
                    batch.images,
                    batch.mask,
                    image_positions=batch.image_positions,
                )
            )
        )
        kept = {name: part for name, part in model.params.items() if name != "policy"}
        params.append([np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(kept)])
    return FrozenCheck(
        answers=len(prompts),
        identical=sum(a == b for a, b in zip(*predictions, strict=True)),
        logits_identical=bool(np.array_equal(logits[0], logits[1])),
        parameters_identical=params[0] == params[1],
    )
