# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The Mamba language model: embeddings, blocks, final norm, head."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import LAYOUTS, MambaConfig
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.layers import Embedding, Linear, RMSNorm, linear
from robomamba_jax.models.mamba import LayerCache, MambaBlock, Rows
from robomamba_jax.models.sharding import gathered
from robomamba_jax.ops import Compaction, compaction, rms_norm
from robomamba_jax.ops.taps import tap
from robomamba_jax.shapes import check_shape

Cache = LayerCache | list[LayerCache]
"""One LayerCache per layer: a list, or with a leading axis L where layers are stacked."""


class MambaBackbone(nnx.Module):
    """``embeddings``, ``layers``, ``norm_f``.

    Layers stand in memory as a ``list`` (unrolled: decoding is faster) or ``stacked``
    with a leading axis L (``jax.lax.scan``: one block is compiled, and rematerialised
    where ``config.remat`` says). Both start from the same numbers for the same key.
    """

    def __init__(self, config: MambaConfig, *, layout: str, rngs: nnx.Rngs) -> None:
        if not isinstance(layout, str) or layout not in LAYOUTS:
            raise unknown_name("bad_arguments", "layout", layout, LAYOUTS)
        self.config, self.layout = config, layout
        self.embeddings = Embedding(
            config.vocab_size, config.d_model, rngs=rngs, param_dtype=config.param_dtype
        )
        keys = jax.random.split(rngs.params(), config.n_layer)
        self.layers: Any
        graph = nnx.graphdef(nnx.eval_shape(lambda: MambaBlock(config, rngs=nnx.Rngs(0))))
        # Compiled once for all layers: outside jit, hundreds of small calls would take minutes.
        make = jax.jit(lambda key: nnx.state(MambaBlock(config, rngs=nnx.Rngs(key))))
        if layout == "list":
            self.layers = nnx.List([nnx.merge(graph, make(key)) for key in keys])
        else:
            self.layers = nnx.merge(graph, jax.vmap(make)(keys))
        self.norm_f = RMSNorm(config.d_model)

    def run(
        self, x: jax.Array, rows: Rows, cache: Cache | None = None, return_cache: bool = False
    ) -> tuple[jax.Array, Cache | None]:
        """All blocks over ``x`` [B, T, D], padding at the end; before ``norm_f``."""
        x = x.astype(self.residual_dtype)
        if self.layout == "list":
            return self._run_list(x, rows, cache, return_cache)
        return self._run_stacked(x, rows, cache, return_cache)

    def step(self, x: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """All blocks over one position, ``x`` [B, D]; before ``norm_f``."""
        x = x.astype(self.residual_dtype)
        if isinstance(cache, list):
            new = []
            for block, layer_cache in zip(self.layers, cache, strict=True):
                x, layer_cache = block.step(x, layer_cache)
                new.append(layer_cache)
            return x, new
        graph, state = nnx.split(self.layers)

        def body(x: jax.Array, layer: tuple[Any, LayerCache]):
            return nnx.merge(graph, layer[0]).step(x, layer[1])

        return jax.lax.scan(body, x, (state, cache))

    def normed(self, x: jax.Array) -> jax.Array:
        """The final norm: residual[..., D] -> dtype[..., D]."""
        config = self.config
        x = rms_norm(x, self.norm_f.weight[...], eps=config.norm_eps, dtype=config.dtype)
        return tap(x, "norm_f")

    @property
    def residual_dtype(self) -> Any:
        """Of the stream between blocks."""
        return jnp.float32 if self.config.residual_in_fp32 else jnp.dtype(self.config.dtype)

    def _run_list(self, x, rows, cache, return_cache):
        def call(block, x, layer_cache):
            return block(x, rows, layer_cache, return_cache)

        call = _remat(call, self.config.remat)
        new = []
        for index, block in enumerate(self.layers):
            x, layer_cache = call(block, x, None if cache is None else cache[index])
            new.append(layer_cache)
        return x, new if return_cache else None

    def _run_stacked(self, x, rows, cache, return_cache):
        graph, state = nnx.split(self.layers)

        def body(x, layer):
            block = nnx.merge(graph, gathered(layer[0], "llm/backbone/layers"))
            return block(x, rows, layer[1], return_cache)

        return jax.lax.scan(_remat(body, self.config.remat, in_scan=True), x, (state, cache))


class MambaLM(nnx.Module):
    """``backbone`` and, where embeddings are not tied, ``lm_head``."""

    def __init__(
        self, config: MambaConfig, *, layout: str = "list", rngs: nnx.Rngs | None = None
    ) -> None:
        rngs = nnx.Rngs(0) if rngs is None else rngs
        self.config = config
        self.backbone = MambaBackbone(config, layout=layout, rngs=rngs)
        # One assignment: NNX takes an attribute that was None once for static.
        self.lm_head = None if config.tie_embeddings else _head(config, rngs)

    def __call__(
        self,
        input_ids: jax.Array,
        mask: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
    ) -> jax.Array:
        """Next-token logits at every position.

        Args:
          input_ids: int[B, T].
          mask: bool[B, T], True = real; padding may lie anywhere and is invisible.
          segment_ids: int[B, T], for several texts packed in one row.

        Returns:
          logits_dtype[B, T, V]; 0 at padding.
        """
        return self.logits(self.hidden(input_ids, mask, segment_ids))

    def hidden(
        self,
        input_ids: jax.Array,
        mask: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
    ) -> jax.Array:
        """dtype[B, T, D] after the final norm; 0 at padding. Arguments as in a call."""
        self._check(input_ids, mask, segment_ids)
        x, rows, packing = self._compact(self.embed(input_ids), mask, segment_ids)
        x, _ = self.backbone.run(x, rows)
        x = self.backbone.normed(x)
        return x if packing is None else packing.unpack(x)

    def embed(self, input_ids: jax.Array) -> jax.Array:
        """int[...] -> param_dtype[..., D]; NaN for an id outside the vocabulary."""
        return tap(self.backbone.embeddings(input_ids), "embeddings")

    def logits(self, hidden: jax.Array) -> jax.Array:
        """dtype[..., D] -> logits_dtype[..., V], accumulated in float32."""
        x = hidden.astype(self.config.dtype)
        y = linear(x, self.head_weight, out_dtype=jnp.float32)
        return tap(y, "lm_head").astype(self.config.logits_dtype)

    @property
    def head_weight(self) -> jax.Array:
        """param_dtype[V, D]: the head's, which is the embedding where they are tied."""
        head = self.backbone.embeddings if self.lm_head is None else self.lm_head
        return head.weight[...]

    def prefill(
        self,
        input_ids: jax.Array,
        mask: jax.Array | None = None,
        cache: Cache | None = None,
    ) -> tuple[jax.Array, Cache]:
        """Read a prompt at once.

        Args:
          input_ids: int[B, T].
          mask: bool[B, T], True = real. A row without real positions keeps its cache.
          cache: go on from here; the start of a text if None.

        Returns:
          logits_dtype[B, V] after each row's last real position, and the cache there.
        """
        self._check(input_ids, mask, None)
        x, rows, packing = self._compact(self.embed(input_ids), mask, None)
        x, cache = self.backbone.run(x, rows, cache, return_cache=True)
        if packing is None:
            last = x[:, -1]
        else:
            index = jnp.maximum(packing.lengths - 1, 0)
            last = jnp.take_along_axis(x, index[:, None, None], axis=1)[:, 0]
        assert cache is not None
        return self.logits(self.backbone.normed(last)), cache

    def step(self, input_ids: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """Read one token per row: int[B] -> logits_dtype[B, V] and the new cache."""
        x, cache = self.backbone.step(self.embed(input_ids), cache)
        return self.logits(self.backbone.normed(x)), cache

    def init_cache(self, batch: int) -> Cache:
        """The cache before the first token: zeros."""
        config = self.config

        def layer(lead: tuple[int, ...]) -> LayerCache:
            conv = (*lead, batch, config.d_conv - 1, config.d_inner)
            ssm = (*lead, batch, config.d_inner, config.d_state)
            return LayerCache(jnp.zeros(conv, config.dtype), jnp.zeros(ssm, jnp.float32))

        if self.backbone.layout == "list":
            return [layer(()) for _ in range(config.n_layer)]
        return layer((config.n_layer,))

    def _compact(
        self, x: jax.Array, mask: jax.Array | None, segment_ids: jax.Array | None
    ) -> tuple[jax.Array, Rows, Compaction | None]:
        """Move padding to the rows' ends once, so that no block need know of it."""
        if mask is None:
            return x, Rows(segment_ids), None
        packing = compaction(mask)
        if segment_ids is not None:
            segment_ids = packing.pack(segment_ids)
        return packing.pack(x), Rows(segment_ids, packing.lengths), packing

    @staticmethod
    def _check(input_ids, mask, segment_ids) -> None:
        sizes: dict[str, int] = {}
        for name, array in (("input_ids", input_ids), ("mask", mask), ("segment_ids", segment_ids)):
            if array is not None:
                check_shape(name, array, "B T", sizes)
        if not jnp.issubdtype(input_ids.dtype, jnp.integer):
            raise InputError(
                "bad_dtype", f"input_ids is {input_ids.dtype}", "give token ids as integers"
            )


def _head(config: MambaConfig, rngs: nnx.Rngs) -> Linear:
    return Linear(
        config.d_model,
        config.vocab_size,
        bias=False,
        rngs=rngs,
        dtype=config.dtype,
        param_dtype=config.param_dtype,
    )


def _remat(function: Any, remat: str, *, in_scan: bool = False) -> Any:
    """``function`` rematerialised in the backward pass as ``config.remat`` says."""
    if remat == "none":
        return function
    policy = None
    if remat == "dots":
        policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    # Inside a scan nothing can be merged across iterations, so the barrier is not needed.
    return jax.checkpoint(function, policy=policy, prevent_cse=not in_scan)
