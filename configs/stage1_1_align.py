# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.1, alignment: the projector alone learns to caption LLaVA's 558K pictures."""

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
        stage="align",
        data=DataConfig(
            sources=(
                SourceConfig(
                    "data/llava/blip_laion_cc_sbu_558k.json",
                    name="captions",
                    format="llava",
                    root="data/llava/images",
                ),
            ),
            encoding=EncodingConfig(
                tokenizer="assets/tokenizer.json", transform="clip-l14-224", max_tokens=1792
            ),
            batch=BatchConfig(
                batch_size=32, packing=True, seq_len=2048, image_tokens=256, images=7
            ),
        ),
        trainable=("projector/.*",),
        loss=LossConfig(kind="text"),
        optim=OptimConfig(learning_rate=4e-5, weight_decay=0.0, warmup_ratio=0.03),
        model=ModelChoice(preset="2.8b", vision="clip-l14-224"),
        mesh=MeshConfig(data=1, fsdp=-1),
        run=RunConfig(epochs=1.0),
        init_from="checkpoints/start",
    )


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = with_shared(
    {
        "stage|trainable": article("only the projector is updated in the alignment stage"),
        "run/(epochs|steps)": recalled("alignment runs for one epoch"),
        "optim/learning_rate": recalled("4e-5 for the pre-training and co-training stages"),
        "optim/weight_decay": llava("0 in both of its stages"),
        "optim/(schedule|warmup_ratio)": llava("cosine, 3 % warm-up; the article says neither"),
        "data/batch/.*": ours("about LLaVA's 256 samples: 32 rows of some 7 captioned images"),
        "data/sources/0/(weight|frames)": ours("one source, one picture a record"),
        "model/(preset|vision|policy)": article("Mamba-2.8B and CLIP ViT-L/14"),
        "model/(dtype|frozen_dtype)": recalled("16-bit precision in this stage"),
        "loss/.*": article("next-token cross-entropy; the pose fields are not read here"),
    }
)
