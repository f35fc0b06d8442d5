# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The projector: patch features become inputs of the language model."""

from __future__ import annotations

from functools import partial

import jax
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.models.layers import Linear
from robomamba_jax.ops.activations import gelu_erf
from robomamba_jax.ops.probes import probe


class Projector(nnx.Module):
    """``fc1`` to four times the vision width, exact GELU, ``fc2`` to the language model's
    width, exact GELU, ``fc3``; all with bias."""

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        rngs: nnx.Rngs,
        dtype: DTypeLike = "float32",
        param_dtype: DTypeLike = "float32",
    ) -> None:
        dense = partial(Linear, bias=True, rngs=rngs, dtype=dtype, param_dtype=param_dtype)
        self.fc1 = dense(d_in, 4 * d_in)
        self.fc2 = dense(4 * d_in, d_out)
        self.fc3 = dense(d_out, d_out)

    def __call__(self, features: jax.Array) -> jax.Array:
        """float[..., d_in] -> dtype[..., d_out]."""
        x = gelu_erf(probe(self.fc1(features), "projector.fc1"))
        x = gelu_erf(probe(self.fc2(x), "projector.fc2"))
        return probe(self.fc3(x), "projector.fc3")
