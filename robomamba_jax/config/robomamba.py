# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The whole model's configuration: which parts it has, and its presets by name."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.checks import Replaceable
from robomamba_jax.config.mamba import PRESETS, MambaConfig
from robomamba_jax.config.policy import PolicyConfig
from robomamba_jax.config.tree import dtype_name, typed
from robomamba_jax.config.vision import VISION_PRESETS, VisionConfig
from robomamba_jax.errors import InputError, unknown_name


@dataclasses.dataclass(frozen=True)
class RoboMambaConfig(Replaceable):
    """RoboMamba (arXiv 2406.04339, figure 3).

    Attributes:
      llm: the language model.
      vision: the frozen image encoder; None makes a text-only model. With an encoder
        comes the projector from its width to the language model's.
      policy: the head that reads a pose from hidden states; None where there is none.
    """

    llm: MambaConfig
    vision: VisionConfig | None = None
    policy: PolicyConfig | None = None

    def __post_init__(self) -> None:
        typed(self)


# The paper's encoder is CLIP at 224 pixels beside every size of the language model.
_ENCODERS = {"tiny": "tiny", "nano": "nano"}


def model_preset(
    name: str, *, vision: str | None = None, policy: PolicyConfig | None = None, **llm: object
) -> RoboMambaConfig:
    """The configuration of a whole model.

    Args:
      name: a preset of the language model.
      vision: an encoder of ``VISION_PRESETS``, or "none"; None takes the preset's own.
      policy: the policy head; the default one if None.
      **llm: fields of ``MambaConfig``; dtype, param_dtype and remat hold for the encoder
        too.

    Raises:
      InputError: no such preset, encoder or field.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise unknown_name("unknown_preset", "preset", name, PRESETS)
    encoder = _ENCODERS.get(name, "clip-l14-224") if vision is None else vision
    if encoder != "none" and (not isinstance(encoder, str) or encoder not in VISION_PRESETS):
        raise unknown_name("unknown_preset", "vision encoder", encoder, [*VISION_PRESETS, "none"])
    shared = {key: llm[key] for key in ("dtype", "param_dtype") if key in llm}
    return RoboMambaConfig(
        llm=PRESETS[name].replace(**llm),
        vision=None if encoder == "none" else VISION_PRESETS[encoder].replace(**shared),
        policy=PolicyConfig() if policy is None else policy,
    )


def as_dtypes(
    config: RoboMambaConfig, *, dtype: str | None = None, param_dtype: str | None = None
) -> RoboMambaConfig:
    """A copy that computes in ``dtype`` and stores in ``param_dtype``, where they are given.

    The policy head computes in float32 whatever they are.

    Raises:
      InputError: no such dtype.
    """
    given = {"dtype": dtype_name(dtype), "param_dtype": dtype_name(param_dtype)}
    changes = {name: value for name, value in given.items() if value}
    vision, policy = config.vision, config.policy
    # A head has no field for the dtype of computation.
    stored = {name: value for name, value in changes.items() if name == "param_dtype"}
    return RoboMambaConfig(
        config.llm.replace(**changes),
        None if vision is None else vision.replace(**changes),
        None if policy is None else policy.replace(**stored),
    )


def as_robomamba(config: MambaConfig | RoboMambaConfig) -> RoboMambaConfig:
    """A whole model's configuration; a language model alone is a text-only one.

    Raises:
      InputError: ``config`` is neither.
    """
    if isinstance(config, RoboMambaConfig):
        return config
    if isinstance(config, MambaConfig):
        return RoboMambaConfig(llm=config)
    raise InputError(
        "bad_config",
        f"config is a {type(config).__name__}",
        "give a MambaConfig or a RoboMambaConfig, such as rm.preset('tiny')",
    )
