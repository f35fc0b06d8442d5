# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a configuration to its model."""

from __future__ import annotations

from flax import nnx

from robomamba_jax.config import MambaConfig
from robomamba_jax.models.any_config import AnyConfig
from robomamba_jax.models.lm import MambaLM
from robomamba_jax.models.robomamba import RoboMamba


def build(config: AnyConfig, layout: str, rngs: nnx.Rngs) -> MambaLM | RoboMamba:
    """The model of a configuration: a language model alone, or the whole."""
    kind = MambaLM if isinstance(config, MambaConfig) else RoboMamba
    return kind(config, layout=layout, rngs=rngs)  # type: ignore[arg-type]
