# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel on a mesh of devices: each runs it on the rows and channels that it holds.

The compiler cannot split a kernel. Where it is to decide how arrays lie (axes of type Auto), it
would put them together on every device, or refuse; so those axes are taken over here. Rows and
channels are independent of each other in the scan but for sums: dB and dC are summed over channels,
dA, dD and the gradient of the bias over rows.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as Spec

from robomamba_jax.ops.kernels.interface import KernelGradients, KernelInputs, KernelOutputs

# As `models.sharding` splits a mixer: its rows over these axes, its channels over that one.
ROW_AXES = ("data", "fsdp")
CHANNEL_AXIS = "tensor"


class Partition(NamedTuple):
    """Which axes of the context's mesh the kernel is called under.

    Attributes:
      axes: all that the compiler has; none where there is no mesh, or no such axis in it.
      rows: those of them over which rows are split.
      channels: those over which channels are split: one or none.
      pieces: into how many pieces channels are split.
    """

    axes: tuple[str, ...]
    rows: tuple[str, ...]
    channels: tuple[str, ...]
    pieces: int

    def forward(
        self,
        function: Callable[[KernelInputs], KernelOutputs],
        inputs: KernelInputs,
        keep_boundaries: bool,
    ) -> KernelOutputs:
        """``function(inputs)``, on each device with its part."""
        if not self.axes:
            return function(inputs)
        kept = self._kept if keep_boundaries else None
        out: Any = KernelOutputs(self._sequence, self._states, kept)
        return jax.shard_map(
            function,
            in_specs=(self._inputs(inputs),),
            out_specs=out,
            axis_names=set(self.axes),
            check_vma=False,
        )(inputs)

    def backward(
        self,
        function: Callable[[KernelInputs, jax.Array, jax.Array, jax.Array], KernelGradients],
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
    ) -> KernelGradients:
        """``function(...)``, on each device with its part, and the sums over devices."""
        if not self.axes:
            return function(inputs, boundaries, dy, dlast)

        def summed(
            *parts: *tuple[KernelInputs, jax.Array, jax.Array, jax.Array],
        ) -> KernelGradients:
            grads = function(*parts)
            return grads._replace(
                A=_psum(grads.A, self.rows),
                B=_psum(grads.B, self.channels),
                C=_psum(grads.C, self.channels),
                D=_psum(grads.D, self.rows),
                delta_bias=_psum(grads.delta_bias, self.rows),
            )

        specs = self._inputs(inputs)
        return jax.shard_map(
            summed,
            in_specs=(specs, self._kept, self._sequence, self._states),
            out_specs=KernelGradients(*(getattr(specs, n) for n in KernelGradients._fields)),
            axis_names=set(self.axes),
            check_vma=False,
        )(inputs, boundaries, dy, dlast)

    def _inputs(self, inputs: KernelInputs) -> Any:
        """Where the kernel's arguments lie."""
        per_position: Any = Spec(self.rows)
        matrix: Any = Spec(None, self.channels)
        vector: Any = Spec(self.channels)
        return KernelInputs(
            u=self._sequence,
            delta=self._sequence,
            A=matrix,
            B=per_position,
            C=per_position,
            D=vector,
            z=None if inputs.z is None else self._sequence,
            delta_bias=vector,
            resets=None if inputs.resets is None else per_position,
            initial_state=self._states,
        )

    @property
    def _sequence(self) -> Any:
        return Spec(self.rows, None, self.channels)

    @property
    def _states(self) -> Any:
        return Spec(self.rows, None, self.channels)

    @property
    def _kept(self) -> Any:
        return Spec(self.rows, None, None, self.channels)


def context_partition(rows: int, channels: int) -> Partition:
    """How the mesh of the context splits a scan.

    Args:
      rows: B.
      channels: I. Where the channels' axis does not divide I, or the rows' axes B, every device
        along it computes all of them.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty:
        return Partition((), (), (), 1)
    sizes = dict(mesh.shape)
    kinds = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    axes = tuple(name for name, kind in kinds.items() if kind != AxisType.Manual)
    over = tuple(name for name in ROW_AXES if name in axes)
    if rows % math.prod(sizes[name] for name in over):
        over = ()
    split = CHANNEL_AXIS in axes and channels % sizes[CHANNEL_AXIS] == 0
    return Partition(
        axes, over, (CHANNEL_AXIS,) if split else (), sizes[CHANNEL_AXIS] if split else 1
    )


def _psum(x: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    return jax.lax.psum(x, axes) if axes else x
