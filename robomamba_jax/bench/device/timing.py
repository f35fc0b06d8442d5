# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Seconds of one call among several in one program."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp

from robomamba_jax.bench.worker import Workload

_ROUNDS = 5


def in_a_loop(function: Callable[[Any], Any], calls: int) -> Callable[[Any], Any]:
    """A program that calls a function several times, and gives what the last call gave.

    Each call waits for the one before, and nothing of it can be done once for all of them.
    """

    def run(inputs: Any) -> Any:
        def body(_: jax.Array, results: Any) -> Any:
            # Without the barrier what depends on the inputs alone would be moved out of the loop.
            _, held = jax.lax.optimization_barrier((results, inputs))
            return function(held)

        # Zeros, not a call before the loop: the function would be compiled twice.
        shapes = jax.eval_shape(function, inputs)
        start = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return jax.lax.fori_loop(0, calls, body, start)

    return run


def compiled(function: Callable[[Any], Any], inputs: Any) -> tuple[Callable[[], None], int | None]:
    """A call that waits for its results, and the bytes of temporaries."""
    program = jax.jit(function).lower(inputs).compile()
    memory = program.memory_analysis()

    def run() -> None:
        """The whole program once."""
        jax.block_until_ready(program(inputs))

    return run, None if memory is None else cast("int", memory.temp_size_in_bytes)


def median_seconds(run: Callable[[], object], calls: int) -> float:
    """Of one of the calls in a program: the median of some runs, after one that warms up."""
    run()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / calls


def forward_and_backward(
    forward: Callable[[], object], both: Callable[[], object], calls: int, facts: dict[str, Any]
) -> Workload:
    """The work of both passes, with the forward pass's own seconds among its facts."""
    return Workload(
        both, {**facts, "calls": calls, "forward_seconds": median_seconds(forward, calls)}
    )
