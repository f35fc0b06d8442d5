# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The decode loop as one pure function: no host, no text, constant memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.generation.sampling import Sampler, sample
from robomamba_jax.models.lm import Cache, MambaLM
from robomamba_jax.models.robomamba import RoboMamba

RUNNING, EOS, STOP, LENGTH = range(4)
REASONS = ("running", "eos", "stop", "length")


class Limits(NamedTuple):
    """What ends each row.

    Attributes:
      max_new: int32[B].
      eos_ids: int32[E].
      stop_table: int32[states, V], see ``stopping.stop_table``; None without stop strings.
    """

    max_new: jax.Array
    eos_ids: jax.Array
    stop_table: jax.Array | None


class DecodeState(NamedTuple):
    """Everything that changes while decoding; donated from call to call.

    Attributes:
      cache: the model's, before ``token`` is read.
      token: int32[B], chosen last and not yet read by the model.
      tokens: int32[B, capacity], what was written so far.
      count: int32[B], how many of them.
      reason: int32[B], index into REASONS.
      matcher: int32[B], the stop automaton's state.
      step: int32[], tokens chosen so far.
    """

    cache: Any
    token: jax.Array
    tokens: jax.Array
    count: jax.Array
    reason: jax.Array
    matcher: jax.Array
    step: jax.Array


def begin(
    logits: jax.Array, cache: Cache, sampler: Sampler, limits: Limits, *, capacity: int, mode: str
) -> DecodeState:
    """The state after the prompt's logits, float[B, V], chose the first token."""
    batch = logits.shape[0]
    zeros = jnp.zeros((batch,), jnp.int32)
    tokens = jnp.zeros((batch, capacity), jnp.int32)
    state = DecodeState(cache, zeros, tokens, zeros, zeros, zeros, jnp.zeros((), jnp.int32))
    return _choose(state, logits, sampler, limits, mode)


def advance(
    model: MambaLM | RoboMamba,
    state: DecodeState,
    sampler: Sampler,
    limits: Limits,
    until: jax.Array,
    *,
    mode: str,
) -> DecodeState:
    """Decode until every row has ended or ``until`` tokens (int32[]) were chosen."""

    def unfinished(state: DecodeState) -> jax.Array:
        return (state.step < until) & jnp.any(state.reason == RUNNING)

    def body(state: DecodeState) -> DecodeState:
        logits, cache = model.step(state.token, state.cache)
        return _choose(state._replace(cache=cache), logits, sampler, limits, mode)

    return jax.lax.while_loop(unfinished, body, state)


def _choose(
    state: DecodeState, logits: jax.Array, sampler: Sampler, limits: Limits, mode: str
) -> DecodeState:
    """Choose, write and judge one token per running row; ended rows stand still."""
    token = sample(logits, sampler, state.step, mode)
    running = state.reason == RUNNING
    is_eos = jnp.any(token[:, None] == limits.eos_ids, axis=1)
    write = running & ~is_eos
    # By comparison, not by index: rows that lie on other devices need not be asked for.
    here = jnp.arange(state.tokens.shape[1]) == state.count[:, None]
    tokens = jnp.where(here & write[:, None], token[:, None], state.tokens)
    count = state.count + write
    matcher, seen = state.matcher, jnp.zeros_like(write)
    if limits.stop_table is not None:
        matcher = jnp.where(write, limits.stop_table[matcher, token], matcher)
        seen = matcher == limits.stop_table.shape[0] - 1
    reason = jnp.where(count >= limits.max_new, LENGTH, RUNNING)
    reason = jnp.where(is_eos, EOS, jnp.where(seen, STOP, reason))
    return DecodeState(
        cache=state.cache,
        token=jnp.where(write, token, state.token),
        tokens=tokens,
        count=count,
        reason=jnp.where(running, reason, state.reason),
        matcher=matcher,
        step=state.step + 1,
    )
