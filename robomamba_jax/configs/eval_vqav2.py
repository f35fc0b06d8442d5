# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VQAv2, val: questions, annotations and COCO val2014."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "vqav2",
        FilesConfig(
            "data/vqav2",
            questions=("v2_OpenEnded_mscoco_val2014_questions.json",),
            answers="v2_mscoco_val2014_annotations.json",
            images="val2014",
        ),
    )
