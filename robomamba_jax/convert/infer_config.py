# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations out of what checkpoints carry: a config.json, or nothing but shapes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from robomamba_jax.config import MambaConfig, PolicyConfig, VisionConfig
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.errors import InputError

Infos = Mapping[str, tuple[int, ...]]
"""Shapes by name, of one part of a checkpoint, its prefix taken away."""

_ACTIVATIONS = {
    "quick_gelu": "quick_gelu",
    "gelu": "gelu_erf",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_tanh": "gelu_tanh",
}


def shapes_under(source: TensorSource, prefix: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors whose names begin with ``prefix``, by the rest of the name."""
    names = [name for name in source.names() if name.startswith(prefix)]
    return {name[len(prefix) :]: source.info(name).shape for name in names}


def mamba_from_shapes(shapes: Infos, path: Path, tied: bool = True) -> MambaConfig:
    """A language model's sizes from its tensors.

    Raises:
      InputError: a tensor that tells them is missing or of a wrong rank.
    """
    mixer = "backbone.layers.0.mixer."
    vocab, width = _shape(shapes, "backbone.embeddings.weight", 2, path)
    inner, state = _shape(shapes, mixer + "A_log", 2, path)
    return MambaConfig(
        d_model=width,
        n_layer=_count(shapes, r"backbone\.layers\.(\d+)\."),
        vocab_size=vocab,
        d_state=state,
        d_conv=_shape(shapes, mixer + "conv1d.weight", 3, path)[2],
        expand=_whole(inner, width, "the inner width", path),
        dt_rank=_shape(shapes, mixer + "dt_proj.weight", 2, path)[1],
        conv_bias=mixer + "conv1d.bias" in shapes,
        bias=mixer + "in_proj.bias" in shapes,
        tie_embeddings=tied,
    )


def mamba_from_json(content: Mapping[str, Any], rows: int | None, path: Path) -> MambaConfig:
    """A language model's config.json, of transformers or of the original repository.

    Args:
      content: the file's object; both key families are understood.
      rows: of the embedding that comes with it, which may be padded; None if it is absent.
      path: for messages.

    Raises:
      InputError: it describes another kind of model, or lacks a size.
    """
    kind = content.get("model_type", "mamba")
    inner = content.get("ssm_cfg") or {}
    if kind != "mamba" or inner.get("layer", "Mamba1") != "Mamba1" or content.get("attn_cfg"):
        what = kind if kind != "mamba" else "another kind of block"
        raise InputError("unknown_format", f"{path} is of {what}", "give a Mamba-1 checkpoint")
    for name, value in (("hidden_act", "silu"), ("rms_norm", True)):
        if content.get(name, value) != value:
            raise InputError(
                "unknown_format", f"{path}: {name} is {content[name]!r}", f"only {value} is Mamba-1"
            )
    rank = content.get("time_step_rank", inner.get("dt_rank", "auto"))
    return MambaConfig(
        d_model=_either(content, "hidden_size", "d_model", path),
        n_layer=_either(content, "num_hidden_layers", "n_layer", path),
        vocab_size=_vocabulary(content, rows, path),
        d_state=content.get("state_size", inner.get("d_state", 16)),
        d_conv=content.get("conv_kernel", inner.get("d_conv", 4)),
        expand=content.get("expand", inner.get("expand", 2)),
        dt_rank=None if rank == "auto" else rank,
        conv_bias=content.get("use_conv_bias", inner.get("conv_bias", True)),
        bias=content.get("use_bias", inner.get("bias", False)),
        norm_eps=content.get("layer_norm_epsilon", 1e-5),
        residual_in_fp32=content.get("residual_in_fp32", True),
        tie_embeddings=content.get("tie_word_embeddings", content.get("tie_embeddings", True)),
    )


def _vocabulary(content: Mapping[str, Any], rows: int | None, path: Path) -> int:
    """The embedding's rows, if they are the vocabulary or that padded as it says."""
    size = _either(content, "vocab_size", "vocab_size", path)
    multiple = content.get("pad_vocab_size_multiple", 8)
    padded = -(-size // multiple) * multiple if isinstance(multiple, int) and multiple > 0 else size
    return rows if rows is not None and rows in (size, padded) else size


# What transformers' configurations say where a config.json is silent.
_VIT_DEFAULTS: dict[str, dict[str, Any]] = {
    "clip": {"patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5},
    "siglip": {"patch_size": 16, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6},
    "dinov2": {"patch_size": 14, "hidden_act": "gelu", "layer_norm_eps": 1e-6, "mlp_ratio": 4},
}
_VIT_SHARED = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "intermediate_size": 3072,
    "num_channels": 3,
    "use_swiglu_ffn": False,
    "qkv_bias": True,
}


def vit_from_json(kind: str, content: Mapping[str, Any], path: Path) -> VisionConfig:
    """An encoder's config.json of transformers: clip, siglip (whole or vision only) or dinov2.

    Raises:
      InputError: it describes another kind of model.
    """
    named = str(content.get("model_type", ""))
    if named.removesuffix("_vision_model") != kind:
        raise InputError(
            "unknown_format", f"{path} is of model_type {named!r}", f"give a {kind} checkpoint"
        )
    own = content.get("vision_config") or content
    get = {**_VIT_SHARED, **_VIT_DEFAULTS[kind], **own}
    odd = {"num_channels": 3, "use_swiglu_ffn": False, "qkv_bias": True}
    for name, value in odd.items():
        if get[name] != value:
            raise InputError("unknown_format", f"{path}: {name} is {get[name]}", f"only {value}")
    mlp = get["intermediate_size"]
    if kind == "dinov2":
        mlp = int(get["hidden_size"] * get["mlp_ratio"])
    return VisionConfig(
        image_size=get["image_size"],
        patch_size=get["patch_size"],
        width=get["hidden_size"],
        depth=get["num_hidden_layers"],
        heads=get["num_attention_heads"],
        mlp_dim=mlp,
        activation=_activation(get["hidden_act"], path),
        norm_eps=get["layer_norm_eps"],
        **_switches(kind),
    )


def _switches(kind: str) -> dict[str, Any]:
    return {
        "cls_token": kind != "siglip",
        "pre_norm": kind == "clip",
        "patch_bias": kind != "clip",
        "layer_scale": kind == "dinov2",
    }


def timm_from_shapes(
    shapes: Infos, path: Path, arguments: Mapping[str, Any] | None = None
) -> VisionConfig:
    """A timm CLIP or SigLIP encoder's sizes from its tensors.

    What shapes do not say is as RoboMamba runs these encoders: heads of 64 channels,
    quick GELU for CLIP, exact GELU for SigLIP.

    Args:
      shapes: of the encoder's tensors.
      path: for messages.
      arguments: what timm's own config.json says beside the architecture's name.
    """
    given = arguments or {}
    width, _, patch, _ = _shape(shapes, "patch_embed.proj.weight", 4, path)
    cls = "cls_token" in shapes
    kind = "clip" if cls else "siglip"
    positions = _shape(shapes, "pos_embed", 3, path)[1] - cls
    heads = given.get("num_heads", max(1, width // 64))
    act = given.get("act_layer", "quick_gelu" if cls else "gelu")
    return VisionConfig(
        image_size=patch * _square(positions, path),
        patch_size=patch,
        width=width,
        depth=_count(shapes, r"blocks\.(\d+)\."),
        heads=heads,
        mlp_dim=_shape(shapes, "blocks.0.mlp.fc1.weight", 2, path)[0],
        activation=_activation(act, path),
        norm_eps=1e-5 if cls else 1e-6,
        **_switches(kind),
    )


def dinov2_from_shapes(shapes: Infos, image_size: int, path: Path) -> VisionConfig:
    """A DINOv2 encoder's sizes from its tensors; heads have 64 channels."""
    width, _, patch, _ = _shape(shapes, "embeddings.patch_embeddings.projection.weight", 4, path)
    return VisionConfig(
        image_size=image_size,
        patch_size=patch,
        width=width,
        depth=_count(shapes, r"encoder\.layer\.(\d+)\."),
        heads=max(1, width // 64),
        mlp_dim=_shape(shapes, "encoder.layer.0.mlp.fc1.weight", 2, path)[0],
        activation="gelu_erf",
        norm_eps=1e-6,
        **_switches("dinov2"),
    )


def policy_from_shapes(shapes: Infos, width: int, path: Path) -> PolicyConfig | None:
    """Which head a RoboMamba checkpoint has; None for the language-and-vision stage."""
    gripper = "gripper_head.fc1.weight" in shapes
    if "action_head.fc1.weight" in shapes:
        return PolicyConfig("mlp", gripper=gripper)
    if not any(name.startswith(("action_head", "ssm")) for name in shapes):
        return None
    if any(name.startswith("ssm") for name in shapes):
        return PolicyConfig("ssm_mlp", gripper=gripper)
    first = _shape(shapes, "action_head1.fc1.weight", 2, path)[0]
    return PolicyConfig("two_mlp" if first == width // 4 else "two_mlp_repo", gripper=gripper)


def square_grid(shape: tuple[int, ...], path: Path) -> int:
    """Patches along each side of a table [1, 1 + n * n, D]."""
    return _square(shape[1] - 1, path)


def _square(count: int, path: Path) -> int:
    side = round(max(count, 0) ** 0.5)
    if count < 1 or side * side != count:
        raise InputError("shape_mismatch", f"{path}: {count} positions are no square", _WHOLE)
    return side


_WHOLE = "give the complete file of this family"


def _shape(shapes: Infos, name: str, rank: int, path: Path) -> tuple[int, ...]:
    if name not in shapes:
        near = get_close_matches(name, shapes, n=2, cutoff=0.6)
        fix = f"the file's {' or '.join(near)} looks like it" if near else _WHOLE
        raise InputError("tensor_mismatch", f"{path}: {name} is missing", fix)
    if len(shapes[name]) != rank or 0 in shapes[name]:
        what = f"{path}: {name} has shape {list(shapes[name])}"
        raise InputError("tensor_mismatch", what, f"it needs {rank} axes; {_WHOLE}")
    return shapes[name]


def _count(shapes: Infos, pattern: str) -> int:
    """Layers from 0 on. A number under which hardly a tensor stands counts none: a stray
    name must not make a layer of which all else is then missing."""
    numbers = Counter(int(found[1]) for name in shapes if (found := re.match(pattern, name)))
    count = 0
    while numbers[count] > 2:
        count += 1
    return max(count, 1)


def _whole(value: int, unit: int, what: str, path: Path) -> int:
    if value % unit:
        raise InputError(
            "shape_mismatch", f"{path}: {what} {value} is no multiple of {unit}", _WHOLE
        )
    return value // unit


def _either(content: Mapping[str, Any], first: str, second: str, path: Path) -> Any:
    for name in (first, second):
        if name in content:
            return content[name]
    raise InputError("bad_config", f"{path} has neither {first} nor {second}", "give its own file")


def _activation(name: Any, path: Path) -> str:
    if name not in _ACTIVATIONS:
        raise InputError(
            "unknown_format", f"{path}: activation {name!r}", f"known: {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[name]
