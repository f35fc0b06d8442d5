# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The manipulation set: poses beside their labels, and the file for a simulator."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "manipulation",
        FilesConfig("data/manipulation/test", questions=("manip.json",)),
    )
