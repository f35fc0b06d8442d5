# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the tests run the selective scan: arguments with their float64 answers, and results and all
gradients in one compiled call."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.backend import target_backend
from tests import oracles
from tests.compiling import users_jit

FLOATS = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state")
VARYING = ("u", "delta", "z", "B", "C")  # those that stand at a position, B and C if [B, T, N]


class Case(NamedTuple):
    """One shape, and what else is used at it."""

    length: int
    batch: int
    inner: int
    state: int
    chunk: int  # of "chunked"; "auto" takes the table's
    constant: str  # those of B and C that are constant in time
    options: str  # some of: mask, segments, softplus


@cache
def problem(case: Case) -> tuple[Any, ...]:
    """The arguments, the cotangents and the float64 answers of a case."""
    draw = np.random.default_rng(1000 + case.length)
    (T, B, I, N), shape = case[:4], (case.batch, case.length, case.inner)

    def normal(*shape: int) -> np.ndarray:
        return draw.standard_normal(shape).astype(np.float32)

    softplus = "softplus" in case.options
    # The step size itself, every one different: the finer bound holds from 1e-3 on.
    step = np.exp(draw.uniform(np.log(1e-3 if T <= 1024 else 1e-5), np.log(0.3), shape))
    bias = 0.3 * normal(I) if softplus else (1e-4 * draw.random(I)).astype(np.float32)
    raw = step + np.log(-np.expm1(-step)) - bias if softplus else step
    varying, constant = (B, T, N), (I, N)
    floats = {
        "u": normal(*shape),
        "delta": raw.astype(np.float32),
        "A": -np.exp(draw.uniform(np.log(0.5), np.log(16), (I, N))).astype(np.float32),
        "B": normal(*(constant if "B" in case.constant else varying)),
        "C": normal(*(constant if "C" in case.constant else varying)),
        "D": normal(I),
        "z": normal(*shape),
        "delta_bias": bias,
        "initial_state": normal(B, I, N),
    }
    structure = {}
    if "mask" in case.options:
        structure["mask"] = draw.random((B, T)) < 0.7
        structure["mask"][-1] = np.arange(T) < T // 2
    if "segments" in case.options:  # about six segments a row, with ids that come back
        structure["segment_ids"] = np.cumsum(draw.random((B, T)) < 6 / T, axis=1) % 2
    dy, dlast = normal(*shape), normal(B, I, N)
    arguments = {**floats, **structure, "delta_softplus": softplus}
    want = oracles.selective_scan(**arguments)
    return floats, structure, (dy, dlast), want, oracles.selective_scan_vjp(dy, dlast, **arguments)


@cache
def value_and_vjp(
    method: str,
    chunk_size: int | None = None,
    softplus: bool = True,
    backend: str = "cpu",
    as_users: bool = False,
) -> Callable[..., Any]:
    """A jitted ``(floats, ids and mask, dy, dlast) -> ((y, last), gradients)``.

    Args:
      method: of ``selective_scan``.
      chunk_size: of ``selective_scan``.
      softplus: its ``delta_softplus``.
      backend: whose layout of the chunked scan is traced: "cpu" flat, "gpu" batched.
      as_users: compile as users do.
    """

    @(users_jit if as_users else jax.jit)
    def run(floats, structure, dy, dlast):
        def scan(floats):
            return selective_scan(
                **floats,
                **structure,
                delta_softplus=softplus,
                method=method,
                chunk_size=chunk_size,
                return_final_state=True,
            )

        with target_backend(backend):
            results, vjp = jax.vjp(scan, floats)
            return results, vjp((dy, dlast))[0]

    return lambda *args: jax.tree.map(np.asarray, run(*args))


def inner_jaxprs(jaxpr: Any) -> list[Any]:
    """All equations of a jaxpr and of the jaxprs inside it."""
    equations = []
    for equation in jaxpr.eqns:
        equations.append(equation)
        for inner in jaxprs_in_params(equation.params):
            equations += inner_jaxprs(inner)
    return equations


def float_dtypes(equations: list[Any], primitives: set[str]) -> list[Any]:
    """The floating dtypes that the equations of some primitives produce."""
    return [
        variable.aval.dtype
        for equation in equations
        if equation.primitive.name in primitives
        for variable in equation.outvars
        if jnp.issubdtype(variable.aval.dtype, jnp.floating)
    ]
