# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The TPU kernel's forward pass, in Pallas.

The grid walks over rows, tiles of channels and chunks of time, the last in order: the state stays
in on-chip memory from chunk to chunk. A chunk is computed 8 positions at a time. Within these, the
loop over states is outside and the one over positions inside, both unrolled: only one state is
alive at any moment, and nothing is spilled.
"""

from __future__ import annotations

# Pallas leaves the types of a kernel's references open, and the paper's matrices have upper-case
# names.
# pyright: basic
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

from robomamba_jax.ops.kernels.interface import LANES, KernelInputs, KernelOutputs
from robomamba_jax.ops.kernels.pallas_layout import (
    LOG2_E,
    SUBLANES,
    Tiling,
    by_chunks,
    by_rows,
    by_tiles,
    from_tiles,
    over_eighths,
    over_states,
    plus,
)

Sums = list[Any]
"""One float32[S, 128] for each of eight positions."""
FORGET = 1e30
"""A step so long that exp2(step A) is exactly 0: a reset costs one select per position instead of
one per state, and its gradients are finite numbers times 0."""


class Params(NamedTuple):
    """What does not vary in time, float32 on-chip: A log2(e) [N, 1, S, 128], D and the step's
    bias [1, S, 128]."""

    A: Any
    D: Any
    bias: Any


def stable_softplus(x: jax.Array) -> jax.Array:
    """log(1 + exp(x)); 0 at -1e30."""
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def sigmoid(x: jax.Array) -> jax.Array:
    """1 / (1 + exp(-x)) by two exponentials and a logarithm, which a TPU has a unit for; a division
    costs a dozen operations of the unit that the scan waits for. Relative error 1e-6 at -30."""
    return jnp.exp2(jnp.log(1.0 + jnp.exp2(x * -LOG2_E)) * -LOG2_E)


def stage(ref: Any, eighth: jax.Array, scratch: Any) -> None:
    """Eight positions of a block [1, steps / 8, S, 8, 128] as float32 rows [8 S, 128].

    Position t of all rows is then a read of every eighth row, which costs nothing; taking it out of
    a value would cost a load and a select per sublane.
    """
    block = ref[0, eighth].astype(jnp.float32)
    scratch[...] = block.reshape(scratch.shape)


def position(scratch: Any, t: int) -> jax.Array:
    """float32[S, 128], the t-th position of what :func:`stage` wrote."""
    return scratch[pl.ds(t, scratch.shape[0] // SUBLANES, stride=SUBLANES), :]


def put(scratch: Any, t: int, value: jax.Array) -> None:
    """The inverse of :func:`position`."""
    scratch[pl.ds(t, scratch.shape[0] // SUBLANES, stride=SUBLANES), :] = value


def unstage(scratch: Any, ref: Any, eighth: jax.Array) -> None:
    """The inverse of :func:`stage`."""
    shape = (scratch.shape[0] // SUBLANES, SUBLANES, LANES)
    ref[0, eighth] = scratch[...].reshape(shape).astype(ref.dtype)


def decay_step(step: jax.Array, resets: Any, t: jax.Array) -> jax.Array:
    """The step that the decay is computed with."""
    return step if resets is None else jnp.where(resets[0, 0, 0, t] > 0, FORGET, step)


def run_forward(
    inputs: KernelInputs,
    sizes: Tiling,
    *,
    softplus: bool,
    keep_boundaries: bool,
    interpret: Any,
    vmem_limit: int,
) -> KernelOutputs:
    """See ``ScanKernel.forward``; boundaries come as float32[B, chunks, N, I / 128, 128]."""
    operands, specs = forward_operands(inputs, sizes, lambda b, i, k: (b, k, i))
    blocks = sequence_spec(sizes, lambda b, i, k: (b, k, i))
    state = (1, sizes.states, 1, sizes.rows, LANES)
    operands.append(by_rows(inputs.initial_state, sizes))
    state_spec = pl.BlockSpec(state, lambda b, i, k: (b, 0, i, 0, 0))
    specs.append(state_spec)
    out = [jax.ShapeDtypeStruct(operands[0].shape, inputs.u.dtype)]
    out_specs = [blocks]
    shape = (sizes.states, sizes.tiles, sizes.rows, LANES)
    out.append(jax.ShapeDtypeStruct((sizes.batch, *shape), jnp.float32))
    out_specs.append(state_spec)
    if keep_boundaries:
        out.append(jax.ShapeDtypeStruct((sizes.batch, sizes.chunks, *shape), jnp.float32))
        out_specs.append(pl.BlockSpec((1, *state), lambda b, i, k: (b, k, 0, i, 0, 0)))
    staged = pltpu.VMEM((sizes.rows * SUBLANES, LANES), jnp.float32)
    results = pl.pallas_call(
        partial(
            _forward_kernel,
            sizes=sizes,
            gated=inputs.z is not None,
            packed=inputs.resets is not None,
            softplus=softplus,
            keep=keep_boundaries,
        ),
        grid=(sizes.batch, sizes.tiles, sizes.chunks),
        in_specs=specs,
        out_specs=out_specs,
        out_shape=out,
        scratch_shapes=[
            pltpu.VMEM((sizes.states, sizes.rows, LANES), jnp.float32),
            *[staged] * 4,
        ],
        compiler_params=pltpu.CompilerParams(
            dimension_semantics=("parallel", "parallel", "arbitrary"),
            vmem_limit_bytes=vmem_limit,
        ),
        interpret=interpret,
        name="mamba_scan_fwd",
    )(*operands)
    y, last, *boundaries = results
    whole = (sizes.batch, sizes.states, -1)
    kept = boundaries[0] if keep_boundaries else None
    if kept is not None:
        kept = kept.reshape(sizes.batch, sizes.chunks, sizes.states, -1, LANES)
    return KernelOutputs(from_tiles(y), last.reshape(whole), kept)


def sequence_spec(sizes: Tiling, place: Any) -> Any:
    """The block of an array [B, T / 8, I / 128, 8, 128] that one step of the grid sees."""
    shape = (1, sizes.steps // SUBLANES, sizes.rows, SUBLANES, LANES)
    return pl.BlockSpec(shape, lambda *at: (*place(*at), 0, 0))


def forward_operands(
    inputs: KernelInputs, sizes: Tiling, place: Any
) -> tuple[list[jax.Array], list[Any]]:
    """u, delta, (z), B, C, (resets), A, D, bias, with their blocks.

    Args:
      inputs: of the kernel.
      sizes: their tiling.
      place: grid indices -> (row, chunk, tile).
    """
    sequence = sequence_spec(sizes, place)

    def scalars(width: int) -> Any:
        """Of a chunk, in scalar memory: a register is multiplied by one of them at a time."""
        return pl.BlockSpec(
            (1, 1, 1, width),
            lambda *at: (*place(*at)[:2], 0, 0),
            memory_space=pltpu.SMEM,
        )

    def constant(*leading: int) -> Any:
        """A tile's part of what does not vary in time."""
        return pl.BlockSpec(
            (*leading, 1, sizes.rows, LANES),
            lambda *at: (*(0 for _ in leading), place(*at)[2], 0, 0),
        )

    operands = [by_tiles(inputs.u), by_tiles(inputs.delta)]
    specs = [sequence, sequence]
    if inputs.z is not None:
        operands.append(by_tiles(inputs.z))
        specs.append(sequence)
    for matrix in (inputs.B, inputs.C):
        operands.append(by_chunks(matrix, sizes))
        specs.append(scalars(sizes.steps * sizes.states))
    if inputs.resets is not None:
        operands.append(by_chunks(inputs.resets[..., None], sizes))
        specs.append(scalars(sizes.steps))
    # By log2(e), since a TPU has exp2: exp(x) would multiply for each state and position.
    operands.append(by_rows(inputs.A * LOG2_E, sizes))
    operands += [by_rows(inputs.D, sizes), by_rows(inputs.delta_bias, sizes)]
    specs += [constant(sizes.states), constant(), constant()]
    return operands, specs


def _forward_kernel(
    *refs: Any, sizes: Tiling, gated: bool, packed: bool, softplus: bool, keep: bool
) -> None:
    """One chunk of one tile of one row."""
    refs_left = iter(refs)
    u_ref, delta_ref = next(refs_left), next(refs_left)
    z_ref = next(refs_left) if gated else None
    b_ref, c_ref = next(refs_left), next(refs_left)
    resets = next(refs_left) if packed else None
    params = Params(next(refs_left), next(refs_left), next(refs_left))
    first, y_ref, last_ref = next(refs_left), next(refs_left), next(refs_left)
    kept = next(refs_left) if keep else None
    h_ref, u_rows, delta_rows, z_rows, y_rows = refs_left

    @pl.when(pl.program_id(2) == 0)
    def _start() -> None:
        h_ref[...] = first[0, :, 0]

    if kept is not None:
        kept[0, 0, :, 0] = h_ref[...]

    def eighth(k: jax.Array) -> None:
        """Eight positions."""
        stage(u_ref, k, u_rows)
        stage(delta_ref, k, delta_rows)
        if z_ref is not None:
            stage(z_ref, k, z_rows)
        times = [k * SUBLANES + t for t in range(SUBLANES)]
        steps = [read_step(delta_rows, t, params, softplus)[0] for t in range(SUBLANES)]
        drives = [step * position(u_rows, t) for t, step in enumerate(steps)]
        steps = [decay_step(step, resets, t) for t, step in zip(times, steps, strict=True)]

        def state(n: Any, sums: Sums | None) -> Sums:
            """One state at the eight positions, and its part of C h."""
            h, a = h_ref[n], params.A[n, 0]
            sums = [None] * SUBLANES if sums is None else list(sums)
            for t in range(SUBLANES):
                at = times[t] * sizes.states + n
                h = jnp.exp2(steps[t] * a) * h + drives[t] * b_ref[0, 0, 0, at]
                sums[t] = plus(sums[t], h * c_ref[0, 0, 0, at])
            h_ref[n] = h
            return sums

        sums = over_states(sizes, state, SUBLANES)
        for t in range(SUBLANES):
            y = sums[t] + params.D[0] * position(u_rows, t)
            if z_ref is not None:
                z = position(z_rows, t)
                y = y * z * sigmoid(z)
            put(y_rows, t, y)
        unstage(y_rows, y_ref, k)

    over_eighths(sizes, eighth)

    @pl.when(pl.program_id(2) == sizes.chunks - 1)
    def _finish() -> None:
        last_ref[0, :, 0] = h_ref[...]


def read_step(
    delta_rows: Any, t: int, params: Params, softplus: bool
) -> tuple[jax.Array, jax.Array | None]:
    """The step at a staged position and, with softplus, what it is the softplus of."""
    raw = position(delta_rows, t)
    if not softplus:
        return raw, None
    raw = raw + params.bias[0]
    return stable_softplus(raw), raw
