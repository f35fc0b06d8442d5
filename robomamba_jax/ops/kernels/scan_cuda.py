# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan kernel of NVIDIA GPUs: scan_cuda.cu, compiled when traced, called through XLA.

XLA runs PTX that a program brings along (its custom call ``__gpu$xla.gpu.ptx``): neither Python
nor a compiler takes part when the program runs, and nothing is linked against a CUDA version.
"""

from __future__ import annotations

# A, B, C and D are the paper's matrices; strict typing takes upper-case names for constants.
# pyright: reportConstantRedefinition=false
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.ops.kernels import nvrtc
from robomamba_jax.ops.kernels.fold_rows import fold_rows
from robomamba_jax.ops.kernels.interface import (
    BOUNDARY,
    KernelGradients,
    KernelInputs,
    KernelOutputs,
)

SOURCE = Path(__file__).with_suffix(".cu")
ARCHITECTURE = "compute_80"
"""The oldest that has all that the kernel uses; drivers compile PTX for every later one."""
FORWARD, BACKWARD = "selective_scan_forward", "selective_scan_backward"
_TARGET = "__gpu$xla.gpu.ptx"
_BLOCK = 128  # threads
# The scheduler of a multiprocessor (four of them, some 130 on a chip) hides latency with two
# warps or more; where there are fewer channels, several threads share one.
_ENOUGH_THREADS = 2 * 32 * 4 * 132


class _Shared(NamedTuple):
    """What all rows of ``KernelInputs`` read; see there."""

    A: jax.Array
    D: jax.Array
    delta_bias: jax.Array


class KernelCall(NamedTuple):
    """One launch of a kernel of scan_cuda.cu.

    Attributes:
      name: of the kernel.
      macros: name -> value, sizes and kinds.
      grid: blocks in x and y.
      threads: of a block.
      operands: what it reads, in the order of its parameters.
      results: shapes and dtypes of what it writes, which follow them.
    """

    name: str
    macros: dict[str, str | int]
    grid: tuple[int, int]
    threads: int
    operands: tuple[jax.Array, ...]
    results: tuple[jax.ShapeDtypeStruct, ...]


def launch(call: KernelCall) -> list[jax.Array]:
    """Call a kernel through XLA; traces, and runs on GPUs alone.

    Raises:
      NvrtcError: NVRTC is missing, or does not compile the source.
    """
    ptx = compiled(call.macros)
    # The program text holds the PTX: what is compiled ahead or cached needs nothing of ours later.
    # ``CudaScan`` has a rule of its own for vmap, and asks for none here.
    run = jax.ffi.ffi_call(_TARGET, call.results)
    return list(
        run(
            *call.operands,
            name=call.name,
            kernel_type="ptx",
            kernel_data=ptx,
            grid_x=np.int32(call.grid[0]),
            grid_y=np.int32(call.grid[1]),
            grid_z=np.int32(1),
            block_x=np.int32(call.threads),
            block_y=np.int32(1),
            block_z=np.int32(1),
            shared_mem_bytes=np.int32(0),  # all of it is static
        )
    )


@dataclasses.dataclass(frozen=True)
class CudaScan:
    """``ScanKernel`` of NVIDIA GPUs of compute capability 8.0 and later.

    Attributes:
      lanes: threads that share a channel in the forward pass, 1, 2 or 4; None = by the shape.
      launch: runs a ``KernelCall``; tests put another machine here.
    """

    lanes: int | None = None
    launch: Callable[[KernelCall], list[jax.Array]] = launch

    def forward(
        self, inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool
    ) -> KernelOutputs:
        """See ``ScanKernel``; T may be any number."""

        def run(rows: KernelInputs, shared: _Shared) -> list[jax.Array]:
            given = rows._replace(**shared._asdict())
            call = forward_call(
                given, softplus=softplus, keep_boundaries=keep_boundaries, lanes=self.lanes
            )
            return self.launch(call)

        y, last, *kept = fold_rows(run, *_split(inputs))
        return KernelOutputs(y, last, kept[0] if kept else None)

    def backward(
        self,
        inputs: KernelInputs,
        boundaries: jax.Array,
        dy: jax.Array,
        dlast: jax.Array,
        *,
        softplus: bool,
    ) -> KernelGradients:
        """See ``ScanKernel``; T may be any number."""

        def run(
            rows: tuple[KernelInputs, jax.Array, jax.Array, jax.Array], shared: _Shared
        ) -> list[jax.Array]:
            given = rows[0]._replace(**shared._asdict())
            return self.launch(backward_call(given, *rows[1:], softplus=softplus))

        rows, shared = _split(inputs)
        # Per row and per block; the sums over them are XLA's, which fuses them with what follows.
        results = fold_rows(run, (rows, boundaries, dy, dlast), shared)
        du, ddelta, dA, dBC, dD, dbias, dinitial, *dz = results
        N = inputs.A.shape[0]
        # A block wrote the sums of its own channels: atomic additions would add up in an order
        # that differs from run to run.
        dBC = dBC.sum(1)
        return KernelGradients(
            u=du,
            delta=ddelta,
            A=dA.sum(0),
            B=dBC[..., :N],
            C=dBC[..., N:],
            D=dD.sum(0),
            z=dz[0] if dz else None,
            delta_bias=dbias.sum(0),
            initial_state=dinitial,
        )


def missing() -> str:
    """Why the kernel cannot be compiled here, in one line; "" where it can."""
    return nvrtc.missing()


def unsuited(device: object) -> str:
    """Why the kernel does not run on a device of jax's backend "gpu"; "" where it does."""
    # AMD's GPUs have the same backend; they call their architectures gfx942 and the like.
    capability = str(getattr(device, "compute_capability", ""))
    if re.fullmatch(r"\d+\.\d+", capability) is None:
        return "the scan's kernel is for NVIDIA's GPUs"
    if int(capability.split(".")[0]) < 8:
        return f"the scan's kernel needs compute capability 8.0, and this GPU has {capability}"
    return ""


def compiled(macros: dict[str, str | int]) -> str:
    """PTX of the kernel with such macros, see scan_cuda.cu.

    Raises:
      NvrtcError: NVRTC is missing, or does not compile the source.
    """
    return _ptx(tuple(sorted(macros.items())))


def source_hash() -> str:
    """Of the kernel's source: whatever was measured or proved holds for one source."""
    return hashlib.sha256(_source()).hexdigest()[:16]


def forward_call(
    inputs: KernelInputs, *, softplus: bool, keep_boundaries: bool, lanes: int | None = None
) -> KernelCall:
    """The forward kernel on some inputs."""
    B, _, I = inputs.u.shape
    N = inputs.A.shape[0]
    lanes = lanes or _lanes(B * I)
    macros = _macros(inputs, softplus)
    macros |= {"SCAN_LANES": lanes, "SCAN_BOUNDARIES": int(keep_boundaries), "SCAN_BACKWARD": 0}
    results = [_like(inputs.u), _float(B, N, I)]
    # Generation and evaluation keep nothing: the kernel is then compiled without the stores.
    if keep_boundaries:
        results.append(_float(*_boundaries(inputs)))
    operands = (*_common(inputs), inputs.initial_state, *_optional(inputs))
    grid = (I * lanes // _BLOCK, B)
    return KernelCall(FORWARD, macros, grid, _BLOCK, operands, tuple(results))


def backward_call(
    inputs: KernelInputs,
    boundaries: jax.Array,
    dy: jax.Array,
    dlast: jax.Array,
    *,
    softplus: bool,
) -> KernelCall:
    """The backward kernel on some inputs, the forward pass's boundaries and two cotangents."""
    B, T, I = inputs.u.shape
    N = inputs.A.shape[0]
    threads = _BLOCK if N <= 16 else _BLOCK // 2  # as WIDTH in scan_cuda.cu
    blocks = I * 4 // threads
    macros = _macros(inputs, softplus)
    # Of the forward kernel alone; constant here, so that they make no second program.
    macros |= {"SCAN_LANES": 1, "SCAN_BOUNDARIES": 0, "SCAN_BACKWARD": 1}
    results = [
        _like(inputs.u),
        _like(inputs.delta),
        _float(B, N, I),
        _float(B, blocks, T, 2 * N),
        _float(B, I),
        _float(B, I),
        _float(B, N, I),
    ]
    if inputs.z is not None:
        results.append(_like(inputs.z))
    operands = (*_common(inputs), *_optional(inputs), boundaries, dy, dlast)
    return KernelCall(BACKWARD, macros, (blocks, B), threads, operands, tuple(results))


def _lanes(channels: int) -> int:
    """Threads that share one of so many channels (of all rows)."""
    return next((n for n in (1, 2) if n * channels >= _ENOUGH_THREADS), 4)


def _macros(inputs: KernelInputs, softplus: bool) -> dict[str, str | int]:
    _, T, I = inputs.u.shape
    return {
        "SCAN_N": inputs.A.shape[0],
        "SCAN_I": I,
        "SCAN_L": T,
        "SCAN_U": _type(inputs.u),
        "SCAN_DELTA": _type(inputs.delta),
        "SCAN_Z": "float" if inputs.z is None else _type(inputs.z),
        "SCAN_SOFTPLUS": int(softplus),
        "SCAN_GATE": int(inputs.z is not None),
        "SCAN_RESETS": int(inputs.resets is not None),
    }


def _split(inputs: KernelInputs) -> tuple[KernelInputs, _Shared]:
    """What belongs to rows, and what all of them share."""
    absent: Any = None
    shared = _Shared(*(getattr(inputs, name) for name in _Shared._fields))
    return inputs._replace(**dict.fromkeys(_Shared._fields, absent)), shared


def _type(x: jax.Array) -> str:
    """In scan_cuda.cu."""
    return {"float32": "float", "bfloat16": "bf16"}[x.dtype.name]


def _common(inputs: KernelInputs) -> tuple[jax.Array, ...]:
    """The first operands of both kernels."""
    return (*inputs[:6], inputs.delta_bias)


def _optional(inputs: KernelInputs) -> tuple[jax.Array, ...]:
    """Those that are there alone have a parameter."""
    return tuple(x for x in (inputs.z, inputs.resets) if x is not None)


def _boundaries(inputs: KernelInputs) -> tuple[int, ...]:
    B, T, I = inputs.u.shape
    return (B, -(-T // BOUNDARY), inputs.A.shape[0], I // 128, 128)


def _like(x: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _float(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


@functools.cache
def _source() -> bytes:
    return SOURCE.read_bytes()


@functools.cache
def _ptx(macros: tuple[tuple[str, str | int], ...]) -> str:
    """PTX of one kernel. Once a process: a model's layers share their shapes."""
    options = [f"--gpu-architecture={ARCHITECTURE}", "--std=c++17"]
    options += [f"-D{name}={value}" for name, value in macros]
    return nvrtc.compile_ptx(_source(), options)
