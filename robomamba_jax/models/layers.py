# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The parameter holders that every model here is made of.

Weights are stored as torch stores them, ``weight`` [out, in], and named alike: a
parameter's path is its torch key with slashes, and converting copies no bytes
around. On the CPU this orientation also reads fastest when decoding.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike


def uniform(key: jax.Array, shape: tuple[int, ...], bound: float, dtype: DTypeLike) -> jax.Array:
    """dtype[shape], uniform in [-bound, bound), drawn in float32."""
    return jax.random.uniform(key, shape, jnp.float32, -bound, bound).astype(dtype)


def linear(x: jax.Array, weight: jax.Array, *, out_dtype: DTypeLike | None = None) -> jax.Array:
    """``x @ weight.T`` in x's dtype.

    Args:
      x: float[..., in].
      weight: float[out, in]; cast to x's dtype.
      out_dtype: of the accumulated result; x's own by default.

    Returns:
      out_dtype[..., out].
    """
    contract = (((x.ndim - 1,), (1,)), ((), ()))
    return jax.lax.dot_general(
        x, weight.astype(x.dtype), contract, preferred_element_type=out_dtype or x.dtype
    )


class Linear(nnx.Module):
    """``weight`` [out, in] and, if asked, ``bias`` [out]; torch's default start.

    With a LoRA rank also ``lora_A`` and ``lora_B`` (see ``LoraFactor``), named as peft names
    them; ``lora_B`` starts at 0, so that nothing changes at first.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        bias: bool,
        rngs: nnx.Rngs,
        dtype: DTypeLike,
        param_dtype: DTypeLike,
        scale: float = 1.0,
        lora: tuple[int, float] = (0, 1.0),
    ) -> None:
        bound = scale / math.sqrt(d_in)
        self.dtype = jnp.dtype(dtype)
        self.weight = nnx.Param(uniform(rngs.params(), (d_out, d_in), bound, param_dtype))
        self.bias = (
            nnx.Param(uniform(rngs.params(), (d_out,), bound, param_dtype)) if bias else None
        )
        rank, alpha = lora
        self.lora_scale = alpha / rank if rank else 0.0
        down = 1 / math.sqrt(d_in)
        self.lora_A = LoraFactor(rank, d_in, down, rngs, param_dtype) if rank else None
        self.lora_B = LoraFactor(d_out, rank, 0.0, rngs, param_dtype) if rank else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., in] -> dtype[..., out]."""
        x = x.astype(self.dtype)
        y = linear(x, self.weight[...])
        if self.lora_A is not None and self.lora_B is not None:
            low = linear(x, self.lora_A.weight[...])
            y = y + self.lora_scale * linear(low, self.lora_B.weight[...])
        return y if self.bias is None else y + self.bias[...].astype(self.dtype)


class LoraFactor(nnx.Module):
    """``weight`` [out, in], uniform within ``bound``."""

    def __init__(
        self, d_out: int, d_in: int, bound: float, rngs: nnx.Rngs, param_dtype: DTypeLike
    ) -> None:
        self.weight = nnx.Param(uniform(rngs.params(), (d_out, d_in), bound, param_dtype))


class RMSNorm(nnx.Module):
    """``weight`` [D], always float32."""

    def __init__(self, width: int) -> None:
        self.weight = nnx.Param(jnp.ones((width,), jnp.float32))


class Embedding(nnx.Module):
    """``weight`` [V, D], normal with standard deviation 0.02."""

    def __init__(self, count: int, width: int, *, rngs: nnx.Rngs, param_dtype: DTypeLike) -> None:
        weight = 0.02 * jax.random.normal(rngs.params(), (count, width), jnp.float32)
        self.weight = nnx.Param(weight.astype(param_dtype))

    def __call__(self, ids: jax.Array) -> jax.Array:
        """int[...] -> param_dtype[..., D]; an id outside the table gives NaN, never a
        neighbour's row: inside jit nothing can be raised."""
        rows = self.weight[...].at[ids]
        return rows.get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
