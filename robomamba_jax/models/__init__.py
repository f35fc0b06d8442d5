# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""NNX modules that hold parameters and call ``ops``.

Weights lie as torch stores them, ``weight`` [out, in], where Flax's own layers have ``kernel``
[in, out], and a parameter's path is its torch key with slashes.
"""

from robomamba_jax.models.lm import Cache, MambaBackbone, MambaLM
from robomamba_jax.models.mamba import LayerCache, MambaBlock, MambaMixer
from robomamba_jax.models.model import Model
from robomamba_jax.models.policy.head import PolicyHead, PolicyOutput
from robomamba_jax.models.projector import Projector
from robomamba_jax.models.robomamba import RoboMamba
from robomamba_jax.models.vision import VisionTower

__all__ = [
    "Cache",
    "LayerCache",
    "MambaBackbone",
    "MambaBlock",
    "MambaLM",
    "MambaMixer",
    "Model",
    "PolicyHead",
    "PolicyOutput",
    "Projector",
    "RoboMamba",
    "VisionTower",
]
