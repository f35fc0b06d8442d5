# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan in small chunks, with a backward pass written by hand.

``jax.lax.scan`` walks over chunks of a few positions. Inside each, neighbouring positions are put
together to blocks, ``jax.lax.associative_scan`` runs over the blocks, and the states inside a block
follow from the one before it: the usual two levels of a parallel scan. The carry is folded into the
chunk's first block. Only the states at chunk boundaries are kept for the backward pass, which
rebuilds the states inside a chunk and runs the adjoint recurrence backwards in time: memory is
O(B T I + B T N I / chunk) forward and backward.

The adjoint. With g_t = dL/dh_t (all uses of h_t counted),

    g_t = C_t dy_t + a_{t+1} g_{t+1}          q_t = a_t g_t = a_t (C_t dy_t + q_{t+1})

q needs no shifted copy of a, is what flows to the chunk before, and times h_{t-1} it
is the gradient with respect to delta_t A; so the reverse scan runs on q.

Five things here are not mathematics but bend XLA's CPU backend to compute it fast: the flat layout
(``scan_layout``), blocks (``_block_size``), ``_add_at``, ``_materialize`` and unrolled sums
(``_sum_products``, ``contract_state``). Each says why where it stands, and changes rounding at
most.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from functools import partial
from typing import NamedTuple

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
        x = _in_blocks(x, constant)
        delta_u = _materialize(x.delta * x.u.astype(jnp.float32))
        states = _states(h, x, delta_u, inputs.A, constant)
        y = [
            contract_state(state, _at(x.C, m, constant.C), constant.C)
            for m, state in enumerate(states.each)
        ]
        after = layout.leave(carry, states.each[-1][-1], index)
        return after, (_out_of_blocks(y), h if keep_boundaries else None)

    start = layout.start(inputs.initial_state)
    carry, (y, boundaries) = jax.lax.scan(step, start, (chunks, layout.index))
    return (layout.join(y), layout.finish(carry)), boundaries


def _block_size(chunk: int) -> int:
    """M, the positions of a block.

    An associative scan moves every number through several small operations, which on the CPU are
    passes over the cache: over a quarter of the positions they cost a quarter. On an accelerator
    they are parallel, and a block is one position.
    """
    if current_backend() != "cpu":
        return 1
    # At least two blocks, or there would be nothing to scan.
    return next(
        size for size in (4, 2, 1) if chunk % size == 0 and (chunk >= 2 * size or size == 1)
    )


def _in_blocks(x: ScanChunk, constant: Constant) -> ScanChunk:
    """A chunk's arrays [K, (B), X] as S blocks of M positions, [S, M, (B), X]."""
    length = x.u.shape[0]
    size = _block_size(length)

    def cut(v: jax.Array) -> jax.Array:
        return v.reshape(length // size, size, *v.shape[1:])

    return ScanChunk(
        cut(x.u),
        cut(x.delta),
        x.B if constant.B else cut(x.B),
        x.C if constant.C else cut(x.C),
        None if x.keep_mask is None else cut(x.keep_mask),
    )


def _out_of_blocks(parts: list[jax.Array]) -> jax.Array:
    """[K, (B), X] from the blocks' first positions [S, (B), X], their second ones, and so on."""
    x = jnp.stack(parts, axis=1)
    return x.reshape(-1, *x.shape[2:])


def _at(v: jax.Array, m: int, constant: bool) -> jax.Array:
    """B or C at the m-th position of every block."""
    return v if constant else v[:, m]


class _States(NamedTuple):
    """The states of a chunk of S blocks of M positions.

    Attributes:
      decay: float32[S, M, (B), N, I].
      before: float32[S, (B), N, I], before each block.
      each: M of float32[S, (B), N, I], after the m-th position of every block.
    """

    decay: jax.Array
    before: jax.Array
    each: list[jax.Array]


def _states(
    h: jax.Array, x: ScanChunk, delta_u: jax.Array, A: jax.Array, constant: Constant
) -> _States:
    """Decay and states of a chunk in blocks; h float32[(B), N, I] is the state before it."""
    a = decay(x.delta, A, x.keep_mask)
    size = a.shape[1]
    b = [expand_state(delta_u[:, m], _at(x.B, m, constant.B), constant.B) for m in range(size)]
    # Up: what a whole block does to the state before it, h -> total h + into.
    total, into = a[:, 0], b[0]
    for m in range(1, size):
        total, into = a[:, m] * total, a[:, m] * into + b[m]
    # The state before the chunk enters as part of its first input: the scan need not carry the
    # products of all decays, by which it would have to be multiplied afterwards.
    ends = scan_pairs(total, _add_at(into, 0, total[0] * h))
    # Down: the states inside of each block, from the one before it.
    before = jnp.concatenate([h[None], ends[:-1]])
    each, state = list[jax.Array](), before
    for m in range(size - 1):
        state = a[:, m] * state + b[m]
        each.append(state)
    return _States(a, before, [*each, ends])


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
    x = _in_blocks(x, constant)
    # Slices of the loop's arrays that are read M times each: taken out once, they are read by
    # loops that the compiler vectorises (measured: 1.3x of the whole backward pass).
    u, delta = x.u.astype(jnp.float32), _materialize(x.delta)
    x, dy = x._replace(delta=delta), _materialize(dy.reshape(*u.shape))
    delta_u = _materialize(delta * u)
    a, before_blocks, states = _states(before, x, delta_u, A, constant)
    size = len(states)
    dh = [expand_state(dy[:, m], _at(x.C, m, constant.C), constant.C) for m in range(size)]
    # Up and down as in ``_states``, backwards in time: a block turns the q behind it into
    # total q + into.
    total, into = a[:, -1], a[:, -1] * dh[-1]
    for m in reversed(range(size - 1)):
        total, into = a[:, m] * total, a[:, m] * (dh[m] + into)
    starts = scan_pairs(total, _add_at(into, -1, total[-1] * later), reverse=True)
    # g_t = dh_t + q_{t+1}, from each block's last position to its first.
    g, q = [dh[-1] + jnp.concatenate([starts[1:], later[None]])], list[jax.Array]()
    for m in reversed(range(1, size)):
        q.insert(0, a[:, m] * g[0])
        g.insert(0, dh[m - 1] + q[0])
    q.insert(0, starts)
    d_delta_u = _out_of_blocks(
        [contract_state(g[m], _at(x.B, m, constant.B), constant.B) for m in range(size)]
    )
    # dL/dB_t = sum_i g_t delta_u_t and dL/dC_t = sum_i h_t dy_t; where B or C is constant in time,
    # its channels are apart and the sum runs over t.
    dB = sum_b = dC = sum_c = None
    if constant.B:
        sum_b = _sum_products(g, delta_u)
    else:
        dB = _out_of_blocks([contract_channels(g[m], delta_u[:, m]) for m in range(size)])
    if constant.C:
        sum_c = _sum_products(states, dy)
    else:
        dC = _out_of_blocks([contract_channels(states[m], dy[:, m]) for m in range(size)])
    # dL/d(delta_t A) = q_t h_{t-1}.
    d_exponent = [_materialize(q[m] * h) for m, h in enumerate([before_blocks, *states[:-1]])]
    d_decay = _out_of_blocks([contract_state(part, A, True) for part in d_exponent])
    sum_a = _sum_products(d_exponent, delta)
    delta, u = (v.reshape(-1, *v.shape[2:]) for v in (delta, u))
    return (d_delta_u * delta, d_decay + d_delta_u * u, dB, dC), starts[0], (sum_a, sum_b, sum_c)


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


def _sum_products(parts: list[jax.Array], v: jax.Array) -> jax.Array:
    """The sum over a chunk of x_t * v_t, float32[(B), N, I], from M of x [S, (B), N, I] and
    v [S, M, (B), I].

    An unrolled sum, on every backend: XLA's CPU backend vectorises it, and a reduce over the
    leading axis it does not. K is a chunk, so the program stays small.
    """
    blocks = sum(
        (x * v[:, m][..., None, :] for m, x in enumerate(parts[1:], 1)),
        parts[0] * v[:, 0][..., None, :],
    )
    # Finished before blocks are added up, which reads it at S places at once.
    blocks = _materialize(blocks)
    return sum((blocks[s] for s in range(1, blocks.shape[0])), blocks[0])
