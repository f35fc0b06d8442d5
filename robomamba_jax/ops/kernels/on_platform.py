# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel where its platform is, and the chunked scan where arrays lie elsewhere after all.

Scans are traced for the process's default backend; where the traced function then runs is decided
by where its arrays lie, which in a process with a TPU may be the CPU.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from dataclasses import dataclass
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp

from robomamba_jax.ops.kernels.interface import (
    BOUNDARY,
    LANES,
    KernelGradients,
    KernelInputs,
    KernelOutputs,
    ScanKernel,
)
from robomamba_jax.ops.kernels.reference import Results, reference, reference_gradients
from robomamba_jax.ops.scan_chunked import scan_chunked
from robomamba_jax.ops.scan_core import ScanInputs

_CHUNK = 8


@dataclass(frozen=True)
class OnPlatform:
    """``ScanKernel`` of any platform: another one on its own.

    Attributes:
      kernel: the other.
      platform: of jax's names, such as "tpu" or "cuda".
    """

    kernel: ScanKernel
    platform: str

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        """See ``ScanKernel``."""

        def chunked(inputs: KernelInputs) -> KernelOutputs:
            y, last = reference(inputs, softplus=softplus, method=_chunked)
            if not keep_boundaries:
                return KernelOutputs(y, last, None)
            # Of the right shape for the backward pass of the same platform, which reads none.
            batch, length, channels = inputs.u.shape
            shape = (batch, length // BOUNDARY, inputs.A.shape[0], channels // LANES, LANES)
            return KernelOutputs(y, last, jnp.zeros(shape, jnp.float32))

        kernel = partial(self.kernel.forward, softplus=softplus, keep_boundaries=keep_boundaries)
        branches = {self.platform: kernel}
        return cast(
            "KernelOutputs", jax.lax.platform_dependent(inputs, default=chunked, **branches)
        )

    def backward(
        self,
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
        *,
        softplus: bool,
    ) -> KernelGradients:
        """See ``ScanKernel``."""

        def chunked(
            inputs: KernelInputs, boundaries: jax.Array, dy: jax.Array, dlast: jax.Array
        ) -> KernelGradients:
            del boundaries
            return reference_gradients(inputs, dy, dlast, softplus=softplus, method=_chunked)

        branches = {self.platform: partial(self.kernel.backward, softplus=softplus)}
        return cast(
            "KernelGradients",
            jax.lax.platform_dependent(inputs, boundaries, dy, dlast, default=chunked, **branches),
        )


def _chunked(inputs: ScanInputs) -> Results:
    return scan_chunked(inputs, _CHUNK)
