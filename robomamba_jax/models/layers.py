# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The layers that every model here is made of.

Weights are stored as torch stores them, ``weight`` [out, in], and named alike: a parameter's path
is its torch key with slashes, and converting a checkpoint neither transposes nor copies. Flax's own
layers keep kernels as [in, out]. On the CPU torch's orientation also reads fastest when decoding:
one output's weights are contiguous.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.ops.rmsnorm import rms_norm


def uniform(key: jax.Array, shape: tuple[int, ...], bound: float, dtype: DTypeLike) -> jax.Array:
    """dtype[shape], uniform in [-bound, bound), drawn in float32."""
    # Drawn in float32 whatever the dtype, so that a seed gives the same numbers, rounded, in all.
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
    # The last axes of both are contracted as they lie: no transposed copy of the weight exists.
    contract = (((x.ndim - 1,), (1,)), ((), ()))
    return jax.lax.dot_general(
        x, weight.astype(x.dtype), contract, preferred_element_type=out_dtype or x.dtype
    )


class Linear(nnx.Module):
    """``weight`` [out, in] and, if asked, ``bias`` [out]; torch's default start."""

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
    ) -> None:
        bound = scale / math.sqrt(d_in)
        self.dtype = jnp.dtype(dtype)
        self.weight = nnx.Param(uniform(rngs.params(), (d_out, d_in), bound, param_dtype))
        self.bias = (
            nnx.Param(uniform(rngs.params(), (d_out,), bound, param_dtype)) if bias else None
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., in] -> dtype[..., out]."""
        y = self.product(x.astype(self.dtype))
        return y if self.bias is None else y + self.bias[...].astype(self.dtype)

    def product(self, x: jax.Array) -> jax.Array:
        """dtype[..., in] -> dtype[..., out], before the bias."""
        return linear(x, self.weight[...])


class LoraLinear(Linear):
    """A linear layer and a product of two small ones beside it (LoRA, arXiv 2106.09685).

    ``lora_A`` and ``lora_B`` are named as peft names them, and stand beside ``weight``, not
    around it: a layer's own parameters keep their paths whether it has factors or not. ``lora_B``
    starts at 0, so that nothing changes at first.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        rank: int,
        alpha: float,
        bias: bool,
        rngs: nnx.Rngs,
        dtype: DTypeLike,
        param_dtype: DTypeLike,
        scale: float = 1.0,
    ) -> None:
        super().__init__(
            d_in, d_out, bias=bias, rngs=rngs, dtype=dtype, param_dtype=param_dtype, scale=scale
        )
        self.lora_scale = alpha / rank
        self.lora_A = LoraFactor(rank, d_in, 1 / math.sqrt(d_in), rngs, param_dtype)
        self.lora_B = LoraFactor(d_out, rank, 0.0, rngs, param_dtype)

    def product(self, x: jax.Array) -> jax.Array:
        """dtype[..., in] -> dtype[..., out]: x W^T + alpha / rank * (x A^T) B^T."""
        low = linear(x, self.lora_A.weight[...])
        return super().product(x) + self.lora_scale * linear(low, self.lora_B.weight[...])


class LoraFactor(nnx.Module):
    """``weight`` [out, in], uniform within ``bound``."""

    def __init__(
        self, d_out: int, d_in: int, bound: float, rngs: nnx.Rngs, param_dtype: DTypeLike
    ) -> None:
        self.weight = nnx.Param(uniform(rngs.params(), (d_out, d_in), bound, param_dtype))


class RMSNorm(nnx.Module):
    """``weight`` [D], always float32."""

    def __init__(self, width: int, *, eps: float, dtype: DTypeLike) -> None:
        self.eps, self.dtype = eps, jnp.dtype(dtype)
        self.weight = nnx.Param(jnp.ones((width,), jnp.float32))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., D] -> dtype[..., D]; float32 inside."""
        return rms_norm(x, self.weight[...], eps=self.eps, dtype=self.dtype)


class LayerNorm(nnx.Module):
    """Layer normalisation (arXiv 1607.06450): ``weight`` [D] and ``bias`` [D], always float32."""

    def __init__(self, width: int, *, eps: float, dtype: DTypeLike) -> None:
        self.eps, self.dtype = eps, jnp.dtype(dtype)
        self.weight = nnx.Param(jnp.ones((width,), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((width,), jnp.float32))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., D] -> dtype[..., D]; float32 inside."""
        x = x.astype(jnp.float32)
        x = x - jnp.mean(x, axis=-1, keepdims=True)
        # The variance of centred numbers: E[x^2] - E[x]^2 would lose digits where the mean is far.
        scale = jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + self.eps)
        return (x * scale * self.weight[...] + self.bias[...]).astype(self.dtype)


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
