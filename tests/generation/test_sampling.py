# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Choosing tokens: filters beside transformers', the distribution of draws, rows on their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from robomamba_jax.generation.sampling import filter_logits, make_sampler, sample

V = 13
# Distinct logits: where two are equal, transformers keeps both and we keep the lower id.
LOGITS = st.lists(
    st.floats(-3, 3, width=32), min_size=V, max_size=V, unique_by=lambda x: round(x, 3)
)
filtered = jax.jit(filter_logits)
sampled = jax.jit(sample, static_argnames="mode")


def settings(count: int, **values: Any) -> dict[str, list[Any]]:
    """Per-request values, one number or a list each."""
    defaults = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, **values}
    return {k: v if isinstance(v, list) else [v] * count for k, v in defaults.items()}


def ours(logits: Sequence[float], top_k: int, top_p: float) -> np.ndarray:
    """One row through our filter."""
    row = jnp.asarray([logits], jnp.float32)
    return np.asarray(filtered(row, jnp.asarray([top_k]), jnp.asarray([top_p], jnp.float32)))[0]


def theirs(logits: Sequence[float], top_k: int, top_p: float) -> np.ndarray:
    """One row through transformers' warpers, in the order in which it applies them."""
    import torch
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    scores = torch.tensor([logits], dtype=torch.float32)
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    return scores.numpy()[0]


def near_a_border(logits: Sequence[float], top_k: int, top_p: float) -> bool:
    """Whether rounding decides about a token."""
    ranked = np.sort(np.asarray(logits, np.float64))[::-1][: top_k or V]
    total = np.cumsum(np.exp(ranked - ranked[0]))
    return bool(np.abs(total / total[-1] - top_p).min() < 1e-5)


@pytest.mark.torch
@given(logits=LOGITS, top_k=st.integers(1, V + 3))
def test_top_k_is_transformers(logits: list[float], top_k: int) -> None:
    """The k likeliest keep their logits, all others go; k above the vocabulary keeps all."""
    result = ours(logits, top_k, 1.0)
    assert np.array_equal(result, theirs(logits, top_k, 1.0))
    assert np.isfinite(result).sum() == min(top_k, V)


@pytest.mark.torch
@given(logits=LOGITS, top_p=st.floats(0.001, 0.999))
def test_top_p_is_transformers(logits: list[float], top_p: float) -> None:
    """The fewest likeliest tokens whose probabilities reach p; never none."""
    assume(not near_a_border(logits, 0, top_p))
    result = ours(logits, 0, top_p)
    assert np.array_equal(result, theirs(logits, 0, top_p))
    assert np.isfinite(result[np.argmax(logits)])


@pytest.mark.torch
@given(logits=LOGITS, top_k=st.integers(1, V), top_p=st.floats(0.001, 0.999))
def test_top_k_comes_before_top_p(logits: list[float], top_k: int, top_p: float) -> None:
    """p is reached among the k that are left."""
    assume(not near_a_border(logits, top_k, top_p))
    assert np.array_equal(ours(logits, top_k, top_p), theirs(logits, top_k, top_p))


def test_equal_logits_keep_the_lower_id() -> None:
    """k means k tokens, and p = 1 or k = 0 mean all."""
    flat = [0.5] * V
    assert np.flatnonzero(np.isfinite(ours(flat, 3, 1.0))).tolist() == [0, 1, 2]
    assert np.flatnonzero(np.isfinite(ours(flat, 0, 2.5 / V))).tolist() == [0, 1, 2]
    assert np.isfinite(ours(flat, 0, 1.0)).all()
    assert np.isfinite(ours([100.0, *flat[1:]], 0, 1.0)).all()


def test_rows_are_filtered_alone() -> None:
    """Rows with other k and p in one batch give what each gives by itself."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((4, V)).astype(np.float32)
    top_k, top_p = [0, 2, 5, 0], [1.0, 1.0, 0.7, 0.4]
    batch = filtered(jnp.asarray(logits), jnp.asarray(top_k), jnp.asarray(top_p))
    for row in range(4):
        assert np.array_equal(batch[row], ours(logits[row].tolist(), top_k[row], top_p[row]))


@pytest.mark.parametrize("mode", ["greedy", "draw", "filter"])
def test_temperature_zero_takes_the_likeliest(mode: str) -> None:
    """In every mode, the lower id of two equal ones, whatever k and p say."""
    logits = np.random.default_rng(1).standard_normal((6, V)).astype(np.float32)
    logits[2, [4, 9]] = 8.0
    sampler, _ = make_sampler(3, settings(6, temperature=0.0, top_k=2, top_p=0.5))
    tokens = sampled(jnp.asarray(logits), sampler, jnp.int32(0), mode=mode)
    assert tokens.tolist() == np.argmax(logits, axis=1).tolist()
    assert tokens.dtype == jnp.int32


def test_a_small_temperature_is_greedy() -> None:
    """Down to the smallest float32; a huge one is uniform and not NaN."""
    logits = jnp.asarray([[0.0, 1.0, 0.5]] * 300)
    for temperature in (1e-3, 1e-8, 1e-38):
        sampler, mode = make_sampler(0, settings(300, temperature=temperature))
        assert mode == "draw"
        assert set(sampled(logits, sampler, jnp.int32(0), mode=mode).tolist()) == {1}
    sampler, mode = make_sampler(0, settings(300, temperature=1e30))
    counts = np.bincount(sampled(logits, sampler, jnp.int32(0), mode=mode), minlength=3)
    assert counts.min() > 70


def test_the_cheapest_mode_is_chosen() -> None:
    """Sorting a vocabulary only where a row that draws asks for it."""
    for values, expected in (
        ({"temperature": 0.0}, "greedy"),
        ({"temperature": 0.0, "top_k": 5, "top_p": 0.5}, "greedy"),
        ({"temperature": [0.0, 0.5], "top_k": [5, 0]}, "draw"),
        ({"temperature": [0.0, 0.5], "top_k": [0, 5]}, "filter"),
        ({"temperature": [0.5, 0.5], "top_p": [1.0, 0.9]}, "filter"),
    ):
        assert make_sampler(0, settings(2, **values))[1] == expected, values


def p_value(counts: np.ndarray, probability: np.ndarray) -> float:
    """Pearson's chi-square test of counts against probabilities."""
    expected = counts.sum() * probability
    return float(stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1))


def test_draws_have_the_right_distribution() -> None:
    """20000 requests at two steps: each alone, and both together as independent draws."""
    logits = jnp.asarray([1.0, -0.5, 0.3, 2.0, 0.0])
    count, temperature = 20_000, 1.7
    sampler, mode = make_sampler(11, settings(count, temperature=temperature))
    rows = jnp.broadcast_to(logits, (count, 5))
    first, second = (np.asarray(sampled(rows, sampler, jnp.int32(s), mode=mode)) for s in (0, 1))
    probability = np.asarray(jax.nn.softmax(logits / temperature), np.float64)
    for tokens in (first, second):
        counts = np.bincount(tokens, minlength=5)
        assert p_value(counts, probability) > 1e-3
        assert p_value(counts, np.full(5, 0.2)) < 1e-9, "the test can tell"
    pairs = np.bincount(5 * first + second, minlength=25)
    assert p_value(pairs, np.outer(probability, probability).ravel()) > 1e-3


def test_filtered_draws_have_the_right_distribution() -> None:
    """Two of five are left, with their probabilities renormalised."""
    rows = jnp.broadcast_to(jnp.asarray([1.0, -0.5, 0.3, 2.0, 0.0]), (5000, 5))
    for values in ({"top_k": 2}, {"top_p": 0.75}, {"top_k": 4, "top_p": 0.75}):
        sampler, mode = make_sampler(5, settings(5000, **values))
        counts = np.bincount(sampled(rows, sampler, jnp.int32(9), mode=mode), minlength=5)
        assert counts[[1, 2, 4]].sum() == 0
        probability = np.asarray(jax.nn.softmax(jnp.asarray([1.0, 2.0])), np.float64)
        assert p_value(counts[[0, 3]], probability) > 1e-3


def test_the_key_is_as_documented() -> None:
    """fold_in(fold_in(key(seed), request), step), for everyone who wants to repeat a draw."""
    logits = jnp.asarray(np.random.default_rng(2).standard_normal((3, V)), jnp.float32)
    sampler, mode = make_sampler(21, settings(3, temperature=0.8))
    tokens = sampled(logits, sampler, jnp.int32(6), mode=mode)
    for row in range(3):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(21), row), 6)
        assert tokens[row] == jax.random.categorical(key, logits[row] / jnp.float32(0.8))


def test_neighbours_change_no_draw() -> None:
    """A row draws the same in a smaller batch, beside other rows, and in a costlier mode."""
    rng = np.random.default_rng(4)
    logits = jnp.asarray(rng.standard_normal((8, V)), jnp.float32)
    values = settings(8, temperature=[0.0, 0.7, 1.0, 1.3, 0.2, 0.0, 2.0, 1.0])
    sampler, mode = make_sampler(7, values)
    whole = [sampled(logits, sampler, jnp.int32(s), mode=mode).tolist() for s in range(20)]
    for size in (1, 3, 6):
        first = {name: value[:size] for name, value in values.items()}
        part, _ = make_sampler(7, first)
        for step, tokens in enumerate(whole):
            few = sampled(logits[:size], part, jnp.int32(step), mode="draw").tolist()
            assert few == tokens[:size]
    values["top_k"] = [0] * 7 + [1]
    sampler, mode = make_sampler(7, values)
    assert mode == "filter"
    other = logits.at[3].set(-logits[3])
    kept = [0, 1, 2, 4, 5, 6]
    for step, tokens in enumerate(whole):
        changed = sampled(other, sampler, jnp.int32(step), mode=mode).tolist()
        assert [changed[row] for row in kept] == [tokens[row] for row in kept]
        assert changed[7] == int(jnp.argmax(logits[7]))
    assert len({row[6] for row in whole}) > 4, "the rows do draw"
