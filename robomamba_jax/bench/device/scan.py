# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan on an accelerator: right first, then timed, by its kernel or in chunks."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import contextlib
from collections.abc import Callable, Generator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.bench.device.timing import compiled, forward_and_backward, in_a_loop
from robomamba_jax.bench.records import DeviceScanWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.errors import InputError
from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels.choice import kernel_instead

Scan = Callable[[dict[str, Any]], jax.Array]
_CHECKED = (2, 128, 256)  # rows, positions, channels
_ALLOWED = {"float32": 1e-5, "bfloat16": 2**-7}
"""Of the largest number: the sums of two float32 programs in another order, bfloat16's rounding."""


def build(side: str, case: DeviceScanWork) -> Workload:
    """ "device-scan-kernel", "-lanes-N" and "-steps-N" (its variants), or "-chunk-K"."""
    method = side.removeprefix("device-scan-")
    with variant(method, case["rehearse"]):
        facts: dict[str, Any] = {"device": jax.devices()[0].device_kind}
        facts |= check(method, case)
        shape = (case["batch"], case["length"], case["inner"], case["state"])
        inputs = make_inputs(shape, case["dtype"])
        scan, calls = scan_by(method), case["calls"]
        forward, _ = compiled(in_a_loop(scan, calls), inputs)
        both, temporary = compiled(in_a_loop(gradients(scan), calls), inputs)
    return forward_and_backward(forward, both, calls, {**facts, "temp_bytes": temporary})


@contextlib.contextmanager
def variant(method: str, rehearse: bool) -> Generator[None]:
    """Where a scan by kernel is one of the kernel's variants; rehearsed, the TPU's interpreted.

    Raises:
      InputError: the variant is another device's.
    """
    name, _, count = method.partition("-")
    if name == "chunk":
        yield
        return
    backend = jax.default_backend()
    with contextlib.ExitStack() as stack:
        if rehearse and backend == "cpu" and name != "lanes":
            from robomamba_jax.ops.kernels.scan_pallas import PallasKernel

            steps = int(count) if name == "steps" else 64
            stack.enter_context(kernel_instead(PallasKernel(steps, interpret=True)))
        elif name == "lanes":
            from robomamba_jax.ops.kernels.scan_cuda import CudaScan

            _of(method, "gpu", backend)
            stack.enter_context(kernel_instead(CudaScan(int(count))))
        elif name == "steps":
            from robomamba_jax.ops.kernels.scan_pallas import PallasKernel

            _of(method, "tpu", backend)
            stack.enter_context(kernel_instead(PallasKernel(int(count))))
        yield


def _of(method: str, wanted: str, backend: str) -> None:
    if backend != wanted:
        what = f"{method} is a {wanted}'s, and this is a {backend}"
        raise InputError("no_kernel", what, "nothing to do: it is left out")


def scan_by(method: str) -> Scan:
    """All that a Mamba block gives its scan, by a method: "associative", "chunk-16", a kernel's."""
    name, _, count = method.partition("-")
    by = {"chunk": "chunked", "associative": "associative"}.get(name, "kernel")
    size = int(count) if name == "chunk" else None

    def scan(inputs: dict[str, Any]) -> jax.Array:
        """Softplus, skip and gate included."""
        y = selective_scan(
            **{name: x for name, x in inputs.items() if name != "dy"},
            delta_softplus=True,
            method=by,
            chunk_size=size,
        )
        assert isinstance(y, jax.Array)
        return y

    return scan


def gradients(scan: Scan) -> Callable[[dict[str, Any]], tuple[jax.Array, dict[str, Any]]]:
    """y, and the gradient of <dy, y> for every float input."""

    def run(inputs: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        floats = {k: x for k, x in inputs.items() if k not in ("dy", "segment_ids")}
        rest = {k: x for k, x in inputs.items() if k == "segment_ids"}
        y, vjp = jax.vjp(lambda given: scan({**given, **rest}), floats)
        return y, vjp(inputs["dy"])[0]

    return run


def make_inputs(shape: tuple[int, int, int, int], dtype: str) -> dict[str, jax.Array]:
    """Random arrays on the device; delta like a trained model's, log-uniform in 1e-3..1e-1.

    Args:
      shape: B, T, I and N.
      dtype: of u, z, B, C and dy; delta, A, D and the bias are float32, as in the model.
    """
    B, T, I, N = shape
    keys = iter(jax.random.split(jax.random.key(0), 6))
    step = jnp.exp(
        jax.random.uniform(next(keys), (B, T, I), minval=np.log(1e-3), maxval=np.log(0.1))
    )

    def normal(*sizes: int) -> jax.Array:
        return jax.random.normal(next(keys), sizes, dtype)

    return {
        "u": normal(B, T, I),
        # The inverse of softplus: log(exp(step) - 1), stable.
        "delta": step + jnp.log(-jnp.expm1(-step)),
        "A": -jnp.tile(jnp.arange(1.0, N + 1), (I, 1)),
        "B": normal(B, T, N),
        "C": normal(B, T, N),
        "D": jnp.ones(I),
        "z": normal(B, T, I),
        "delta_bias": jnp.zeros(I),
        "dy": normal(B, T, I),
    }


def check(method: str, case: DeviceScanWork) -> dict[str, Any]:
    """How right a method is on a small packed batch: values and all gradients beside the
    associative form's in float32, and whether a second run gives the same bits.

    Returns:
      ``off_by``, the largest over results of max |difference| / max |right|, and ``repeatable``.

    Raises:
      InputError: it is wrong: nobody wants the time of that.
    """
    B, T, I = _CHECKED
    if case["rehearse"]:
        B, T, I = 2, 64, 128
    inputs = make_inputs((B, T, I, case["state"]), case["dtype"])
    inputs["segment_ids"] = jnp.tile(jnp.arange(T) // 25, (B, 1))
    wide = {k: x if k == "segment_ids" else x.astype(jnp.float32) for k, x in inputs.items()}
    run = jax.jit(gradients(scan_by(method)))
    # Some devices multiply float32 by halves; the right values must not.
    with jax.default_matmul_precision("highest"):
        right = jax.jit(gradients(scan_by("associative")))(wide)
        got = run(inputs)
        again = run(inputs)
    errors = jax.tree.leaves(jax.tree.map(_error, got, right))
    same = jax.tree.map(lambda a, b: np.array_equal(np.asarray(a), np.asarray(b)), got, again)
    worst = max(errors)
    if not worst <= _ALLOWED[case["dtype"]]:  # NaN is not, either
        what = f"{method} is wrong by {worst:.1e} of its scale at {B}x{T}x{I}x{case['state']}"
        raise InputError("no_kernel", what, "report it, with the table")
    return {"off_by": worst, "repeatable": all(jax.tree.leaves(same))}


def _error(got: jax.Array, right: jax.Array) -> float:
    found, want = (np.asarray(x.astype(jnp.float32), np.float64) for x in (got, right))
    return float(np.abs(found - want).max() / np.abs(want).max())
