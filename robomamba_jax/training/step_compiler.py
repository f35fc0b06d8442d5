# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles a program's step ahead of its first call, once for each shape of a batch.

``jax.jit`` would do the same at the call, but silently, and inside the time of a step.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import jax

from robomamba_jax.models.params import Params
from robomamba_jax.training.program import StepProgram
from robomamba_jax.training.state import TrainState
from robomamba_jax.utils.progress import Log


class StepCompiler:
    """The compiled steps of a program by the shapes of their batches."""

    def __init__(self, program: StepProgram) -> None:
        """Nothing is compiled yet."""
        self._step = program.step
        self._compiled: dict[tuple[object, ...], jax.stages.Compiled] = {}

    def find(self, arrays: Mapping[str, jax.Array]) -> jax.stages.Compiled | None:
        """The step for batches like this one, if it has been compiled."""
        return self._compiled.get(_shapes(arrays))

    def compile(
        self,
        state: TrainState,
        frozen: Params,
        arrays: dict[str, jax.Array],
        log: Log,
    ) -> jax.stages.Compiled:
        """Compile the step for batches like this one.

        Args:
          state: before the step; of it and of ``frozen`` shapes and shardings are read alone.
          frozen: parameters.
          arrays: a batch on the devices.
          log: gets a line with the seconds and the memory that the step needs.
        """
        start = time.perf_counter()
        compiled = self._step.lower(state, frozen, arrays).compile()
        memory = compiled.memory_analysis()
        text = "" if memory is None else f", {memory.temp_size_in_bytes / 2**20:,.0f} MiB work"
        took = time.perf_counter() - start
        # Of texts the length says which bucket it is for; images are of one size.
        rows, *sides = arrays.get("input_ids", next(iter(arrays.values()))).shape
        length = f" of {sides[0]}" if "input_ids" in arrays else ""
        log(f"compiled the step for {rows} rows{length} in {took:.1f} s{text}")
        self._compiled[_shapes(arrays)] = compiled
        return compiled


def _shapes(arrays: Mapping[str, jax.Array]) -> tuple[object, ...]:
    return tuple((name, array.shape, str(array.dtype)) for name, array in arrays.items())
