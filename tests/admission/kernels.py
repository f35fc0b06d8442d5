# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels with one planted fault each, and the sizes at which an interpreted one is tested."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from robomamba_jax.admission.self_test import Sizes
from robomamba_jax.ops.kernels.interface import KernelGradients, KernelInputs, KernelOutputs
from robomamba_jax.ops.kernels.scan_pallas import PallasKernel
from tests.ops.kernels.kernels import INTERPRETED

CHECKED, TIMED = Sizes(2, 70, 128, 2), Sizes(1, 64, 128, 2)


@dataclass(frozen=True)
class Faulty(PallasKernel):
    """The TPU's kernel with a fault: "sign", the state decays the wrong way; "drive", it is driven
    the wrong way; "reset", none is seen in the forward pass; "reset behind", none in the backward
    pass; "last", what reaches the last state is forgotten; "noise", no two calls agree in their
    last bits."""

    fault: str = ""

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        if self.fault == "sign":
            inputs = inputs._replace(A=-inputs.A)
        if self.fault == "drive":
            inputs = inputs._replace(B=-inputs.B)
        if self.fault == "reset" and inputs.resets is not None:
            inputs = inputs._replace(resets=jnp.zeros_like(inputs.resets))
        out = super().forward(inputs, softplus=softplus, keep_boundaries=keep_boundaries)
        return out._replace(y=_noisy(out.y)) if self.fault == "noise" else out

    def backward(
        self,
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
        *,
        softplus: bool,
    ) -> KernelGradients:
        if self.fault == "reset behind" and inputs.resets is not None:
            inputs = inputs._replace(resets=jnp.zeros_like(inputs.resets))
        if self.fault == "last":
            dlast = jnp.zeros_like(dlast)
        return super().backward(inputs, boundaries, dy, dlast, softplus=softplus)


def faulty(fault: str) -> Faulty:
    """An interpreted one."""
    return replace(Faulty(interpret=INTERPRETED.interpret), fault=fault)


_CALLS = itertools.count()


def _noisy(y: jax.Array) -> jax.Array:
    """Other last bits at every call."""

    def number() -> Any:
        return np.float32(1 + 2**-22 * (next(_CALLS) % 2))

    return y * io_callback(number, jax.ShapeDtypeStruct((), jnp.float32))
