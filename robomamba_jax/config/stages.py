# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the three stages' configurations share: values, their origins, and the small variants."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.data import (
    SYNTHETIC,
    BatchConfig,
    DataConfig,
    EncodingConfig,
    SourceConfig,
)
from robomamba_jax.config.provenance import QUOTED, Origins, llava, ours, paper
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    MeshConfig,
    ModelChoice,
    OptimConfig,
    TrainConfig,
)

_TOYS = {"align": "captions", "instruct": "questions", "manipulate": "poses"}

TEXT_STAGE = TrainConfig(
    stage="align",
    data=DataConfig(
        sources=(SourceConfig("data"),),
        encoding=EncodingConfig(
            tokenizer="assets/tokenizer.json", transform="clip-l14-224", max_tokens=1792
        ),
        batch=BatchConfig(batch_size=32, packing=True, seq_len=2048, image_tokens=256, images=7),
    ),
    trainable=("projector/.*",),
    loss=LossConfig(kind="text"),
    optim=OptimConfig(learning_rate=4e-5, weight_decay=0.0, warmup_ratio=0.03),
    model=ModelChoice(preset="2.8b", vision="clip-l14-224"),
    mesh=MeshConfig(data=1, fsdp=-1),
)
"""What the stages of texts share, at their real size: a configuration says its data, what it trains
and for how long; the manipulation stage also what it has otherwise."""

TEXT_ORIGINS: Origins = {
    "optim/learning_rate": paper("4e-5 for the pre-training and co-training stages" + QUOTED),
    "optim/weight_decay": llava("0 in both of its stages"),
    "optim/(schedule|warmup_ratio)": llava("cosine, 3 % warm-up; the paper says neither"),
    "model/(preset|vision|policy)": paper("Mamba-2.8B and CLIP ViT-L/14"),
    "model/(dtype|frozen_dtype)": paper("16-bit precision in this stage" + QUOTED),
    "loss/.*": paper("next-token cross-entropy; the pose fields are not read here"),
}
"""Of values that are alike in the stages of texts."""

SHARED_ORIGINS: Origins = {
    "run/.*": ours("how often something is said; no number of the training depends on it"),
    "checkpoint/.*": ours("half an hour's work at most is lost on one pod; two steps are kept"),
    "mesh/.*": ours("all devices along fsdp: parameters, moments and rows are split over them"),
    "seed|data/seed": ours("any"),
    "model/trained_dtype": ours("updates of 1e-5 of a bfloat16 weight would be rounded away"),
    "model/(lora_rank|lora_alpha|gripper)": ours("off; the paper trains whole weights"),
    "model/remat": ours("activations of 64 layers do not fit otherwise"),
    "model/scan_method": ours("the same numbers but for rounding; kernels are taken by name"),
    "optim/optimizer": paper("AdamW" + QUOTED),
    "optim/(matrices|adam_lr_ratio)": ours("of muon alone"),
    "optim/(b1|eps)": ours("AdamW's defaults, in the paper's betas too"),
    "optim/b2": paper("AdamW with betas 0.9 and 0.999" + QUOTED),
    "optim/(clip_norm|no_decay|accumulate|end_lr_ratio)": ours("common practice; LLaVA clips at 1"),
    "data/encoding/(image_place|loss|too_long|max_pixels|contact_(scale|frame|side))": ours(
        "docs/data.md"
    ),
    "data/encoding/(tokenizer|transform|template|max_tokens|target)": ours(
        "GPT-NeoX's tokenizer and CLIP's transform, as the published checkpoints"
    ),
    "data/prepare/.*|data/features|data/on_error": ours("docs/data.md"),
    "data/sources/\\d+/allow_roots": ours("none, unless the user names one; docs/data.md"),
    "data/sources/\\d+/samples": ours("all of them"),
    "data/sources/\\d+/(name|format|root|split|pixel_order|frame|tfds_split|fields|factory)": ours(
        "how the user's files are read; docs/data.md"
    ),
    "data/sources/\\d+/path": ours("where docs/data.md asks to put the published files"),
    "eval_data|init_from": ours("the user's files"),
    "loss/(kind|chunk)": ours("chunk: 128 positions of logits of 50,280 words are 25 MB a row"),
}
"""Of values that are alike in all stages."""


def with_shared(own: Origins) -> Origins:
    """A stage's own origins, before the shared ones."""
    # The first pattern that matches counts, and a dict keeps the place of a key: own ones lead.
    return {**own, **SHARED_ORIGINS}


def tiny(config: TrainConfig) -> TrainConfig:
    """The same run, shrunk in every size: seconds on a CPU, through the same code.

    The smallest model with random weights in float32, drawn shapes as data, held-out ones for
    evaluation, a few dozen steps, a checkpoint every ten.
    """
    stage, batch = config.stage, config.data.batch
    toy = f"{SYNTHETIC}:{_TOYS[stage]}"

    def data(path: str) -> DataConfig:
        """Drawn samples in place of the real ones; the path says how many."""
        source = SourceConfig(path, name=_TOYS[stage], format="custom", factory=toy)
        encoding = dataclasses.replace(
            config.data.encoding, tokenizer="tiny", transform="tiny", max_tokens=120
        )
        # 9 image tokens are the tiny encoder's 3 x 3 patches. Eight rows can be shared out over
        # eight devices.
        rows = BatchConfig(
            batch_size=8, packing=batch.packing, seq_len=160, image_tokens=9, buckets=()
        )
        return dataclasses.replace(
            config.data, sources=(source,), encoding=encoding, batch=rows, features=None
        )

    model = dataclasses.replace(
        config.model, preset="tiny", vision="tiny", dtype="float32", frozen_dtype="float32"
    )
    run = dataclasses.replace(
        config.run, epochs=1.0, steps=30, log_every=5, eval_steps=2, samples=2, workers=0
    )
    return dataclasses.replace(
        config,
        # Of the drawn samples 96 from number 0 on, and 32 from number 1,000 on, which are others.
        data=data("96"),
        eval_data=data("32@1000"),
        model=model,
        run=dataclasses.replace(run, sample_tokens=8),
        # A rate for finished models would not move a random one in thirty steps.
        optim=dataclasses.replace(config.optim, learning_rate=3e-3),
        loss=dataclasses.replace(config.loss, chunk=32),
        mesh=MeshConfig(),
        checkpoint=CheckpointConfig(every=10),
        init_from=None,
    )
