# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a configuration to its model."""

from __future__ import annotations

from flax import nnx

from robomamba_jax.config import MambaConfig, RoboMambaConfig
from robomamba_jax.models.lm import MambaLM
from robomamba_jax.models.robomamba import RoboMamba

AnyConfig = MambaConfig | RoboMambaConfig


def build(config: AnyConfig, layout: str, rngs: nnx.Rngs) -> MambaLM | RoboMamba:
    """The model of a configuration: a language model alone, or the whole."""
    kind = MambaLM if isinstance(config, MambaConfig) else RoboMamba
    return kind(config, layout=layout, rngs=rngs)  # type: ignore[arg-type]


def language_config(config: AnyConfig) -> MambaConfig:
    """The configuration of the language model inside."""
    return config if isinstance(config, MambaConfig) else config.llm
