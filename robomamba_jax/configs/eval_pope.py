# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""POPE: random, popular and adversarial, on COCO val2014."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "pope",
        FilesConfig(
            "data/pope",
            questions=(
                "coco_pope_random.json",
                "coco_pope_popular.json",
                "coco_pope_adversarial.json",
            ),
            images="val2014",
        ),
    )
