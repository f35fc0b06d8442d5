# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What policy heads are made of: an MLP, learned queries, and layers that begin as published."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config.policy import QUERIES
from robomamba_jax.models.layers import Linear
from robomamba_jax.ops.probes import probe


class PolicyMLP(nnx.Module):
    """``fc1``, ReLU, ``fc2``, ReLU, ``fc3``; only the last has no bias.

    Weights start Xavier-uniform and biases at 0, as published for two MLPs.
    """

    def __init__(
        self, d_in: int, widths: tuple[int, int], d_out: int, *, rngs: nnx.Rngs, param_dtype: str
    ) -> None:
        self.fc1 = xavier(d_in, widths[0], True, rngs, param_dtype)
        self.fc2 = xavier(widths[0], widths[1], True, rngs, param_dtype)
        self.fc3 = xavier(widths[1], d_out, False, rngs, param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., D] -> float32[..., out]."""
        x = jax.nn.relu(probe(self.fc1(x), "policy.fc1"))
        x = jax.nn.relu(probe(self.fc2(x), "policy.fc2"))
        return probe(self.fc3(x), "policy.fc3")


class AttentionPooling(nnx.Module):
    """``weight`` [Q, D]: learned queries that look for what they need among all positions."""

    def __init__(self, d_model: int, param_dtype: str, *, rngs: nnx.Rngs) -> None:
        weight = 0.02 * jax.random.normal(rngs.params(), (QUERIES, d_model), jnp.float32)
        self.weight = nnx.Param(weight.astype(param_dtype))

    def __call__(self, hidden: jax.Array, mask: jax.Array | None) -> jax.Array:
        """float32[B, T, D] and bool[B, T] (None = all real) -> float32[B, Q * D], each query's
        weighted mean of the real positions; 0 for a row that has none."""
        if mask is not None:
            hidden = jnp.where(mask[..., None], hidden, 0)
        scores = jnp.einsum("btd,qd->bqt", hidden, self.weight[...].astype(jnp.float32))
        where = None if mask is None else mask[:, None, :]
        weights = jax.nn.softmax(scores, axis=-1, where=where)
        return jnp.einsum("bqt,btd->bqd", weights, hidden).reshape(hidden.shape[0], -1)


def xavier(d_in: int, d_out: int, bias: bool, rngs: nnx.Rngs, param_dtype: str) -> Linear:
    """A float32 layer with Xavier-uniform weights and biases at 0."""
    scale = math.sqrt(6 * d_in / (d_in + d_out))  # Linear's own bound is scale / sqrt(d_in)
    layer = Linear(
        d_in,
        d_out,
        bias=bias,
        rngs=rngs,
        dtype=jnp.float32,
        param_dtype=param_dtype,
        scale=scale,
    )
    if layer.bias is not None:
        layer.bias[...] = jnp.zeros_like(layer.bias[...])
    return layer
