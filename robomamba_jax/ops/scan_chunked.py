# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan in small chunks, with a backward pass written by hand.

``jax.lax.scan`` walks over chunks of a few positions, ``jax.lax.associative_scan``
works inside each, and the carry is folded into the chunk's first element. Only the
states at chunk boundaries are kept for the backward pass, which rebuilds the states
inside a chunk and runs the adjoint recurrence backwards in time: memory is
O(B T I + B T N I / chunk) forward and backward.

The adjoint. With g_t = dL/dh_t (all uses of h_t counted),

    g_t = C_t dy_t + a_{t+1} g_{t+1}          q_t = a_t g_t = a_t (C_t dy_t + q_{t+1})

q needs no shifted copy of a, is what flows to the chunk before, and times h_{t-1} it
is the gradient with respect to delta_t A; so the reverse scan runs on q.

Four things here are not mathematics but bend XLA's CPU backend to compute it fast: the flat layout
(``scan_layout``), ``_add_at``, ``_materialize`` and unrolled sums (``_sum_products``,
``contract_state``). Each says why where it stands, and changes rounding at most.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from functools import partial

import jax
import jax.numpy as jnp

from robomamba_jax.ops.backend import current_backend
from robomamba_jax.ops.scan_core import (
    Constant,
    ScanInputs,
    contract_channels,
    contract_state,
    decay,
    expand_state,
    scan_pairs,
)
from robomamba_jax.ops.scan_layout import Carry, ScanChunk, ScanLayout

Scanned = tuple[jax.Array, jax.Array]
"""y float32[B, T, I] and the last state float32[B, N, I]."""
PositionGrads = tuple[jax.Array, jax.Array, jax.Array | None, jax.Array | None]
"""Of u, delta, B and C at each position of a chunk; None where constant in time."""
TimeSums = tuple[jax.Array, jax.Array | None, jax.Array | None]
"""Gradients of A, B and C, summed over time; None where B or C vary in it."""


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def scan_chunked(inputs: ScanInputs, chunk: int) -> Scanned:
    """The scan over chunks of ``chunk`` positions; any T (padded by delta = 0).

    Differentiable in reverse mode, also twice and forward over reverse; plain forward
    mode needs ``method="associative"``.

    Returns:
      y float32[B, T, I] and the last state float32[B, N, I].
    """
    results, _ = _forward(inputs, chunk, keep_boundaries=False)
    return results


def _scan_fwd(inputs: ScanInputs, chunk: int) -> tuple[Scanned, tuple[ScanInputs, jax.Array]]:
    results, boundaries = _forward(inputs, chunk, keep_boundaries=True)
    assert boundaries is not None
    return results, (inputs, boundaries)


def _scan_bwd(
    chunk: int, residuals: tuple[ScanInputs, jax.Array], cotangents: Scanned
) -> tuple[ScanInputs]:
    (inputs, boundaries), (dy, dlast) = residuals, cotangents
    return (_backward(inputs, boundaries, dy, dlast, chunk),)


scan_chunked.defvjp(_scan_fwd, _scan_bwd)


def _forward(
    inputs: ScanInputs, chunk: int, keep_boundaries: bool
) -> tuple[Scanned, jax.Array | None]:
    """(y, last), and the state before each chunk: float32[steps, (B), N, I] or None."""
    layout, constant = ScanLayout(inputs, chunk), inputs.constant
    chunks = layout.split(inputs)

    def step(
        carry: Carry, xs: tuple[ScanChunk, jax.Array]
    ) -> tuple[Carry, tuple[jax.Array, jax.Array | None]]:
        x, index = layout.fill(xs[0], inputs), xs[1]
        h = layout.enter(carry, inputs.initial_state, index)
        _, states = _states(h, x, inputs.A, constant)
        y = contract_state(states, x.C, constant.C)
        return layout.leave(carry, states[-1], index), (y, h if keep_boundaries else None)

    start = layout.start(inputs.initial_state)
    carry, (y, boundaries) = jax.lax.scan(step, start, (chunks, layout.index))
    return (layout.join(y), layout.finish(carry)), boundaries


def _states(
    h: jax.Array, x: ScanChunk, A: jax.Array, constant: Constant
) -> tuple[jax.Array, jax.Array]:
    """Decay and state at each position of a chunk, float32[K, (B), N, I] each."""
    a = decay(x.delta, A, x.keep_mask)
    delta_b_u = expand_state(x.delta * x.u.astype(jnp.float32), x.B, constant.B)
    # The state before the chunk enters as part of its first input: the scan need not carry the
    # products of all decays, by which it would have to be multiplied afterwards.
    return a, scan_pairs(a, _add_at(delta_b_u, 0, a[0] * h))


def _backward(
    inputs: ScanInputs, boundaries: jax.Array, dy: jax.Array, dlast: jax.Array, chunk: int
) -> ScanInputs:
    """The cotangents of every input, each in its input's dtype."""
    layout, constant = ScanLayout(inputs, chunk, reverse=True), inputs.constant
    chunks = layout.split(inputs)
    start = layout.start(dlast)
    zero = jnp.zeros_like(start.h)
    # The sums over time of what is constant in time: A always, B and C if they are.
    sums: TimeSums = (zero, zero if constant.B else None, zero if constant.C else None)

    def step(
        loop: tuple[Carry, TimeSums], xs: tuple[ScanChunk, jax.Array, jax.Array, jax.Array]
    ) -> tuple[tuple[Carry, TimeSums], PositionGrads]:
        (carry, sums), (x, before, dy, index) = loop, xs
        later = layout.enter(carry, dlast, index)
        grads, q, more = _chunk_backward(
            layout.fill(x, inputs), before, later, dy, inputs.A, constant
        )
        sums = jax.tree.map(jnp.add, sums, more)
        return (layout.leave(carry, q, index), sums), grads

    xs = (chunks, boundaries, layout.split_array(dy), layout.index)
    (carry, sums), grads = jax.lax.scan(step, (start, sums), xs, reverse=True)
    sum_a, sum_b, sum_c = jax.tree.map(layout.over_batch, sums)
    du, ddelta, db, dc = jax.tree.map(layout.join, grads)
    return ScanInputs(
        u=du.astype(inputs.u.dtype),
        delta=ddelta,
        A=sum_a,
        B=(sum_b if constant.B else db).astype(inputs.B.dtype),
        C=(sum_c if constant.C else dc).astype(inputs.C.dtype),
        keep_mask=None if inputs.keep_mask is None else jnp.zeros_like(inputs.keep_mask),
        initial_state=layout.finish(carry),
    )


def _chunk_backward(
    x: ScanChunk,
    before: jax.Array,
    later: jax.Array,
    dy: jax.Array,
    A: jax.Array,
    constant: Constant,
) -> tuple[PositionGrads, jax.Array, TimeSums]:
    """One chunk's adjoint.

    Args:
      x: the chunk.
      before: float32[(B), N, I], the state before the chunk.
      later: float32[(B), N, I], dL/dh at the chunk's last position from all later ones.
      dy: float32[K, (B), I].
      A: float32[N, I].
      constant: whether B and C are constant in time.

    Returns:
      (du, ddelta, dB, dC) per position (None where constant in time), q at the first
      position, and this chunk's (dA, dB, dC) sums over time (None where not constant).
    """
    u = x.u.astype(jnp.float32)
    delta_u = x.delta * u
    a, states = _states(before, x, A, constant)
    dh = _add_at(expand_state(dy, x.C, constant.C), -1, later)
    q = scan_pairs(a, a * dh, reverse=True)
    # g_t = dh_t + q_{t+1}; the last position's q_{t+1} is ``later`` and stands in dh.
    g, g_last = dh[:-1] + q[1:], dh[-1]
    b, b_last = (x.B, x.B) if constant.B else (x.B[:-1], x.B[-1])
    d_delta_u = jnp.concatenate(
        [contract_state(g, b, constant.B), contract_state(g_last, b_last, constant.B)[None]]
    )
    # dL/dB_t = sum_i g_t delta_u_t and dL/dC_t = sum_i h_t dy_t; where B or C is constant in time,
    # its channels are apart and the sum runs over t.
    dB = sum_b = dC = sum_c = None
    if constant.B:
        sum_b = _sum_products(g, delta_u[:-1]) + g_last * delta_u[-1][..., None, :]
    else:
        dB = jnp.concatenate(
            [contract_channels(g, delta_u[:-1]), contract_channels(g_last, delta_u[-1])[None]]
        )
    if constant.C:
        sum_c = _sum_products(states, dy)
    else:
        dC = contract_channels(states, dy)
    # dL/d(delta_t A) = q_t h_{t-1}, in two parts since the state before stands apart.
    first, rest = q[0] * before, _materialize(q[1:] * states[:-1])
    sum_a = first * x.delta[0][..., None, :] + _sum_products(rest, x.delta[1:])
    d_decay = jnp.concatenate([contract_state(first, A, True)[None], contract_state(rest, A, True)])
    return (d_delta_u * x.delta, d_decay + d_delta_u * u, dB, dC), q[0], (sum_a, sum_b, sum_c)


def _add_at(x: jax.Array, index: int, value: jax.Array) -> jax.Array:
    """``x`` with ``value`` added at one position of the first axis.

    On the CPU as a scatter, which XLA does not fuse into what follows: the associative scan then
    reads finished numbers. Fused, exp(delta A) and delta B u would be computed anew at each of
    the scan's log2(K) levels, by every reader (measured: 4x slower). Elsewhere as a select, which
    does fuse: on an accelerator memory traffic costs more than arithmetic.
    """
    if current_backend() == "cpu":
        return x.at[index].add(value)
    position = jnp.arange(x.shape[0]).reshape((-1,) + (1,) * (x.ndim - 1))
    return jnp.where(position == index % x.shape[0], x + value, x)


def _materialize(x: jax.Array) -> jax.Array:
    """Keep XLA's CPU backend from fusing ``x`` into several readers; see ``_add_at``.

    Adding 0 by a scatter is the cheapest operation that is not fused: one position is written.
    ``jax.lax.optimization_barrier`` is removed before fusion there and does not help.
    """
    if current_backend() != "cpu" or x.shape[0] == 0:
        return x
    return x.at[0].add(jnp.zeros(x.shape[1:], x.dtype))


def _sum_products(x: jax.Array, v: jax.Array) -> jax.Array:
    """sum_t x_t * v_t, float32[(B), N, I], from x [K, (B), N, I] and v [K, (B), I].

    An unrolled sum, on every backend: XLA's CPU backend vectorises it, and a reduce over the
    leading axis it does not. K is a chunk, so the program stays small.
    """
    total = jnp.zeros(x.shape[1:], x.dtype)
    for t in range(x.shape[0]):
        total = total + x[t] * v[t][..., None, :]
    return total
