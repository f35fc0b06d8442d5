# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The Mamba-1 block (arXiv 2312.00752, figure 3): modules that hold, ops that compute."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple, TypedDict

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import MambaConfig
from robomamba_jax.models.layers import Linear, LoraLinear, RMSNorm, linear, uniform
from robomamba_jax.ops import (
    causal_conv1d,
    causal_conv1d_step,
    selective_scan,
    selective_scan_step,
)
from robomamba_jax.ops.probes import probe


class LayerCache(NamedTuple):
    """What one block remembers; its size does not depend on how much was read.

    Attributes:
      conv_state: dtype[B, K-1, I], the convolution's last inputs, oldest first.
      ssm_state: float32[B, I, N].
    """

    conv_state: jax.Array
    ssm_state: jax.Array


class SequenceInfo(NamedTuple):
    """What a block must know of its rows, whose padding, if any, lies at the end.

    Attributes:
      segment_ids: int[B, T] for packed rows, or None.
      lengths: int32[B], real positions per row, or None; only the cache depends on it.
    """

    segment_ids: jax.Array | None = None
    lengths: jax.Array | None = None


class ScanArguments(TypedDict):
    """What ``selective_scan`` and ``selective_scan_step`` take alike, by its name there."""

    u: jax.Array
    delta: jax.Array
    A: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array
    z: jax.Array
    delta_bias: jax.Array
    delta_softplus: bool


class Conv1d(nnx.Module):
    """``weight`` [I, 1, K] and ``bias`` [I], as torch stores a depthwise convolution; SiLU
    follows."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        bound, dtype = 1 / math.sqrt(config.d_conv), config.param_dtype
        shape = (config.d_inner, 1, config.d_conv)
        self.weight = nnx.Param(uniform(rngs.params(), shape, bound, dtype))
        self.bias = (
            nnx.Param(uniform(rngs.params(), shape[:1], bound, dtype)) if config.conv_bias else None
        )

    def __call__(
        self, x: jax.Array, info: SequenceInfo, state: jax.Array | None
    ) -> tuple[jax.Array, jax.Array]:
        """dtype[B, T, I] -> dtype[B, T, I], and the state after the last real position; ``state``
        as in ``LayerCache``, zeros if None."""
        y, last = causal_conv1d(
            x,
            *self._weights,
            initial_state=state,
            segment_ids=info.segment_ids,
            lengths=info.lengths,
            silu=True,
            return_final_state=True,
        )
        return y, last

    def step(self, x: jax.Array, state: jax.Array) -> tuple[jax.Array, jax.Array]:
        """dtype[B, I] -> dtype[B, I] and the new state."""
        return causal_conv1d_step(state, x, *self._weights, silu=True)

    @property
    def _weights(self) -> tuple[jax.Array, jax.Array | None]:
        """float[I, K], and float[I] or None."""
        return self.weight[...][:, 0], None if self.bias is None else self.bias[...]


class DtProjection(nnx.Module):
    """dt_proj: ``weight`` [I, R], and ``bias`` float32[I] such that softplus(bias) is
    log-uniform in [dt_min, dt_max] at the start."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        bound = config.rank**-0.5
        shape = (config.d_inner, config.rank)
        self.weight = nnx.Param(uniform(rngs.params(), shape, bound, config.param_dtype))
        low, high = math.log(config.dt_min), math.log(config.dt_max)
        step = jnp.exp(jax.random.uniform(rngs.params(), shape[:1], jnp.float32, low, high))
        step = jnp.maximum(step, config.dt_init_floor)
        # softplus's inverse: log(e^s - 1) = s + log(1 - e^-s), which keeps small steps' digits.
        self.bias = nnx.Param(step + jnp.log(-jnp.expm1(-step)))

    def __call__(self, dt: jax.Array) -> jax.Array:
        """dtype[..., R] -> float32[..., I], without the bias: the scan adds it, in float32, since
        the step's rounding enters the state as an exponent."""
        return linear(dt, self.weight[...], out_dtype=jnp.float32)


class MambaMixer(nnx.Module):
    """in_proj, causal convolution, selective scan, gate, out_proj."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        inner = config.d_inner
        dense = partial(Linear, rngs=rngs, dtype=config.dtype, param_dtype=config.param_dtype)
        if config.lora_rank:
            dense = partial(
                LoraLinear, rank=config.lora_rank, alpha=config.lora_alpha, **dense.keywords
            )
        self.config = config
        self.in_proj = dense(config.d_model, 2 * inner, bias=config.bias)
        self.conv1d = Conv1d(config, rngs=rngs)
        self.x_proj = dense(inner, config.rank + 2 * config.d_state, bias=False)
        self.dt_proj = DtProjection(config, rngs=rngs)
        state = jnp.arange(1, config.d_state + 1, dtype=jnp.float32)
        self.A_log = nnx.Param(jnp.log(jnp.broadcast_to(state, (inner, config.d_state))))
        self.D = nnx.Param(jnp.ones((inner,), jnp.float32))
        # The residual branches add up over the layers, so each starts smaller.
        scale = 1 / math.sqrt(config.n_layer)
        self.out_proj = dense(inner, config.d_model, bias=config.bias, scale=scale)

    def __call__(
        self, x: jax.Array, info: SequenceInfo, cache: LayerCache | None, return_cache: bool
    ) -> tuple[jax.Array, LayerCache | None]:
        """dtype[B, T, D] -> dtype[B, T, D] and the cache after the last real position."""
        x, z = self._split_input(x)
        x, conv_state = self.conv1d(x, info, None if cache is None else cache.conv_state)
        # Padding lies at the end, where no real position reads it: only the state that is kept
        # must not run over it.
        mask = None
        if return_cache and info.lengths is not None:
            mask = jnp.arange(x.shape[1]) < info.lengths[:, None]
        y, ssm_state = selective_scan(
            **self._scan_arguments(x, z),
            initial_state=None if cache is None else cache.ssm_state,
            segment_ids=info.segment_ids,
            mask=mask,
            method=self.config.scan_method,
            chunk_size=self.config.chunk_size,
            return_final_state=True,
        )
        return self._output(y), LayerCache(conv_state, ssm_state) if return_cache else None

    def step(self, x: jax.Array, cache: LayerCache) -> tuple[jax.Array, LayerCache]:
        """dtype[B, D] -> dtype[B, D] and the new cache."""
        x, z = self._split_input(x)
        x, conv_state = self.conv1d.step(x, cache.conv_state)
        y, ssm_state = selective_scan_step(cache.ssm_state, **self._scan_arguments(x, z))
        return self._output(y), LayerCache(conv_state, ssm_state)

    def _split_input(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What the convolution reads, and the gate z: dtype[..., I] each."""
        x, z = jnp.split(probe(self.in_proj(x), "mixer.in_proj"), 2, axis=-1)
        return x, z

    def _scan_arguments(self, x: jax.Array, z: jax.Array) -> ScanArguments:
        """What the scan reads of one position or of all: x and the gate z, dtype[..., I]."""
        x = probe(x, "mixer.conv1d")
        delta, B, C = self._ssm_inputs(x)
        return {
            "u": x,
            "delta": delta,
            "A": self.transition,
            "B": B,
            "C": C,
            "D": self.D[...],
            "z": z,
            "delta_bias": self.dt_proj.bias[...],
            "delta_softplus": True,
        }

    def _ssm_inputs(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The input-dependent delta float32[..., I] (no bias yet), B and C [..., N]."""
        rank, state = self.config.rank, self.config.d_state
        selected = probe(self.x_proj(x), "mixer.x_proj")
        dt, B, C = jnp.split(selected, [rank, rank + state], axis=-1)
        return probe(self.dt_proj(dt), "mixer.dt_proj"), B, C

    def _output(self, y: jax.Array) -> jax.Array:
        """dtype[..., I] -> dtype[..., D]."""
        return probe(self.out_proj(probe(y, "mixer.scan")), "mixer.out_proj")

    @property
    def transition(self) -> jax.Array:
        """A, float32[I, N], negative."""
        return -jnp.exp(self.A_log[...].astype(jnp.float32))


class MambaBlock(nnx.Module):
    """``x + mixer(norm(x))``; the residual stream keeps its own dtype."""

    def __init__(self, config: MambaConfig, *, rngs: nnx.Rngs) -> None:
        self.norm = RMSNorm(config.d_model, eps=config.norm_eps, dtype=config.dtype)
        self.mixer = MambaMixer(config, rngs=rngs)

    def __call__(
        self,
        x: jax.Array,
        info: SequenceInfo,
        cache: LayerCache | None = None,
        return_cache: bool = False,
    ) -> tuple[jax.Array, LayerCache | None]:
        """residual[B, T, D] -> residual[B, T, D] and, if asked, the cache."""
        y, cache = self.mixer(probe(self.norm(x), "norm"), info, cache, return_cache)
        return probe(x + y.astype(x.dtype), "block"), cache

    def step(self, x: jax.Array, cache: LayerCache) -> tuple[jax.Array, LayerCache]:
        """residual[B, D] -> residual[B, D] and the new cache."""
        y, cache = self.mixer.step(self.norm(x), cache)
        return x + y.astype(x.dtype), cache
