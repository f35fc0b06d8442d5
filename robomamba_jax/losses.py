# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Losses as free functions on arrays."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp


def next_token_targets(
    input_ids: jax.Array, mask: jax.Array | None = None, segment_ids: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """What each position should predict: the next real token of its segment.

    Args:
      input_ids: int[B, T].
      mask: bool[B, T], True = real; padding between two tokens is skipped over.
      segment_ids: int[B, T].

    Returns:
      labels int32[B, T], and weights float32[B, T], 0 where there is nothing to predict.
    """
    batch, length = input_ids.shape
    real = jnp.ones((batch, length), bool) if mask is None else mask
    position = jnp.where(real, jnp.arange(length, dtype=jnp.int32), length)
    following = jax.lax.cummin(position, axis=1, reverse=True)[:, 1:]
    following = jnp.pad(following, ((0, 0), (0, 1)), constant_values=length)
    index = jnp.minimum(following, length - 1)
    valid = real & (following < length)
    if segment_ids is not None:
        valid &= jnp.take_along_axis(segment_ids, index, axis=1) == segment_ids
    labels = jnp.take_along_axis(input_ids, index, axis=1)
    return labels.astype(jnp.int32), valid.astype(jnp.float32)


def linear_cross_entropy(
    hidden: jax.Array,
    head_weight: jax.Array,
    labels: jax.Array,
    weights: jax.Array,
    *,
    rows: int = 256,
) -> jax.Array:
    """Weighted sum of -log softmax(hidden @ head_weight.T)[label], float32.

    Logits exist for ``rows`` positions at a time only, forward and backward: when
    differentiated, the forward pass already turns each block of logits into the
    gradients of ``hidden`` and ``head_weight``, so no product is computed twice.

    Args:
      hidden: float[B, T, D].
      head_weight: float[V, D].
      labels: int32[B, T]; read only where the weight is not 0.
      weights: float32[B, T]; not differentiated.
      rows: positions per block.

    Returns:
      float32[], to be divided by ``weights.sum()`` for a mean.
    """
    flat = hidden.reshape(-1, hidden.shape[-1])
    rows = min(rows, flat.shape[0])
    extra = -flat.shape[0] % rows
    flat = jnp.pad(flat, ((0, extra), (0, 0))).reshape(-1, rows, flat.shape[1])
    labels, weights = (
        jnp.pad(x.reshape(-1), (0, extra)).reshape(-1, rows) for x in (labels, weights)
    )
    return _blocks(flat, head_weight, labels, jax.lax.stop_gradient(weights))


@jax.custom_vjp
def _blocks(hidden, head, labels, weights):
    def add(total, block):
        hidden, labels, weights = block
        return total + _block(hidden, labels, weights, head)[0], None

    return jax.lax.scan(add, jnp.zeros((), jnp.float32), (hidden, labels, weights))[0]


def _block(hidden, labels, weights, head):
    """One block's loss, and its logits' gradient float32[rows, V]."""
    logits = jax.lax.dot_general(
        hidden,
        head.astype(hidden.dtype),
        (((1,), (1,)), ((), ())),
        preferred_element_type=jnp.float32,
    )
    log_total = jax.nn.logsumexp(logits, axis=-1)
    labels = jnp.where(weights > 0, labels, 0)
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    loss = jnp.sum(jnp.where(weights > 0, (log_total - chosen) * weights, 0.0))
    grad = jnp.exp(logits - log_total[:, None])
    grad = grad - (jnp.arange(logits.shape[1]) == labels[:, None])
    return loss, jnp.where(weights[:, None] > 0, grad * weights[:, None], 0.0)


def _blocks_fwd(hidden, head, labels, weights):
    def add(carry, block):
        total, head_grad = carry
        hidden, labels, weights = block
        loss, grad = _block(hidden, labels, weights, head)
        grad = grad.astype(hidden.dtype)
        dot = partial(jax.lax.dot_general, preferred_element_type=jnp.float32)
        hidden_grad = dot(grad, head.astype(grad.dtype), (((1,), (0,)), ((), ())))
        head_grad = head_grad + dot(grad, hidden, (((0,), (0,)), ((), ())))
        return (total + loss, head_grad), hidden_grad.astype(hidden.dtype)

    start = (jnp.zeros((), jnp.float32), jnp.zeros(head.shape, jnp.float32))
    (total, head_grad), hidden_grad = jax.lax.scan(add, start, (hidden, labels, weights))
    # An empty array carries the head's dtype to the backward pass.
    return total, (hidden_grad, head_grad, weights, jnp.zeros((0,), head.dtype))


def _blocks_bwd(residuals, scale):
    hidden_grad, head_grad, weights, head_like = residuals
    return (
        (scale * hidden_grad.astype(jnp.float32)).astype(hidden_grad.dtype),
        (scale * head_grad).astype(head_like.dtype),
        None,
        jnp.zeros_like(weights),
    )


_blocks.defvjp(_blocks_fwd, _blocks_bwd)
