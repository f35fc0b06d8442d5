# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scans of torch on the same GPU: mamba_ssm's CUDA kernel, and mambapy's through transformers."""

from __future__ import annotations

import importlib.util
from typing import Any

from robomamba_jax.bench.device.timing import forward_and_backward
from robomamba_jax.bench.records import DeviceScanWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.errors import InputError

_FIX = "install it for this machine's CUDA, or do without"


def build(side: str, case: DeviceScanWork) -> Workload:
    """ "torch-mamba-ssm" or "torch-mambapy-scan".

    Raises:
      InputError: its package is missing, or torch sees no GPU and this is no rehearsal.
    """
    package = "mamba_ssm" if side == "torch-mamba-ssm" else "mambapy"
    for name in ("torch", package):
        if importlib.util.find_spec(name) is None:
            raise InputError("missing_package", f"{name} is not installed", _FIX)
    import torch

    cuda = torch.cuda.is_available()
    if not cuda and not case["rehearse"]:
        raise InputError("no_accelerator", "torch sees no CUDA device", _FIX)
    device = "cuda" if cuda else "cpu"
    tensors = _inputs(torch, case, device)
    dy = tensors.pop("dy")
    if package == "mamba_ssm":
        # Built for one CUDA and one torch: nobody's environment here has it.
        from mamba_ssm.ops.selective_scan_interface import (  # pyright: ignore[reportMissingImports]
            selective_scan_fn,
        )

        def scan() -> Any:
            return selective_scan_fn(**tensors, delta_softplus=True)
    else:
        from transformers.models.mamba.modeling_mamba import mamba_selective_scan

        def scan() -> Any:
            return mamba_selective_scan(*tensors.values(), delta_softplus=True, use_mambapy=True)

    calls = case["calls"]

    def forward() -> None:
        with torch.no_grad():
            for _ in range(calls):
                scan()
        _wait(torch, cuda)

    def both() -> None:
        for _ in range(calls):
            torch.autograd.grad(scan(), list(tensors.values()), dy)
        _wait(torch, cuda)

    return forward_and_backward(forward, both, calls, {"device": device})


def _wait(torch: Any, cuda: bool) -> None:
    """Kernels go on after the calls that start them have returned."""
    if cuda:
        torch.cuda.synchronize()


def _inputs(torch: Any, case: DeviceScanWork, device: str) -> dict[str, Any]:
    """As ours, time last, in the order of both functions' parameters."""
    B, T, I, N = (case["batch"], case["length"], case["inner"], case["state"])
    made = torch.Generator(device).manual_seed(0)
    narrow = getattr(torch, case["dtype"])

    def normal(*sizes: int) -> Any:
        return torch.randn(sizes, generator=made, device=device).to(narrow)

    step = torch.empty(B, I, T, device=device).uniform_(-6.9, -2.3, generator=made).exp()
    tensors = {
        "u": normal(B, I, T),
        # mamba_ssm's kernel wants delta in u's dtype.
        "delta": (step + torch.log(-torch.expm1(-step))).to(narrow),
        "A": -torch.arange(1.0, N + 1, device=device).repeat(I, 1),
        "B": normal(B, N, T),
        "C": normal(B, N, T),
        "D": torch.ones(I, device=device),
        "z": normal(B, I, T),
        "delta_bias": torch.zeros(I, device=device),
    }
    tensors = {name: x.requires_grad_() for name, x in tensors.items()}
    # y comes out like u from the one, and time-last from the other, too.
    return {**tensors, "dy": normal(B, I, T)}
