# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the tests run the selective scan: results and all gradients in one compiled call."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.backend import target_backend
from tests.compiling import users_jit

FLOATS = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state")
VARYING = ("u", "delta", "z", "B", "C")  # those that stand at a position, B and C if [B, T, N]


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
