# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The TPU's kernel, interpreted on the CPU: results and all gradients against float64.

Whether it compiles for TPUs, and how many instructions it takes there, is `make test-plan`'s.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.pallas import tpu as pltpu

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.ops.kernels.interface import KernelInputs
from robomamba_jax.ops.kernels.pallas_layout import by_tiles, from_tiles, rows_per_tile
from robomamba_jax.ops.kernels.scan_pallas import PallasKernel
from tests import oracles
from tests.ops.kernels.kernels import INTERPRETED, kernel_vjp
from tests.ops.scans import FLOATS, Case, problem

CASES = {
    "padded in every size": Case(65, 2, 200, 3, 1, "", "mask segments softplus"),
    "two tiles of eight rows": Case(130, 1, 2048, 2, 1, "", "segments softplus"),
    "one tile of twelve rows": Case(64, 1, 1536, 4, 1, "", "softplus"),
    "no softplus": Case(7, 3, 128, 4, 1, "", "mask"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_results_and_gradients_equal_the_float64_recurrence(name: str) -> None:
    """To float32's rounding, of their scale."""
    case = CASES[name]
    floats, structure, cotangents, want, want_grads = problem(case)
    run = kernel_vjp(INTERPRETED, "softplus" in case.options)
    got, grads = run(floats, structure, *cotangents)
    for value, right in zip(got, want, strict=True):
        assert oracles.error(value, right) < 1e-6
    for argument in FLOATS:
        assert oracles.error(grads[argument], want_grads[argument]) < 1e-6, argument


@pytest.mark.slow
def test_memory_that_nobody_has_written_is_never_read() -> None:
    """Pallas' own interpreter fills it with NaN, and looks for what runs into each other."""
    floats, structure, cotangents, want, want_grads = problem(CASES["padded in every size"])
    kernel = PallasKernel(interpret=pltpu.InterpretParams(uninitialized_memory="nan"))
    got, grads = kernel_vjp(kernel)(floats, structure, *cotangents)
    for value, right in zip(got, want, strict=True):
        assert oracles.error(value, right) < 1e-6
    for argument in FLOATS:
        assert oracles.error(grads[argument], want_grads[argument]) < 1e-6, argument


@pytest.mark.slow
def test_bfloat16_comes_in_and_goes_out_and_float32_computes() -> None:
    """Of rounded arguments everything is right to the rounding of what comes out, and a second
    call gives the same bits."""
    floats, structure, cotangents, *_ = problem(CASES["padded in every size"])
    narrow = ("u", "delta", "z", "B", "C")
    floats = {
        name: jnp.asarray(value, jnp.bfloat16 if name in narrow else jnp.float32)
        for name, value in floats.items()
    }
    dy = jnp.asarray(cotangents[0], jnp.bfloat16)
    run = kernel_vjp(INTERPRETED)
    got, grads = run(floats, structure, dy, cotangents[1])
    plain = {name: np.asarray(value, np.float64) for name, value in floats.items()}
    arguments = {**plain, **structure, "delta_softplus": True}
    y, last = oracles.selective_scan(**arguments)
    want = oracles.selective_scan_vjp(np.asarray(dy, np.float64), cotangents[1], **arguments)
    assert got[0].dtype == jnp.bfloat16
    assert oracles.error(got[0], y) < 2**-8
    assert oracles.error(got[1], last) < 1e-6
    for name in FLOATS:
        assert grads[name].dtype == floats[name].dtype
        assert oracles.error(grads[name], want[name]) < (2**-8 if name in narrow else 1e-6), name
    again = run(floats, structure, dy, cotangents[1])
    jax.tree.map(np.testing.assert_array_equal, (got, grads), again)


@pytest.mark.slow
def test_under_vmap_and_checkpoint_it_is_the_same_kernel() -> None:
    """A mapped axis is one more of the grid; what remat computes again has the same bits."""
    case = Case(20, 4, 128, 4, 1, "", "segments softplus")
    floats, structure, (dy, dlast), *_ = problem(case)
    shared = ("A", "D", "delta_bias")

    def loss(per_row: Any, params: Any, ids: jax.Array, dy: jax.Array, dlast: jax.Array) -> Any:
        y, last = selective_scan(
            **per_row,
            **params,
            segment_ids=ids,
            delta_softplus=True,
            method="kernel",
            return_final_state=True,
        )
        return (y * dy).sum() + (last * dlast).sum()

    gradient = jax.grad(jax.checkpoint(loss), argnums=(0, 1))
    params = {name: floats[name] for name in shared}
    rows = {name: floats[name] for name in FLOATS if name not in shared}
    data = (rows, structure["segment_ids"], dy, dlast)

    def pairs(tree: Any) -> Any:
        """Rows two by two."""
        return jax.tree.map(lambda x: x.reshape(2, 2, *x.shape[1:]), tree)

    with kernel_instead(INTERPRETED):
        whole = jax.jit(gradient)(data[0], params, *data[1:])
        mapped = jax.jit(jax.vmap(gradient, (0, None, 0, 0, 0)))(
            *(pairs(rows), params), *pairs(data[1:])
        )
    for name in rows:
        np.testing.assert_array_equal(np.concatenate(mapped[0][name]), whole[0][name], name)
    for name in shared:
        np.testing.assert_allclose(mapped[1][name].sum(0), whole[1][name], rtol=1e-5, atol=1e-4)


@pytest.mark.slow
def test_shorter_chunks_give_the_same() -> None:
    """A v4 has on-chip memory for 32 positions: kept states stand closer, and results agree."""
    draw = np.random.default_rng(3)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(draw.standard_normal(shape), jnp.float32)

    B, T, I, N = 2, 64, 128, 4
    inputs = KernelInputs(
        normal(B, T, I),
        normal(B, T, I),
        -jnp.exp(normal(N, I)),
        normal(B, T, N),
        normal(B, T, N),
        normal(I),
        None,
        normal(I),
        None,
        normal(B, N, I),
    )
    dy, dlast = normal(B, T, I), normal(B, N, I)

    def run(kernel: PallasKernel) -> Any:
        out = kernel.forward(inputs, softplus=True, keep_boundaries=True)
        assert out.boundaries is not None
        assert out.boundaries.shape == (B, T // kernel.steps, N, 1, 128)
        grads = kernel.backward(inputs, out.boundaries, dy, dlast, softplus=True)
        return (out.y, out.last), grads

    results = [jax.jit(lambda s=s: run(PallasKernel(s, interpret=True)))() for s in (64, 32)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5, 1e-5), *results)


def test_arrays_go_into_tiles_and_back() -> None:
    """[B, T, I] has position t of channel i at [t / 8, i / 128, t % 8, i % 128]."""
    x = jnp.arange(2 * 16 * 384).reshape(2, 16, 384)
    tiles = by_tiles(x)
    assert tiles.shape == (2, 2, 3, 8, 128)
    assert tiles[1, 1, 2, 5, 7] == x[1, 8 + 5, 2 * 128 + 7]
    np.testing.assert_array_equal(from_tiles(tiles), x)


@pytest.mark.parametrize(
    ("rows", "tile"),
    [(40, 8), (8, 8), (64, 8), (12, 12), (20, 20), (3, 3), (1, 1), (36, 18), (37, 1)],
)
def test_a_tile_fills_registers_as_well_as_the_width_allows(rows: int, tile: int) -> None:
    """Eight rows of 128 channels where eight divides them, else most of a few registers."""
    assert rows_per_tile(rows) == tile
