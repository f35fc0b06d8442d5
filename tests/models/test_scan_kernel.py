# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A language model whose scan is the TPU's kernel, interpreted: what holds of the model still does.

Padding is invisible, packed rows equal unpacked ones, a prefill continues, and gradients are those
of the chunked scan.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import robomamba_jax as rm
from robomamba_jax.errors import InputError
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.params import Params, abstract_params
from robomamba_jax.ops.kernels.choice import kernel_instead
from tests import oracles
from tests.ops.kernels.kernels import INTERPRETED

CONFIG = rm.MambaConfig(d_model=24, n_layer=2, vocab_size=64, d_state=4, scan_method="kernel")
LENGTHS = (7, 12, 5)
ROW = 26  # both texts of a packed row, and padding between them and at both ends


@cache
def params() -> Params:
    return rm.functional(CONFIG)[0](3)


def texts() -> list[np.ndarray]:
    draw = np.random.default_rng(4)
    return [draw.integers(1, 64, length) for length in LENGTHS]


def rows(places: list[list[tuple[int, int]]]) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Ids, mask and segment ids of rows that hold texts, (text, first position) each."""
    ids, segments = np.full((len(places), ROW), 63), np.full((len(places), ROW), -1)
    mask = np.zeros((len(places), ROW), bool)
    for row, found in enumerate(places):
        for segment, (text, start) in enumerate(found):
            at = slice(start, start + LENGTHS[text])
            ids[row, at], mask[row, at], segments[row, at] = texts()[text], True, segment
    return jnp.asarray(ids), jnp.asarray(mask), jnp.asarray(segments)


@cache
def step(method: str) -> Any:
    """Jitted: the summed loss of the texts, with its gradients."""
    _, apply = rm.functional(CONFIG.replace(scan_method=method))

    def loss(params: Params, ids: jax.Array, mask: jax.Array, segments: jax.Array) -> jax.Array:
        hidden = apply(params, ids, mask=mask, segment_ids=segments, output="hidden")
        labels, weights = next_token_targets(ids, mask, segments)
        head = params["backbone"]["embeddings"]["weight"]
        return linear_cross_entropy(hidden, head, labels, weights)

    return jax.jit(jax.value_and_grad(loss))


def trained(method: str, places: list[list[tuple[int, int]]]) -> Any:
    with kernel_instead(INTERPRETED):
        return step(method)(params(), *rows(places))


UNPACKED = [[(0, 0)], [(1, 0)], [(2, 0)]]
# Three rows, so that both take the same program; the last holds padding alone.
PACKED = [[(0, 1), (1, 10)], [(2, 20)], []]


@pytest.mark.slow
def test_gradients_are_the_chunked_scan_s_and_packing_changes_nothing() -> None:
    """The loss and every parameter's gradient, each to float32's rounding of its scale."""
    want = trained("chunked", UNPACKED)
    for places in (UNPACKED, PACKED):
        got = trained("kernel", places)
        errors = jax.tree.map(oracles.error, got, want)
        assert max(jax.tree.leaves(errors)) < 5e-6, errors
    leaky = step("chunked")(params(), *rows(PACKED)[:2], jnp.zeros((3, ROW), jnp.int32))
    assert abs(leaky[0] - want[0]) > 1e-3 * want[0], "segments had no effect"


@pytest.mark.slow
def test_padding_is_invisible_and_a_prefill_continues() -> None:
    """Other ids at padding change no bit; a text read in two pieces, padded each, ends with the
    logits of the whole."""
    model = nnx.merge(abstract_params(CONFIG, "stacked")[0], params())
    ids, mask, _ = rows([[(0, 3)], [(1, 10)], [(2, 0)]])
    first = mask & (jnp.arange(ROW) < 7)
    with kernel_instead(INTERPRETED):
        read = jax.jit(model.prefill)
        empty = model.init_cache(len(LENGTHS))
        whole, cache = read(ids, mask, empty)
        other, same = read(jnp.where(mask, ids, 5), mask, empty)
        continued, ended = read(ids, mask & ~first, read(ids, first, empty)[1])
    jax.tree.map(np.testing.assert_array_equal, (other, same), (whole, cache))
    # The third text has no second piece: its logits mean nothing then, and its cache stays.
    assert oracles.error(continued[:2], whole[:2]) < 1e-6
    assert max(jax.tree.leaves(jax.tree.map(oracles.error, ended, cache))) < 1e-6


def test_a_model_asks_for_its_kernel_by_name() -> None:
    """Without one on this device the model says so in one line, and the config takes no others."""
    _, apply = rm.functional(CONFIG)
    with pytest.raises(InputError, match="this computes on the cpu") as caught:
        apply(params(), jnp.ones((1, 4), int))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="kernel"):
        CONFIG.replace(scan_method="kernels")
