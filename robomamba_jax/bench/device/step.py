# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The training step of stage 1.2 on one device: tokens a second, and the share of its peak."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from typing import Any

import jax

from robomamba_jax.bench.device.scan import variant
from robomamba_jax.bench.records import DeviceStepWork
from robomamba_jax.bench.step_ours import PackedRows, packed_batch
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config import model_preset
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import LossConfig, ModelChoice, OptimConfig, TrainConfig
from robomamba_jax.models.functional import functional
from robomamba_jax.models.params import count_params
from robomamba_jax.training import freeze
from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.flops import peak_flops
from robomamba_jax.training.program import build as build_program
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.state import new_state
from robomamba_jax.training.throughput import memory_in_use


def build(side: str, case: DeviceStepWork) -> Workload:
    """The step that train.py runs, in bfloat16 on cached features, by "kernel" or "chunked"."""
    method = side.removeprefix("device-step-")
    model = model_preset(
        case["preset"], vision=case["encoder"], remat=case["remat"], scan_method=method
    )
    assert model.vision is not None
    rows, tokens, patches = case["rows"], case["tokens"], model.vision.num_patches
    images = tokens // case["sample"]
    config = TrainConfig(
        stage="instruct",
        data=DataConfig(
            (SourceConfig("none"),),
            EncodingConfig(transform=case["encoder"]),
            BatchConfig(rows, packing=True, seq_len=tokens, images=images),
        ),
        trainable=("projector/.*", "llm/.*"),
        loss=LossConfig(),
        optim=OptimConfig(learning_rate=2e-5),
        model=ModelChoice(None, remat=case["remat"], scan_method=method),
    )
    mesh = make_mesh(config.mesh, jax.devices()[:1])
    parts = ModelParts(model.llm, model.vision, None)
    program = build_program(config, parts, mesh, steps=1000, features="vision_patches")
    params = jax.jit(functional(model)[0])(jax.random.key(0))
    params = {name: params[name] for name in program.labels}
    trained, frozen = freeze.split(params, program.labels)
    state = [new_state(trained, program.labels, program.optimizer, 0)]
    numbers = count_params(params)
    # The state has copies of its own, which the step takes and gives back.
    del params, trained
    packed = PackedRows(
        *(rows, tokens, images, patches, model.vision.width),
        answer=case["answer"],
        vocab=model.llm.vocab_size,
    )
    batch = DeviceFeeder(mesh, rows).put(packed_batch(packed))
    with variant("kernel" if method == "kernel" else "chunk", case["rehearse"]):
        compiled = program.step.lower(state[0], frozen, batch).compile()
    memory = compiled.memory_analysis()
    device = jax.devices()[0]
    peak, source = peak_flops(device)
    facts: dict[str, Any] = {
        "device": device.device_kind,
        "params": numbers,
        "tokens": rows * tokens,
        "temp_bytes": memory and memory.temp_size_in_bytes,
        "peak_flops": peak,
        "peak_source": source,
    }

    def run() -> None:
        """One step."""
        state[0], metrics = compiled(state[0], frozen, batch)
        facts.setdefault("loss", float(metrics["loss"]))
        jax.block_until_ready(metrics)
        facts["device_bytes"] = memory_in_use(device)

    run()
    return Workload(run, facts)
