# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The Mamba language model: embeddings, blocks, final norm, head."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.config import LAYOUTS, MambaConfig
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.graphs import PyTree, abstract, parameters, split
from robomamba_jax.models.layers import Embedding, Linear, RMSNorm, linear
from robomamba_jax.models.mamba import LayerCache, MambaBlock, SequenceInfo
from robomamba_jax.models.sharding import gathered
from robomamba_jax.ops import Compaction, compaction
from robomamba_jax.ops.backend import current_backend
from robomamba_jax.ops.probes import probe
from robomamba_jax.shapes import check_shapes

F = TypeVar("F", bound=Callable[..., Any])

Cache = LayerCache | list[LayerCache]
"""One LayerCache per layer: a list, or with a leading axis L where layers are stacked."""

_FEW_LAYERS = 6


class MambaBackbone(nnx.Module):
    """``embeddings``, ``layers``, ``norm_f``.

    Layers stand in memory as a ``list`` (unrolled: decoding is faster) or ``stacked``
    with a leading axis L (``jax.lax.scan``: one block is compiled, and rematerialised
    where ``config.remat`` says). Both start from the same numbers for the same key.
    """

    def __init__(self, config: MambaConfig, *, layout: str, rngs: nnx.Rngs) -> None:
        self.config, self.layout = config, check_layout(layout)
        self.embeddings = Embedding(
            config.vocab_size, config.d_model, rngs=rngs, param_dtype=config.param_dtype
        )
        # One key per layer, whatever the layout: both then start from the same numbers.
        keys = jax.random.split(rngs.params(), config.n_layer)
        graph = _block_graph(config)
        make = cast("Callable[[jax.Array], PyTree]", partial(_block_parameters, config))
        # Of a stack, a MambaBlock whose parameters all have the leading axis L.
        self.layers: nnx.List[MambaBlock] | MambaBlock
        if layout == "list":
            self.layers = nnx.List([nnx.merge(graph, make(key)) for key in keys])
        else:
            self.layers = nnx.merge(graph, jax.vmap(make)(keys))
        self.norm_f = RMSNorm(config.d_model, eps=config.norm_eps, dtype=config.dtype)

    def run(
        self,
        x: jax.Array,
        info: SequenceInfo,
        cache: Cache | None = None,
        return_cache: bool = False,
    ) -> tuple[jax.Array, Cache | None]:
        """All blocks over ``x`` [B, T, D], padding at the end; before ``norm_f``."""
        x = x.astype(self.residual_dtype)
        if isinstance(self.layers, nnx.List):
            assert cache is None or isinstance(cache, list)
            return self._run_list(self.layers, x, info, cache, return_cache)
        assert not isinstance(cache, list)
        return self._run_stacked(self.layers, x, info, cache, return_cache)

    def step(self, x: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """All blocks over one position, ``x`` [B, D]; before ``norm_f``."""
        x = x.astype(self.residual_dtype)
        if isinstance(self.layers, nnx.List):
            assert isinstance(cache, list)
            # Unrolled, so that XLA sees every layer: decoding is bound by small kernels, and a loop
            # over stacked layers would slice each weight out of the stack first.
            new: list[LayerCache] = []
            for block, layer_cache in zip(self.layers, cache, strict=True):
                x, layer_cache = block.step(x, layer_cache)
                new.append(layer_cache)
            return x, new
        assert not isinstance(cache, list)
        graph, state = split(self.layers)

        def body(x: jax.Array, layer: tuple[PyTree, LayerCache]) -> tuple[jax.Array, LayerCache]:
            return nnx.merge(graph, layer[0]).step(x, layer[1])

        return jax.lax.scan(body, x, (state, cache))

    def normed(self, x: jax.Array) -> jax.Array:
        """The final norm: residual[..., D] -> dtype[..., D]."""
        return probe(self.norm_f(x), "norm_f")

    @property
    def residual_dtype(self) -> DTypeLike:
        """Of the stream between blocks."""
        return jnp.dtype("float32" if self.config.residual_in_fp32 else self.config.dtype)

    def _run_list(
        self,
        layers: nnx.List[MambaBlock],
        x: jax.Array,
        info: SequenceInfo,
        cache: list[LayerCache] | None,
        return_cache: bool,
    ) -> tuple[jax.Array, Cache | None]:
        def call(
            block: MambaBlock, x: jax.Array, layer_cache: LayerCache | None
        ) -> tuple[jax.Array, LayerCache | None]:
            return block(x, info, layer_cache, return_cache)

        call = _remat(call, self.config.remat)
        new: list[LayerCache] = []
        for index, block in enumerate(layers):
            x, layer_cache = call(block, x, None if cache is None else cache[index])
            if layer_cache is not None:
                new.append(layer_cache)
        return x, new if return_cache else None

    def _run_stacked(
        self,
        layers: MambaBlock,
        x: jax.Array,
        info: SequenceInfo,
        cache: LayerCache | None,
        return_cache: bool,
    ) -> tuple[jax.Array, Cache | None]:
        graph, state = split(layers)

        def body(
            x: jax.Array, layer: tuple[PyTree, LayerCache | None]
        ) -> tuple[jax.Array, LayerCache | None]:
            # Under FSDP a layer's weights are put together here, inside the loop: one layer's
            # exist whole at a time, and again one at a time in the backward pass.
            block = nnx.merge(graph, gathered(layer[0], "llm/backbone/layers"))
            return block(x, info, layer[1], return_cache)

        body = _remat(body, self.config.remat, in_scan=True)
        return jax.lax.scan(body, x, (state, cache), unroll=_unrolls(self.config))


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
        x, info, packing = self._compact(self.embed(input_ids), mask, segment_ids)
        x, _ = self.backbone.run(x, info)
        x = self.backbone.normed(x)
        return x if packing is None else packing.unpack(x)

    def embed(self, input_ids: jax.Array) -> jax.Array:
        """int[...] -> param_dtype[..., D]; NaN for an id outside the vocabulary."""
        return probe(self.backbone.embeddings(input_ids), "embeddings")

    def logits(self, hidden: jax.Array) -> jax.Array:
        """dtype[..., D] -> logits_dtype[..., V], accumulated in float32."""
        # Logits summed in bf16 would tie where the float32 ones differ, and greedy decoding takes
        # the likeliest.
        x = hidden.astype(self.config.dtype)
        y = linear(x, self.head_weight, out_dtype=jnp.float32)
        return probe(y, "lm_head").astype(self.config.logits_dtype)

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
        x, info, packing = self._compact(self.embed(input_ids), mask, None)
        x, cache = self.backbone.run(x, info, cache, return_cache=True)
        if packing is None:
            last = x[:, -1]
        else:
            # An empty row has no last position: its logits mean nothing, and its cache stays.
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
            # The convolution's inputs have the dtype of computation; the state sums over the whole
            # text and stays float32.
            conv = (*lead, batch, config.d_conv - 1, config.d_inner)
            ssm = (*lead, batch, config.d_inner, config.d_state)
            return LayerCache(jnp.zeros(conv, config.dtype), jnp.zeros(ssm, jnp.float32))

        if self.backbone.layout == "list":
            return [layer(()) for _ in range(config.n_layer)]
        return layer((config.n_layer,))

    def _compact(
        self, x: jax.Array, mask: jax.Array | None, segment_ids: jax.Array | None
    ) -> tuple[jax.Array, SequenceInfo, Compaction | None]:
        """Move padding to the rows' ends once, so that no block need know of it."""
        # Without a mask nothing is gathered, and no block masks its final state.
        if mask is None:
            return x, SequenceInfo(segment_ids), None
        packing = compaction(mask)
        if segment_ids is not None:
            segment_ids = packing.pack(segment_ids)
        return packing.pack(x), SequenceInfo(segment_ids, packing.lengths), packing

    @staticmethod
    def _check(input_ids: jax.Array, mask: jax.Array | None, segment_ids: jax.Array | None) -> None:
        given = ("input_ids", input_ids), ("mask", mask), ("segment_ids", segment_ids)
        check_shapes({}, *((name, array, "B T") for name, array in given))
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


def check_layout(layout: str) -> str:
    """The name of a layout.

    Raises:
      InputError: it is none of ``LAYOUTS``.
    """
    if layout not in LAYOUTS:
        raise unknown_name("bad_arguments", "layout", layout, LAYOUTS)
    return layout


@cache
def _block_graph(config: MambaConfig) -> nnx.GraphDef[MambaBlock]:
    return abstract(lambda: MambaBlock(config, rngs=nnx.Rngs(0)))[0]


@partial(jax.jit, static_argnums=0)
def _block_parameters(config: MambaConfig, key: jax.Array) -> PyTree:
    """A block's fresh parameters. Compiled once for all layers of all models: outside jit, the
    hundreds of small calls that make one would take minutes."""
    return parameters(MambaBlock(config, rngs=nnx.Rngs(key)))


def _unrolls(config: MambaConfig) -> bool:
    """Whether stacked layers are written out, and not looped over, for few layers on a CPU.

    A loop copies all that the backward pass needs into the stacks of all layers, out of them again,
    and the weights too: of ``nano``'s training step that was a fifth. Many layers would take long
    to compile, and on an accelerator such copies are hidden. Written out, what is to be computed
    anew in the backward pass would be computed early and kept after all (measured: 396 MiB instead
    of a loop's 146 for three layers of 256), so rematerialisation has its loop.
    """
    few = config.n_layer <= _FEW_LAYERS and config.remat == "none"
    return few and current_backend() == "cpu"


def _remat(function: F, remat: str, *, in_scan: bool = False) -> F:
    """``function`` rematerialised in the backward pass as ``config.remat`` says."""
    if remat == "none":
        return function
    policy = None
    if remat == "dots":
        # Results of products with weights are kept, those with a batch axis (none here) are not.
        policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    # Inside a loop nothing can be merged across iterations, so the barrier is not needed.
    return cast("F", jax.checkpoint(function, policy=policy, prevent_cse=not in_scan))
