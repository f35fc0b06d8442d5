# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Segments and compaction against plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robomamba_jax.ops import compaction, segment_resets
from tests import oracles

SHAPE = (3, 7)
MASKS = hnp.arrays(bool, SHAPE)
resets_of = jax.jit(segment_resets)
packed_by = jax.jit(lambda mask, x: compaction(mask).pack(x))
unpacked_by = jax.jit(lambda mask, x: compaction(mask).unpack(x))
IDS = hnp.arrays(np.int32, SHAPE, elements=st.integers(-1, 1))


def loop_resets(ids: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """``segment_resets`` position by position."""
    resets = np.zeros(ids.shape, bool)
    for row in range(len(ids)):
        real = oracles.real_positions(mask, row, ids.shape[1])
        resets[row, real] = oracles.segment_starts(ids[row, real], len(real))
    return resets


def test_an_id_that_comes_back_starts_a_new_segment() -> None:
    """A B A is three segments; the first is no reset, and padding splits nothing."""
    ids = jnp.array([[1, 1, 2, 2, 1], [3, 3, 9, 3, 4]])
    mask = jnp.array([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1]], bool)
    no, yes = False, True
    want = [[no, no, yes, no, yes], [no, no, no, no, yes]]
    np.testing.assert_array_equal(resets_of(ids, mask), want)
    np.testing.assert_array_equal(resets_of(ids)[0], want[0])


@given(IDS, st.one_of(st.none(), MASKS))
def test_resets_equal_the_loop(ids: np.ndarray, mask: np.ndarray | None) -> None:
    """Any ids, negative ones too, and any padding."""
    np.testing.assert_array_equal(resets_of(ids, mask), loop_resets(ids, mask))


@given(MASKS, st.integers(0, 1000))
def test_compaction_moves_real_positions_to_the_front(mask: np.ndarray, seed: int) -> None:
    """In order, with 0 behind them whatever stood at padding, for every rank and dtype."""
    pack = jax.jit(compaction)(mask)
    np.testing.assert_array_equal(pack.lengths, mask.sum(1))
    np.testing.assert_array_equal(pack.mask, np.arange(SHAPE[1]) < mask.sum(1)[:, None])
    draw = np.random.default_rng(seed)
    x = np.where(mask[:, :, None], draw.standard_normal((*SHAPE, 2)), np.nan).astype(np.float32)
    for values in (x, draw.integers(1, 9, SHAPE).astype(np.int32), np.ones(SHAPE, bool)):
        packed = packed_by(mask, values)
        assert packed.dtype == values.dtype
        for row in range(SHAPE[0]):
            want = np.zeros_like(values[row])
            want[: mask[row].sum()] = values[row, mask[row]]
            np.testing.assert_array_equal(packed[row], want)


@given(MASKS, st.integers(0, 1000))
def test_unpacking_puts_everything_back(mask: np.ndarray, seed: int) -> None:
    """Real positions come home, padding is 0 even where the packed array held NaN there."""
    x = np.random.default_rng(seed).standard_normal((*SHAPE, 2)).astype(np.float32)
    real = np.arange(SHAPE[1]) < mask.sum(1)[:, None]
    packed = np.where(real[:, :, None], packed_by(mask, x), np.float32(np.nan))
    want = np.where(mask[:, :, None], x, 0)
    np.testing.assert_array_equal(unpacked_by(mask, packed), want)


def test_gradients_pass_through_and_stop_at_padding() -> None:
    """d unpack(pack(x)) is the mask, though x is NaN at padding."""
    mask = np.array([[0, 1, 1, 0, 1], [1, 0, 0, 1, 0]], bool)
    x = jnp.where(mask, 2.0, jnp.nan)

    def loss(x: jax.Array) -> jax.Array:
        pack = compaction(jnp.asarray(mask))
        return (pack.unpack(pack.pack(x) ** 2)).sum()

    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(x), np.where(mask, 4.0, 0.0))
