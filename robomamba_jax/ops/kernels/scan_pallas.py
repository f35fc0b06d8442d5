# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan kernel of TPUs, in Pallas: compiled by Mosaic, or interpreted on any device.

The scan is bound by a TPU's vector unit. XLA's own program for the chunked form computes each level
of an associative scan on its own and sends it through memory; this one computes 8 operations per
state and position, forward, and about 34 backward, and reads and writes each array once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from robomamba_jax.ops.kernels.interface import (
    BOUNDARY,
    KernelGradients,
    KernelInputs,
    KernelOutputs,
)
from robomamba_jax.ops.kernels.pallas_backward import run_backward
from robomamba_jax.ops.kernels.pallas_forward import run_forward
from robomamba_jax.ops.kernels.pallas_layout import Tiling, tiling

VMEM_LIMIT = 48 * 2**20
"""Bytes of on-chip memory that a kernel may take; all TPUs but v4 have 64 MiB or more."""


@dataclass(frozen=True)
class PallasKernel:
    """``ScanKernel`` of TPUs.

    Attributes:
      steps: positions of a chunk, between two kept states: 64, or 32 where on-chip memory is small.
      interpret: False compiles for a TPU; True, or Pallas' own settings, runs anywhere, slowly.
      vmem_limit: bytes of on-chip memory.
    """

    steps: int = BOUNDARY
    interpret: Any = False
    vmem_limit: int = VMEM_LIMIT

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        """See ``ScanKernel``."""
        return run_forward(
            inputs,
            self._tiling(inputs),
            softplus=softplus,
            keep_boundaries=keep_boundaries,
            interpret=self.interpret,
            vmem_limit=self.vmem_limit,
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
        return run_backward(
            inputs,
            boundaries,
            dy,
            dlast,
            self._tiling(inputs),
            softplus=softplus,
            interpret=self.interpret,
            vmem_limit=self.vmem_limit,
        )

    def _tiling(self, inputs: KernelInputs) -> Tiling:
        return tiling(inputs, self.steps, unrolled=not self.interpret)
