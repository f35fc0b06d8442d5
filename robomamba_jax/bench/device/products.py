# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The matrix products of one Mamba block, one after the other as in the block."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import jax
import jax.numpy as jnp

from robomamba_jax.bench.device.timing import compiled, in_a_loop
from robomamba_jax.bench.records import DeviceProductsWork
from robomamba_jax.bench.worker import Workload


def build(side: str, case: DeviceProductsWork) -> Workload:
    """in_proj, x_proj, dt_proj and out_proj in bfloat16; the seconds are of all calls."""
    del side
    width, inner, rank = case["width"], case["inner"], case["rank"]
    sizes = {
        "in": (width, 2 * inner),
        "x": (inner, rank + 2 * case["state"]),
        "dt": (rank, inner),
        "out": (inner, width),
    }
    keys = dict(zip(sizes, jax.random.split(jax.random.key(0), len(sizes)), strict=True))
    weights = {
        # Numbers keep their size through any number of calls.
        name: (jax.random.normal(keys[name], size) / size[0] ** 0.5).astype(jnp.bfloat16)
        for name, size in sizes.items()
    }
    tokens = case["batch"] * case["length"]
    x = jax.random.normal(jax.random.key(1), (tokens, width), jnp.bfloat16)

    def block(arguments: tuple[jax.Array, dict[str, jax.Array]]) -> jax.Array:
        """The products alone."""
        x, w = arguments
        # Half of it is read: without the barrier the other half need not be computed.
        wide = jax.lax.optimization_barrier(x @ w["in"])[:, :inner]
        low = jax.lax.optimization_barrier(wide @ w["x"])[:, :rank]
        return (low @ w["dt"]) @ w["out"]

    run, _ = compiled(in_a_loop(block, case["calls"]), (x, weights))
    flops = 2 * tokens * sum(a * b for a, b in sizes.values())
    facts = {"device": jax.devices()[0].device_kind, "calls": case["calls"], "flops": flops}
    return Workload(run, facts)
