# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The causal convolution: whole sequences, pieces, single steps, padding, segments, gradients."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robomamba_jax.errors import InputError
from robomamba_jax.ops import causal_conv1d, causal_conv1d_step
from tests import oracles

BATCH, LENGTH, INNER = 2, 9, 3
FLOATS = ("x", "weight", "bias", "initial_state")


def plain(floats: Any, structure: Any, silu: bool = False) -> Any:
    return causal_conv1d(**floats, **structure, silu=silu, return_final_state=True)


@partial(jax.jit, static_argnames="silu")
def conv_vjp(floats: Any, structure: Any, cotangents: Any, silu: bool = False) -> Any:
    return jax.vjp(lambda x: plain(x, structure, silu), floats)[1](cotangents)[0]


conv = jax.jit(plain, static_argnames="silu")


def draw_floats(seed: int, width: int = 4, length: int = LENGTH) -> dict[str, np.ndarray]:
    shapes = ((BATCH, length, INNER), (INNER, width), (INNER,), (BATCH, width - 1, INNER))
    normal = np.random.default_rng(seed).standard_normal
    return {n: normal(s).astype(np.float32) for n, s in zip(FLOATS, shapes, strict=True)}


MASK = np.array([[1, 1, 0, 1, 0, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1, 0, 1, 1]], bool)
IDS = np.array([[4, 4, 9, 4, 9, 9, 5, 5, 5], [7, 7, 1, 1, 2, 2, 2, 1, 1]], np.int32)  # 1 2 1
STRUCTURES = {
    "plain": {},
    "padding anywhere": {"mask": MASK},
    "a row of padding": {"mask": MASK & [[True], [False]]},
    "segments": {"segment_ids": IDS},
    "segments and padding": {"mask": MASK, "segment_ids": IDS},
}


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_whole_sequences_equal_the_oracle(structure: str, width: int) -> None:
    """Results and last inputs, with and without SiLU."""
    floats, options = draw_floats(width, width), STRUCTURES[structure]
    for silu in (False, True):
        y, last = conv(floats, options, silu)
        want, want_last = oracles.causal_conv1d(**floats, **options, silu=silu)
        assert oracles.error(y, want) < 5e-7
        np.testing.assert_array_equal(last, want_last)


def test_without_bias_and_without_state() -> None:
    """What is left out is zero; without ``return_final_state`` y comes alone."""
    x, weight, bias, state = draw_floats(2).values()
    y = causal_conv1d(x, weight)
    assert oracles.error(y, oracles.causal_conv1d(x=x, weight=weight)[0]) < 5e-7
    want = causal_conv1d(x, weight, 0 * bias, initial_state=0 * state)
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("silu", [False, True])
@pytest.mark.parametrize("structure", ["plain", "segments and padding"])
def test_gradients_equal_finite_differences(structure: str, silu: bool) -> None:
    """Of all four inputs, the last inputs' cotangent included."""
    floats, options = draw_floats(5), STRUCTURES[structure]
    oracle = partial(oracles.causal_conv1d, **options, silu=silu)
    cotangents = [np.cos(x).astype(np.float32) for x in oracle(**floats)]
    want = oracles.finite_differences(oracle, floats, cotangents)
    got = conv_vjp(floats, options, tuple(cotangents), silu)
    for name in FLOATS:
        assert oracles.error(got[name], want[name]) < 6e-7, name


@given(hnp.arrays(bool, (BATCH, LENGTH)), hnp.arrays(np.int32, (BATCH, LENGTH)))
def test_padding_is_never_read(mask: np.ndarray, ids: np.ndarray) -> None:
    """NaN at padding changes no bit of results and gradients; the result there is 0."""
    floats, ids = draw_floats(6), ids % 3
    poisoned = {**floats, "x": np.where(mask[:, :, None], floats["x"], np.float32(np.nan))}
    cotangents = (np.cos(floats["x"]), np.sin(floats["initial_state"]))
    nan_cotangents = (np.where(mask[:, :, None], cotangents[0], np.float32(np.nan)), cotangents[1])
    clean, dirty = {"mask": mask, "segment_ids": ids}, {"mask": mask, "segment_ids": ids * mask}
    results = conv(poisoned, dirty, True)
    for got, want in zip(results, conv(floats, clean, True), strict=True):
        np.testing.assert_array_equal(got, want)
    assert not np.asarray(results[0])[~mask].any()
    got = conv_vjp(poisoned, dirty, nan_cotangents, True)
    want = conv_vjp(floats, clean, cotangents, True)
    for name in FLOATS:
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)
    assert not np.asarray(got["x"])[~mask].any()


@given(st.lists(st.integers(0, LENGTH), min_size=BATCH, max_size=BATCH))
def test_lengths_mean_a_mask_with_padding_at_the_end(lengths: list[int]) -> None:
    """The same real results and last inputs, rows shorter than the window included."""
    floats = draw_floats(7)
    mask = np.arange(LENGTH) < np.array(lengths)[:, None]
    ids = {"segment_ids": IDS}
    y, last = conv(floats, {"lengths": np.array(lengths, np.int32), **ids}, True)
    want, want_last = conv(floats, {"mask": mask, **ids}, True)
    np.testing.assert_array_equal(np.where(mask[:, :, None], y, 0), want)
    np.testing.assert_array_equal(last, want_last)


@pytest.mark.parametrize("cut", [1, 2, 5, 8])
def test_cached_pieces_are_the_whole(cut: int) -> None:
    """Reading a text in two pieces with the cache between them."""
    floats = draw_floats(8)
    y, last = conv(floats, {})
    y_first, between = conv({**floats, "x": floats["x"][:, :cut]}, {})
    second = {**floats, "x": floats["x"][:, cut:], "initial_state": between}
    y_second, y_last = conv(second, {})
    assert oracles.error(np.concatenate([y_first, y_second], axis=1), y) < 5e-7
    np.testing.assert_array_equal(y_last, last)


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("silu", [False, True])
def test_steps_are_the_whole(width: int, silu: bool) -> None:
    """One position after the other, the state handed on."""
    x, weight, bias, state = (jnp.asarray(v) for v in draw_floats(9, width).values())

    def step(state, x):
        y, state = causal_conv1d_step(state, x, weight, bias, silu=silu)
        return state, y

    last, y = jax.jit(lambda state, x: jax.lax.scan(step, state, x))(state, jnp.moveaxis(x, 1, 0))
    floats = dict(zip(FLOATS, (x, weight, bias, state), strict=True))
    want, want_last = oracles.causal_conv1d(**floats, silu=silu)
    assert oracles.error(jnp.moveaxis(y, 0, 1), want) < 5e-7
    np.testing.assert_array_equal(last, want_last)


def test_bfloat16_in_and_out_float32_inside() -> None:
    """Results are the float64 ones rounded once; weights may be float32 beside it."""
    floats = {name: jnp.asarray(x, jnp.bfloat16) for name, x in draw_floats(10).items()}
    y, last = conv(floats, {}, True)
    assert (y.dtype, last.dtype) == (jnp.bfloat16, jnp.bfloat16)
    want, _ = oracles.causal_conv1d(**floats, silu=True)
    np.testing.assert_allclose(np.asarray(y, np.float64), want, rtol=2**-8, atol=1e-6)
    x, state, weight = floats["x"], floats["initial_state"], jnp.ones((INNER, 4))
    assert jax.eval_shape(causal_conv1d, x, weight).dtype == jnp.bfloat16
    y, state = jax.eval_shape(causal_conv1d_step, state, x[:, 0], weight)
    assert (y.dtype, state.dtype) == (jnp.bfloat16, jnp.bfloat16)


WRONG = {
    "x": {"x": jnp.ones((9, 3))},
    "weight": {"weight": jnp.ones((4, 3))},
    "bias": {"bias": jnp.ones(4)},
    "initial_state": {"initial_state": jnp.ones((2, 4, 3))},
    "segment_ids": {"segment_ids": jnp.ones((2, 8), int)},
    "mask": {"mask": jnp.ones((1, 9), bool)},
    "lengths": {"lengths": jnp.ones(3, int)},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_named_in_one_line(name: str) -> None:
    """The argument, its shape and the right one."""
    with pytest.raises(InputError, match=rf"^{name} has shape \[.*\], not \[") as caught:
        causal_conv1d(**{**draw_floats(0), **WRONG[name]})
    assert "\n" not in str(caught.value)


def test_mask_and_lengths_exclude_each_other() -> None:
    """Both would say the same thing twice, or two things."""
    with pytest.raises(InputError, match="mask and lengths were both given"):
        causal_conv1d(**draw_floats(0), mask=MASK, lengths=jnp.array([3, 4]))
