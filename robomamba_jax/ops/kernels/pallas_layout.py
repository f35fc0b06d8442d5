# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the TPU kernel's arrays lie: channels on both axes of a vector register.

A register holds 8 sublanes of 128 lanes. Here both are channels, S rows of 128, at one position;
each of the N states has registers of its own. B_t and C_t are then scalars for all of a register,
nothing is ever summed across one, and the recurrence is plain arithmetic.

Arrays [B, T, I] are handed over as [B, T / 8, I / 128, 8, 128], which is how XLA's tiles of
8 x 128 lie in a TPU's memory anyway: the transposition below compiles to nothing.
"""

from __future__ import annotations

import math

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.ops.kernels.interface import LANES, KernelInputs

Body = Callable[[int | jax.Array, list[jax.Array] | None], list[jax.Array]]
"""A state and the sums over the states before it -> the sums with it."""
SUBLANES = 8
UNROLL = 2
LOG2_E = math.log2(math.e)
_MOST_ROWS = 24
"""Above it, the registers of one position of one state alone would be three of 64."""


class Tiling(NamedTuple):
    """How [B, T, I] is cut into the kernel's steps.

    Attributes:
      batch: B.
      chunks: T / steps.
      tiles: of channels.
      steps: positions of a chunk.
      rows: S, rows of 128 channels of a tile.
      states: N.
      unrolled: the loop over states is written out N times, as a compiled kernel needs it; an
        interpreted one would take minutes to compile.
    """

    batch: int
    chunks: int
    tiles: int
    steps: int
    rows: int
    states: int
    unrolled: bool


def tiling(inputs: KernelInputs, steps: int, unrolled: bool) -> Tiling:
    """The tiling of some inputs, of chunks of ``steps`` positions."""
    batch, length, channels = inputs.u.shape
    rows = rows_per_tile(channels // LANES)
    tiles, states = channels // LANES // rows, inputs.A.shape[0]
    return Tiling(batch, length // steps, tiles, steps, rows, states, unrolled)


def over_eighths(sizes: Tiling, body: Callable[[jax.Array], None]) -> None:
    """``body(k)`` for each eight positions of a chunk, in order.

    Compiled, two stand in one trip: what the second begins with fills the bundles that the first
    ends with (measured by bundles: 6 % of the forward pass, 4 % of the backward pass).
    """

    def trip(k: jax.Array, carry: int) -> int:
        body(k)
        return carry

    eighths = sizes.steps // SUBLANES
    jax.lax.fori_loop(0, eighths, trip, 0, unroll=UNROLL if sizes.unrolled else 1)


def over_states(
    sizes: Tiling,
    body: Callable[[int | jax.Array, list[jax.Array] | None], list[jax.Array]],
    sums: int,
) -> list[jax.Array]:
    """``body(n, carry)`` for each state; what it carries are ``sums`` arrays float32[S, 128], or
    None for the first state of an unrolled loop."""
    if not sizes.unrolled:
        zeros = [jnp.zeros((sizes.rows, LANES), jnp.float32)] * sums
        return jax.lax.fori_loop(0, sizes.states, body, zeros)
    carry = body(0, None)
    for n in range(1, sizes.states):
        carry = body(n, carry)
    return carry


def plus(total: jax.Array | None, part: jax.Array) -> jax.Array:
    """A sum that begins with its first part: adding to 0 would be an operation more."""
    return part if total is None else total + part


def rows_per_tile(rows: int) -> int:
    """8 where it divides ``rows``; else the divisor that leaves the smallest share of the registers
    empty, and of several the largest, whose registers share what is read per position."""
    if rows % SUBLANES == 0:
        return SUBLANES

    def filled(size: int) -> tuple[float, int]:
        return size / (-(-size // SUBLANES) * SUBLANES), size

    return max((s for s in range(1, min(rows, _MOST_ROWS) + 1) if rows % s == 0), key=filled)


def by_tiles(x: jax.Array) -> jax.Array:
    """[B, T, I] -> [B, T / 8, I / 128, 8, 128]."""
    batch, length, channels = x.shape
    x = x.reshape(batch, length // SUBLANES, SUBLANES, channels // LANES, LANES)
    return x.swapaxes(2, 3)


def from_tiles(x: jax.Array) -> jax.Array:
    """The inverse of :func:`by_tiles`."""
    batch, eighths, rows, _, _ = x.shape
    return x.swapaxes(2, 3).reshape(batch, eighths * SUBLANES, rows * LANES)


def by_rows(x: jax.Array, sizes: Tiling) -> jax.Array:
    """[..., I] -> [..., I / (128 S), S, 128]."""
    return x.reshape(*x.shape[:-1], sizes.tiles, sizes.rows, LANES)


def by_chunks(x: jax.Array, sizes: Tiling) -> jax.Array:
    """float32[B, T, X] -> [B, T / steps, 1, steps X], for scalar memory, whose blocks must be
    whole in their last two axes."""
    return x.astype(jnp.float32).reshape(sizes.batch, sizes.chunks, 1, -1)
