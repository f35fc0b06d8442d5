# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a kernel computes, from operations that jax differentiates as often as it is asked to."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from collections.abc import Callable

import jax
import jax.numpy as jnp

from robomamba_jax.ops.kernels.interface import KernelGradients, KernelInputs
from robomamba_jax.ops.scan_core import ScanInputs, scan_associative

Results = tuple[jax.Array, jax.Array]
"""y, u's dtype[B, T, I], and the last state float32[B, N, I]."""
Method = Callable[[ScanInputs], Results]


def reference(
    inputs: KernelInputs, *, softplus: bool, method: Method = scan_associative
) -> Results:
    """``ScanKernel.forward`` by one of the methods of ``scan_core``."""
    step = inputs.delta.astype(jnp.float32)
    if softplus:
        step = jax.nn.softplus(step + inputs.delta_bias)
    y, last = method(
        ScanInputs(
            u=inputs.u,
            delta=step,
            A=inputs.A,
            B=inputs.B,
            C=inputs.C,
            keep_mask=None if inputs.resets is None else 1.0 - inputs.resets,
            initial_state=inputs.initial_state,
        )
    )
    y = y + inputs.D * inputs.u.astype(jnp.float32)
    if inputs.z is not None:
        y = y * jax.nn.silu(inputs.z.astype(jnp.float32))
    return y.astype(inputs.u.dtype), last


def reference_gradients(
    inputs: KernelInputs,
    dy: jax.Array,
    dlast: jax.Array,
    *,
    softplus: bool,
    method: Method = scan_associative,
) -> KernelGradients:
    """``ScanKernel.backward``, the same way."""

    def scan(inputs: KernelInputs) -> Results:
        return reference(inputs, softplus=softplus, method=method)

    _, vjp = jax.vjp(scan, inputs)
    (grads,) = vjp((dy, dlast))
    return KernelGradients(*(getattr(grads, name) for name in KernelGradients._fields))
