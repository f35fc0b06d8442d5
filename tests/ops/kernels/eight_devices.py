# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A scan by kernel on a mesh of eight devices, against the same scan on one; a program of its own.

JAX_NUM_CPU_DEVICES=8 python tests/ops/kernels/eight_devices.py

Prints one line per case: its name, the worst error of results and gradients, and the collectives of
the compiled program.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels.choice import kernel_instead
from tests import oracles
from tests.ops.kernels.kernels import PlainKernel
from tests.ops.scans import Case, problem

ROWS = ("data", "fsdp")
AXES = (*ROWS, "tensor")
SHARED = ("A", "D", "delta_bias")
Floats = dict[str, Any]


def specs(tensor: str | None) -> dict[str, P]:
    """Where each argument lies, with channels along ``tensor``."""
    sequence, position = P(ROWS, None, tensor), P(ROWS)
    return {
        "u": sequence,
        "delta": sequence,
        "z": sequence,
        "A": P(tensor),
        "D": P(tensor),
        "delta_bias": P(tensor),
        "B": position,
        "C": position,
        "initial_state": P(ROWS, tensor),
    }


def results(floats: Floats, ids: jax.Array, dy: jax.Array, dlast: jax.Array) -> Any:
    """y, the last state and all gradients."""

    def scan(floats: Floats) -> Any:
        return selective_scan(
            **floats,
            segment_ids=ids,
            delta_softplus=True,
            method="kernel",
            return_final_state=True,
        )

    out, vjp = jax.vjp(scan, floats)
    return out, vjp((dy, dlast))[0]


def as_in_training(mesh: Mesh, *arguments: Any) -> Any:
    """Rows by ``jax.shard_map``, channels by the compiler, as `training` does it."""

    def local(*arguments: Any) -> Any:
        out, grads = results(*arguments)
        return out, {
            name: jax.lax.psum(grad, ROWS) if name in SHARED else grad
            for name, grad in grads.items()
        }

    rows = specs(None)
    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(rows, P(ROWS), P(ROWS), P(ROWS)),
        out_specs=((P(ROWS), P(ROWS)), rows),
        axis_names=set(ROWS),
        check_vma=False,
    )(*arguments)


def collectives(text: str) -> str:
    """Kinds and counts, such as "all-reduce 3"."""
    names = r"all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute"
    found = Counter(re.findall(rf"= \S.*? ({names})(?:-start)?\(", text))
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items())) or "none"


def case(name: str, shape: Case, run: Any, sizes: tuple[int, int, int]) -> None:
    """One line."""
    devices = np.array(jax.devices()).reshape(sizes)
    mesh = Mesh(devices, AXES, axis_types=(AxisType.Auto,) * len(AXES))
    floats, structure, (dy, dlast), *_ = problem(shape)
    arguments = (floats, jnp.asarray(structure["segment_ids"]), jnp.asarray(dy), jnp.asarray(dlast))
    split = "tensor" if shape.inner % sizes[2] == 0 else None
    places = (specs(split), P(ROWS), P(ROWS, None, split), P(ROWS, split))
    placed = jax.tree.map(
        lambda x, spec: jax.device_put(x, NamedSharding(mesh, spec)), arguments, places
    )
    with kernel_instead(PlainKernel()):
        want = jax.jit(results)(*arguments)
        with jax.set_mesh(mesh):
            compiled = jax.jit(partial(run, mesh) if run is as_in_training else run)
            compiled = compiled.lower(*placed).compile()
            got = compiled(*placed)
    worst = max(jax.tree.leaves(jax.tree.map(oracles.error, got, want)))
    print(f"{name}: {worst:.1e}, {collectives(compiled.as_text())}", flush=True)


def main() -> None:
    even = Case(5, 8, 512, 4, 1, "", "segments softplus")
    case("compiler", even, results, (2, 2, 2))
    case("training", even, as_in_training, (2, 2, 2))
    case("tensor of one device", even, as_in_training, (2, 4, 1))
    odd = Case(5, 8, 7, 3, 1, "", "segments softplus")
    case("channels that two do not divide", odd, as_in_training, (2, 2, 2))


if __name__ == "__main__":
    main()
