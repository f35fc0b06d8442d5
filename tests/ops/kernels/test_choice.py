# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which kernel a scan by name gets, and what is said where there is none."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.backend import target_backend
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.ops.kernels.on_platform import OnPlatform
from tests.ops.kernels.kernels import PlainKernel, kernel_vjp
from tests.ops.scans import Case, problem


def scan(states: int = 4, **changes: Any) -> Any:
    u, b = jnp.ones((1, 3, 5)), jnp.ones((1, 3, states))
    given = {"u": u, "delta": u, "A": -jnp.ones((5, states)), "B": b, "C": b, **changes}
    return selective_scan(**given, method="kernel")


REFUSED = {
    "the CPU": ({}, "this computes on the cpu (give scan_method (or method) "),
    "constant B": ({"B": jnp.ones((5, 4))}, "needs B and C that vary in time"),
    "many states": ({"states": 36}, "takes at most 32 states, and N is 36"),
    "no chunk size": ({"chunk_size": 0}, "chunk_size is 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_there_is_none_one_line_says_so(name: str) -> None:
    """By name it is the kernel or an error, never another method in silence."""
    changes, words = REFUSED[name]
    with pytest.raises(InputError) as caught:
        scan(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scan_traced_for_a_tpu_has_the_kernel_in_it() -> None:
    """And auto has not: it is not admitted to anything yet."""
    with target_backend("tpu"):
        assert "mamba_scan_fwd" in str(jax.make_jaxpr(scan)())
        u, b = jnp.ones((1, 99, 5)), jnp.ones((1, 99, 4))
        auto = jax.make_jaxpr(lambda: selective_scan(u, u, jnp.ones((5, 4)), b, b))()
    assert "mamba_scan_fwd" not in str(auto)


def test_arrays_on_the_cpu_of_a_process_with_a_tpu_are_computed_there() -> None:
    """The kernel is for its platform alone; elsewhere the chunked scan computes the same."""
    case = Case(5, 2, 7, 3, 1, "", "mask segments softplus")
    floats, structure, cotangents, *_ = problem(case)
    want = kernel_vjp(PlainKernel())(floats, structure, *cotangents)

    class Unusable(PlainKernel):
        """Traced, since the platform is not known before lowering, and never lowered."""

        def forward(self, inputs: Any, *, softplus: bool, keep_boundaries: bool) -> Any:
            out = super().forward(inputs, softplus=softplus, keep_boundaries=keep_boundaries)
            return out._replace(y=jnp.full_like(out.y, jnp.nan))

    got = kernel_vjp(OnPlatform(Unusable(), "tpu"))(floats, structure, *cotangents)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 2e-5, 1e-5), got, want)


def test_a_kernel_stands_in_for_another_within_its_context_only() -> None:
    """Afterwards the backend's own is asked for again."""
    with kernel_instead(PlainKernel()):
        assert jax.eval_shape(scan).shape == (1, 3, 5)
    with pytest.raises(InputError, match="on the cpu"):
        scan()
