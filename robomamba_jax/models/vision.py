# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The vision tower (arXiv 2010.11929): CLIP, SigLIP and DINOv2 are switches of one module.

A parameter's path is its key in transformers' CLIP, ``pre_layrnorm`` with its
missing e included. Blocks stand stacked, with a leading axis L, and run under
``jax.lax.scan``.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config.vision import VisionConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.graphs import PyTree, abstract, parameters, split
from robomamba_jax.models.layers import Embedding, LayerNorm, Linear, linear, uniform
from robomamba_jax.models.sharding import gathered
from robomamba_jax.ops.activations import ACTIVATIONS
from robomamba_jax.ops.probes import probe

CHANNELS = 3


class PatchEmbedding(nnx.Module):
    """``weight`` [D, 3, p, p] and, where the model has one, ``bias`` [D], as torch stores
    the convolution that cuts an image into patches."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        side, dtype = config.patch_size, config.param_dtype
        bound = 1 / math.sqrt(CHANNELS * side * side)
        shape = (config.width, CHANNELS, side, side)
        self.dtype = jnp.dtype(config.dtype)
        self.weight = nnx.Param(uniform(rngs.params(), shape, bound, dtype))
        self.bias = (
            nnx.Param(uniform(rngs.params(), shape[:1], bound, dtype))
            if config.patch_bias
            else None
        )

    def __call__(self, images: jax.Array) -> jax.Array:
        """float[B, S, S, 3] -> float32[B, P, D], patches row by row from the top left."""
        weight = self.weight[...]
        batch, size = images.shape[:2]
        side = weight.shape[-1]
        grid = size // side
        # Patches do not overlap, so the convolution is one matrix product.
        x = images.astype(self.dtype).reshape(batch, grid, side, grid, side, CHANNELS)
        x = x.transpose(0, 1, 3, 5, 2, 4).reshape(batch, grid * grid, -1)
        y = linear(x, weight.reshape(weight.shape[0], -1), out_dtype=jnp.float32)
        return y if self.bias is None else y + self.bias[...].astype(jnp.float32)


class VisionEmbeddings(nnx.Module):
    """Patches, the class token before them, and learned positions on all of them."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        dtype = config.param_dtype
        start = 0.02 * jax.random.normal(rngs.params(), (config.width,), jnp.float32)
        self.class_embedding = nnx.Param(start.astype(dtype)) if config.cls_token else None
        self.patch_embedding = PatchEmbedding(config, rngs=rngs)
        self.position_embedding = Embedding(
            config.num_positions, config.width, rngs=rngs, param_dtype=dtype
        )

    def __call__(self, images: jax.Array) -> jax.Array:
        """float[B, S, S, 3] -> float32[B, T, D]; T is P, or 1 + P with a class token."""
        x = probe(self.patch_embedding(images), "patch_embedding")
        if self.class_embedding is not None:
            token = self.class_embedding[...].astype(x.dtype)
            token = jnp.broadcast_to(token, (x.shape[0], 1, x.shape[2]))
            x = jnp.concatenate([token, x], axis=1)
        return probe(x + self.position_embedding.weight[...].astype(x.dtype), "vision_embeddings")


class SelfAttention(nnx.Module):
    """Every token reads every other; ``q_proj``, ``k_proj``, ``v_proj``, ``out_proj``."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        dense = partial(
            Linear, bias=True, rngs=rngs, dtype=config.dtype, param_dtype=config.param_dtype
        )
        self.heads = config.heads
        self.q_proj = dense(config.width, config.width)
        self.k_proj = dense(config.width, config.width)
        self.v_proj = dense(config.width, config.width)
        self.out_proj = dense(config.width, config.width)

    def __call__(self, x: jax.Array) -> jax.Array:
        """dtype[B, T, D] -> dtype[B, T, D]; scores and softmax in float32."""
        heads = (*x.shape[:2], self.heads, -1)
        projected = (
            probe(getattr(self, name)(x), f"self_attn.{name}")
            for name in ("q_proj", "k_proj", "v_proj")
        )
        q, k, v = (y.reshape(heads) for y in projected)
        # implementation=None is XLA today; jax means to choose cuDNN by itself where that is best.
        y = jax.nn.dot_product_attention(q, k, v, implementation=None)
        y = probe(y.reshape(x.shape), "self_attn.attention")
        return probe(self.out_proj(y), "self_attn.out_proj")


class MLP(nnx.Module):
    """``fc1``, the activation, ``fc2``."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        dense = partial(
            Linear, bias=True, rngs=rngs, dtype=config.dtype, param_dtype=config.param_dtype
        )
        self.activation = config.activation
        self.fc1 = dense(config.width, config.mlp_dim)
        self.fc2 = dense(config.mlp_dim, config.width)

    def __call__(self, x: jax.Array) -> jax.Array:
        """dtype[..., D] -> dtype[..., D]."""
        x = ACTIVATIONS[self.activation](probe(self.fc1(x), "mlp.fc1"))
        return probe(self.fc2(probe(x, "mlp.activation")), "mlp.fc2")


class LayerScale(nnx.Module):
    """``lambda1`` [D], always float32: a learned factor per channel."""

    def __init__(self, width: int) -> None:
        self.lambda1 = nnx.Param(jnp.ones((width,), jnp.float32))


class VisionBlock(nnx.Module):
    """``x + attention(norm(x))``, then ``x + mlp(norm(x))``."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        norm = partial(LayerNorm, config.width, eps=config.norm_eps, dtype=config.dtype)
        self.layer_norm1 = norm()
        self.self_attn = SelfAttention(config, rngs=rngs)
        self.layer_scale1 = LayerScale(config.width) if config.layer_scale else None
        self.layer_norm2 = norm()
        self.mlp = MLP(config, rngs=rngs)
        self.layer_scale2 = LayerScale(config.width) if config.layer_scale else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """float32[B, T, D] -> float32[B, T, D]."""
        y = self.self_attn(probe(self.layer_norm1(x), "layer_norm1"))
        x = x + _scaled(y, self.layer_scale1, "layer_scale1")
        y = self.mlp(probe(self.layer_norm2(x), "layer_norm2"))
        return probe(x + _scaled(y, self.layer_scale2, "layer_scale2"), "vision_block")


class VisionEncoder(nnx.Module):
    """``layers``: ``config.built_layers`` blocks, stacked."""

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        self.remat = config.remat
        keys = jax.random.split(rngs.params(), config.built_layers)
        graph, _ = abstract(lambda: VisionBlock(config, rngs=nnx.Rngs(0)))

        def make(key: jax.Array) -> PyTree:
            return parameters(VisionBlock(config, rngs=nnx.Rngs(key)))

        # One block whose parameters have a leading axis L, for jax.lax.scan to walk over.
        self.layers = nnx.merge(graph, jax.vmap(make)(keys))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float32[B, T, D] -> float32[B, T, D]."""
        graph, state = split(self.layers)

        def body(x: jax.Array, layer: PyTree) -> tuple[jax.Array, None]:
            return nnx.merge(graph, gathered(layer, "vision/encoder/layers"))(x), None

        if self.remat == "block":
            # Inside a scan nothing can be merged across iterations: no barrier is needed.
            body = cast("Any", jax.checkpoint(body, prevent_cse=False))
        return jax.lax.scan(body, x, state)[0]


class VisionTower(nnx.Module):
    """``embeddings``, CLIP's ``pre_layrnorm``, and ``encoder`` as deep as is read.

    The residual stream is float32 whatever the compute dtype: the released RoboMamba
    runs its towers under autocast, which keeps it so.
    """

    def __init__(self, config: VisionConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.embeddings = VisionEmbeddings(config, rngs=rngs)
        norm = partial(LayerNorm, config.width, eps=config.norm_eps, dtype=jnp.float32)
        self.pre_layrnorm = norm() if config.pre_norm else None
        self.encoder = VisionEncoder(config, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Patch features of the block that ``config.feature_layer`` names.

        Args:
          images: float[B, S, S, 3], already resized, cropped and normalised.

        Returns:
          dtype[B, P, D], patches row by row from the top left; without the class
          token, before any final norm.

        Raises:
          InputError: images of another size, number of channels or kind.
        """
        self._check(images)
        x = self.embeddings(images)
        if self.pre_layrnorm is not None:
            x = probe(self.pre_layrnorm(x), "pre_layrnorm")
        x = self.encoder(x)
        if self.config.cls_token:
            x = x[:, 1:]
        return x.astype(self.config.dtype)

    def _check(self, images: jax.Array) -> None:
        size = self.config.image_size
        if images.ndim != 4 or images.shape[1:] != (size, size, CHANNELS):
            raise InputError(
                "shape_mismatch",
                f"images has shape {list(images.shape)}, not [B, {size}, {size}, {CHANNELS}]",
                "transform images with this model's processor; channels stand last",
            )
        if not jnp.issubdtype(images.dtype, jnp.floating):
            raise InputError(
                "bad_dtype",
                f"images is {images.dtype}",
                "transform images with this model's processor: float, normalised",
            )


def _scaled(y: jax.Array, scale: LayerScale | None, name: str) -> jax.Array:
    """A residual branch, float32, times its LayerScale where there is one."""
    y = y.astype(jnp.float32)
    return y if scale is None else probe(y * scale.lambda1[...], name)
