# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations out of what checkpoints carry: a config.json, or nothing but shapes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, cast

from robomamba_jax.config import MambaConfig, PolicyConfig, VisionConfig
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import JsonObject

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes by name, of one part of a checkpoint, its prefix taken away."""

# Fields of a config.json. Their types are not checked here: the configuration classes do it, and
# name the field.
_Fields: TypeAlias = Mapping[str, Any]

# Our activations by the names of transformers and of timm. "gelu" is the exact one, with erf.
HF_ACTIVATIONS = {"quick_gelu": "quick_gelu", "gelu_erf": "gelu", "gelu_tanh": "gelu_pytorch_tanh"}
TIMM_ACTIVATIONS = {"quick_gelu": "quick_gelu", "gelu_erf": "gelu", "gelu_tanh": "gelu_tanh"}
# OpenAI's tanh form of GPT-2 is the same function under another of transformers' names.
_ACTIVATIONS = {"gelu_new": "gelu_tanh"} | {
    theirs: ours for names in (HF_ACTIVATIONS, TIMM_ACTIVATIONS) for ours, theirs in names.items()
}
# Our fields of a language model by transformers' name and, where that is another, the original
# repository's, whose block has a dictionary of its own. Where a config.json is silent the defaults
# of all three are the same.
HF_MAMBA_FIELDS = {
    "d_model": ("hidden_size", "d_model"),
    "n_layer": ("num_hidden_layers", "n_layer"),
    "vocab_size": ("vocab_size",),
    "d_state": ("state_size", "ssm_cfg.d_state"),
    "d_conv": ("conv_kernel", "ssm_cfg.d_conv"),
    "expand": ("expand", "ssm_cfg.expand"),
    "dt_rank": ("time_step_rank", "ssm_cfg.dt_rank"),
    "conv_bias": ("use_conv_bias", "ssm_cfg.conv_bias"),
    "bias": ("use_bias", "ssm_cfg.bias"),
    "norm_eps": ("layer_norm_epsilon",),
    "residual_in_fp32": ("residual_in_fp32",),
    "tie_embeddings": ("tie_word_embeddings", "tie_embeddings"),
}
# Our fields of an encoder by transformers' names.
HF_VIT_FIELDS = {
    "width": "hidden_size",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "image_size": "image_size",
    "patch_size": "patch_size",
    "norm_eps": "layer_norm_eps",
}
# The models of timm that RoboMamba creates; sizes that differ are arguments beside the name.
TIMM_MODELS = {"clip": "vit_large_patch14_clip_224", "siglip": "vit_large_patch16_siglip_256"}


def shapes_under(source: TensorSource, prefix: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors whose names begin with ``prefix``, by the rest of the name."""
    names = [name for name in source.names() if name.startswith(prefix)]
    return {name[len(prefix) :]: source.info(name).shape for name in names}


def mamba_from_shapes(shapes: Shapes, path: Path, tied: bool = True) -> MambaConfig:
    """A language model's sizes from its tensors.

    Raises:
      InputError: a tensor that they are read from is missing or of a wrong rank.
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


def mamba_from_json(content: JsonObject, rows: int | None, path: Path) -> MambaConfig:
    """A language model's config.json, of transformers or of the original repository.

    Args:
      content: the file's object; both key families are understood.
      rows: of the embedding that comes with it, which may be padded; None if it is absent.
      path: for messages.

    Raises:
      InputError: it describes another kind of model, or lacks a size.
    """
    given = cast("_Fields", content)
    kind = given.get("model_type", "mamba")
    inner = given.get("ssm_cfg") or {}
    if kind != "mamba" or inner.get("layer", "Mamba1") != "Mamba1" or given.get("attn_cfg"):
        what = kind if kind != "mamba" else "another kind of block"
        raise InputError("unknown_format", f"{path} is of {what}", "give a Mamba-1 checkpoint")
    for name, value in (("hidden_act", "silu"), ("rms_norm", True)):
        if given.get(name, value) != value:
            raise InputError(
                "unknown_format", f"{path}: {name} is {given[name]!r}", f"only {value} is Mamba-1"
            )
    flat = {**given, **{f"ssm_cfg.{name}": value for name, value in inner.items()}}
    fields: dict[str, Any] = {}
    for ours, names in HF_MAMBA_FIELDS.items():
        found = [name for name in names if name in flat]
        if found:
            fields[ours] = flat[found[0]]
        elif ours in ("d_model", "n_layer", "vocab_size"):
            what = f"{path} has no {' and no '.join(names)}"
            raise InputError("bad_config", what, "give its own file")
    if fields.get("dt_rank") == "auto":
        del fields["dt_rank"]
    fields["vocab_size"] = _vocabulary(given, fields["vocab_size"], rows)
    return MambaConfig(**fields)


def _vocabulary(content: _Fields, size: int, rows: int | None) -> int:
    """The embedding's rows, if they are the vocabulary or that padded as it says."""
    # The original repository states the tokenizer's size and pads the table to a multiple; for
    # GPT-NeoX 50,277 becomes 50,280.
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


def vit_from_json(kind: str, content: JsonObject, path: Path) -> VisionConfig:
    """An encoder's config.json of transformers: clip, siglip (whole or vision only) or dinov2.

    Raises:
      InputError: it describes another kind of model.
    """
    named = str(content.get("model_type", ""))
    if named.removesuffix("_vision_model") != kind:
        raise InputError(
            "unknown_format", f"{path} is of model_type {named!r}", f"give a {kind} checkpoint"
        )
    # A whole CLIP has its encoder's fields in a dictionary of their own.
    own = cast("_Fields", content.get("vision_config") or content)
    get = {**_VIT_SHARED, **_VIT_DEFAULTS[kind], **own}
    odd = {"num_channels": 3, "use_swiglu_ffn": False, "qkv_bias": True}
    for name, value in odd.items():
        if get[name] != value:
            raise InputError("unknown_format", f"{path}: {name} is {get[name]}", f"only {value}")
    mlp = get["intermediate_size"]
    if kind == "dinov2":
        mlp = int(get["hidden_size"] * get["mlp_ratio"])
    return VisionConfig(
        **{ours: get[theirs] for ours, theirs in HF_VIT_FIELDS.items()},
        mlp_dim=mlp,
        activation=_activation(get["hidden_act"], path),
        **_switches(kind),
    )


def _switches(kind: str) -> dict[str, Any]:
    """Which optional parts an encoder of this kind has."""
    return {
        "cls_token": kind != "siglip",
        "pre_norm": kind == "clip",
        "patch_bias": kind != "clip",
        "layer_scale": kind == "dinov2",
    }


def timm_from_shapes(
    shapes: Shapes, path: Path, arguments: JsonObject | None = None
) -> VisionConfig:
    """A timm CLIP or SigLIP encoder's sizes from its tensors.

    What shapes do not say is as RoboMamba runs these encoders: heads of 64 channels,
    quick GELU for CLIP, exact GELU for SigLIP.

    Args:
      shapes: of the encoder's tensors.
      path: for messages.
      arguments: what timm's own config.json says beside the architecture's name.
    """
    given = cast("_Fields", arguments or {})
    width, _, patch, _ = _shape(shapes, "patch_embed.proj.weight", 4, path)
    cls = "cls_token" in shapes
    kind = "clip" if cls else "siglip"
    # [1, P (+ 1 for the class token), D].
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


def dinov2_from_shapes(shapes: Shapes, image_size: int, path: Path) -> VisionConfig:
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


def policy_from_shapes(shapes: Shapes, width: int, path: Path) -> PolicyConfig | None:
    """Which head a RoboMamba checkpoint has; None for the language-and-vision stage."""
    gripper = "gripper_head.fc1.weight" in shapes
    if "action_head.fc1.weight" in shapes:
        return PolicyConfig("mlp", gripper=gripper)
    if not any(name.startswith(("action_head", "ssm")) for name in shapes):
        return None
    if any(name.startswith("ssm") for name in shapes):
        return PolicyConfig("ssm_mlp", gripper=gripper)
    # The paper's head has d/4, the published code's d/2; nothing else in the file tells them apart.
    first = _shape(shapes, "action_head1.fc1.weight", 2, path)[0]
    return PolicyConfig("two_mlp" if first == width // 4 else "two_mlp_repo", gripper=gripper)


def square_grid(shape: tuple[int, ...], path: Path) -> int:
    """Patches along each side of a table [1, 1 + n * n, D]."""
    return _square(shape[1] - 1, path)


def _square(count: int, path: Path) -> int:
    side = round(max(count, 0) ** 0.5)
    if count < 1 or side * side != count:
        raise InputError("shape_mismatch", f"{path}: {count} positions are not a square", _WHOLE)
    return side


_WHOLE = "give the complete file of this family"


def _shape(shapes: Shapes, name: str, rank: int, path: Path) -> tuple[int, ...]:
    if name not in shapes:
        near = get_close_matches(name, shapes, n=2, cutoff=0.6)
        fix = f"the file's {' or '.join(near)} looks like it" if near else _WHOLE
        raise InputError("tensor_mismatch", f"{path}: {name} is missing", fix)
    if len(shapes[name]) != rank or 0 in shapes[name]:
        what = f"{path}: {name} has shape {list(shapes[name])}"
        raise InputError("tensor_mismatch", what, f"it needs {rank} axes; {_WHOLE}")
    return shapes[name]


def _count(shapes: Shapes, pattern: str) -> int:
    """Layers from 0 on."""
    # A number with one or two tensors is a misspelt name: it must not become a layer of which all
    # other tensors are then reported missing.
    numbers = Counter(int(found[1]) for name in shapes if (found := re.match(pattern, name)))
    count = 0
    while numbers[count] > 2:
        count += 1
    return max(count, 1)


def _whole(value: int, unit: int, what: str, path: Path) -> int:
    if value % unit:
        raise InputError(
            "shape_mismatch", f"{path}: {what} {value} is not a multiple of {unit}", _WHOLE
        )
    return value // unit


def _activation(name: Any, path: Path) -> str:
    if name not in _ACTIVATIONS:
        raise InputError(
            "unknown_format", f"{path}: activation {name!r}", f"known: {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[name]
