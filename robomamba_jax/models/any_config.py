# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The two configurations that a model is built from."""

from __future__ import annotations

from robomamba_jax.config import MambaConfig
from robomamba_jax.config.serial import AnyConfig

__all__ = ["AnyConfig", "language_config"]


def language_config(config: AnyConfig) -> MambaConfig:
    """The configuration of the language model inside."""
    return config if isinstance(config, MambaConfig) else config.llm
