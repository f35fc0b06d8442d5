# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels for the tests: the TPU's, interpreted, and a plain one that is compiled in no time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.ops.kernels.interface import (
    BOUNDARY,
    LANES,
    MAX_STATES,
    KernelGradients,
    KernelInputs,
    KernelOutputs,
    ScanKernel,
)
from robomamba_jax.ops.kernels.reference import reference, reference_gradients
from robomamba_jax.ops.kernels.scan_pallas import PallasKernel

INTERPRETED = PallasKernel(interpret=True)


@dataclass(frozen=True)
class PlainKernel:
    """``ScanKernel`` by the associative scan, which holds its caller to what the interface says.

    Its forward pass hides the state from jax's differentiation, as a real kernel does, so that who
    differentiates through it by mistake is wrong, too.
    """

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        _check(inputs)
        inputs = jax.lax.stop_gradient(inputs)
        y, last = reference(inputs, softplus=softplus)
        batch, length, channels = inputs.u.shape
        shape = (batch, length // BOUNDARY, inputs.A.shape[0], channels // LANES, LANES)
        kept = jnp.full(shape, 7.0) if keep_boundaries else None
        return KernelOutputs(y, last, kept)

    def backward(
        self,
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
        *,
        softplus: bool,
    ) -> KernelGradients:
        _check(inputs)
        batch, length, channels = inputs.u.shape
        states = inputs.A.shape[0]
        assert boundaries.shape == (batch, length // BOUNDARY, states, channels // LANES, LANES)
        assert (dy.dtype, dlast.dtype) == (inputs.u.dtype, jnp.float32)
        arguments = jax.lax.stop_gradient((inputs, dy, dlast))
        return reference_gradients(*arguments, softplus=softplus)


def _check(inputs: KernelInputs) -> None:
    """Sizes and dtypes as the interface has them."""
    (batch, length, channels), states = inputs.u.shape, inputs.A.shape[0]
    assert length % BOUNDARY == channels % LANES == states % 4 == 0
    assert states <= MAX_STATES
    shapes = {
        "u": (batch, length, channels),
        "delta": (batch, length, channels),
        "A": (states, channels),
        "B": (batch, length, states),
        "C": (batch, length, states),
        "D": (channels,),
        "z": (batch, length, channels),
        "delta_bias": (channels,),
        "resets": (batch, length),
        "initial_state": (batch, states, channels),
    }
    for name, shape in shapes.items():
        array = getattr(inputs, name)
        if array is None:
            assert name in ("z", "resets")
            continue
        assert array.shape == shape, name
        wide = (jnp.float32, jnp.bfloat16) if name in ("u", "delta", "z") else (jnp.float32,)
        assert array.dtype in wide, name


def kernel_vjp(kernel: ScanKernel, softplus: bool = True) -> Callable[..., Any]:
    """``(floats, ids and mask, dy, dlast) -> ((y, last), gradients)`` by a kernel, in one jit."""

    @jax.jit
    def run(floats, structure, dy, dlast):
        def scan(floats):
            return selective_scan(
                **floats,
                **structure,
                delta_softplus=softplus,
                method="kernel",
                return_final_state=True,
            )

        with kernel_instead(kernel):
            results, vjp = jax.vjp(scan, floats)
            return results, vjp((dy, dlast))[0]

    return lambda *args: jax.tree.map(np.asarray, run(*args))
