# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VizWiz, val."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "vizwiz",
        FilesConfig("data/vizwiz", questions=("val.json",), images="val"),
    )
