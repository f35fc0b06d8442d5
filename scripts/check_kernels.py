#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The TPU's scan kernel, compiled for TPUs that are not there: memory, copies, bundles.

    make test-plan

What it computes is tested in interpret mode; here it goes through the real compiler. Prints the
rows of the table in docs/performance.md.
"""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20
Shape = tuple[int, int, int, int]
"""Rows, positions, channels, states."""


class Chip(NamedTuple):
    """One chip, and what is asked of the kernel there.

    Attributes:
      topology: its name.
      steps: positions of a chunk.
      cores: that share a chip's rows and, forward, tiles; with one row one of two rests backward.
      clock: cycles a second, from its peak and the size of its matrix unit; None = unknown.
      products: milliseconds that XLA counts for one pass of the 2.8B block's matrix products over
        2,048 tokens; None = unknown.
      forward: bundles per 8 positions of 1,024 channels at most, forward.
      backward: the same, backward.
    """

    topology: str
    steps: int
    cores: int
    clock: float | None
    products: float | None
    forward: int
    backward: int


CHIPS = (
    Chip("v5e:1x1", 64, 1, 1.5e9, 0.97, 420, 1150),
    Chip("v5p:1x1x1", 64, 2, 1.75e9, 0.41, 420, 1150),
    Chip("v6e:1x1", 64, 1, 1.75e9, 0.28, 420, 1150),
    Chip("tpu7x:1x1x1", 64, 2, None, None, 420, 1150),
    # Half the arithmetic per bundle, and on-chip memory for 32 positions.
    Chip("v4:1x1x1", 32, 2, None, None, 840, 2300),
)
WIDE = (1, 2048, 5120, 16)  # the 2.8B
# 130m, nano, and half of the 2.8B's channels, as with tensor=2; on the first chip.
OTHERS = ((1, 2048, 1536, 16), (1, 2048, 384, 8), (1, 2048, 2560, 16))


class Compiled(NamedTuple):
    """What the compiler made of one pass.

    Attributes:
      seconds: of compiling.
      temporaries: bytes.
      copies: instructions beside the kernel that write an array as large as u.
      inner: bundles per 8 positions of a tile.
      total: bundles of the whole pass at most.
    """

    seconds: float
    temporaries: int
    copies: list[str]
    inner: float
    total: float


def arguments(shape: Shape, steps: int, device: Any) -> tuple[Any, Any]:
    """Inputs as the model has them in bfloat16, and what the backward pass takes besides."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import SingleDeviceSharding

    from robomamba_jax.ops.kernels.interface import KernelInputs

    (batch, length, channels, states), place = shape, SingleDeviceSharding(device)

    def array(dtype: Any, *sizes: int) -> Any:
        return jax.ShapeDtypeStruct(sizes, dtype, sharding=place)

    narrow, wide = jnp.bfloat16, jnp.float32
    sequence = (batch, length, channels)
    inputs = KernelInputs(
        u=array(narrow, *sequence),
        delta=array(wide, *sequence),
        A=array(wide, states, channels),
        B=array(wide, batch, length, states),
        C=array(wide, batch, length, states),
        D=array(wide, channels),
        z=array(narrow, *sequence),
        delta_bias=array(wide, channels),
        resets=array(wide, batch, length),
        initial_state=array(wide, batch, states, channels),
    )
    kept = array(wide, batch, length // steps, states, channels // 128, 128)
    return inputs, (kept, array(narrow, *sequence), inputs.initial_state)


def compile_pass(chip: Chip, shape: Shape, name: str, device: Any, folder: Path) -> Compiled:
    """One pass of the kernel, "fwd" or "bwd"."""
    import jax

    from robomamba_jax.ops.kernels.pallas_layout import UNROLL, tiling
    from robomamba_jax.ops.kernels.scan_pallas import PallasKernel
    from robomamba_jax.training.bundles import DUMP_NAME, loops

    kernel = PallasKernel(chip.steps)
    inputs, more = arguments(shape, chip.steps, device)
    for old in folder.iterdir():
        old.unlink()
    start = time.perf_counter()
    if name == "fwd":
        traced = jax.jit(lambda x: kernel.forward(x, softplus=True, keep_boundaries=True))
        compiled = traced.lower(inputs).compile()
    else:
        traced = jax.jit(lambda *x: kernel.backward(*x, softplus=True))
        compiled = traced.lower(inputs, *more).compile()
    seconds = time.perf_counter() - start
    pattern = re.compile(DUMP_NAME.format(operation=f"mamba_scan_{name}"))
    (dump,) = [path for path in folder.iterdir() if pattern.fullmatch(path.name)]
    grid, *inside = loops(dump.read_text(encoding="utf-8", errors="replace"))
    try:
        text = compiled.as_text() or ""
    except jax.errors.JaxRuntimeError:  # libtpu gives none for some chips
        text = ""
    memory = compiled.memory_analysis()
    assert memory is not None
    sizes = tiling(inputs, chip.steps, unrolled=True)
    # Backward, the first loop clears sums, one position a trip, and runs for one tile of a chunk,
    # as does most of what stands outside of loops: the sums over channels.
    *once, inner = [[loop.bundles for loop in part] for part in _split(inside, name)]
    per_tile = sum(inner) * chip.steps / (8 * UNROLL)
    if name == "fwd":
        chunk = sizes.tiles * (per_tile + grid.bundles)
    else:
        chunk = sizes.tiles * per_tile + sum(once[0]) * chip.steps + grid.bundles
    return Compiled(
        seconds,
        memory.temp_size_in_bytes,
        large_copies(text, math.prod(shape[:3])),
        sum(inner) / UNROLL,
        sizes.batch * sizes.chunks * chunk,
    )


def _split(inside: list[Any], name: str) -> tuple[list[Any], ...]:
    """The loops that run once per chunk, and those that run for every tile."""
    return ([], inside) if name == "fwd" else (inside[:1], inside[1:])


def large_copies(text: str, size: int) -> list[str]:
    """Instructions of a compiled program that move arrays of ``size`` numbers or more."""
    pattern = re.compile(r"= \w+\[([\d,]+)\]\S* (?:copy|transpose|copy-start|fusion)\(")
    found = []
    for line in text.splitlines():
        moved = pattern.search(line)
        if moved and math.prod(map(int, moved[1].split(","))) >= size:
            found.append(line.strip()[:120])
    return found


def check(chip: Chip, shape: Shape, folder: Path) -> tuple[str, list[str]]:
    """A row of the table, and what is wrong."""
    from robomamba_jax.training.planning import open_topology

    device = open_topology(chip.topology).devices[0]
    passes = {name: compile_pass(chip, shape, name, device, folder) for name in ("fwd", "bwd")}
    problems = []
    times = list[float]()
    cells = [chip.topology.split(":")[0], "x".join(map(str, shape))]
    for (name, found), most in zip(passes.items(), (chip.forward, chip.backward), strict=True):
        where = f"{name} {shape} on {chip.topology}"
        if found.temporaries >= 16 * MIB:
            problems.append(f"{where}: {found.temporaries / MIB:.0f} MiB of temporaries")
        if found.copies:
            problems.append(f"{where}: copies: {found.copies}")
        if shape == WIDE and found.inner > most:
            problems.append(f"{where}: {found.inner:.0f} bundles, not {most}")
        cells += [f"{found.inner:.0f}", f"{found.temporaries / MIB:.1f}", f"{found.seconds:.0f}"]
        if chip.clock:
            times.append(1e3 * found.total / chip.clock / chip.cores)
    cells += [f"{milliseconds:.2f}" for milliseconds in times] or ["-", "-"]
    if times and chip.products and shape == WIDE:
        cells.append(f"{(2 * times[0] + times[1]) / (4 * chip.products):.2f}")
    return "| " + " | ".join(cells) + " |", problems


def main() -> int:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    from robomamba_jax.training.bundles import DUMP_FLAGS

    problems = []
    with tempfile.TemporaryDirectory() as folder:
        # libtpu reads it once, when it is loaded.
        os.environ["LIBTPU_INIT_ARGS"] = DUMP_FLAGS.format(folder=folder)
        cases = [(chip, WIDE) for chip in CHIPS] + [(CHIPS[0], shape) for shape in OTHERS]
        for chip, shape in cases:
            row, found = check(chip, shape, Path(folder))
            print(row, flush=True)
            problems += found
    print("Chip, shape; forward: bundles, MiB of temporaries, s to compile; backward: the same;")
    print("ms of each at least, all cores busy; (2 forward + backward) : 4 products")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
