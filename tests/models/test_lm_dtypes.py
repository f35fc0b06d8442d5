# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""bfloat16 computation and its float32 islands, read from the jaxpr and not from results.

A walk through every equation, loops and inner functions included, follows the parameters and the
states that must never be rounded, and looks at the dtypes of what must be computed in float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.extend import core

import robomamba_jax as rm
from robomamba_jax.models.params import abstract_params, leaf_paths
from tests.weights import of_scale, random_params

FULL = rm.MambaConfig(d_model=20, n_layer=2, vocab_size=37, d_state=5, dt_rank=3)
HALF = FULL.replace(dtype="bfloat16", param_dtype="bfloat16")
LAYOUTS = ("list", "stacked")
CALLS = ("forward", "prefill", "step")
BATCH, LENGTH = 2, 21
# What is kept in float32: parameters, the states between calls, and these functions.
ISLANDS = ("A_log", "mixer/D", "dt_proj/bias", "norm/weight", "norm_f/weight")
FUNCTIONS = {"exp", "exp2", "expm1", "log", "log1p", "logistic", "rsqrt", "sqrt", "tanh"}
# Equations that hand on what they are given.
MOVES = {
    *("broadcast_in_dim", "concatenate", "copy", "dynamic_slice", "expand_dims", "gather"),
    *("reshape", "slice", "squeeze", "transpose", "convert_element_type"),
}


class Seen(NamedTuple):
    """One equation, wherever it stands, and which islands each of its inputs carries."""

    equation: Any
    islands: tuple[frozenset[str], ...]


def inner(equation: Any) -> Iterator[tuple[Any, slice]]:
    """The functions inside an equation, each with the inputs that it is given."""
    count = len(equation.invars)
    for value in equation.params.values():
        for item in value if isinstance(value, tuple) else (value,):
            body = item.jaxpr if isinstance(item, core.ClosedJaxpr) else item
            if isinstance(body, core.Jaxpr):
                # Inputs that a loop or branch does not hand over stand first.
                yield body, slice(count - len(body.invars), count)


def walk(jaxpr: Any, islands: dict[Any, frozenset[str]]) -> Iterator[Seen]:
    """Every equation in and below ``jaxpr``; ``islands`` names what its inputs carry."""
    empty: frozenset[str] = frozenset()
    known = dict(islands)
    for equation in jaxpr.eqns:
        carried = tuple(
            empty if isinstance(var, core.Literal) else known.get(var, empty)
            for var in equation.invars
        )
        yield Seen(equation, carried)
        for body, given in inner(equation):
            yield from walk(body, dict(zip(body.invars, carried[given], strict=True)))
        if equation.primitive.name in MOVES:
            for var in equation.outvars:
                known[var] = empty.union(*carried)


def trace(call: str, layout: str, config: rm.MambaConfig) -> tuple[list[Seen], Any]:
    """The equations of one call, and its results' shapes and dtypes."""
    graph, params = abstract_params(config, layout)
    ids = jax.ShapeDtypeStruct((BATCH, LENGTH), jnp.int32)
    mask = jax.ShapeDtypeStruct((BATCH, LENGTH), bool)
    state = jax.eval_shape(lambda params: model_of(graph, params).init_cache(BATCH), params)

    def run(params: Any, *given: Any) -> Any:
        model = model_of(graph, params)
        return {"forward": model, "prefill": model.prefill, "step": model.step}[call](*given)

    given = (jax.ShapeDtypeStruct((BATCH,), jnp.int32), state) if call == "step" else (ids, mask)
    closed, results = jax.make_jaxpr(run, return_shape=True)(params, *given)
    names = [*leaf_paths(params), *("" for _ in jax.tree.leaves(given))]
    islands = {
        var: frozenset(island for island in ISLANDS if name.endswith(island))
        for var, name in zip(closed.jaxpr.invars, names, strict=True)
    }
    return list(walk(closed.jaxpr, islands)), results


def model_of(graph: Any, params: Any) -> Any:
    """The module around a parameter tree."""
    return nnx.merge(graph, params)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_functions_are_float32(call: str, layout: str) -> None:
    """softplus, exp, sigmoid and the norm's root see float32 only; sums of squares too."""
    seen, _ = trace(call, layout, HALF)
    found: Counter[str] = Counter()
    for equation, _ in seen:
        name = equation.primitive.name
        if name in FUNCTIONS or name in {"reduce_sum", "cumsum"}:
            dtypes = {str(var.aval.dtype) for var in equation.invars}
            assert dtypes <= {"float32", "int32"}, equation
            found[name] += 1
    blocks = FULL.n_layer if layout == "list" else 1
    # Per block: exp(A_log), exp(delta A) and softplus's; the gate's and the convolution's sigmoid.
    assert found["exp"] >= 3 * blocks
    assert found["log1p"] >= blocks, "softplus"
    assert found["logistic"] >= 2 * blocks, "silu"
    assert found["rsqrt"] == blocks + 1, "the norms"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_island_parameters_are_never_rounded(call: str, layout: str) -> None:
    """A_log, D, dt bias and the norms' weights reach float32 arithmetic as they are stored."""
    seen, _ = trace(call, layout, HALF)
    used: set[str] = set()
    for equation, islands in seen:
        if any(islands):
            outputs = {str(var.aval.dtype) for var in equation.outvars}
            if not list(inner(equation)):
                assert outputs == {"float32"}, equation
                used |= frozenset().union(*islands)
    assert used == set(ISLANDS), "the walk lost sight of a parameter"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_products_are_bfloat16(call: str, layout: str) -> None:
    """The islands are islands: projections multiply bfloat16; the head and dt sum in float32."""
    seen, _ = trace(call, layout, HALF)
    results: Counter[str] = Counter()
    widths = {FULL.d_model, FULL.d_inner, FULL.rank}
    for equation, _ in seen:
        if equation.primitive.name == "dot_general":
            left, right = (var.aval for var in equation.invars)
            if right.ndim == 2 and right.shape[1] in widths:
                assert str(left.dtype) == str(right.dtype) == "bfloat16", equation
                results[str(equation.outvars[0].aval.dtype)] += 1
    blocks = FULL.n_layer if layout == "list" else 1
    assert results == {"bfloat16": 3 * blocks, "float32": blocks + 1}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_states_are_float32(call: str, layout: str) -> None:
    """The scan's carry and the cached state, as every loop and the results hold them."""
    seen, results = trace(call, layout, HALF)
    size = {FULL.d_inner, FULL.d_state}
    carries = [
        var.aval
        for equation, _ in seen
        if equation.primitive.name == "scan"
        for var in equation.params["jaxpr"].jaxpr.invars
        if len(var.aval.shape) >= 2 and set(var.aval.shape[-2:]) == size
    ]
    assert all(str(aval.dtype) == "float32" for aval in carries), carries
    assert carries or (call == "step" and layout == "list"), "no loop holds a state"
    if call != "forward":
        logits, cache = results
        assert logits.dtype == jnp.float32
        layers = cache if layout == "list" else [cache]
        assert all(layer.ssm_state.dtype == jnp.float32 for layer in layers)
        assert all(layer.conv_state.dtype == jnp.bfloat16 for layer in layers)


@pytest.mark.parametrize("fp32", [True, False])
def test_residual_stream(fp32: bool) -> None:
    """The loop over layers carries it in float32 or in the compute dtype, as asked."""
    seen, _ = trace("forward", "stacked", HALF.replace(residual_in_fp32=fp32))
    stream = (BATCH, LENGTH, FULL.d_model)
    carried = {
        str(equation.outvars[0].aval.dtype)
        for equation, _ in seen
        if equation.primitive.name == "scan" and equation.outvars[0].aval.shape == stream
    }
    assert carried == {"float32" if fp32 else "bfloat16"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stored_dtypes(layout: str) -> None:
    """param_dtype says how parameters are stored; the islands stay float32."""
    for path, leaf in leaf_paths(abstract_params(HALF, layout)[1]).items():
        expected = "float32" if path.endswith(ISLANDS) else "bfloat16"
        assert str(leaf.dtype) == expected, path


def test_logits_dtype() -> None:
    """The result's dtype is a setting of its own."""
    for name in ("float32", "bfloat16"):
        config = HALF.replace(logits_dtype=name)
        assert str(trace("forward", "list", config)[1].dtype) == name


def test_a_rounded_island_is_found() -> None:
    """The walk sees a parameter rounded inside a loop, and an exp in bfloat16."""

    def bad(a_log: jax.Array, x: jax.Array) -> jax.Array:
        def body(carry: jax.Array, _: None) -> tuple[jax.Array, None]:
            return carry * jnp.exp(a_log[None].astype(jnp.bfloat16)).sum(), None

        return jax.jit(lambda x: jax.lax.scan(body, x, length=2)[0])(x)

    closed = jax.make_jaxpr(bad)(jnp.ones(3), jnp.ones((), jnp.bfloat16))
    islands = {closed.jaxpr.invars[0]: frozenset({"A_log"})}
    seen = list(walk(closed.jaxpr, islands))
    rounded = [e for e, names in seen if any(names) and e.outvars[0].aval.dtype == jnp.bfloat16]
    assert "convert_element_type" in {equation.primitive.name for equation in rounded}
    assert any(
        e.primitive.name == "exp" and e.invars[0].aval.dtype == jnp.bfloat16 for e, _ in seen
    )


def test_bfloat16_stays_near_float32(record_property: Any) -> None:
    """The same weights computed in bfloat16, in one go and by 41 steps on the cache.

    Measured, of float32's scale: 0.0026 and 0.0026.
    """
    ids = jnp.asarray(np.random.default_rng(1).integers(0, FULL.vocab_size, (1, 41)))
    params, half = random_params(FULL, "stacked"), FULL.replace(dtype="bfloat16")
    exact, forward = (jax.jit(rm.functional(c)[1])(params, ids) for c in (FULL, half))
    model = model_of(abstract_params(half, "stacked")[0], params)

    def step(state: Any, token: jax.Array) -> tuple[Any, jax.Array]:
        logits, state = model.step(token, state)
        return state, logits

    _, logits = jax.jit(partial(jax.lax.scan, step))(model.init_cache(1), ids.T)
    errors = of_scale(forward, exact), of_scale(jnp.swapaxes(logits, 0, 1), exact)
    record_property("forward, steps", f"{errors[0]:.2g}, {errors[1]:.2g}")
    print(f"bfloat16 forward {errors[0]:.2g}, by steps {errors[1]:.2g}")
    assert min(errors) > 4e-4, "bfloat16 had no effect"
    assert max(errors) <= 0.012
