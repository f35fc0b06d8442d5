# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The scan's JAX sides: one per method."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from robomamba_jax.bench.records import ScanWork
from robomamba_jax.bench.scan_inputs import scan_inputs
from robomamba_jax.bench.worker import Workload
from robomamba_jax.ops import selective_scan


def build(side: str, case: ScanWork) -> Workload:
    """Forward, or value and gradients of every input; softplus, skip and gate included."""
    method = side.removeprefix("jax-")
    inputs = [jnp.asarray(array) for array in scan_inputs(case).values()]

    def scan(*arrays: jax.Array) -> jax.Array:
        """By one method, with all that a Mamba block gives it."""
        y = selective_scan(
            *arrays, delta_softplus=True, method=method, chunk_size=case.get("chunk_size")
        )
        assert isinstance(y, jax.Array)
        return y

    def loss(*arrays: jax.Array) -> jax.Array:
        """A scalar that depends on every output."""
        return jnp.sum(jnp.square(scan(*arrays)))

    function = scan
    if case["kind"] == "backward":
        function = jax.value_and_grad(loss, argnums=tuple(range(len(inputs))))
    compiled = jax.jit(function).lower(*inputs).compile()
    memory = compiled.memory_analysis()
    facts = {
        "device": jax.devices()[0].device_kind,
        "temp_bytes": None if memory is None else memory.temp_size_in_bytes,
    }
    return Workload(lambda: jax.block_until_ready(compiled(*inputs)), facts)
