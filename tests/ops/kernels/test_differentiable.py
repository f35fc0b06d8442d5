# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What all kernels share, tried with a plain one: derivatives, padding, what is passed on."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels.choice import kernel_instead
from tests import oracles
from tests.ops.kernels.kernels import PlainKernel, kernel_vjp
from tests.ops.scans import FLOATS, Case, problem

CASES = (
    Case(5, 2, 7, 3, 1, "", "mask segments softplus"),
    Case(5, 2, 7, 3, 1, "", "mask segments"),
    Case(66, 1, 130, 5, 1, "", ""),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_size_equals_the_float64_recurrence(case: Case) -> None:
    """Padded to what a kernel takes, and back; with and without softplus, ids and mask."""
    floats, structure, cotangents, want, want_grads = problem(case)
    got, grads = kernel_vjp(PlainKernel(), "softplus" in case.options)(
        floats, structure, *cotangents
    )
    for value, right in zip(got, want, strict=True):
        assert oracles.error(value, right) < 1e-6
    for name in FLOATS:
        assert oracles.error(grads[name], want_grads[name]) < 1e-6, name


def arguments() -> dict[str, Any]:
    """Small, of sizes that are padded; float32."""
    floats, structure, *_ = problem(CASES[0])
    return {**floats, **structure}


def test_what_is_optional_may_be_left_out() -> None:
    """Without skip, gate, bias, first state, ids and mask: as the associative scan."""
    given = {name: arguments()[name] for name in ("u", "delta", "A", "B", "C")}

    @partial(jax.jit, static_argnums=0)
    def scan(method: str) -> Any:
        return selective_scan(**given, method=method, return_final_state=True)

    want = scan("associative")
    with kernel_instead(PlainKernel()):
        got = scan("kernel")
    for value, right in zip(got, want, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_narrow_floats_come_out_as_they_went_in(dtype: Any) -> None:
    """y has u's dtype, each gradient its argument's; float16 is no kernel's, and is widened."""
    floats, structure, (dy, dlast), *_ = problem(CASES[0])
    floats = {name: jnp.asarray(value, dtype) for name, value in floats.items()}
    got, grads = kernel_vjp(PlainKernel())(floats, structure, dy.astype(dtype), dlast)
    assert (got[0].dtype, got[1].dtype) == (dtype, jnp.float32)
    assert {grads[name].dtype for name in FLOATS} == {np.dtype(dtype)}
    assert all(np.isfinite(np.asarray(grads[name], np.float32)).all() for name in FLOATS)


def test_what_stands_at_padding_reaches_nothing() -> None:
    """NaN there, in any of five arguments: the same bits, and gradients of exactly 0 there."""
    floats, structure, cotangents, *_ = problem(CASES[0])
    run = kernel_vjp(PlainKernel())
    clean, clean_grads = run(floats, structure, *cotangents)
    hole = ~structure["mask"][:, :, None]
    dirty = {
        name: np.where(hole, np.nan, floats[name]).astype(np.float32)
        if name in ("u", "delta", "z", "B", "C")
        else floats[name]
        for name in floats
    }
    got, grads = run(dirty, structure, *cotangents)
    jax.tree.map(np.testing.assert_array_equal, (got, grads), (clean, clean_grads))
    for name in ("u", "delta", "z", "B", "C"):
        assert not np.any(np.where(hole, grads[name], 0)), name


@pytest.mark.slow
def test_gradients_can_be_differentiated_in_both_modes() -> None:
    """A Hessian times a vector, by reverse over reverse and by forward over reverse, as by the
    associative scan; forward mode alone is refused."""
    given = arguments()
    fixed = {name: given.pop(name) for name in ("mask", "segment_ids")}
    draw = np.random.default_rng(5)
    vector = {
        name: draw.standard_normal(np.shape(value)).astype(np.float32)
        for name, value in given.items()
    }

    def loss(method: str) -> Any:
        def run(floats: Any) -> jax.Array:
            y, last = selective_scan(
                **floats, **fixed, delta_softplus=True, method=method, return_final_state=True
            )
            return jnp.sum(jnp.sin(y)) + jnp.sum(last**2)

        return run

    def over_reverse(method: str) -> Any:
        return jax.jvp(jax.grad(loss(method)), (given,), (vector,))[1]

    def twice_reverse(method: str) -> Any:
        def slope(floats: Any) -> jax.Array:
            products = jax.tree.map(jnp.vdot, jax.grad(loss(method))(floats), vector)
            return sum(jax.tree.leaves(products), jnp.zeros(()))

        return jax.grad(slope)(given)

    want = jax.jit(lambda: over_reverse("associative"))()
    with kernel_instead(PlainKernel()):
        got = jax.jit(lambda: (over_reverse("kernel"), twice_reverse("kernel")))()
        with pytest.raises(TypeError, match="forward-mode"):
            jax.jvp(loss("kernel"), (given,), (vector,))
    for result in got:
        for name in given:
            assert oracles.error(result[name], want[name]) < 1e-5, name


def test_without_a_gradient_no_boundaries_are_kept() -> None:
    """The forward pass alone does not pay for the backward pass."""
    asked = []

    class Recording(PlainKernel):
        def forward(self, inputs: Any, *, softplus: bool, keep_boundaries: bool) -> Any:
            asked.append(keep_boundaries)
            return super().forward(inputs, softplus=softplus, keep_boundaries=keep_boundaries)

    def scan(u: jax.Array) -> jax.Array:
        y = selective_scan(**{**arguments(), "u": u}, delta_softplus=True, method="kernel")
        assert isinstance(y, jax.Array)
        return y.sum()

    u = jnp.asarray(arguments()["u"])
    with kernel_instead(Recording()):
        jax.eval_shape(scan, u)
        assert set(asked) == {False}
        jax.eval_shape(jax.grad(scan), u)
        assert asked[-1]
