# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the chunked scan walks over a batch: its arrays cut into chunks, and its carry.

Two layouts, one meaning:

- *flat* (CPU): the rows one after another in a single loop whose body has no batch
  axis. XLA's CPU backend runs a body with a leading axis of size 1 several times
  slower, keeps one row's state in the cache, and does not thread nested loops.
- *batched* (GPU, TPU): the batch axis stands inside the body.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp

from robomamba_jax.ops.backend import current_backend
from robomamba_jax.ops.scan_core import ScanInputs


class ScanChunk(NamedTuple):
    """One chunk of K positions; the batch axis is absent in the flat layout.

    Attributes:
      u: float[K, (B), I].
      delta: float32[K, (B), I].
      B: float[K, (B), N], or constant in time [N, I].
      C: float[K, (B), N], or constant in time [N, I].
      keep_mask: float32[K, (B)], or None.
    """

    u: jax.Array
    delta: jax.Array
    B: jax.Array
    C: jax.Array
    keep_mask: jax.Array | None


class Carry(NamedTuple):
    """What goes from chunk to chunk.

    Attributes:
      h: float32[(B), N, I], the running state.
      rows: float32[B, N, I], in the flat layout where each row's last state is put; else None.
    """

    h: jax.Array
    rows: jax.Array | None


class ScanLayout:
    """Between [B, T, X] and [steps, K, (B), X]; T is padded by positions without effect."""

    def __init__(self, inputs: ScanInputs, chunk: int, *, reverse: bool = False) -> None:
        self.batch, self.length = inputs.u.shape[:2]
        self.chunk, self.reverse = chunk, reverse
        self.per_row = -(-self.length // chunk)
        self.flat = self.batch == 1 or current_backend() == "cpu"
        self.index = jnp.arange(self.per_row * (self.batch if self.flat else 1), dtype=jnp.int32)

    def split_array(self, x: jax.Array) -> jax.Array:
        """[B, T, X] -> [steps, K, (B), X]."""
        extra = self.per_row * self.chunk - self.length
        if extra:
            x = jnp.pad(x, ((0, 0), (0, extra)) + ((0, 0),) * (x.ndim - 2))
        if self.flat:
            return x.reshape(-1, self.chunk, *x.shape[2:])
        return jnp.moveaxis(x, 0, 1).reshape(self.per_row, self.chunk, self.batch, *x.shape[2:])

    def split(self, inputs: ScanInputs) -> ScanChunk:
        """All chunks, for ``jax.lax.scan`` to walk over their first axis; what is constant in time
        is absent there and comes back by :meth:`fill`."""
        absent: Any = None
        return ScanChunk(
            self.split_array(inputs.u),
            self.split_array(inputs.delta),
            absent if inputs.constant.B else self.split_array(inputs.B),
            absent if inputs.constant.C else self.split_array(inputs.C),
            # Padding must not reset the state, so it is 1 - keep_mask that is padded by 0.
            None if inputs.keep_mask is None else 1.0 - self.split_array(1.0 - inputs.keep_mask),
        )

    @staticmethod
    def fill(chunk: ScanChunk, inputs: ScanInputs) -> ScanChunk:
        """One chunk of :meth:`split`, with B and C of the inputs where they are constant."""
        return chunk._replace(
            B=inputs.B if inputs.constant.B else chunk.B,
            C=inputs.C if inputs.constant.C else chunk.C,
        )

    def join(self, x: jax.Array) -> jax.Array:
        """[steps, K, (B), X] -> [B, T, X]."""
        if self.flat:
            x = x.reshape(self.batch, -1, *x.shape[2:])
        else:
            x = jnp.moveaxis(x.reshape(-1, *x.shape[2:]), 0, 1)
        return x[:, : self.length]

    def start(self, states: jax.Array) -> Carry:
        """The carry before the first step, from float32[B, N, I]."""
        if not self.flat:
            return Carry(states, None)
        h = states[-1 if self.reverse else 0]
        return Carry(h, None if self.batch == 1 else jnp.zeros_like(states))

    def enter(self, carry: Carry, states: jax.Array, index: jax.Array) -> jax.Array:
        """The state to go on from: a row's own at its beginning, else the carried one."""
        if carry.rows is None:
            return carry.h
        at_start = index % self.per_row == (self.per_row - 1 if self.reverse else 0)
        return jnp.where(at_start, states[index // self.per_row], carry.h)

    def leave(self, carry: Carry, h: jax.Array, index: jax.Array) -> Carry:
        """The carry after a step that ended in ``h``; a row's last write stays."""
        if carry.rows is None:
            return Carry(h, None)
        row = index // self.per_row
        rows = cast("jax.Array", jax.lax.dynamic_update_index_in_dim(carry.rows, h, row, 0))
        return Carry(h, rows)

    def finish(self, carry: Carry) -> jax.Array:
        """float32[B, N, I]: the state at which each row ended."""
        if carry.rows is not None:
            return carry.rows
        return carry.h[None] if self.flat else carry.h

    def over_batch(self, total: jax.Array) -> jax.Array:
        """A sum over all positions, still per row in the batched layout, summed."""
        return total if self.flat else total.sum(0)
