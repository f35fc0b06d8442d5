# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The Mamba-1 block (arXiv 2312.00752, figure 3): modules that hold, ops that compute."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import MambaConfig
from robomamba_jax.models.layers import Linear, RMSNorm, linear, uniform
from robomamba_jax.ops import (
    causal_conv1d,
    causal_conv1d_step,
    rms_norm,
    selective_scan,
    selective_scan_step,
)
from robomamba_jax.ops.taps import tap


class LayerCache(NamedTuple):
    """What one block remembers; its size does not depend on how much was read.

    Attributes:
      conv_state: dtype[B, K-1, I], the convolution's last inputs, oldest first.
      ssm_state: float32[B, I, N].
    """

    conv_state: jax.Array
    ssm_state: jax.Array


class Rows(NamedTuple):
    """What a block must know of its rows, whose padding, if any, lies at the end.

    Attributes:
      segment_ids: int[B, T] for packed rows, or None.
      lengths: int32[B], real positions per row, or None; only the cache depends on it.
    """

    segment_ids: jax.Array | None = None
    lengths: jax.Array | None = None


class Conv1d(nnx.Module):
    """``weight`` [I, 1, K] and ``bias`` [I], as torch stores a depthwise convolution."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        bound, dtype = 1 / math.sqrt(config.d_conv), config.param_dtype
        shape = (config.d_inner, 1, config.d_conv)
        self.weight = nnx.Param(uniform(rngs.params(), shape, bound, dtype))
        self.bias = (
            nnx.Param(uniform(rngs.params(), shape[:1], bound, dtype)) if config.conv_bias else None
        )

    @property
    def taps(self) -> jax.Array:
        """float[I, K]."""
        return self.weight[...][:, 0]

    @property
    def offset(self) -> jax.Array | None:
        """float[I] or None."""
        return None if self.bias is None else self.bias[...]


class StepProjection(nnx.Module):
    """dt_proj: ``weight`` [I, R], and ``bias`` float32[I] such that softplus(bias) is
    log-uniform in [dt_min, dt_max] at the start."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        bound = config.rank**-0.5
        shape = (config.d_inner, config.rank)
        self.weight = nnx.Param(uniform(rngs.params(), shape, bound, config.param_dtype))
        low, high = math.log(config.dt_min), math.log(config.dt_max)
        step = jnp.exp(jax.random.uniform(rngs.params(), shape[:1], jnp.float32, low, high))
        step = jnp.maximum(step, config.dt_init_floor)
        self.bias = nnx.Param(step + jnp.log(-jnp.expm1(-step)))


class MambaMixer(nnx.Module):
    """in_proj, causal convolution, selective scan, gate, out_proj."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        inner = config.d_inner
        dense = partial(
            Linear,
            rngs=rngs,
            dtype=config.dtype,
            param_dtype=config.param_dtype,
            lora=(config.lora_rank, config.lora_alpha),
        )
        self.config = config
        self.in_proj = dense(config.d_model, 2 * inner, bias=config.bias)
        self.conv1d = Conv1d(config, rngs=rngs)
        self.x_proj = dense(inner, config.rank + 2 * config.d_state, bias=False)
        self.dt_proj = StepProjection(config, rngs=rngs)
        state = jnp.arange(1, config.d_state + 1, dtype=jnp.float32)
        self.A_log = nnx.Param(jnp.log(jnp.broadcast_to(state, (inner, config.d_state))))
        self.D = nnx.Param(jnp.ones((inner,), jnp.float32))
        # The residual branches add up over the layers, so each starts smaller.
        scale = 1 / math.sqrt(config.n_layer)
        self.out_proj = dense(inner, config.d_model, bias=config.bias, scale=scale)

    def __call__(
        self, x: jax.Array, rows: Rows, cache: LayerCache | None, return_cache: bool
    ) -> tuple[jax.Array, LayerCache | None]:
        """dtype[B, T, D] -> dtype[B, T, D] and the cache after the last real position."""
        x, z = jnp.split(tap(self.in_proj(x), "mixer.in_proj"), 2, axis=-1)
        x, conv_state = causal_conv1d(
            x,
            self.conv1d.taps,
            self.conv1d.offset,
            initial_state=None if cache is None else cache.conv_state,
            segment_ids=rows.segment_ids,
            lengths=rows.lengths,
            silu=True,
            return_final_state=True,
        )
        mask = None
        if return_cache and rows.lengths is not None:
            mask = jnp.arange(x.shape[1]) < rows.lengths[:, None]
        x = tap(x, "mixer.conv1d")
        delta, B, C = self._select(x)
        y, ssm_state = selective_scan(
            x,
            delta,
            self.transition,
            B,
            C,
            self.D[...],
            z,
            self.dt_proj.bias[...],
            True,
            None if cache is None else cache.ssm_state,
            rows.segment_ids,
            mask,
            method=self.config.scan_method,
            chunk_size=self.config.chunk_size,
            return_final_state=True,
        )
        y = tap(self.out_proj(tap(y, "mixer.scan")), "mixer.out_proj")
        return y, LayerCache(conv_state, ssm_state) if return_cache else None

    def step(self, x: jax.Array, cache: LayerCache) -> tuple[jax.Array, LayerCache]:
        """dtype[B, D] -> dtype[B, D] and the new cache."""
        x, z = jnp.split(self.in_proj(x), 2, axis=-1)
        x, conv_state = causal_conv1d_step(
            cache.conv_state, x, self.conv1d.taps, self.conv1d.offset, silu=True
        )
        delta, B, C = self._select(x)
        y, ssm_state = selective_scan_step(
            cache.ssm_state,
            x,
            delta,
            self.transition,
            B,
            C,
            self.D[...],
            z,
            self.dt_proj.bias[...],
            True,
        )
        return self.out_proj(y), LayerCache(conv_state, ssm_state)

    @property
    def transition(self) -> jax.Array:
        """A, float32[I, N], negative."""
        return -jnp.exp(self.A_log[...].astype(jnp.float32))

    def _select(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The input-dependent delta float32[..., I] (no bias yet), B and C [..., N]."""
        rank, state = self.config.rank, self.config.d_state
        selected = tap(self.x_proj(x), "mixer.x_proj")
        dt, B, C = jnp.split(selected, [rank, rank + state], axis=-1)
        delta = linear(dt, self.dt_proj.weight[...], out_dtype=jnp.float32)
        return tap(delta, "mixer.dt_proj"), B, C


class MambaBlock(nnx.Module):
    """``x + mixer(norm(x))``; the residual stream keeps its own dtype."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.norm = RMSNorm(config.d_model)
        self.mixer = MambaMixer(config, rngs=rngs)

    def __call__(
        self,
        x: jax.Array,
        rows: Rows,
        cache: LayerCache | None = None,
        return_cache: bool = False,
    ) -> tuple[jax.Array, LayerCache | None]:
        """residual[B, T, D] -> residual[B, T, D] and, if asked, the cache."""
        y, cache = self.mixer(tap(self._normed(x), "norm"), rows, cache, return_cache)
        return tap(x + y.astype(x.dtype), "block"), cache

    def step(self, x: jax.Array, cache: LayerCache) -> tuple[jax.Array, LayerCache]:
        """residual[B, D] -> residual[B, D] and the new cache."""
        y, cache = self.mixer.step(self._normed(x), cache)
        return x + y.astype(x.dtype), cache

    def _normed(self, x: jax.Array) -> jax.Array:
        config = self.config
        return rms_norm(x, self.norm.weight[...], eps=config.norm_eps, dtype=config.dtype)
