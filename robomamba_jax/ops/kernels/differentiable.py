# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A device's kernel as a function that jax can differentiate.

Reverse mode runs the kernel's own backward pass, from the states that its forward pass has kept.
What that backward pass computes can be differentiated again, in either mode, through the
associative scan: rare, so nobody writes a kernel for it. Forward mode over the scan itself needs
``method="associative"``, as it does with the chunked scan.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp

from robomamba_jax.ops.kernels.interface import (
    KernelGradients,
    KernelInputs,
    KernelOutputs,
    ScanKernel,
)
from robomamba_jax.ops.kernels.partition import Partition
from robomamba_jax.ops.kernels.reference import Results, reference, reference_gradients


class Setting(NamedTuple):
    """What is fixed when a scan is traced.

    Attributes:
      kernel: the device's.
      softplus: whether the step is the softplus of delta + delta_bias.
      partition: over which axes of a mesh arrays are split that the kernel must see whole.
    """

    kernel: ScanKernel
    softplus: bool
    partition: Partition


class _Adjoint(NamedTuple):
    """What the backward pass reads: the forward pass' inputs and boundaries, and the cotangents."""

    inputs: KernelInputs
    boundaries: jax.Array
    dy: jax.Array
    dlast: jax.Array


def scan_by_kernel(setting: Setting, inputs: KernelInputs) -> Results:
    """The scan by a kernel: y, u's dtype[B, T, I], and the last state float32[B, N, I].

    Differentiable in reverse mode, also twice and forward over reverse.

    Args:
      setting: static.
      inputs: of sizes that a kernel takes.
    """
    return cast("Results", _scan(setting, inputs))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _scan(setting: Setting, inputs: KernelInputs) -> Results:
    """The forward pass that keeps nothing, and the one that does where a gradient is asked for."""
    out = _run(setting, inputs, keep_boundaries=False)
    return out.y, out.last


def _scan_fwd(
    setting: Setting, inputs: KernelInputs
) -> tuple[Results, tuple[KernelInputs, jax.Array]]:
    out = _keeping(setting, inputs)
    assert out.boundaries is not None
    return (out.y, out.last), (inputs, out.boundaries)


def _scan_bwd(
    setting: Setting, residuals: tuple[KernelInputs, jax.Array], cotangents: Results
) -> tuple[KernelInputs]:
    inputs, boundaries = residuals
    grads = _gradients(setting, _Adjoint(inputs, boundaries, *cotangents))
    resets = None if inputs.resets is None else jnp.zeros_like(inputs.resets)
    return (KernelInputs(**grads._asdict(), resets=resets),)


_scan.defvjp(_scan_fwd, _scan_bwd)


def _run(setting: Setting, inputs: KernelInputs, keep_boundaries: bool) -> KernelOutputs:
    def forward(inputs: KernelInputs) -> KernelOutputs:
        return setting.kernel.forward(
            inputs, softplus=setting.softplus, keep_boundaries=keep_boundaries
        )

    return setting.partition.forward(forward, inputs, keep_boundaries)


# Second derivatives go through the two functions below: whoever differentiates a gradient
# differentiates what computed it, the residuals as well as the backward pass.


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _keeping(setting: Setting, inputs: KernelInputs) -> KernelOutputs:
    """The forward pass that keeps its boundaries."""
    return _run(setting, inputs, keep_boundaries=True)


@_keeping.defjvp
def _keeping_jvp(
    setting: Setting, primals: tuple[KernelInputs], tangents: tuple[KernelInputs]
) -> tuple[KernelOutputs, KernelOutputs]:
    out = _keeping(setting, *primals)
    plain = partial(reference, softplus=setting.softplus)
    _, (y, last) = jax.jvp(plain, primals, tangents)
    assert out.boundaries is not None
    # What boundaries depend on is in the inputs, too, and ``_gradients_jvp`` takes it from there.
    return out, KernelOutputs(y, last, jnp.zeros_like(out.boundaries))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _gradients(setting: Setting, adjoint: _Adjoint) -> KernelGradients:
    """The backward pass."""

    def backward(
        inputs: KernelInputs, boundaries: jax.Array, dy: jax.Array, dlast: jax.Array
    ) -> KernelGradients:
        return setting.kernel.backward(inputs, boundaries, dy, dlast, softplus=setting.softplus)

    return setting.partition.backward(backward, *adjoint)


@_gradients.defjvp
def _gradients_jvp(
    setting: Setting, primals: tuple[_Adjoint], tangents: tuple[_Adjoint]
) -> tuple[KernelGradients, KernelGradients]:
    plain = partial(reference_gradients, softplus=setting.softplus)

    def without_boundaries(adjoint: _Adjoint) -> tuple[KernelInputs, jax.Array, jax.Array]:
        return adjoint.inputs, adjoint.dy, adjoint.dlast

    _, tangent = jax.jvp(plain, without_boundaries(*primals), without_boundaries(*tangents))
    return _gradients(setting, *primals), tangent
