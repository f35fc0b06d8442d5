# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The three functions that all go by the name GELU, told apart (arXiv 1606.08415).

They differ by up to 2e-2, so a model needs the one that it was trained with:
``jax.nn.gelu`` is the tanh form unless told otherwise, torch's the erf form. All
compute in float32 and return x's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp


def quick_gelu(x: jax.Array) -> jax.Array:
    """``x * sigmoid(1.702 x)``: CLIP as OpenAI released it."""
    x32 = x.astype(jnp.float32)
    return (x32 * jax.nn.sigmoid(1.702 * x32)).astype(x.dtype)


def gelu_erf(x: jax.Array) -> jax.Array:
    """``x * (1 + erf(x / sqrt 2)) / 2``, exact: DINOv2, timm's SigLIP, the projector."""
    x32 = x.astype(jnp.float32)
    # 1 + erf(y) is erfc(-y), which loses no digits where it is small.
    return (0.5 * x32 * jax.lax.erfc(-x32 * math.sqrt(0.5))).astype(x.dtype)


def gelu_tanh(x: jax.Array) -> jax.Array:
    """``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2``: SigLIP as trained."""
    x32 = x.astype(jnp.float32)
    inner = math.sqrt(2 / math.pi) * (x32 + 0.044715 * x32**3)
    return (0.5 * x32 * (1 + jnp.tanh(inner))).astype(x.dtype)


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "quick_gelu": quick_gelu,
    "gelu_erf": gelu_erf,
    "gelu_tanh": gelu_tanh,
}
