# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Root-mean-square normalisation (Zhang and Sennrich, arXiv 1910.07467)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike


def rms_norm(
    x: jax.Array, weight: jax.Array, *, eps: float = 1e-5, dtype: DTypeLike | None = None
) -> jax.Array:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last axis, float32 inside.

    Args:
      x: float[..., D].
      weight: float[D].
      eps: added to the mean square; every released Mamba uses 1e-5.
      dtype: of the result; ``x``'s own by default.

    Returns:
      dtype[..., D].
    """
    x32 = x.astype(jnp.float32)
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + eps)
    return (x32 * scale * weight.astype(jnp.float32)).astype(dtype or x.dtype)
