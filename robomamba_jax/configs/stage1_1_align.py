# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.1, alignment: the projector alone learns to caption LLaVA's 558K images."""

import dataclasses

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.config.provenance import QUOTED, Origins, ours, paper
from robomamba_jax.config.stages import TEXT_ORIGINS, TEXT_STAGE, tiny, with_shared
from robomamba_jax.config.training import RunConfig, TrainConfig


def get_config() -> TrainConfig:
    """The run at its real size."""
    return dataclasses.replace(
        TEXT_STAGE,
        stage="align",
        data=dataclasses.replace(
            TEXT_STAGE.data,
            sources=(
                SourceConfig(
                    "data/llava/blip_laion_cc_sbu_558k.json",
                    name="captions",
                    format="llava",
                    root="data/llava/images",
                ),
            ),
        ),
        trainable=("projector/.*",),
        run=RunConfig(epochs=1.0),
        init_from="checkpoints/start",
    )


def get_tiny() -> TrainConfig:
    """The same, shrunk to seconds on a CPU."""
    return tiny(get_config())


ORIGINS: Origins = with_shared(
    {
        "stage|trainable": paper("only the projector is updated in the alignment stage"),
        "run/(epochs|steps)": paper("alignment runs for one epoch" + QUOTED),
        "data/batch/.*": ours("about LLaVA's 256 samples: 32 rows of some 7 captioned images"),
        "data/sources/0/(weight|frames)": ours("one source, one image a record"),
        **TEXT_ORIGINS,
    }
)
