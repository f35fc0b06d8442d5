# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OCR-VQA, the test split of dataset.json."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "ocrvqa",
        FilesConfig("data/ocrvqa", questions=("dataset.json",), images="images"),
    )
