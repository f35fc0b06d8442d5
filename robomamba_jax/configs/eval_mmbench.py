# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MMBench, dev, with its rotations."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "mmbench",
        FilesConfig("data/mmbench", questions=("MMBench_DEV_EN.tsv",)),
    )
