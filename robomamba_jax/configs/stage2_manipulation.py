# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2, manipulation: the policy head alone learns poses; everything else is frozen."""

import dataclasses

from robomamba_jax.config.data import BatchConfig, DataConfig, SourceConfig
from robomamba_jax.config.provenance import QUOTED, Origins, ours, paper, recalled, repository
from robomamba_jax.config.stages import TEXT_STAGE, tiny, with_shared
from robomamba_jax.config.training import LossConfig, RunConfig, TrainConfig


def get_config() -> TrainConfig:
    """The run at its real size."""
    return dataclasses.replace(
        TEXT_STAGE,
        stage="manipulate",
        data=DataConfig(
            sources=(SourceConfig("data/manipulation/train", "poses", "manipllm"),),
            encoding=dataclasses.replace(TEXT_STAGE.data.encoding, target="pose", max_tokens=120),
            batch=BatchConfig(batch_size=32, seq_len=384, image_tokens=256),
        ),
        trainable=("policy/.*",),
        loss=LossConfig(kind="pose"),
        optim=dataclasses.replace(TEXT_STAGE.optim, learning_rate=1e-5, weight_decay=0.1),
        run=RunConfig(epochs=8.0),
        init_from="runs/instruct",
    )


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = with_shared(
    {
        "stage|trainable": paper("only the policy head is updated, 0.1 % of the parameters"),
        "run/(epochs|steps)": paper("manipulation runs for 8 epochs" + QUOTED),
        "optim/learning_rate": paper("1e-5 for the manipulation stage" + QUOTED),
        "optim/weight_decay": paper("0.1 for the manipulation stage" + QUOTED),
        "optim/(schedule|warmup_ratio)": ours("as in the other stages; the paper says neither"),
        "data/batch/.*": ours("one image and instruction a row; 313 steps per epoch of 10,000"),
        "data/sources/0/(weight|frames)": ours("one source, one image a record"),
        "model/(preset|vision)": paper("Mamba-2.8B and CLIP ViT-L/14"),
        "model/policy": ours("inferred from the paper's three figures: 3.7M, 0.1 %, 7 MB"),
        "model/(dtype|frozen_dtype)": ours(
            "the frozen part in 16 bits; the head computes in float32, as recalled"
        ),
        "loss/length_balance": ours("of texts; not read here"),
        "loss/contact": recalled("the absolute difference"),
        "loss/rotation": repository("the angle; its acos is clipped, ours (geodesic) is exact"),
        "loss/(contact|rotation|gripper)_weight": recalled("their plain sum; the gripper is ours"),
        "loss/hidden_dropout": ours("0: neither the paper nor the published code drops any"),
    }
)
