# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA, val: TFRecord files; JSON files are told by their content."""

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig


def get_config() -> EvalConfig:
    """The whole benchmark."""
    return EvalConfig(
        "robovqa",
        FilesConfig("data/robovqa", questions=("tfrecord/val/*",)),
    )
