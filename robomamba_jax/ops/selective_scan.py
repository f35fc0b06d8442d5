# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The selective scan of Mamba (Gu and Dao, arXiv 2312.00752, section 3).

    h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t        y_t = C_t h_t + D u_t

The paper prints exact zero-order hold for B; every released Mamba computes
delta * B (its appendix calls it a simplification), and so do we: weights were
trained with it.
"""

from __future__ import annotations

# A, B, C and D are the paper's matrices; strict typing takes upper-case names for constants.
# pyright: reportConstantRedefinition=false
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.ops.arguments import BOOL, FLOAT, INT, floats, not_empty, optional, switch
from robomamba_jax.ops.backend import current_backend
from robomamba_jax.ops.kernels.choice import kernel_for
from robomamba_jax.ops.kernels.fitted import NO_STEP, scan_of_any_size
from robomamba_jax.ops.kernels.interface import KernelInputs
from robomamba_jax.ops.scan_chunked import scan_chunked
from robomamba_jax.ops.scan_core import ScanInputs, scan_associative, scan_sequential
from robomamba_jax.ops.segments import segment_resets
from robomamba_jax.shapes import check_shape, check_shapes

METHODS = ("auto", "kernel", "chunked", "associative", "sequential")


class ChunkChoice(NamedTuple):
    """A chunk size and where it comes from."""

    size: int
    source: str


# On the CPU the best of 4, 8, 16, 32 by `robomamba bench scan`, forward and backward. Elsewhere by
# counting what was compiled for I=5120, N=16, T=2048, without a device: see docs/performance.md.
CHUNK_TABLE = {
    "cpu": ChunkChoice(
        8,
        "measured on 2 cores of an AMD EPYC, L=1024, I=1536, N=16 and L=384, I=384 to 768, N=8",
    ),
    "gpu": ChunkChoice(
        16,
        "compiled for an H200 and not run: with gradients, 8 rows move 22 ms of memory traffic; by"
        " 64 they move 31 ms",
    ),
    "tpu": ChunkChoice(
        8,
        "compiled for a v5e and not run: with gradients, 4 rows move 11 ms of memory traffic beside"
        " 25 ms of instructions; by 16 they move 62 ms, by 64 251 ms",
    ),
}
FEW_ROWS = 2
FEW_ROWS_CHUNK = {
    "gpu": ChunkChoice(
        32,
        "compiled for an H200 and not run: a 2.8B training step's scan has 156,000 launches at one"
        " row, 447 ms with their bytes; by 16 it has 238,000 and 524 ms, by 64 95,000 and 443 ms;"
        " at two rows 673, 686 and 732 ms, at four 1243, 1121 and 1404 ms",
    ),
}
"""Chunk sizes for at most ``FEW_ROWS`` rows, where launches and not bytes take the time."""


class _Arguments(NamedTuple):
    """Those of ``selective_scan`` that are arrays."""

    u: jax.Array
    delta: jax.Array
    A: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array | None
    z: jax.Array | None
    delta_bias: jax.Array | None
    initial_state: jax.Array | None
    segment_ids: jax.Array | None
    mask: jax.Array | None


# Names what the scan is made of in compiled programs, where `robomamba plan` looks for its cost.
@jax.named_scope("selective_scan")
def selective_scan(
    u: jax.Array,
    delta: jax.Array,
    A: jax.Array,
    B: jax.Array,
    C: jax.Array,
    D: jax.Array | None = None,
    z: jax.Array | None = None,
    delta_bias: jax.Array | None = None,
    delta_softplus: bool = False,
    initial_state: jax.Array | None = None,
    segment_ids: jax.Array | None = None,
    mask: jax.Array | None = None,
    method: str = "auto",
    chunk_size: int | None = None,
    return_final_state: bool = False,
) -> jax.Array | tuple[jax.Array, jax.Array]:
    """The selective scan over whole sequences. float32 inside, whatever comes in.

    Args:
      u: float[B, T, I], the input.
      delta: float[B, T, I], the step size, before bias and softplus.
      A: float[I, N], the continuous transition, negative (-exp(A_log)).
      B: float[B, T, N], or constant in time [I, N].
      C: float[B, T, N], or constant in time [I, N].
      D: float[I]; adds D * u.
      z: float[B, T, I]; multiplies the result by silu(z).
      delta_bias: float[I], added to delta before softplus.
      delta_softplus: apply softplus to delta.
      initial_state: float[B, I, N], the state before position 0; it enters the first
        segment only. Zeros if None.
      segment_ids: int[B, T]; the state is forgotten where the id changes.
      mask: bool[B, T], True = real. At padding the state passes through and y = 0;
        what stands there (even NaN) reaches neither results nor gradients.
      method: "chunked" (associative scan inside small chunks, O(B T I) memory),
        "associative" (one associative scan, O(B T I N) memory; also differentiates
        in forward mode), "sequential" (reference), "kernel" (one program written for the
        device, on a TPU; B and C vary in time, N <= 32), or "auto": chunked, or associative
        where the sequence is one chunk long.
      chunk_size: positions per chunk; None takes the backend's from CHUNK_TABLE, or for few rows
        from FEW_ROWS_CHUNK.
      return_final_state: also return the state after the last real position.

    Returns:
      u.dtype[B, T, I]; with ``return_final_state`` also float32[B, I, N].

    Raises:
      InputError: an argument is not such an array, an unknown method, a chunk size below 1,
        shapes that do not fit, or "kernel" where there is none for the backend or the sizes.
    """
    given = _read(u, delta, A, B, C, D, z, delta_bias, initial_state, segment_ids, mask)
    u, delta, A, B, C, D, z, delta_bias, initial_state, segment_ids, mask = given
    if mask is not None:
        u, delta = _blank(u, mask), _blank(delta, mask)
        z = None if z is None else _blank(z, mask)
        B, C = (v if v.ndim == 2 else _blank(v, mask) for v in (B, C))
    softplus = switch("delta_softplus", delta_softplus)
    if type(method) is str and method == "kernel":  # an array would compare item by item
        _chunk_size(chunk_size, u.shape[0])
        blanked = (u, delta, A, B, C, D, z, delta_bias, initial_state, segment_ids, mask)
        y, last = _run_kernel(_Arguments(*blanked), softplus)
        return _results(y, last, mask, return_final_state)
    step = _step_size(delta, delta_bias, softplus)
    inputs = ScanInputs(
        u=u,
        delta=step if mask is None else _blank(step, mask),
        # (N, I) from here on, so that the long axis is the contiguous one.
        A=A.astype(jnp.float32).T,
        B=B.T if B.ndim == 2 else B,
        C=C.T if C.ndim == 2 else C,
        keep_mask=None if segment_ids is None else _keep_mask(segment_ids, mask),
        initial_state=_initial(initial_state, u.shape[0], A.shape),
    )
    y, last = _run(inputs, method, chunk_size)
    return _results(_gate(y, u, D, z).astype(u.dtype), last, mask, return_final_state)


def selective_scan_step(
    state: jax.Array,
    u: jax.Array,
    delta: jax.Array,
    A: jax.Array,
    B: jax.Array,
    C: jax.Array,
    D: jax.Array | None = None,
    z: jax.Array | None = None,
    delta_bias: jax.Array | None = None,
    delta_softplus: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """One position of :func:`selective_scan`, for decoding. float32 inside.

    Args:
      state: float32[B, I, N].
      u: float[B, I].
      delta: float[B, I].
      A: float[I, N].
      B: float[B, N], or constant in time [1, I, N].
      C: float[B, N], or constant in time [1, I, N].
      D: float[I].
      z: float[B, I].
      delta_bias: float[I].
      delta_softplus: apply softplus to delta.

    Returns:
      u.dtype[B, I] and the new state, float32[B, I, N].

    Raises:
      InputError: an argument is not such an array, or shapes do not fit.
    """
    (state,) = floats(("state", state, "B I N"))
    u, delta, A, B, C = _required(u, delta, A, B, C, "B ")
    D, z, delta_bias = _optional(D, z, delta_bias, "B I")
    sizes: dict[str, int] = {}
    check_shapes(
        sizes,
        ("u", u, "B I"),
        ("A", A, "I N"),
        ("state", state, "B I N"),
        ("delta", delta, "B I"),
        ("D", D, "I"),
        ("z", z, "B I"),
        ("delta_bias", delta_bias, "I"),
    )
    not_empty(sizes)
    step = _step_size(delta, delta_bias, switch("delta_softplus", delta_softplus))
    b, c = (_per_channel(name, v, sizes) for name, v in (("B", B), ("C", C)))
    # In the cache's layout (I, N): the sequence scan's would need two transposes per token.
    x = step * u.astype(jnp.float32)
    decay = jnp.exp(step[:, :, None] * A.astype(jnp.float32))
    state = decay * state.astype(jnp.float32) + x[:, :, None] * b
    y = _gate(_sum_last(state * c), u, D, z)
    return y.astype(u.dtype), state


def _required(u: Any, delta: Any, A: Any, B: Any, C: Any, lead: str) -> list[jax.Array]:
    """What every scan needs, with the axes ``lead`` before the channels."""
    return floats(
        ("u", u, f"{lead}I"),
        ("delta", delta, f"{lead}I"),
        ("A", A, "I N"),
        ("B", B, f"{lead}N"),
        ("C", C, f"{lead}N"),
    )


def _optional(D: Any, z: Any, bias: Any, dims: str) -> tuple[Any, Any, Any]:
    """What a scan may have, z with the axes ``dims``."""
    return (
        optional("D", D, FLOAT, "I"),
        optional("z", z, FLOAT, dims),
        optional("delta_bias", bias, FLOAT, "I"),
    )


def _per_channel(name: str, v: jax.Array, sizes: dict[str, int]) -> jax.Array:
    """B or C of one step, broadcastable to float32[B, I, N]."""
    if v.ndim == 3:
        check_shape(name, v, "1 I N", {**sizes, "1": 1})
        return v.astype(jnp.float32)
    check_shape(name, v, "B N", sizes)
    return v.astype(jnp.float32)[:, None, :]


def _sum_last(x: jax.Array) -> jax.Array:
    """Sum over the states. Unrolled on the CPU, where it then fuses with its neighbours
    (decoding 130m: 21 instead of 25 ms a token)."""
    if current_backend() != "cpu" or x.shape[-1] > 32:
        return x.sum(-1)
    return sum((x[..., n] for n in range(1, x.shape[-1])), x[..., 0])


def _chunk_size(chunk_size: int | None, rows: int) -> int:
    if chunk_size is None:
        backend = current_backend()
        if rows <= FEW_ROWS and backend in FEW_ROWS_CHUNK:
            return FEW_ROWS_CHUNK[backend].size
        return CHUNK_TABLE.get(backend, CHUNK_TABLE["gpu"]).size
    try:
        size = 0 if isinstance(chunk_size, bool) else operator.index(chunk_size)
    except Exception:  # a float, a text, a traced number
        size = 0
    if size < 1:
        what = f"chunk_size is {chunk_size!r:.60}"
        raise InputError("bad_arguments", what, "give a whole number from 1, or None")
    return size


def _run(inputs: ScanInputs, method: object, chunk_size: int | None) -> tuple[jax.Array, jax.Array]:
    """y float32[B, T, I] and the last state float32[B, N, I] by the named method."""
    size = _chunk_size(chunk_size, inputs.u.shape[0])
    if not isinstance(method, str):
        raise unknown_name("unknown_method", "scan method", method, METHODS)
    # One chunk is one associative scan; the loop around it would only cost.
    if method == "auto":
        method = "associative" if inputs.u.shape[1] <= size else "chunked"
    if method == "chunked":
        return scan_chunked(inputs, size)
    if method == "associative":
        return scan_associative(inputs)
    if method == "sequential":
        return scan_sequential(inputs)
    raise unknown_name("unknown_method", "scan method", method, METHODS)


def _run_kernel(x: _Arguments, softplus: bool) -> tuple[jax.Array, jax.Array]:
    """y u.dtype[B, T, I] and the last state float32[B, N, I], skip and gate included, by the kernel
    of the backend."""
    kernel = kernel_for(x.A.shape[1], varying=x.B.ndim == 3 and x.C.ndim == 3)
    delta, zeros = x.delta, jnp.zeros(x.u.shape[-1], jnp.float32)
    # The bias goes with softplus into the kernel; without, adding it there would save nothing.
    bias = zeros if x.delta_bias is None or not softplus else x.delta_bias.astype(jnp.float32)
    if not softplus:
        delta = _step_size(delta, x.delta_bias, softplus=False)
    u, delta, z = _wide(x.u), _wide(delta), None if x.z is None else _wide(x.z)
    if x.mask is not None:
        nothing = jnp.asarray(NO_STEP if softplus else 0.0, delta.dtype)
        delta = jnp.where(x.mask[:, :, None], delta, nothing)
    resets = None if x.segment_ids is None else segment_resets(x.segment_ids, x.mask)
    inputs = KernelInputs(
        u=u,
        delta=delta,
        A=x.A.astype(jnp.float32).T,
        B=x.B.astype(jnp.float32),
        C=x.C.astype(jnp.float32),
        D=zeros if x.D is None else x.D.astype(jnp.float32),
        z=z,
        delta_bias=bias,
        resets=None if resets is None else resets.astype(jnp.float32),
        initial_state=_initial(x.initial_state, x.u.shape[0], x.A.shape),
    )
    y, last = scan_of_any_size(kernel, inputs, softplus=softplus)
    return y.astype(x.u.dtype), last


def _wide(x: jax.Array) -> jax.Array:
    """float32 of what kernels do not read, such as float16."""
    return x if x.dtype == jnp.bfloat16 else x.astype(jnp.float32)


def _results(
    y: jax.Array, last: jax.Array, mask: jax.Array | None, return_final_state: bool
) -> jax.Array | tuple[jax.Array, jax.Array]:
    """What ``selective_scan`` returns, from y and the last state [B, N, I]."""
    y = y if mask is None else _blank(y, mask)
    whole = switch("return_final_state", return_final_state)
    return (y, jnp.swapaxes(last, 1, 2)) if whole else y


def _step_size(delta: jax.Array, bias: jax.Array | None, softplus: bool) -> jax.Array:
    """float32 step."""
    # float32 before the bias: softplus of a step near dt_min = 0.001 lives in the bits that bf16
    # has not.
    delta = delta.astype(jnp.float32)
    if bias is not None:
        delta = delta + bias.astype(jnp.float32)
    return jax.nn.softplus(delta) if softplus else delta


def _keep_mask(segment_ids: jax.Array, mask: jax.Array | None) -> jax.Array:
    """float32[B, T]: 0 where the state is forgotten."""
    return 1.0 - segment_resets(segment_ids, mask).astype(jnp.float32)


def _initial(state: jax.Array | None, batch: int, shape: tuple[int, ...]) -> jax.Array:
    if state is None:
        return jnp.zeros((batch, shape[1], shape[0]), jnp.float32)
    return jnp.swapaxes(state.astype(jnp.float32), 1, 2)


def _gate(y: jax.Array, u: jax.Array, D: jax.Array | None, z: jax.Array | None) -> jax.Array:
    """float32: the skip and the gate around the state's part of the result."""
    if D is not None:
        y = y + D.astype(jnp.float32) * u.astype(jnp.float32)
    if z is not None:
        y = y * jax.nn.silu(z.astype(jnp.float32))
    return y


def _blank(x: jax.Array, mask: jax.Array) -> jax.Array:
    """``x`` [B, T, ...] with exact zeros at padding, whatever stood there.

    A step of 0 lets the state pass through; a blanked input keeps a NaN that stands at
    padding out of the gradients too.
    """
    return jnp.where(mask[:, :, None], x, jnp.zeros((), x.dtype))


def _read(
    u: Any,
    delta: Any,
    A: Any,
    B: Any,
    C: Any,
    D: Any,
    z: Any,
    delta_bias: Any,
    initial_state: Any,
    segment_ids: Any,
    mask: Any,
) -> _Arguments:
    """The arguments as arrays of the right kinds and shapes."""
    u, delta, A, B, C = _required(u, delta, A, B, C, "B T ")
    D, z, delta_bias = _optional(D, z, delta_bias, "B T I")
    initial_state = optional("initial_state", initial_state, FLOAT, "B I N")
    segment_ids = optional("segment_ids", segment_ids, INT, "B T")
    mask = optional("mask", mask, BOOL, "B T")
    sizes: dict[str, int] = {}
    check_shapes(
        sizes,
        ("u", u, "B T I"),
        ("A", A, "I N"),
        ("delta", delta, "B T I"),
        ("B", B, "I N" if B.ndim == 2 else "B T N"),
        ("C", C, "I N" if C.ndim == 2 else "B T N"),
        ("D", D, "I"),
        ("z", z, "B T I"),
        ("delta_bias", delta_bias, "I"),
        ("initial_state", initial_state, "B I N"),
        ("segment_ids", segment_ids, "B T"),
        ("mask", mask, "B T"),
    )
    not_empty(sizes)
    return _Arguments(u, delta, A, B, C, D, z, delta_bias, initial_state, segment_ids, mask)
