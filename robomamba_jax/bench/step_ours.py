# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``bench step``: a packed step of stage 1.2 on cached features, as the demo's runs take it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from robomamba_jax.bench.records import StepWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config import model_preset
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import LossConfig, ModelChoice, OptimConfig, TrainConfig
from robomamba_jax.models.functional import functional
from robomamba_jax.training import freeze
from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.program import build as build_program
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.state import new_state

_SAMPLE = 120  # tokens of a sample: an image and a question with its answer, as the demo's are
_ANSWER = 16  # of these learned: a tenth, as in the demo's batches


def build(side: str, case: StepWork) -> Workload:
    """The step that train.py runs, on a batch that is there already."""
    del side
    encoder = case["encoder"]
    model = model_preset(
        "nano", vision=encoder, d_model=case["width"], n_layer=case["layers"], remat="none"
    )
    assert model.vision is not None
    rows, patches = case["rows"], model.vision.num_patches
    images = case["tokens"] // _SAMPLE
    config = TrainConfig(
        stage="instruct",
        data=DataConfig(
            (SourceConfig("none"),),
            EncodingConfig(transform=encoder),
            BatchConfig(rows, packing=True, seq_len=case["tokens"], images=images),
        ),
        trainable=("projector/.*", "llm/.*"),
        loss=LossConfig(chunk=case["tokens"], length_balance=1.0),
        optim=OptimConfig(optimizer=case["optimizer"], learning_rate=1e-3),
        model=ModelChoice(
            None, dtype="float32", trained_dtype="float32", frozen_dtype="float32", remat="none"
        ),
    )
    mesh = make_mesh(config.mesh)
    parts = ModelParts(model.llm, model.vision, None)
    program = build_program(config, parts, mesh, steps=1000, features="vision_patches")
    params = functional(model)[0](jax.random.key(0))
    params = {name: params[name] for name in program.labels}
    trained, frozen = freeze.split(params, program.labels)
    state = [new_state(trained, program.labels, program.optimizer, 0)]
    packed = PackedRows(rows, case["tokens"], images, patches, model.vision.width)
    batch = DeviceFeeder(mesh, rows).put(packed_batch(packed))
    compiled = program.step.lower(state[0], frozen, batch).compile()
    memory = compiled.memory_analysis()
    facts: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "trained": program.table[-1].trained,
        "temp_bytes": memory and memory.temp_size_in_bytes,
    }

    def run() -> None:
        """One step."""
        state[0], metrics = compiled(state[0], frozen, batch)
        jax.block_until_ready(metrics)

    run()
    return Workload(run, facts)


class PackedRows(NamedTuple):
    """Rows full of samples, each an image before its text.

    Attributes:
      rows: B.
      tokens: of a row, images' patches included.
      images: of a row.
      patches: of an image.
      width: of a patch's features.
      answer: tokens of a sample that are learned, at its end.
      vocab: V.
    """

    rows: int
    tokens: int
    images: int
    patches: int
    width: int
    answer: int = _ANSWER
    vocab: int = 1024


def packed_batch(packed: PackedRows) -> dict[str, np.ndarray]:
    """A batch of stage 1.2 as ``data.pipeline`` gives it, with features for images."""
    rng = np.random.default_rng(0)
    rows, images = packed.rows, packed.images
    text = packed.tokens - images * packed.patches
    starts = np.linspace(0, text, images, endpoint=False).astype(np.int32)
    place = np.arange(text)
    segments = np.searchsorted(starts, place, side="right") - 1
    ends = np.append(starts[1:], text)
    learned = place >= ends[segments] - packed.answer

    def everywhere(row: np.ndarray) -> np.ndarray:
        return np.broadcast_to(row, (rows, *row.shape)).copy()

    return {
        "input_ids": rng.integers(0, packed.vocab, (rows, text)).astype(np.int32),
        "mask": np.ones((rows, text), bool),
        "segment_ids": everywhere(segments.astype(np.int32)),
        "loss_mask": everywhere(learned),
        "image_positions": everywhere(starts),
        "features": rng.standard_normal((rows, images, packed.patches, packed.width), np.float32),
    }
