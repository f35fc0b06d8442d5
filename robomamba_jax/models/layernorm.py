# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Layer normalisation (arXiv 1607.06450)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike


class LayerNorm(nnx.Module):
    """``weight`` [D] and ``bias`` [D], always float32."""

    def __init__(self, width: int, *, eps: float, dtype: DTypeLike) -> None:
        self.eps, self.dtype = eps, jnp.dtype(dtype)
        self.weight = nnx.Param(jnp.ones((width,), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((width,), jnp.float32))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., D] -> dtype[..., D]; float32 inside."""
        x = x.astype(jnp.float32)
        x = x - jnp.mean(x, axis=-1, keepdims=True)
        scale = jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + self.eps)
        return (x * scale * self.weight[...] + self.bias[...]).astype(self.dtype)
