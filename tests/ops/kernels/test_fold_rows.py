# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""vmap over a kernel: one call with more rows, and a loop only where parameters are mapped."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels import scan_cuda
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.ops.kernels.fold_rows import fold_rows
from robomamba_jax.ops.kernels.scan_cuda import CudaScan, KernelCall


def scaled(rows: Any, shared: Any) -> list[jax.Array]:
    """Rows [B, I] times [I], and B of their sums."""
    x, extra = rows
    assert extra is None
    assert x.ndim == 2
    return [x * shared, x.sum(1)]


def run(x: jax.Array, shared: jax.Array) -> list[jax.Array]:
    return fold_rows(scaled, (x, None), shared)


X = jnp.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
WEIGHTS = jnp.arange(5.0)


def test_mapped_rows_are_rows_of_one_call() -> None:
    """Twice mapped, too; nothing is looped over."""
    twice = jax.vmap(jax.vmap(lambda x: run(x, WEIGHTS)))
    y, sums = twice(X)
    np.testing.assert_array_equal(y, X * WEIGHTS)
    np.testing.assert_array_equal(sums, X.sum(-1))
    text = str(jax.make_jaxpr(twice)(X))
    assert "scan[" not in text
    assert "mul" in text


def test_parameters_of_their_own_take_turns() -> None:
    """Then the calls are different ones."""
    several = jnp.stack([WEIGHTS, -WEIGHTS, 2 * WEIGHTS])
    each = jax.vmap(run, (1, 0))
    y, sums = each(X[0].swapaxes(0, 1), several)
    np.testing.assert_array_equal(y, X[0] * several[:, None])
    np.testing.assert_array_equal(sums, X[0].sum(-1))
    assert "scan[" in str(jax.make_jaxpr(each)(X[0].swapaxes(0, 1), several))
    alone, _ = jax.vmap(run, (None, 0))(X[0, 0], several)
    np.testing.assert_array_equal(alone, X[0, :1] * several[:, None])


@pytest.mark.parametrize("how", ["rows", "models"])
def test_the_gpu_kernel_is_launched_once_for_all_mapped_rows(how: str) -> None:
    """Forward and backward, in the program's text; an ensemble's models take turns."""
    launched = list[KernelCall]()

    def launch(call: KernelCall) -> list[jax.Array]:
        launched.append(call)
        return list(
            jax.ffi.ffi_call("noted", call.results)(*call.operands, name=call.name)  # never run
        )

    shape = (3, 2, 64, 128)
    rows = {name: jnp.ones(shape) for name in ("u", "delta", "z")}
    rows |= {name: jnp.ones((3, 2, 64, 4)) for name in ("B", "C")}
    A = -jnp.ones((128, 4)) if how == "rows" else -jnp.ones((3, 128, 4))

    def loss(rows: Any, A: jax.Array) -> jax.Array:
        return selective_scan(**rows, A=A, delta_softplus=True, method="kernel").sum()

    gradient = jax.vmap(jax.grad(loss, argnums=(0, 1)), (0, None if how == "rows" else 0))
    with kernel_instead(CudaScan(launch=launch)):
        lowered = jax.jit(gradient).lower(rows, A).as_text()
    assert lowered.count("@noted") == 2
    # The last ones that were traced are those that are in the program.
    last = {call.name: call for call in launched}
    forward, backward = last[scan_cuda.FORWARD], last[scan_cuda.BACKWARD]
    count = 6 if how == "rows" else 2
    assert forward.grid[1] == backward.grid[1] == count
    assert forward.results[0].shape == (count, 64, 128)
    assert ("stablehlo.while" in lowered) == (how == "models")
