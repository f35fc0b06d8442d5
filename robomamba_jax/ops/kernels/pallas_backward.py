# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The TPU kernel's backward pass, in Pallas.

With g_t = dL/dh_t and q_t = a_t g_t, what flows to the position before (see ``scan_chunked``):

    g_t = C_t dy_t + q_{t+1}        q_t = a_t g_t        dL/d(step_t A) = q_t h_{t-1}

The grid walks over rows, chunks of time from the last, and tiles of channels, innermost so that a
chunk's dB and dC, which are sums over channels, add up in on-chip memory. Within a chunk, a pass
forward computes all states again from the one before the chunk, and a pass backward the adjoint.
No sum depends on the order in which anything happens to finish.
"""

from __future__ import annotations

# Pallas leaves the types of a kernel's references open, and the paper's matrices have upper-case
# names.
# pyright: basic
import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from robomamba_jax.ops.kernels.interface import LANES, KernelGradients, KernelInputs
from robomamba_jax.ops.kernels.pallas_forward import (
    Params,
    Sums,
    decay_step,
    forward_operands,
    position,
    put,
    read_step,
    sequence_spec,
    sigmoid,
    stage,
    unstage,
)
from robomamba_jax.ops.kernels.pallas_layout import (
    SUBLANES,
    Tiling,
    by_rows,
    by_tiles,
    from_tiles,
    over_eighths,
    over_states,
    plus,
)

_LN_2 = math.log(2.0)


class _Inputs(NamedTuple):
    """References to what a step of the grid reads."""

    u: Any
    delta: Any
    z: Any
    B: Any
    C: Any
    resets: Any
    params: Params
    boundary: Any
    dy: Any
    dlast: Any


class _Outputs(NamedTuple):
    """References to what it writes; those of A, D, delta_bias and initial_state are a whole row's,
    stay on-chip from chunk to chunk, and the last of them carries q."""

    u: Any
    delta: Any
    z: Any
    A: Any
    B: Any
    C: Any
    D: Any
    delta_bias: Any
    initial_state: Any


class _Scratch(NamedTuple):
    """On-chip memory.

    Attributes:
      states: float32[(steps + 1) N, S, 128], the states before each position and after the last.
      b_sums: float32[steps N, S, 128], gradients not yet summed over channels.
      c_sums: the same.
      u: float32[steps, S, 128], the inputs as the second pass reads them.
      step: the same of the steps.
      slope: the same of d step / d delta.
      dy: the same of the gradient before the gate.
      rows: five of float32[8 S, 128], see ``stage``.
    """

    states: Any
    b_sums: Any
    c_sums: Any
    u: Any
    step: Any
    slope: Any
    dy: Any
    rows: tuple[Any, ...]


def run_backward(
    inputs: KernelInputs,
    boundaries: jax.Array,
    dy: jax.Array,
    dlast: jax.Array,
    sizes: Tiling,
    *,
    softplus: bool,
    interpret: Any,
    vmem_limit: int,
) -> KernelGradients:
    """See ``ScanKernel.backward``."""
    back = sizes.chunks - 1

    def place(b: Any, k: Any, i: Any) -> tuple[Any, Any, Any]:
        return b, back - k, i

    operands, specs = forward_operands(inputs, sizes, place)
    sequence = sequence_spec(sizes, place)
    states, rows = sizes.states, sizes.rows
    whole = (sizes.batch, sizes.chunks, states, sizes.tiles, rows, LANES)
    operands += [boundaries.reshape(whole), by_tiles(dy), by_rows(dlast, sizes)]
    specs += [
        pl.BlockSpec((1, 1, states, 1, rows, LANES), lambda b, k, i: (b, back - k, 0, i, 0, 0)),
        sequence,
        pl.BlockSpec((1, states, 1, rows, LANES), lambda b, k, i: (b, 0, i, 0, 0)),
    ]
    tiled = operands[0].shape
    like = [inputs.u, inputs.delta, *([] if inputs.z is None else [inputs.z])]
    out = [jax.ShapeDtypeStruct(tiled, x.dtype) for x in like]
    out_specs = [sequence for _ in like]
    # Whole rows: blocks that stay where they are while the grid walks over chunks and tiles.
    matrix, vector = (sizes.batch, states, *whole[3:]), (sizes.batch, *whole[3:])
    for shape in (matrix, vector, vector, matrix):
        out.append(jax.ShapeDtypeStruct(shape, jnp.float32))
        zeros = (0,) * (len(shape) - 1)
        out_specs.append(pl.BlockSpec((1, *shape[1:]), lambda b, k, i, zeros=zeros: (b, *zeros)))
    lines = sizes.steps * states // LANES
    for _ in range(2):  # dB and dC
        shape = (sizes.batch, sizes.chunks, lines, LANES)
        out.append(jax.ShapeDtypeStruct(shape, jnp.float32))
        out_specs.append(pl.BlockSpec((1, 1, lines, LANES), lambda b, k, i: (b, back - k, 0, 0)))
    f32 = jnp.float32
    each = pltpu.VMEM((sizes.steps * states, rows, LANES), f32)
    results = pl.pallas_call(
        partial(
            _backward_kernel,
            sizes=sizes,
            gated=inputs.z is not None,
            packed=inputs.resets is not None,
            softplus=softplus,
        ),
        grid=(sizes.batch, sizes.chunks, sizes.tiles),
        in_specs=specs,
        out_specs=out_specs,
        out_shape=out,
        scratch_shapes=[
            pltpu.VMEM(((sizes.steps + 1) * states, rows, LANES), f32),
            each,
            each,
            *[pltpu.VMEM((sizes.steps, rows, LANES), f32)] * 4,
            *[pltpu.VMEM((rows * SUBLANES, LANES), f32)] * 5,
        ],
        compiler_params=pltpu.CompilerParams(
            dimension_semantics=("parallel", "arbitrary", "arbitrary"),
            vmem_limit_bytes=vmem_limit,
        ),
        interpret=interpret,
        name="mamba_scan_bwd",
    )(*operands)
    du, ddelta, *dz, d_a, d_d, d_bias, d_state, d_b, d_c = results
    channels = inputs.u.shape[-1]
    return KernelGradients(
        u=from_tiles(du),
        delta=from_tiles(ddelta),
        A=d_a.reshape(sizes.batch, states, channels).sum(0),
        B=d_b.reshape(inputs.B.shape),
        C=d_c.reshape(inputs.C.shape),
        D=d_d.reshape(sizes.batch, channels).sum(0),
        z=from_tiles(dz[0]) if dz else None,
        delta_bias=d_bias.reshape(sizes.batch, channels).sum(0),
        initial_state=d_state.reshape(sizes.batch, states, channels),
    )


def _backward_kernel(*refs: Any, sizes: Tiling, gated: bool, packed: bool, softplus: bool) -> None:
    """One chunk of one tile of one row."""
    left = iter(refs)

    def take(wanted: bool = True) -> Any:
        return next(left) if wanted else None

    u, delta, z = take(), take(), take(gated)
    x = _Inputs(
        *(u, delta, z, take(), take(), take(packed)),
        Params(take(), take(), take()),
        *(take(), take(), take()),
    )
    du, ddelta, dz = take(), take(), take(gated)
    d_a, d_d, d_bias, d_state = take(), take(), take(), take()
    out = _Outputs(du, ddelta, dz, d_a, take(), take(), d_d, d_bias, d_state)
    scratch = _Scratch(take(), take(), take(), take(), take(), take(), take(), tuple(left))
    chunk, tile = pl.program_id(1), pl.program_id(2)

    @pl.when(chunk == 0)
    def _start() -> None:
        out.A[0, :, tile] = jnp.zeros_like(out.A[0, :, tile])
        out.D[0, tile] = jnp.zeros_like(out.D[0, tile])
        out.delta_bias[0, tile] = jnp.zeros_like(out.delta_bias[0, tile])
        out.initial_state[0, :, tile] = x.dlast[0, :, 0]

    @pl.when(tile == 0)
    def _clear() -> None:
        def clear(at: jax.Array, carry: int) -> int:
            """All states of one position."""
            zeros = jnp.zeros((sizes.states, sizes.rows, LANES), jnp.float32)
            scratch.b_sums[pl.ds(at * sizes.states, sizes.states)] = zeros
            scratch.c_sums[pl.ds(at * sizes.states, sizes.states)] = zeros
            return carry

        jax.lax.fori_loop(0, sizes.steps, clear, 0)

    scratch.states[: sizes.states] = x.boundary[0, 0, :, 0]

    over_eighths(sizes, lambda k: _forward_eighth(k, x, out, scratch, sizes, softplus))
    last = sizes.steps // SUBLANES - 1
    over_eighths(
        sizes, lambda k: _backward_eighth(last - k, tile, x, out, scratch, sizes, softplus)
    )

    @pl.when(tile == sizes.tiles - 1)
    def _sum() -> None:
        for line in range(sizes.steps * sizes.states // LANES):
            out.B[0, 0, pl.ds(line, 1)] = _channel_sums(scratch.b_sums, line)
            out.C[0, 0, pl.ds(line, 1)] = _channel_sums(scratch.c_sums, line)


def _forward_eighth(
    k: jax.Array, x: _Inputs, out: _Outputs, scratch: _Scratch, sizes: Tiling, softplus: bool
) -> None:
    """Eight positions of the first pass: all states, what the second pass reads, and dz."""
    u_rows, delta_rows, z_rows, dy_rows, dz_rows = scratch.rows
    stage(x.u, k, u_rows)
    stage(x.delta, k, delta_rows)
    stage(x.dy, k, dy_rows)
    if x.z is not None:
        stage(x.z, k, z_rows)
    times = [k * SUBLANES + t for t in range(SUBLANES)]
    steps, drives = list[Any](), list[Any]()
    for t, time in enumerate(times):
        step, raw = read_step(delta_rows, t, x.params, softplus)
        u = position(u_rows, t)
        scratch.u[time], scratch.step[time] = u, step
        if raw is not None:
            # The logistic function by what is there already: exp(x - softplus(x)).
            scratch.slope[time] = jnp.exp(raw - step)
        drives.append(step * u)
        steps.append(decay_step(step, x.resets, time))

    def state(n: Any, sums: Sums | None) -> Sums:
        """One state at the eight positions, and its part of C h."""
        h, a = scratch.states[times[0] * sizes.states + n], x.params.A[n, 0]
        sums = [None] * SUBLANES if sums is None else list(sums)
        for t, time in enumerate(times):
            at = time * sizes.states + n
            h = jnp.exp2(steps[t] * a) * h + drives[t] * x.B[0, 0, 0, at]
            scratch.states[at + sizes.states] = h
            if x.z is not None:
                sums[t] = plus(sums[t], h * x.C[0, 0, 0, at])
        return sums

    sums = over_states(sizes, state, SUBLANES)
    for t, time in enumerate(times):
        dy = position(dy_rows, t)
        if x.z is not None:
            inner = sums[t] + x.params.D[0] * position(u_rows, t)
            z = position(z_rows, t)
            gate = sigmoid(z)
            put(dz_rows, t, dy * inner * gate * (1.0 + z * (1.0 - gate)))
            dy = dy * z * gate
        scratch.dy[time] = dy
    if x.z is not None:
        unstage(dz_rows, out.z, k)


def _backward_eighth(
    k: jax.Array,
    tile: jax.Array,
    x: _Inputs,
    out: _Outputs,
    scratch: _Scratch,
    sizes: Tiling,
    softplus: bool,
) -> None:
    """Eight positions of the second pass, from the last."""
    du_rows, ddelta_rows = scratch.rows[:2]
    times = [k * SUBLANES + t for t in range(SUBLANES)]
    dy = [scratch.dy[time] for time in times]
    true_steps = [scratch.step[time] for time in times]
    drives = [step * scratch.u[time] for step, time in zip(true_steps, times, strict=True)]
    steps = [decay_step(step, x.resets, t) for t, step in zip(times, true_steps, strict=True)]

    def state(n: Any, sums: Sums | None) -> Sums:
        """One state at the eight positions, and its part of the gradients of drives and steps."""
        a, q = x.params.A[n, 0], out.initial_state[0, n, tile]
        d_a = out.A[0, n, tile]
        h = scratch.states[(times[-1] + 1) * sizes.states + n]
        sums = [None] * 2 * SUBLANES if sums is None else list(sums)
        for t in reversed(range(SUBLANES)):
            at = times[t] * sizes.states + n
            g = dy[t] * x.C[0, 0, 0, at] + q
            q = jnp.exp2(steps[t] * a) * g
            scratch.c_sums[at] += h * dy[t]
            scratch.b_sums[at] += g * drives[t]
            h = scratch.states[at]
            w = q * h
            d_a = d_a + w * true_steps[t]
            sums[t] = plus(sums[t], g * x.B[0, 0, 0, at])
            sums[SUBLANES + t] = plus(sums[SUBLANES + t], w * a)
        out.A[0, n, tile], out.initial_state[0, n, tile] = d_a, q
        return sums

    both = over_states(sizes, state, 2 * SUBLANES)
    d_drive, d_step = both[:SUBLANES], both[SUBLANES:]
    d_d, d_bias = out.D[0, tile], out.delta_bias[0, tile]
    for t, time in enumerate(times):
        u = scratch.u[time]
        put(du_rows, t, d_drive[t] * true_steps[t] + x.params.D[0] * dy[t])
        # A stands here times log2(e).
        ddelta = d_drive[t] * u + d_step[t] * _LN_2
        if softplus:
            ddelta = ddelta * scratch.slope[time]
            d_bias = d_bias + ddelta
        put(ddelta_rows, t, ddelta)
        d_d = d_d + dy[t] * u
    out.D[0, tile], out.delta_bias[0, tile] = d_d, d_bias
    unstage(du_rows, out.u, k)
    unstage(ddelta_rows, out.delta, k)


def _channel_sums(scratch: Any, line: int) -> jax.Array:
    """float32[1, 128]: the sums over all channels of 128 of float32[M, S, 128]."""
    sums = [_row_sums(scratch, line * LANES + SUBLANES * k) for k in range(LANES // SUBLANES)]
    return jnp.concatenate(sums).T.sum(0, keepdims=True)


def _row_sums(scratch: Any, start: jax.Array | int) -> jax.Array:
    """float32[8, 128]: the sums over rows of eight of float32[M, S, 128], one per sublane."""
    if scratch.shape[1] != SUBLANES:
        return scratch[pl.ds(start, SUBLANES)].sum(1)
    # Eight registers are folded to one in three levels. At each, every sublane keeps one of two
    # results, and adds to it what a neighbour holds of it: one before it, two, then four, round
    # the register's end, so that the sublanes of each result are all met.
    parts = [scratch[start + k] for k in range(SUBLANES)]
    sublane = jax.lax.broadcasted_iota(jnp.int32, (SUBLANES, LANES), 0)
    for shift in (1, 2, 4):
        odd = (sublane & shift) > 0
        parts = [
            jnp.where(odd, b, a) + pltpu.roll(jnp.where(odd, a, b), shift, 0)
            for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]
