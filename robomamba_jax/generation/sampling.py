# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Choosing the next token, one row at a time: no row's choice sees another row."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.generation.settings import PerRequest

# From the cheapest: no random number; a random number; and a sort of the vocabulary.
MODES = ("greedy", "draw", "filter")


class Sampler(NamedTuple):
    """Per-request sampling values; arrays, so that changing one compiles nothing.

    Attributes:
      keys: key[B], one per request.
      temperature: float32[B]; 0 = likeliest token.
      top_k: int32[B]; 0 = all.
      top_p: float32[B]; 1 = all.
    """

    keys: jax.Array
    temperature: jax.Array
    top_k: jax.Array
    top_p: jax.Array


def make_sampler(seed: int, values: PerRequest) -> tuple[Sampler, str]:
    """The arrays, and which of MODES they need: sorting a vocabulary is not free.

    Args:
      seed: the generation's seed.
      values: one per request; the number of new tokens is not looked at.
    """
    count = len(values["temperature"])
    # A request's key is made of its index and, per token, of the step: never of the batch's size,
    # so that a draw does not depend on the requests beside it.
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(count))
    sampler = Sampler(
        keys,
        jnp.asarray(values["temperature"], jnp.float32),
        jnp.asarray(values["top_k"], jnp.int32),
        jnp.asarray(values["top_p"], jnp.float32),
    )
    sampled = [i for i in range(count) if values["temperature"][i] > 0]
    if not sampled:
        return sampler, "greedy"
    cut = any(values["top_k"][i] > 0 or values["top_p"][i] < 1 for i in sampled)
    return sampler, "filter" if cut else "draw"


def sample(logits: jax.Array, sampler: Sampler, step: jax.Array, mode: str) -> jax.Array:
    """The next token of each row.

    Args:
      logits: float[B, V].
      sampler: per-request values.
      step: int32[], folded into every key.
      mode: the cheapest of MODES that serves every row.

    Returns:
      int32[B].
    """
    likeliest = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    if mode == "greedy":
        return likeliest
    # A row of temperature 0 is divided by 1e-6 to stay finite; its draw is thrown away below.
    scaled = logits.astype(jnp.float32) / jnp.maximum(sampler.temperature, 1e-6)[:, None]
    if mode == "filter":
        scaled = filter_logits(scaled, sampler.top_k, sampler.top_p)
    keys = jax.vmap(jax.random.fold_in, (0, None))(sampler.keys, step)
    drawn = jax.vmap(jax.random.categorical)(keys, scaled).astype(jnp.int32)
    return jnp.where(sampler.temperature > 0, drawn, likeliest)


def filter_logits(logits: jax.Array, top_k: jax.Array, top_p: jax.Array) -> jax.Array:
    """Rule out unlikely tokens: first top-k, then top-p of what is left.

    The likeliest token always stays; of equal logits the lower id comes first.

    Args:
      logits: float32[B, V].
      top_k: int32[B]; 0 = all.
      top_p: float32[B]; 1 = all.

    Returns:
      float32[B, V], -inf where ruled out.
    """
    # Sorted once for both filters. Stable, so that of equal logits the lower id comes first, as
    # argmax has it: k = 1 is then greedy decoding to the letter.
    order = jnp.argsort(-logits, axis=-1, stable=True)
    ranked = jnp.take_along_axis(logits, order, axis=-1)
    rank = jnp.arange(logits.shape[-1])
    ranked = jnp.where((top_k[:, None] > 0) & (rank >= top_k[:, None]), -jnp.inf, ranked)
    probability = jax.nn.softmax(ranked, axis=-1)
    # The mass in front of a token, not up to it: the one that reaches p is kept too.
    before = jnp.cumsum(probability, axis=-1) - probability
    # p = 1 rules nothing out, also where rounding lets the sum reach 1 early.
    keep = (before < top_p[:, None]) | (top_p[:, None] >= 1) | (rank == 0)
    ranked = jnp.where(keep, ranked, -jnp.inf)
    rows = jnp.arange(logits.shape[0])[:, None]
    return jnp.full_like(logits, -jnp.inf).at[rows, order].set(ranked)
