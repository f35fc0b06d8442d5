# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboMamba (arXiv 2406.04339) in JAX.

Names are imported when first used, so that ``import robomamba_jax`` costs nothing and
data workers never load jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robomamba_jax import ops as ops
    from robomamba_jax.api import forward as forward
    from robomamba_jax.api import generate as generate
    from robomamba_jax.api import load as load
    from robomamba_jax.api import predict_pose as predict_pose
    from robomamba_jax.config import PRESETS as PRESETS
    from robomamba_jax.config import MambaConfig as MambaConfig
    from robomamba_jax.config import PolicyConfig as PolicyConfig
    from robomamba_jax.config import RoboMambaConfig as RoboMambaConfig
    from robomamba_jax.config import VisionConfig as VisionConfig
    from robomamba_jax.config import model_preset as model_preset
    from robomamba_jax.config import preset as preset
    from robomamba_jax.data.geometry.camera import Camera as Camera
    from robomamba_jax.data.processor import Processor as Processor
    from robomamba_jax.errors import InputError as InputError
    from robomamba_jax.generation import GenerationSettings as GenerationSettings
    from robomamba_jax.generation import Generator as Generator
    from robomamba_jax.models.functional import functional as functional
    from robomamba_jax.models.inputs import ModelInputs as ModelInputs
    from robomamba_jax.models.lm import MambaBackbone as MambaBackbone
    from robomamba_jax.models.lm import MambaLM as MambaLM
    from robomamba_jax.models.mamba import MambaBlock as MambaBlock
    from robomamba_jax.models.mamba import MambaMixer as MambaMixer
    from robomamba_jax.models.model import Model as Model
    from robomamba_jax.models.policy.head import PolicyHead as PolicyHead
    from robomamba_jax.models.projector import Projector as Projector
    from robomamba_jax.models.robomamba import RoboMamba as RoboMamba
    from robomamba_jax.models.vision import VisionTower as VisionTower
    from robomamba_jax.pose import Pose as Pose

from robomamba_jax.utils.version import __version__

# public name -> (module, attribute); None stands for the module itself.
_EXPORTS: dict[str, tuple[str, str | None]] = {
    "Camera": ("robomamba_jax.data.geometry.camera", "Camera"),
    "GenerationSettings": ("robomamba_jax.generation", "GenerationSettings"),
    "Generator": ("robomamba_jax.generation", "Generator"),
    "InputError": ("robomamba_jax.errors", "InputError"),
    "MambaBackbone": ("robomamba_jax.models.lm", "MambaBackbone"),
    "MambaBlock": ("robomamba_jax.models.mamba", "MambaBlock"),
    "MambaConfig": ("robomamba_jax.config", "MambaConfig"),
    "MambaLM": ("robomamba_jax.models.lm", "MambaLM"),
    "MambaMixer": ("robomamba_jax.models.mamba", "MambaMixer"),
    "Model": ("robomamba_jax.models.model", "Model"),
    "ModelInputs": ("robomamba_jax.models.inputs", "ModelInputs"),
    "PRESETS": ("robomamba_jax.config", "PRESETS"),
    "PolicyConfig": ("robomamba_jax.config", "PolicyConfig"),
    "PolicyHead": ("robomamba_jax.models.policy.head", "PolicyHead"),
    "Pose": ("robomamba_jax.pose", "Pose"),
    "Processor": ("robomamba_jax.data.processor", "Processor"),
    "Projector": ("robomamba_jax.models.projector", "Projector"),
    "RoboMamba": ("robomamba_jax.models.robomamba", "RoboMamba"),
    "RoboMambaConfig": ("robomamba_jax.config", "RoboMambaConfig"),
    "VisionConfig": ("robomamba_jax.config", "VisionConfig"),
    "VisionTower": ("robomamba_jax.models.vision", "VisionTower"),
    "forward": ("robomamba_jax.api", "forward"),
    "functional": ("robomamba_jax.models.functional", "functional"),
    "generate": ("robomamba_jax.api", "generate"),
    "load": ("robomamba_jax.api", "load"),
    "model_preset": ("robomamba_jax.config", "model_preset"),
    "ops": ("robomamba_jax.ops", None),
    "predict_pose": ("robomamba_jax.api", "predict_pose"),
    "preset": ("robomamba_jax.config", "preset"),
}

__all__ = [
    "PRESETS",
    "Camera",
    "GenerationSettings",
    "Generator",
    "InputError",
    "MambaBackbone",
    "MambaBlock",
    "MambaConfig",
    "MambaLM",
    "MambaMixer",
    "Model",
    "ModelInputs",
    "PolicyConfig",
    "PolicyHead",
    "Pose",
    "Processor",
    "Projector",
    "RoboMamba",
    "RoboMambaConfig",
    "VisionConfig",
    "VisionTower",
    "__version__",
    "forward",
    "functional",
    "generate",
    "load",
    "model_preset",
    "ops",
    "predict_pose",
    "preset",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'robomamba_jax' has no attribute {name!r}")
    module, attribute = _EXPORTS[name]
    loaded = importlib.import_module(module)
    return loaded if attribute is None else getattr(loaded, attribute)


def __dir__() -> list[str]:
    return __all__
