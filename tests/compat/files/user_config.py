# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.2 on a dozen images of our own."""

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)


def get_config() -> TrainConfig:
    return TrainConfig(
        stage="instruct",
        data=DataConfig(
            sources=(SourceConfig("data/ours.json", name="ours", format="llava", weight=2.0),),
            encoding=EncodingConfig(tokenizer="tiny", transform="tiny", max_tokens=64),
            batch=BatchConfig(rows=4, packing=True, row_tokens=96, image_tokens=9),
            on_bad="skip",
        ),
        trainable=("projector/.*", "llm/.*"),
        loss=LossConfig(kind="text", chunk=32, answer_balance=0.5),
        optim=OptimConfig(learning_rate=3e-3, rest_rate=0.5, end_factor=0.1),
        model=ModelChoice(preset="tiny", vision="tiny", dtype="float32", frozen_dtype="float32"),
        run=RunConfig(steps=4, log_every=1, samples=0, workers=0, ahead=2),
        checkpoint=CheckpointConfig(every=2),
    )
