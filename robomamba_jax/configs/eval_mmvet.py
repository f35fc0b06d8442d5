# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MM-Vet: answers for its judge."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "mmvet",
        FilesConfig("data/mmvet", questions=("mm-vet.json",), images="images"),
    )
