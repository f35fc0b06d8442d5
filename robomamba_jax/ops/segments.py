# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Padding and packing as index arithmetic on ``[B, T]``.

A *segment* is a maximal run of real positions with the same id: padding between
two positions of one id does not split it, and an id that comes back after another
one starts a new segment.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.errors import InputError
from robomamba_jax.ops.arguments import BOOL, INT, NUMBER, as_array, not_empty, optional
from robomamba_jax.shapes import check_shape, check_shapes


def segment_resets(segment_ids: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Where a segment begins, so that what came before must be forgotten.

    The first real position never counts as a reset: an initial state enters the
    first segment.

    Args:
      segment_ids: int[B, T]; the values at padding are never read.
      mask: bool[B, T], True = real; None means all real.

    Returns:
      bool[B, T].

    Raises:
      InputError: an argument is not such an array, or has another shape.
    """
    segment_ids = as_array("segment_ids", segment_ids, INT, "B T")
    mask = optional("mask", mask, BOOL, "B T")
    sizes: dict[str, int] = {}
    check_shapes(sizes, ("segment_ids", segment_ids, "B T"), ("mask", mask, "B T"))
    not_empty(sizes)
    if mask is None:
        changed = segment_ids[:, 1:] != segment_ids[:, :-1]
        return jnp.pad(changed, ((0, 0), (1, 0)))
    position = jnp.arange(segment_ids.shape[1], dtype=jnp.int32)
    last_real = jax.lax.cummax(jnp.where(mask, position, -1), axis=1)
    previous = jnp.pad(last_real[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    previous_id = jnp.take_along_axis(segment_ids, jnp.maximum(previous, 0), axis=1)
    return mask & (previous >= 0) & (segment_ids != previous_id)


class Compaction(NamedTuple):
    """How to move the real positions of each row to its front, and back.

    Attributes:
      order: int32[B, T]; compact position -> original position.
      inverse: int32[B, T]; original position -> compact position.
      lengths: int32[B]; real positions per row.
    """

    order: jax.Array
    inverse: jax.Array
    lengths: jax.Array

    @property
    def mask(self) -> jax.Array:
        """bool[B, T]: the real positions after compaction."""
        return jnp.arange(self.order.shape[1]) < self.lengths[:, None]

    def pack(self, x: jax.Array) -> jax.Array:
        """Original -> compact order; ``x`` is [B, T, ...], padding becomes 0."""
        x = self._rows(x)
        x = jnp.take_along_axis(x, _expand(self.order, x.ndim), axis=1)
        return jnp.where(_expand(self.mask, x.ndim), x, jnp.zeros((), x.dtype))

    def unpack(self, x: jax.Array) -> jax.Array:
        """Compact -> original order; ``x`` is [B, T, ...], padding becomes 0."""
        x = self._rows(x)
        x = jnp.where(_expand(self.mask, x.ndim), x, jnp.zeros((), x.dtype))
        return jnp.take_along_axis(x, _expand(self.inverse, x.ndim), axis=1)

    def _rows(self, x: jax.Array) -> jax.Array:
        """``x``, if it has these rows and positions."""
        x = as_array("x", x, NUMBER, "B T ...")
        if x.shape[:2] != self.order.shape:
            want = "B={}, T={}, ...".format(*self.order.shape)
            raise InputError(
                "shape_mismatch",
                f"x has shape {list(x.shape)}, not [{want}]",
                f"give x as [{want}]",
            )
        return x


def compaction(mask: jax.Array) -> Compaction:
    """The stable order that puts real positions first.

    Every layer is causal, so a row whose padding lies at the end computes its real
    positions as if there were no padding: side and amount of padding, and padding
    between real tokens, cannot be told apart afterwards.

    Args:
      mask: bool[B, T], True = real.

    Raises:
      InputError: ``mask`` is not such an array.
    """
    mask = as_array("mask", mask, BOOL, "B T")
    sizes: dict[str, int] = {}
    check_shape("mask", mask, "B T", sizes)
    not_empty(sizes)
    order = jnp.argsort(~mask, axis=1, stable=True).astype(jnp.int32)
    inverse = jnp.argsort(order, axis=1).astype(jnp.int32)
    return Compaction(order, inverse, mask.sum(axis=1, dtype=jnp.int32))


def _expand(index: jax.Array, ndim: int) -> jax.Array:
    return index.reshape(index.shape + (1,) * (ndim - index.ndim))
