# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.2, instruction co-training: projector and Mamba, on general and robot questions."""

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.provenance import Origins, article, llava, ours, recalled
from robomamba_jax.config.stages import tiny, with_shared
from robomamba_jax.config.training import (
    LossConfig,
    MeshConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)


def get_config() -> TrainConfig:
    """The run at its real size."""
    return TrainConfig(
        stage="instruct",
        data=DataConfig(
            sources=(
                SourceConfig(
                    "data/llava/llava_v1_5_mix665k.json", "llava", "llava", "data/llava/images"
                ),
                SourceConfig("data/lrv/filter_cap.json", "lrv-general", "lrv", "data/lrv/image"),
                SourceConfig("data/lrv/filter_cap_more1.json", "lrv-more", "lrv", "data/lrv/image"),
                SourceConfig(
                    "data/lrv/chart_release_update.json", "lrv-chart", "lrv", "data/lrv/chart_image"
                ),
                SourceConfig("data/robovqa/tfrecord/train/train*", "robovqa", "robovqa"),
            ),
            encoding=EncodingConfig(
                tokenizer="assets/tokenizer.json", transform="clip-l14-224", max_tokens=1792
            ),
            batch=BatchConfig(
                batch_size=32, packing=True, seq_len=2048, image_tokens=256, images=7
            ),
            on_error="skip",
        ),
        trainable=("projector/.*", "llm/.*"),
        loss=LossConfig(kind="text"),
        optim=OptimConfig(learning_rate=4e-5, weight_decay=0.0, warmup_ratio=0.03),
        model=ModelChoice(preset="2.8b", vision="clip-l14-224"),
        mesh=MeshConfig(data=1, fsdp=-1),
        run=RunConfig(epochs=2.0),
        init_from="runs/align",
    )


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = with_shared(
    {
        "stage|trainable": article("projector and Mamba are updated, CLIP stays frozen"),
        "run/(epochs|steps)": recalled("co-training runs for two epochs"),
        "optim/learning_rate": recalled("4e-5 for the pre-training and co-training stages"),
        "optim/weight_decay": llava("0 in both of its stages"),
        "optim/(schedule|warmup_ratio)": llava("cosine, 3 % warm-up; the article says neither"),
        "data/batch/.*": ours("about LLaVA's 128 samples and more of the short ones, packed"),
        "data/sources/\\d+/weight": ours("by their sizes: every sample once an epoch"),
        "data/sources/\\d+/frames": ours("a clip's last frame, as the published one-image file"),
        "data/on_error": ours(
            "single pictures of these sets are missing or broken; the ledger says"
        ),
        "model/(preset|vision|policy)": article("Mamba-2.8B and CLIP ViT-L/14"),
        "model/(dtype|frozen_dtype)": recalled("16-bit precision in this stage"),
        "loss/.*": article("next-token cross-entropy; the pose fields are not read here"),
    }
)
