# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Run in a process with eight CPU devices by test_sharding.py; prints what it found as JSON.

JAX_NUM_CPU_DEVICES=8 python tests/training/eight_devices.py WORKDIR
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import jax
import numpy as np

from robomamba_jax.config.training import MeshConfig
from robomamba_jax.training import checkpoint
from robomamba_jax.training.program import Program, build
from robomamba_jax.training.sharding import bytes_per_device, make_mesh
from robomamba_jax.training.state import TrainState, new_state, state_tree, tree_state
from robomamba_jax.training.weights import load_tree, open_base
from tests.training.runs import STAGES, tiny

ALONE, EVERY_AXIS = {"1x1x1": (1, 1, 1)}, {"2x2x2": (2, 2, 2)}
ONE_AXIS = {"8x1x1": (8, 1, 1), "1x8x1": (1, 8, 1)}
STEPS = 4


def make(stage: str, shape: tuple[int, int, int], *changes: str) -> Program:
    """A stage's program on some of the devices."""
    config = dataclasses.replace(tiny(stage, *changes), mesh=MeshConfig(*shape))
    mesh = make_mesh(config.mesh, jax.devices()[: int(np.prod(shape))])
    base = open_base(None, config.model, config.seed)
    return build(config, base.parts, mesh, steps=30)


def fill(program: Program) -> tuple[TrainState, Any]:
    """State and frozen parameters with their first numbers."""
    config, mesh = program.config, program.mesh
    base = open_base(None, config.model, config.seed)
    trained, _ = load_tree(base, program.state.trained, program.model, mesh, seed=0)
    frozen, _ = load_tree(base, program.frozen, program.model, mesh, seed=0)
    places = jax.tree.map(lambda leaf: leaf.sharding, program.state)

    def begin(trained: Any) -> TrainState:
        return new_state(trained, program.labels, program.optimizer, 0)

    return jax.jit(begin, out_shardings=places)(trained), frozen


def train(program: Program, batches: list[Any]) -> list[float]:
    """Losses of some steps."""
    from robomamba_jax.training.device_put import DeviceFeeder

    state, frozen = fill(program)
    feed = DeviceFeeder(program.mesh, program.config.data.batch.batch_size)
    found = []
    for batch in batches:
        state, metrics = program.step(state, frozen, feed.put(batch.arrays))
        found.append(float(metrics["loss"]))
    return found


def losses() -> dict[str, Any]:
    """Stage -> mesh -> losses."""
    from robomamba_jax.data.pipeline.loader import BatchLoader

    found: dict[str, Any] = {}
    for stage in STAGES:
        with BatchLoader(tiny(stage).data) as pipeline:
            batches = list(pipeline.batches(0, STEPS))
        meshes = {**ALONE, **EVERY_AXIS, **(ONE_AXIS if stage == "instruct" else {})}
        found[stage] = {name: train(make(stage, mesh), batches) for name, mesh in meshes.items()}
    return found


def shares() -> dict[str, Any]:
    """Stage -> mesh -> bytes of parameters and moments on one device, as a share of all."""
    found: dict[str, Any] = {}
    for stage in ("align", "instruct"):
        found[stage] = {}
        for name, mesh in ONE_AXIS.items():
            state, _ = fill(make(stage, mesh))
            learned = state.trained, state.opt_state
            whole = sum(x.nbytes for x in jax.tree.leaves(learned))
            found[stage][name] = bytes_per_device(learned) / whole
    return found


def matrix(workdir: Path) -> dict[str, bool]:
    """Saved on n devices, restored on m: the same numbers, where they should lie."""
    counts = (1, 2, 4, 8)
    programs = {n: make("instruct", (1, n, 1)) for n in counts}
    found = {}
    for n in counts:
        state, _ = fill(programs[n])
        # Moments that are not zero, and different everywhere.
        moments = jax.tree.map(lambda x: x + 1.5 if x.ndim else x, state.opt_state)
        state = dataclasses.replace(state, opt_state=moments)
        folder = workdir / str(n)
        folder.mkdir(parents=True)
        writer = checkpoint.Checkpoints(folder, keep=2)
        writer.save(7, state_tree(state), {"data": {}}, lambda path: None)
        writer.close()
        path = checkpoint.newest_good(folder)
        assert path is not None
        for m in counts:
            like = programs[m].state
            back = tree_state(checkpoint.restore(path, state_tree(like)), like)
            found[f"{n}-{m}"] = same(state, back) and placed(back, like)
    return found


def same(one: TrainState, other: TrainState) -> bool:
    """Bit for bit, the random key included."""
    pairs = zip(*(jax.tree.leaves(state_tree(state)) for state in (one, other)), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def placed(state: TrainState, like: TrainState) -> bool:
    """Every array lies as the program wants it."""
    pairs = zip(jax.tree.leaves(state.trained), jax.tree.leaves(like.trained), strict=True)
    return all(a.sharding.is_equivalent_to(b.sharding, a.ndim) for a, b in pairs)


if __name__ == "__main__":
    found = {"losses": losses(), "shares": shares(), "matrix": matrix(Path(sys.argv[1]))}
    print(json.dumps(found))
