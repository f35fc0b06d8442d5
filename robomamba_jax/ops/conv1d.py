# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Causal depthwise convolution over time: whole sequences and single steps.

Written as K shifted multiply-adds: K is 4, and this form shards over channels and
batch without any rule, where a grouped convolution does not.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import jax
import jax.numpy as jnp

from robomamba_jax.errors import InputError
from robomamba_jax.ops.arguments import BOOL, FLOAT, INT, floats, not_empty, optional, switch
from robomamba_jax.ops.segments import compaction, segment_resets
from robomamba_jax.shapes import check_shape, check_shapes


def causal_conv1d(
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    *,
    initial_state: jax.Array | None = None,
    segment_ids: jax.Array | None = None,
    mask: jax.Array | None = None,
    lengths: jax.Array | None = None,
    silu: bool = False,
    return_final_state: bool = False,
) -> jax.Array | tuple[jax.Array, jax.Array]:
    """Each channel's weighted sum of its last K real inputs, within its segment.

    Same sum as ``causal_conv1d_fn`` of the reference CUDA package; masks and
    segments are ours. Padding is invisible: the window holds the last K *real*
    positions, wherever the padding lies. float32 inside.

    Args:
      x: float[B, T, I].
      weight: float[I, K]; the last column meets the current position.
      bias: float[I].
      initial_state: float[B, K-1, I], the inputs before position 0, oldest first;
        zeros if None. It belongs to the first segment.
      segment_ids: int[B, T]; no window reaches over a segment's start.
      mask: bool[B, T], True = real. The result is 0 at padding.
      lengths: int32[B]; instead of ``mask`` when all padding lies at the end (no
        gather is needed then; the result at padding is undefined).
      silu: apply x * sigmoid(x) to the result.
      return_final_state: also return the last K-1 real inputs.

    Returns:
      x.dtype[B, T, I], and with ``return_final_state`` x.dtype[B, K-1, I].

    Raises:
      InputError: an argument is not such an array, shapes do not fit, or both ``mask`` and
        ``lengths`` are given.
    """
    x, weight = floats(("x", x, "B T I"), ("weight", weight, "I K"))
    bias = optional("bias", bias, FLOAT, "I")
    initial_state = optional("initial_state", initial_state, FLOAT, "B K-1 I")
    segment_ids = optional("segment_ids", segment_ids, INT, "B T")
    mask, lengths = optional("mask", mask, BOOL, "B T"), optional("lengths", lengths, INT, "B")
    silu = switch("silu", silu)
    _check(x, weight, bias, initial_state, segment_ids, mask, lengths)
    packing = None
    if mask is not None:
        packing = compaction(mask)
        x, lengths = packing.pack(x), packing.lengths
        segment_ids = None if segment_ids is None else packing.pack(segment_ids)
    width = weight.shape[1]
    if initial_state is None:
        initial_state = jnp.zeros((x.shape[0], width - 1, x.shape[2]), x.dtype)
    history = jnp.concatenate([initial_state.astype(x.dtype), x], axis=1)
    y = _windows(history, weight, x.shape[1], _segment_index(segment_ids, lengths, x.shape[1]))
    y = _finish(y, bias, silu).astype(x.dtype)
    if packing is not None:
        y = packing.unpack(y)
    if not switch("return_final_state", return_final_state):
        return y
    return y, _last_inputs(history, lengths, width - 1)


def causal_conv1d_step(
    state: jax.Array,
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    *,
    silu: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """One position of :func:`causal_conv1d`.

    Args:
      state: float[B, K-1, I], the inputs before this one, oldest first.
      x: float[B, I].
      weight: float[I, K].
      bias: float[I].
      silu: apply x * sigmoid(x) to the result.

    Returns:
      x.dtype[B, I] and the new state, state.dtype[B, K-1, I].

    Raises:
      InputError: an argument is not such an array, or shapes do not fit.
    """
    state, x, weight = floats(
        ("state", state, "B K-1 I"), ("x", x, "B I"), ("weight", weight, "I K")
    )
    bias, silu = optional("bias", bias, FLOAT, "I"), switch("silu", silu)
    sizes: dict[str, int] = {}
    check_shapes(sizes, ("x", x, "B I"), ("weight", weight, "I K"), ("bias", bias, "I"))
    not_empty(sizes)
    check_shape("state", state, "B K-1 I", {**sizes, "K-1": sizes["K"] - 1})
    kernel = weight.astype(jnp.float32)
    newest = x.astype(state.dtype)
    # Unrolled, so that it fuses with what follows: decoding is made of small kernels.
    y = newest.astype(jnp.float32) * kernel[:, -1]
    for lag in range(state.shape[1]):
        y = y + state[:, lag].astype(jnp.float32) * kernel[:, lag]
    # The oldest input goes; of a window of one position there is none to keep.
    state = jnp.concatenate([state, newest[:, None]], axis=1)[:, 1:]
    return _finish(y, bias, silu).astype(x.dtype), state


def _windows(
    history: jax.Array, weight: jax.Array, steps: int, segment: jax.Array | None
) -> jax.Array:
    """float32[B, T, I]: sum over the window, without bias."""
    width = weight.shape[1]
    kernel = weight.astype(jnp.float32)
    y = history[:, width - 1 :].astype(jnp.float32) * kernel[:, width - 1]
    for lag in range(1, width):
        start = width - 1 - lag
        past = history[:, start : start + steps].astype(jnp.float32)
        if segment is not None:
            # The inputs before position 0 belong to the first segment, number 0.
            same = segment == jnp.pad(segment, ((0, 0), (lag, 0)))[:, :steps]
            past = jnp.where(same[:, :, None], past, 0.0)
        y = y + past * kernel[:, start]
    return y


def _segment_index(
    segment_ids: jax.Array | None, lengths: jax.Array | None, steps: int
) -> jax.Array | None:
    """int32[B, T]: number of the segment, from 0; ids may repeat, numbers do not."""
    if segment_ids is None:
        return None
    real = None if lengths is None else jnp.arange(steps) < lengths[:, None]
    return jnp.cumsum(segment_resets(segment_ids, real), axis=1, dtype=jnp.int32)


def _last_inputs(history: jax.Array, lengths: jax.Array | None, count: int) -> jax.Array:
    if lengths is None:
        return history[:, history.shape[1] - count :]
    # `history` starts with `count` old inputs, so its last real ones start at `lengths`.
    index = lengths[:, None] + jnp.arange(count)
    return jnp.take_along_axis(history, index[:, :, None], axis=1)


def _finish(y: jax.Array, bias: jax.Array | None, silu: bool) -> jax.Array:
    if bias is not None:
        y = y + bias.astype(jnp.float32)
    return jax.nn.silu(y) if silu else y


def _check(
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None,
    initial_state: jax.Array | None,
    segment_ids: jax.Array | None,
    mask: jax.Array | None,
    lengths: jax.Array | None,
) -> None:
    if mask is not None and lengths is not None:
        raise InputError("bad_arguments", "mask and lengths were both given", "give one of them")
    sizes: dict[str, int] = {}
    check_shapes(sizes, ("x", x, "B T I"), ("weight", weight, "I K"))
    not_empty(sizes)
    sizes["K-1"] = sizes["K"] - 1
    check_shapes(
        sizes,
        ("bias", bias, "I"),
        ("initial_state", initial_state, "B K-1 I"),
        ("segment_ids", segment_ids, "B T"),
        ("mask", mask, "B T"),
        ("lengths", lengths, "B"),
    )
