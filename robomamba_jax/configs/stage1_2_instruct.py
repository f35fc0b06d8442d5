# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.2, instruction co-training: projector and Mamba, on general and robot questions."""

import dataclasses

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.config.provenance import QUOTED, Origins, ours, paper
from robomamba_jax.config.stages import TEXT_ORIGINS, TEXT_STAGE, tiny, with_shared
from robomamba_jax.config.training import RunConfig, TrainConfig


def get_config() -> TrainConfig:
    """The run at its real size."""
    return dataclasses.replace(
        TEXT_STAGE,
        stage="instruct",
        data=dataclasses.replace(
            TEXT_STAGE.data,
            sources=(
                SourceConfig(
                    "data/llava/llava_v1_5_mix665k.json", "llava", "llava", "data/llava/images"
                ),
                SourceConfig(
                    "data/robovqa/tfrecord/train/train*", "robovqa", "robovqa", samples=300_000
                ),
            ),
            on_error="skip",
        ),
        trainable=("projector/.*", "llm/.*"),
        run=RunConfig(epochs=2.0),
        init_from="runs/align",
    )


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = with_shared(
    {
        "stage|trainable": paper("projector and Mamba are updated, CLIP stays frozen"),
        "run/(epochs|steps)": paper("co-training runs for two epochs" + QUOTED),
        "data/batch/.*": ours("about LLaVA's 128 samples and more of the short ones, packed"),
        "data/sources/\\d+/samples": paper("LLaVA's 655K and 300K of RoboVQA" + QUOTED),
        "data/sources/\\d+/weight": ours("by their sizes: every sample once an epoch"),
        "data/sources/\\d+/frames": ours("a clip's last frame, as the published one-image file"),
        "data/on_error": ours("single images of these sets are missing or broken; the ledger says"),
        **TEXT_ORIGINS,
    }
)
