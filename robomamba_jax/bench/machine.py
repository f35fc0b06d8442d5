# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The machine's own limits: what memory reads and matrix products reach here."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from robomamba_jax.bench.records import MachineWork
from robomamba_jax.bench.worker import Workload

# Larger than any cache, so that memory is read and not a copy of it.
READ_BYTES = 512 * 2**20
GEMM_SIZE = 2048


def build(side: str, case: MachineWork) -> Workload:
    """``case["kind"]`` "read" (GB/s of a sum) or "gemm" (GFLOP/s of a float32 product)."""
    del side
    if case["kind"] == "read":
        array = jnp.ones((READ_BYTES // 4,), jnp.float32)
        total = jax.jit(jnp.sum)
        return Workload(lambda: jax.block_until_ready(total(array)), {"bytes": READ_BYTES})
    array = jax.random.normal(jax.random.key(0), (GEMM_SIZE, GEMM_SIZE), jnp.float32)
    product = jax.jit(jnp.matmul)
    return Workload(
        lambda: jax.block_until_ready(product(array, array)), {"flops": 2 * GEMM_SIZE**3}
    )
