# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The torch side of the tower tests: transformers' and timm's towers with random weights, and ours
with the same ones.

Weights are copied here and not by the converters, so that neither test leans on the other. torch,
transformers and timm are imported inside functions: collecting the tests must not load them.
"""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from robomamba_jax.config.vision import VisionConfig
from robomamba_jax.convert.infer_config import HF_ACTIVATIONS, TIMM_ACTIVATIONS
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params, check_params
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.verify.random_files import randomise
from robomamba_jax.verify.timm_import import import_timm

Tensors = dict[str, Any]

# From another model's names to those of transformers' CLIP, which are ours with dots.
DINOV2_NAMES = (
    (r"embeddings\.cls_token", "embeddings.class_embedding"),
    (r"embeddings\.position_embeddings", "embeddings.position_embedding.weight"),
    (r"embeddings\.patch_embeddings\.projection", "embeddings.patch_embedding"),
    (r"encoder\.layer\.", "encoder.layers."),
    (r"\.norm([12])\.", r".layer_norm\1."),
    (r"\.attention\.attention\.(query|key|value)", r".attention.\1"),  # as files name them
    (r"\.attention\.(q|k|v)(uery|ey|alue|_proj)\.", r".self_attn.\1_proj."),
    (r"\.attention\.(o_proj|output\.dense)\.", ".self_attn.out_proj."),
)
TIMM_NAMES = (
    (r"^cls_token", "embeddings.class_embedding"),
    (r"^pos_embed", "embeddings.position_embedding.weight"),
    (r"^patch_embed\.proj", "embeddings.patch_embedding"),
    (r"^norm_pre", "pre_layrnorm"),
    (r"^blocks\.", "encoder.layers."),
    (r"\.norm([12])\.", r".layer_norm\1."),
    (r"\.attn\.proj\.", ".self_attn.out_proj."),
)
# Published, and never built: what stands after the features, and DINOv2's training-time mask.
UNREAD = re.compile(r"(post_layernorm|layernorm|norm|head|attn_pool|embeddings\.mask_token)\b")


def hf_tower(kind: str, config: VisionConfig) -> Any:
    """transformers' tower of all ``config.depth`` blocks: kind is clip, siglip or dinov2."""
    import transformers

    given = {
        "hidden_size": config.width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "hidden_act": HF_ACTIVATIONS[config.activation],
        "layer_norm_eps": config.norm_eps,
        "attn_implementation": "eager",
    }
    if kind == "dinov2":
        given["mlp_ratio"] = config.mlp_dim // config.width
        return randomise(transformers.Dinov2Model(transformers.Dinov2Config(**given)))
    given["intermediate_size"] = config.mlp_dim
    if kind == "clip":
        return randomise(transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**given)))
    return randomise(transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**given)))


def timm_or_skip() -> Any:
    """timm, without torchvision; skips the test where timm is not installed."""
    try:
        return import_timm()
    except InputError as error:
        pytest.skip(error.message)


def timm_tower(name: str, config: VisionConfig) -> Any:
    """timm's tower ``name`` in our config's sizes; skips where timm does not import."""
    timm = timm_or_skip()
    given = {
        "img_size": config.image_size,
        "patch_size": config.patch_size,
        "embed_dim": config.width,
        "depth": config.depth,
        "num_heads": config.heads,
        "mlp_ratio": config.mlp_dim / config.width,
        # The name alone would give CLIP the exact GELU; RoboMamba asks for its own too.
        "act_layer": TIMM_ACTIVATIONS[config.activation],
    }
    return randomise(timm.create_model(name, pretrained=False, num_classes=0, **given))


def hf_hidden(model: Any, images: np.ndarray) -> list[np.ndarray]:
    """transformers' hidden states, [B, T, D] each, the embeddings first; CLS still inside."""
    import torch

    with torch.no_grad():
        pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        states = model(pixels, output_hidden_states=True).hidden_states
    return [state.numpy() for state in states]


def timm_features(model: Any, images: np.ndarray) -> np.ndarray:
    """What RoboMamba reads of a timm tower: the penultimate block's patches."""
    import torch

    with torch.no_grad():
        pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        # Block indices, so the penultimate one is len - 2.
        return model.get_intermediate_layers(pixels, n={len(model.blocks) - 2})[0].numpy()


def renamed(tensors: Tensors, names: tuple[tuple[str, str], ...]) -> Tensors:
    """Keys rewritten by regex pairs; timm's joint ``qkv`` is cut in three."""
    result = {}
    for key, tensor in tensors.items():
        for pattern, name in names:
            key = re.sub(pattern, name, key)
        if ".attn.qkv." not in key:
            result[key] = tensor
            continue
        for letter, part in zip("qkv", np.split(np.asarray(tensor), 3), strict=True):
            result[key.replace("attn.qkv", f"self_attn.{letter}_proj")] = part
    return result


def abstract_tower(config: VisionConfig) -> tuple[Any, Params]:
    """The tower's static graph, and its parameters as shapes."""
    graph, state = nnx.split(nnx.eval_shape(lambda: VisionTower(config, rngs=nnx.Rngs(0))))
    return graph, nnx.to_pure_dict(state)


def our_params(tensors: Tensors, config: VisionConfig) -> Params:
    """Tensors by transformers' CLIP names as our tree; strict about what is left over."""
    tree: Params = {}
    layers: dict[int, Tensors] = {}
    for key, tensor in tensors.items():
        value = np.asarray(tensor)
        layer = re.match(r"encoder\.layers\.(\d+)\.(.*)", key)
        if layer:
            layers.setdefault(int(layer[1]), {})[layer[2]] = value
        elif not UNREAD.match(key):
            # Other models keep a leading axis of one here.
            if key == "embeddings.class_embedding":
                value = value.reshape(-1)
            elif key == "embeddings.position_embedding.weight":
                value = value.reshape(-1, value.shape[-1])
            _put(tree, key, jnp.asarray(value))
    assert sorted(layers) == list(range(config.depth))
    for name in layers[0]:
        rows = [layers[index][name] for index in range(config.built_layers)]
        _put(tree, f"encoder.layers.{name}", jnp.asarray(np.stack(rows)))
    check_params(tree, abstract_tower(config)[1])
    return tree


def our_features(config: VisionConfig, params: Params, images: np.ndarray) -> np.ndarray:
    """Our tower on the same images."""
    graph, _ = abstract_tower(config)

    @jax.jit
    def run(params: Params, images: jax.Array) -> jax.Array:
        tower: Any = nnx.merge(graph, params)
        return tower(images)

    return np.asarray(run(params, jnp.asarray(images)))


def _put(tree: Params, key: str, value: jax.Array) -> None:
    *path, last = key.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
    tree[last] = value
