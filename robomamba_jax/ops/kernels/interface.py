# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a device's scan kernel is given and gives back.

A kernel computes the whole of the scan in one pass over its inputs, softplus, skip and gate
included:

    step_t = softplus(delta_t + delta_bias)                      or delta_t
    h_t    = (0 where a segment starts, else exp(step_t A)) h_{t-1} + step_t u_t B_t
    y_t    = (C_t . h_t + D u_t) silu(z_t)                       without silu(z_t) if z is None

in float32, whatever comes in. What is the same on every device (derivatives, padding, meshes)
stands in this folder's other files, so that an implementation is two functions on arrays.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import jax

BOUNDARY = 64
"""Positions between two states that the forward pass keeps for the backward pass."""
LANES = 128
"""I is a multiple of it: a TPU's vector register is 128 wide, a GPU's block 128 threads."""
MAX_STATES = 32
"""The largest N; smaller ones are multiples of 4."""


class KernelInputs(NamedTuple):
    """What a kernel reads: T a multiple of 64, I of 128, N of 4 and at most 32.

    Attributes:
      u: float32 or bfloat16[B, T, I].
      delta: float32 or bfloat16[B, T, I]. Where softplus is applied, -1e30 stands for a step of
        exactly 0 (padding): both softplus and its slope must be 0 there, and never NaN.
      A: float32[N, I], negative.
      B: float32[B, T, N].
      C: float32[B, T, N].
      D: float32[I].
      z: float32 or bfloat16[B, T, I], or None.
      delta_bias: float32[I]; neither read nor differentiated without softplus.
      resets: float32[B, T], 1 where a segment starts and 0 elsewhere; None = all 0.
      initial_state: float32[B, N, I].
    """

    u: jax.Array
    delta: jax.Array
    A: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array
    z: jax.Array | None
    delta_bias: jax.Array
    resets: jax.Array | None
    initial_state: jax.Array


class KernelOutputs(NamedTuple):
    """What a forward pass gives.

    Attributes:
      y: u's dtype[B, T, I].
      last: float32[B, N, I], the state after the last position.
      boundaries: float32[B, T / 64, N, I / 128, 128], the states before positions 0, 64, 128 and
        so on, before the reset that may stand there; None unless asked for.
    """

    y: jax.Array
    last: jax.Array
    boundaries: jax.Array | None


class KernelGradients(NamedTuple):
    """The cotangents of ``KernelInputs`` but for resets, by the same names.

    Attributes:
      u: u's dtype[B, T, I].
      delta: delta's dtype[B, T, I].
      A: float32[N, I], summed over rows.
      B: float32[B, T, N].
      C: float32[B, T, N].
      D: float32[I], summed over rows.
      z: z's dtype[B, T, I]; None without z.
      delta_bias: float32[I], summed over rows; zeros without softplus.
      initial_state: float32[B, N, I].
    """

    u: jax.Array
    delta: jax.Array
    A: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array
    z: jax.Array | None
    delta_bias: jax.Array
    initial_state: jax.Array


class ScanKernel(Protocol):
    """One device's kernel. Hashable and equal by value: it is a static argument under jit.

    Both functions are called where every array is one device's own, are traced under vmap and
    jax.checkpoint, and give the same bits for the same inputs, however often they are called.
    """

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        """y, the last state, and with ``keep_boundaries`` what the backward pass starts from."""
        ...

    def backward(
        self,
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
        *,
        softplus: bool,
    ) -> KernelGradients:
        """The gradients of <dy, y> + <dlast, last>.

        Args:
          inputs: those of the forward pass.
          boundaries: its boundaries.
          dy: u's dtype[B, T, I].
          dlast: float32[B, N, I].
          softplus: as in the forward pass.
        """
        ...
