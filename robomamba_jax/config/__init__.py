# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations as frozen dataclasses, checked when made; presets by name."""

from robomamba_jax.config.mamba import DTYPES, LAYOUTS, PRESETS, REMAT, MambaConfig, preset
from robomamba_jax.config.policy import POLICY_KINDS, PolicyConfig
from robomamba_jax.config.robomamba import RoboMambaConfig, as_dtypes, as_robomamba, model_preset
from robomamba_jax.config.vision import VISION_PRESETS, VisionConfig, vision_preset

__all__ = [
    "DTYPES",
    "LAYOUTS",
    "POLICY_KINDS",
    "PRESETS",
    "REMAT",
    "VISION_PRESETS",
    "MambaConfig",
    "PolicyConfig",
    "RoboMambaConfig",
    "VisionConfig",
    "as_dtypes",
    "as_robomamba",
    "model_preset",
    "preset",
    "vision_preset",
]
