# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""GQA, testdev balanced."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "gqa",
        FilesConfig("data/gqa", questions=("testdev_balanced_questions.json",), images="images"),
    )
