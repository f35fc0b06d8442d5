# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The rule tables, one per checkpoint family, in the checkpoints' own names."""

from __future__ import annotations

import re

from robomamba_jax.config import PolicyConfig, VisionConfig
from robomamba_jax.convert.positions import resample_positions
from robomamba_jax.convert.rules import TensorRule, UnreadTensors, same
from robomamba_jax.errors import InputError

_MIXER = (
    *("A_log", "D", "conv1d.weight", "conv1d.bias", "x_proj.weight"),
    *("in_proj.weight", "in_proj.bias", "out_proj.weight", "out_proj.bias"),
    *("dt_proj.weight", "dt_proj.bias"),
)
_BLOCK = ("norm.weight", *(f"mixer.{name}" for name in _MIXER))


def _linear(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}.{kind}" for name in names for kind in ("weight", "bias"))


# Hugging Face's MambaForCausalLM; its names are ours.
HF_MAMBA = same(
    "backbone.embeddings.weight",
    *(f"backbone.layers.{{i}}.{name}" for name in _BLOCK),
    "backbone.norm_f.weight",
    "lm_head.weight",
    prefix="llm.",
)

_VIT_LINEAR = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
_VIT_SHARED = ("layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2")

# transformers' CLIPVisionModel and SiglipVisionModel; their names are ours.
HF_VIT = same(
    "embeddings.class_embedding",
    *_linear("embeddings.patch_embedding"),
    "embeddings.position_embedding.weight",
    *_linear("pre_layrnorm"),
    *(f"encoder.layers.{{i}}.{name}" for name in _linear(*_VIT_LINEAR, *_VIT_SHARED)),
    prefix="vision.",
)


def _vision(source: str, target: str, leading_ones: int = 0) -> TensorRule:
    return TensorRule(source, (f"vision.{target}",), leading_ones)


def _renamed(modules: dict[str, str]) -> list[TensorRule]:
    """Weights and biases of modules that we call otherwise: their name -> ours."""
    return [
        _vision(f"{theirs}.{kind}", f"{ours}.{kind}")
        for theirs, ours in modules.items()
        for kind in ("weight", "bias")
    ]


# timm's VisionTransformer, as CLIP and SigLIP use it.
TIMM_VIT = (
    _vision("cls_token", "embeddings.class_embedding", leading_ones=2),
    _vision("pos_embed", "embeddings.position_embedding.weight", leading_ones=1),
    *_renamed(
        {
            "patch_embed.proj": "embeddings.patch_embedding",
            "norm_pre": "pre_layrnorm",
            "blocks.{i}.norm1": "encoder.layers.{i}.layer_norm1",
            "blocks.{i}.norm2": "encoder.layers.{i}.layer_norm2",
            "blocks.{i}.attn.proj": "encoder.layers.{i}.self_attn.out_proj",
            "blocks.{i}.mlp.fc1": "encoder.layers.{i}.mlp.fc1",
            "blocks.{i}.mlp.fc2": "encoder.layers.{i}.mlp.fc2",
        }
    ),
    *(
        TensorRule(
            f"blocks.{{i}}.attn.qkv.{kind}",
            # One matrix [3 D, D] there: query, key and value below each other, in this order.
            tuple(f"vision.encoder.layers.{{i}}.self_attn.{part}_proj.{kind}" for part in "qkv"),
        )
        for kind in ("weight", "bias")
    ),
)


_DINOV2_NAMES = {
    "embeddings.patch_embeddings.projection": "embeddings.patch_embedding",
    "encoder.layer.{i}.norm1": "encoder.layers.{i}.layer_norm1",
    "encoder.layer.{i}.norm2": "encoder.layers.{i}.layer_norm2",
    "encoder.layer.{i}.attention.attention.query": "encoder.layers.{i}.self_attn.q_proj",
    "encoder.layer.{i}.attention.attention.key": "encoder.layers.{i}.self_attn.k_proj",
    "encoder.layer.{i}.attention.attention.value": "encoder.layers.{i}.self_attn.v_proj",
    "encoder.layer.{i}.attention.output.dense": "encoder.layers.{i}.self_attn.out_proj",
    "encoder.layer.{i}.mlp.fc1": "encoder.layers.{i}.mlp.fc1",
    "encoder.layer.{i}.mlp.fc2": "encoder.layers.{i}.mlp.fc2",
}


def dinov2(resample: bool) -> tuple[TensorRule, ...]:
    """transformers' Dinov2Model, by the names that its files have.

    Args:
      resample: the position table is of another grid than the model's.
    """
    positions = _vision(
        "embeddings.position_embeddings", "embeddings.position_embedding.weight", leading_ones=1
    )
    if resample:
        # Without it the shapes must agree: only here is another grid meant.
        positions = positions._replace(resample=resample_positions)
    return (
        _vision("embeddings.cls_token", "embeddings.class_embedding", leading_ones=2),
        positions,
        *_renamed(_DINOV2_NAMES),
        *(
            _vision(f"encoder.layer.{{i}}.{name}.lambda1", f"encoder.layers.{{i}}.{name}.lambda1")
            for name in ("layer_scale1", "layer_scale2")
        ),
    )


_MLPS = ("action_head", "action_head1", "action_head2", "gripper_head")

# The published RoboMamba: a timm encoder, torch's Sequential, transformers' Mamba, the heads.
_ROBOMAMBA = (
    *(rule._replace(source=f"vision.model.{rule.source}") for rule in TIMM_VIT),
    *(
        TensorRule(f"projector.projector.{2 * n}.{kind}", (f"projector.fc{n + 1}.{kind}",))
        for n in range(3)
        for kind in ("weight", "bias")
    ),
    *(rule._replace(source=f"llm.mamba.{rule.source}") for rule in HF_MAMBA),
    *same(
        *(f"{mlp}.{name}" for mlp in _MLPS for name in (*_linear("fc1", "fc2"), "fc3.weight")),
        *(f"{block}.{name}" for block in ("ssm1", "ssm2") for name in _BLOCK),
        prefix="policy.",
    ),
)
_PUBLISHED = ("two_mlp", "two_mlp_repo", "mlp", "ssm_mlp")


def robomamba(policy: PolicyConfig | None) -> tuple[TensorRule, ...]:
    """The published RoboMamba, with its head or as a stage before that.

    Raises:
      InputError: its files know no head of this kind.
    """
    if policy is not None and policy.kind not in _PUBLISHED:
        raise InputError(
            "no_such_part",
            f"RoboMamba's files know no {policy.kind} head",
            f"only {', '.join(_PUBLISHED)} were published; safetensors takes any",
        )
    return _ROBOMAMBA


_AFTER = "after the features that are read"


def _deep(template: str, config: VisionConfig) -> list[UnreadTensors]:
    """The blocks behind the one that is read."""
    # Numbers and no \d+: a block that should have been read must not pass for one behind it.
    numbers = "|".join(str(i) for i in range(config.built_layers, config.depth))
    if not numbers:
        return []
    return [UnreadTensors(template.replace("{i}", f"({numbers})") + r"\..+", _AFTER, keep=True)]


def hf_vit_unread(config: VisionConfig) -> list[UnreadTensors]:
    """What a CLIP or SigLIP checkpoint holds beside the rules."""
    return [
        *_deep(r"encoder\.layers\.{i}", config),
        UnreadTensors(r"(post_layernorm|head)\..+", _AFTER, keep=True),
        UnreadTensors(r"(embeddings\.)?position_ids", "counts 0, 1, 2, ..."),
        UnreadTensors(
            r"(text_model\..+|text_projection.*|visual_projection.*)", "of the text encoder"
        ),
        UnreadTensors(r"logit_(scale|bias)", "of the contrastive loss"),
    ]


def timm_unread(config: VisionConfig, prefix: str = "") -> list[UnreadTensors]:
    """What a timm encoder holds beside the rules."""
    start = re.escape(prefix)
    return [
        *_deep(start + r"blocks\.{i}", config),
        UnreadTensors(start + r"(norm|attn_pool|fc_norm|head)\..+", _AFTER, keep=True),
    ]


def dinov2_unread(config: VisionConfig) -> list[UnreadTensors]:
    """What a DINOv2 checkpoint holds beside the rules."""
    return [
        *_deep(r"encoder\.layer\.{i}", config),
        UnreadTensors(r"layernorm\..+", _AFTER, keep=True),
        UnreadTensors(r"embeddings\.mask_token", "used in pre-training only", keep=True),
        UnreadTensors(r"(classifier|decoder)\..+", "head of another task"),
    ]
