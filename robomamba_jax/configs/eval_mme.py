# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MME: the archive's tree of sub-tasks."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig, tiny


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "mme",
        FilesConfig("data/mme"),
    )


def get_tiny() -> EvalConfig:
    """A few drawn images in the same files, in seconds on a CPU."""
    return tiny(get_config())
