# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""vmap over a kernel that takes rows anyway: mapped rows are more rows of one call."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

Rows = TypeVar("Rows")
Shared = TypeVar("Shared")


def fold_rows(
    function: Callable[[Rows, Shared], list[jax.Array]], rows: Rows, shared: Shared
) -> list[jax.Array]:
    """``function(rows, shared)``, which under vmap is called once for all rows.

    Where what is shared differs between the mapped calls (models of an ensemble), they run one
    after the other.

    Args:
      function: gives arrays whose first axis is B.
      rows: arrays whose first axis is B; None stays.
      shared: arrays that all rows read.
    """

    @custom_vmap
    def run(rows: Rows, shared: Shared) -> list[jax.Array]:
        return function(rows, shared)

    @run.def_vmap
    def mapped(size: int, batched: Any, rows: Rows, shared: Shared) -> Any:
        mapped_rows, mapped_shared = batched

        def everywhere(x: jax.Array, is_mapped: bool) -> jax.Array:
            """What is not mapped, such as a state of zeros, is the same for every call."""
            return x if is_mapped else jnp.broadcast_to(x, (size, *x.shape))

        rows = jax.tree.map(everywhere, rows, mapped_rows)
        if any(jax.tree.leaves(mapped_shared)):
            results = _one_by_one(run, rows, shared, mapped_shared)
        else:
            together = jax.tree.map(_joined, rows)
            results = [
                x.reshape(size, x.shape[0] // size, *x.shape[1:]) for x in run(together, shared)
            ]
        return results, [True] * len(results)

    return run(rows, shared)


def _joined(x: jax.Array) -> jax.Array:
    """[V, B, ...] as [V * B, ...]."""
    return x.reshape(-1, *x.shape[2:])


def _one_by_one(
    run: Callable[[Any, Any], list[jax.Array]], rows: Any, shared: Any, mapped: Any
) -> list[jax.Array]:
    """A loop over the first axis of all rows, and of what is mapped of the shared arrays."""
    leaves, structure = jax.tree.flatten(shared)
    flags = jax.tree.leaves(mapped)
    moving = [x for x, flag in zip(leaves, flags, strict=True) if flag]

    def one(each: tuple[Any, list[jax.Array]]) -> list[jax.Array]:
        own = iter(each[1])
        merged = [next(own) if flag else x for x, flag in zip(leaves, flags, strict=True)]
        return run(each[0], jax.tree.unflatten(structure, merged))

    return jax.lax.map(one, (rows, moving))
