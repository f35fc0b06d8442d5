# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OKVQA, val: questions, annotations and COCO val2014."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "okvqa",
        FilesConfig(
            "data/okvqa",
            questions=("OpenEnded_mscoco_val2014_questions.json",),
            answers="mscoco_val2014_annotations.json",
            images="val2014",
        ),
    )
