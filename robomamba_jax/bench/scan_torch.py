# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan's torch sides: transformers' own function, as a loop and with mambapy."""

from __future__ import annotations

from robomamba_jax.bench.records import ScanWork
from robomamba_jax.bench.scan_inputs import scan_inputs
from robomamba_jax.bench.worker import Workload


def build(side: str, case: ScanWork) -> Workload:
    """The same work as the JAX sides, on the GPU if torch sees one."""
    import torch
    from transformers.models.mamba.modeling_mamba import mamba_selective_scan

    device = "cuda" if torch.cuda.is_available() else "cpu"
    arrays = scan_inputs(case)
    for name in ("u", "delta", "B", "C", "z"):  # torch's kernels put time last
        arrays[name] = arrays[name].transpose(0, 2, 1)
    backward = case["kind"] == "backward"
    tensors = [
        torch.tensor(array, device=device, requires_grad=backward) for array in arrays.values()
    ]

    def run() -> None:
        """The scan, and the gradients of all inputs if they are measured."""
        with torch.set_grad_enabled(backward):
            y = mamba_selective_scan(
                *tensors, delta_softplus=True, use_mambapy=side == "transformers-mambapy"
            )
            if backward:
                torch.autograd.grad(y.square().sum(), tensors)
        if device == "cuda":
            # Kernels go on after the calls that start them have returned.
            torch.cuda.synchronize()

    return Workload(run, {"device": device})
