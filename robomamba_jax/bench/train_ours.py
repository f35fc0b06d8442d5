# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our side of ``bench train``: the step that train.py runs, on a batch that is there already."""

from __future__ import annotations

from typing import Any

import jax

from robomamba_jax.bench.records import TrainWork
from robomamba_jax.bench.train_inputs import make_batch, pooled_features
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.training import (
    LossConfig,
    MeshConfig,
    ModelChoice,
    OptimConfig,
    TrainConfig,
)
from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.program import build as build_program
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.state import new_state
from robomamba_jax.training.weights import load_tree, open_base

_TRAINED = {"instruct": ("projector/.*", "llm/.*")}


def build(side: str, case: TrainWork) -> Workload:
    """``case["kind"]`` is one of ``cases.TRAIN_STAGES``."""
    del side
    kind = case["kind"]
    text, cached = kind == "instruct", kind.endswith("cached")
    rows, tokens = case["rows"], case["text"] + case["patches"]
    config = TrainConfig(
        stage=kind.split("-")[0],
        data=DataConfig(
            (SourceConfig("none"),),
            EncodingConfig(transform=case["encoder"], target="text" if text else "pose"),
            BatchConfig(batch_size=rows, seq_len=tokens, image_tokens=case["patches"]),
        ),
        trainable=_TRAINED.get(kind, ("policy/.*",)),
        loss=LossConfig("text" if text else "pose"),
        optim=OptimConfig(learning_rate=1e-4, warmup_ratio=0.0),
        model=ModelChoice(
            preset=None, dtype="float32", frozen_dtype="float32", remat=case["remat"]
        ),
        mesh=MeshConfig(),
    )
    # The program and the parameters as train.py makes them, and no step of its own.
    base = open_base(case["folder"], config.model, 0, hashes=False)
    mesh = make_mesh(config.mesh)
    features = "pooled_hidden" if cached else ""
    program = build_program(config, base.parts, mesh, steps=1000, features=features)
    trained, _ = load_tree(base, program.state.trained, program.model, mesh, seed=0)
    frozen, _ = load_tree(base, program.frozen, program.model, mesh, seed=0)
    state = [new_state(trained, program.labels, program.optimizer, 0)]
    arrays = make_batch(case)
    if cached:
        del arrays["images"]
        arrays["features"] = pooled_features(case)
    if text:
        for name in ("contact", "rotation", "gripper", "weight"):
            del arrays[name]
    batch = DeviceFeeder(mesh, rows).put(arrays)
    compiled = program.step.lower(state[0], frozen, batch).compile()
    memory = compiled.memory_analysis()
    total = program.table[-1]
    facts: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "trained": total.trained,
        "temp_bytes": memory and memory.temp_size_in_bytes,
    }

    def run() -> None:
        """One step."""
        state[0], metrics = compiled(state[0], frozen, batch)
        # Of the first step alone: weights and batch are the same as torch's, and so must it be.
        facts.setdefault("loss", float(metrics["loss"]))
        jax.block_until_ready(metrics)

    run()
    return Workload(run, facts)
