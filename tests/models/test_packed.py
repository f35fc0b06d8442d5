# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Packed rows against one sample a row: the same loss, the same gradients, real data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from robomamba_jax.config import model_preset
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.pipeline.loader import BatchLoader, StepBatch
from robomamba_jax.errors import InputError
from robomamba_jax.losses import linear_cross_entropy
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import abstract_params
from tests.data.samples import mixture

CONFIG = model_preset("tiny")
INIT, APPLY = functional(CONFIG)
# Measured: 1e-7 of the loss, below 1e-6 of a gradient's block; sums are taken in another order.
LOSS, GRADIENT = 1e-6, 4e-6


def arguments(batch: StepBatch) -> dict[str, Any]:
    names = ("input_ids", "mask", "segment_ids", "loss_mask", "image_positions")
    found = {name: batch.arrays[name] for name in names}
    pixels = batch.arrays["images"]
    return {**found, "images": image_transform("tiny").normalize(pixels)}


def before(params: Any, batch: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
    """The states from which each token is predicted, and where there are any."""
    return APPLY(
        params,
        batch["input_ids"],
        batch["images"],
        batch["mask"],
        image_positions=batch["image_positions"],
        segment_ids=batch["segment_ids"],
        output="next_token_states",
    )


def summed(params: Any, batch: dict[str, Any]) -> jax.Array:
    """-log p over all learned tokens."""
    hidden, valid = before(params, batch)
    weights = (valid & batch["loss_mask"]).astype(jnp.float32)
    head = params["llm"]["backbone"]["embeddings"]["weight"]
    return linear_cross_entropy(hidden, head, batch["input_ids"], weights)


@pytest.fixture(scope="module")
def params() -> Any:
    return jax.jit(INIT)(jax.random.key(0))


def epoch(folder: Path, **batch: Any) -> list[StepBatch]:
    with BatchLoader(mixture(folder, {"talk": 14}, batch_size=4, **batch)) as pipeline:
        return list(pipeline.batches(0, pipeline.plan.start_of(1)))


def total(params: Any, batches: list[StepBatch]) -> tuple[float, Any]:
    step = jax.jit(jax.value_and_grad(summed))
    found = [step(params, arguments(batch)) for batch in batches]
    losses, gradients = zip(*found, strict=True)
    return float(sum(losses)), jax.tree.map(lambda *parts: sum(parts), *gradients)


@pytest.mark.slow
def test_packed_as_unpacked(params: Any, tmp_path: Path) -> None:
    """A whole epoch, several samples with and without images in a row, against one a row."""
    alone, together = epoch(tmp_path), epoch(tmp_path, packing=True)
    assert sum(len(row) > 1 for batch in together for row in batch.samples) > 2
    assert len(together) < len(alone)
    loss, gradients = total(params, alone)
    packed_loss, packed = total(params, together)
    assert packed_loss == pytest.approx(loss, rel=LOSS)
    learned = sum(int(batch.arrays["loss_mask"].sum()) for batch in alone)
    assert loss / learned == pytest.approx(np.log(CONFIG.llm.vocab_size), rel=0.1)
    flat = jax.tree.leaves_with_path(gradients)
    for (path, want), got in zip(flat, jax.tree.leaves(packed), strict=True):
        scale = float(jnp.abs(want).max())
        if "k_proj" in str(path) and "bias" in str(path):
            continue  # mathematically zero
        np.testing.assert_allclose(got, want, rtol=0, atol=GRADIENT * scale, err_msg=str(path))


@pytest.mark.slow
def test_a_neighbour_is_invisible(params: Any, tmp_path: Path) -> None:
    """Another text and another image beside it change nothing, to the bit."""
    batch = next(b for b in epoch(tmp_path, packing=True) if any(len(r) > 1 for r in b.samples))
    given = arguments(batch)
    row = next(n for n, members in enumerate(batch.samples) if len(members) > 1)
    last = given["segment_ids"] == given["segment_ids"][row].max()
    changed = {**given, "input_ids": np.where(last, 7, given["input_ids"])}
    changed["images"] = given["images"].copy()
    of_images = np.take_along_axis(
        given["segment_ids"], np.maximum(given["image_positions"], 0), axis=1
    )
    changed["images"][row, of_images[row] == given["segment_ids"][row].max()] = 3.0

    states = jax.jit(before)
    first, second = (np.asarray(states(params, rows)[0]) for rows in (given, changed))
    others = (given["segment_ids"][row] == 0) & given["mask"][row]
    assert others.any()
    np.testing.assert_array_equal(first[row, others], second[row, others])
    assert np.abs(first[row, last[row]] - second[row, last[row]]).max() > 1e-3


@pytest.mark.slow
def test_rows_cut_to_their_tokens(params: Any, tmp_path: Path) -> None:
    """Positions that no sample reaches need not be computed."""
    batch = epoch(tmp_path, packing=True)[0]
    given = arguments(batch)
    definition, _ = abstract_params(CONFIG, "stacked")

    def run(row_tokens: int | None) -> Any:
        model: Any = nnx.merge(definition, params)
        names = ("input_ids", "images", "mask", "image_positions", "segment_ids")
        return model.next_token_states(ModelInputs(*(given[name] for name in names)), row_tokens)

    whole, valid = jax.jit(lambda: run(None))()
    short, kept = jax.jit(lambda: run(160))()
    np.testing.assert_array_equal(valid, kept)
    np.testing.assert_allclose(short, whole, atol=1e-5)


@pytest.mark.slow
def test_captions_learn_their_first_word(params: Any) -> None:
    """From the image before it, which a shift within the text would leave out."""
    ids = np.array([[5, 6, 7]], np.int32)
    image = np.ones((1, 1, 15, 15, 3), np.float32)
    _, valid = APPLY(params, ids, image, output="next_token_states")
    assert np.asarray(valid).tolist() == [[True, True, True]]
    _, alone = APPLY(params, ids, output="next_token_states")
    assert np.asarray(alone).tolist() == [[False, True, True]]
    segments = np.array([[0, 1, 1]])
    _, two = APPLY(params, ids, segment_ids=segments, output="next_token_states")
    assert np.asarray(two).tolist() == [[False, False, True]]


def test_wrong_outputs(params: Any) -> None:
    """A pose of packed rows; states of a language model alone."""
    ids = np.array([[5, 6, 7]], np.int32)
    with pytest.raises(InputError, match="a pose of packed rows"):
        APPLY(params, ids, segment_ids=ids, output="pose")
    init, apply = functional(CONFIG.llm)
    with pytest.raises(InputError, match="has no joint rows"):
        apply(jax.jit(init)(jax.random.key(0)), ids, output="next_token_states")


def test_output_before_is_next_token_states(params: Any, capsys: Any) -> None:
    """The old name of an output works for one version, and says so in one line."""
    ids = np.array([[5, 6, 7]], np.int32)
    old, new = (APPLY(params, ids, output=name)[0] for name in ("before", "next_token_states"))
    np.testing.assert_array_equal(old, new)
    assert capsys.readouterr().err == 'output="before" is now called "next_token_states"\n'
