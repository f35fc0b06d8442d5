# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MME: the archive's tree of sub-tasks."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "mme",
        FilesConfig("data/mme"),
    )
