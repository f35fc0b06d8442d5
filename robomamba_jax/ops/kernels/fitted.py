# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scans of any size by a kernel that takes only some: padding, and padding off again."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.ops.kernels.differentiable import Setting, scan_by_kernel
from robomamba_jax.ops.kernels.interface import BOUNDARY, LANES, KernelInputs, ScanKernel
from robomamba_jax.ops.kernels.partition import context_partition

NO_STEP = -1e30
"""A delta whose softplus is exactly 0, whatever the bias; bfloat16 has it, too."""
_STATES = 4


class _Sizes(NamedTuple):
    """T, N and I as a kernel takes them."""

    length: int
    states: int
    channels: int


def scan_of_any_size(
    kernel: ScanKernel, inputs: KernelInputs, *, softplus: bool
) -> tuple[jax.Array, jax.Array]:
    """The scan by a kernel, of any T and I, and N up to 32; differentiable.

    Args:
      kernel: the device's.
      inputs: as a kernel takes them, but for their sizes.
      softplus: whether the step is the softplus of delta + delta_bias.

    Returns:
      y, u's dtype[B, T, I], and the last state float32[B, N, I].
    """
    batch, length, channels = inputs.u.shape
    states = inputs.A.shape[0]
    partition = context_partition(batch, channels)
    sizes = _Sizes(
        _up(length, BOUNDARY),
        _up(states, _STATES),
        # So that each device's part is a multiple of 128.
        partition.pieces * _up(channels // partition.pieces, LANES),
    )
    setting = Setting(kernel, softplus, partition)
    y, last = scan_by_kernel(setting, _padded(inputs, sizes, softplus))
    return y[:, :length, :channels], last[:, :states, :channels]


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _padded(inputs: KernelInputs, sizes: _Sizes, softplus: bool) -> KernelInputs:
    """Steps of 0 behind the last position, and channels and states in which nothing happens."""

    def pad(x: jax.Array, like: str, value: float = 0.0) -> jax.Array:
        """To the sizes of its axes: T, N or I; any other letter stays."""
        to = {"T": sizes.length, "N": sizes.states, "I": sizes.channels}
        widths = [(0, to.get(axis, size) - size) for axis, size in zip(like, x.shape, strict=True)]
        if not any(width for _, width in widths):
            return x
        return jnp.pad(x, widths, constant_values=value)

    return KernelInputs(
        u=pad(inputs.u, "BTI"),
        delta=pad(inputs.delta, "BTI", NO_STEP if softplus else 0.0),
        # Any negative number: it multiplies steps of 0 or a state of 0.
        A=pad(inputs.A, "NI", -1.0),
        B=pad(inputs.B, "BTN"),
        C=pad(inputs.C, "BTN"),
        D=pad(inputs.D, "I"),
        z=None if inputs.z is None else pad(inputs.z, "BTI"),
        delta_bias=pad(inputs.delta_bias, "I"),
        resets=None if inputs.resets is None else pad(inputs.resets, "BT"),
        initial_state=pad(inputs.initial_state, "BNI"),
    )
