# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Prompts in, tokens out: a batch is one prefill call and one decode call."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config import MambaConfig
from robomamba_jax.config.serial import model_config
from robomamba_jax.errors import InputError
from robomamba_jax.generation import decode
from robomamba_jax.generation.sampling import Sampler, make_sampler
from robomamba_jax.generation.settings import GenerationSettings, check_prompts, token_rows
from robomamba_jax.generation.stopping import stop_table
from robomamba_jax.models.any_config import AnyConfig, language_config
from robomamba_jax.models.graphs import PyTree
from robomamba_jax.models.inputs import ModelInputs, read_images
from robomamba_jax.models.lm import Cache, MambaLM
from robomamba_jax.models.params import Params, abstract_params, fitted
from robomamba_jax.models.placement import replicate, shard_rows
from robomamba_jax.models.sharding import check_mesh
from robomamba_jax.ops.arguments import INT, as_array

# Shapes that reach the compiler are rounded up to these, so that few exist.
PROMPT_STEP, CAPACITY_STEP = 64, 64


class Completion(NamedTuple):
    """What was added to one prompt.

    Attributes:
      tokens: the new token ids, without EOS; those that spell a stop string included.
      reason: "eos", "stop" or "length".
    """

    tokens: list[int]
    reason: str


class StreamEvent(NamedTuple):
    """New tokens of one prompt, and why it ended if it did ("running" until then)."""

    index: int
    tokens: list[int]
    reason: str


class _Plan(NamedTuple):
    sampler: Sampler
    limits: decode.Limits
    mode: str
    capacity: int


class Compiled(NamedTuple):
    """The jitted functions of one model shape, shared by all its generators.

    Attributes:
      prefill: reads the prompts: float[B, V] after the last token of each, and the cache.
      begin: see ``decode.begin``; the cache is donated.
      advance: (params, state, sampler, limits, until, mode=) -> state; it is donated.
    """

    prefill: Callable[[Params, ModelInputs], tuple[jax.Array, Cache]]
    begin: Callable[..., decode.DecodeState]
    advance: Callable[..., decode.DecodeState]


# One entry per configuration and layout, not per Generator: a second model of the same shape, or
# the same one loaded again, compiles nothing.
@cache
def compiled(config: AnyConfig, layout: str) -> Compiled:
    """The functions that a model of this shape needs; nothing is compiled before its call."""
    graph, _ = abstract_params(config, layout)

    def prefill(params: Params, inputs: ModelInputs) -> tuple[jax.Array, Cache]:
        model = nnx.merge(graph, params)
        if isinstance(model, MambaLM):
            return model.prefill(inputs.input_ids, inputs.mask)
        return model.prefill(inputs)

    def advance(
        params: Params,
        state: decode.DecodeState,
        sampler: Sampler,
        limits: decode.Limits,
        until: jax.Array,
        *,
        mode: str,
    ) -> decode.DecodeState:
        model = nnx.merge(graph, params)
        return decode.advance(model, state, sampler, limits, until, mode=mode)

    # Caches and states are donated: XLA writes the new ones where the old ones lie, so that
    # decoding needs the memory of one state however long the answer gets.
    return Compiled(
        jax.jit(prefill),
        jax.jit(decode.begin, static_argnames=("capacity", "mode"), donate_argnames=("cache",)),
        jax.jit(advance, static_argnames=("mode",), donate_argnames=("state",)),
    )


class Generator:
    """A model made ready to continue prompts.

    Padding, batch size and neighbours never change a row's result (up to the rounding
    of a differently shaped matrix product).
    """

    def __init__(
        self,
        config: AnyConfig | Mapping[str, object],
        params: Params,
        *,
        layout: str = "list",
        token_bytes: Sequence[bytes] | None = None,
        mesh: jax.sharding.Mesh | None = None,
    ) -> None:
        """Take a model's parameters.

        Args:
          config: the model, whole or language model alone; as ``rm.functional`` takes it.
          params: its parameters, in ``layout``.
          layout: "list" decodes faster; "stacked" compiles faster.
          token_bytes: what each token spells; needed for stop strings only.
          mesh: where the parameters lie. A batch whose size its axes ``data`` and ``fsdp``
            divide is split over them, others are copied. Where other processes hold parts of
            it, all of them make the same calls.

        Raises:
          InputError: params do not fit the config.
        """
        config = model_config(config)
        self.params = fitted(params, abstract_params(config, layout)[1])
        self.config, self._spelling = language_config(config), token_bytes
        self._sees = not isinstance(config, MambaConfig) and config.vision is not None
        self.prefill, self.begin, self.advance = compiled(config, layout)
        self._tables: dict[tuple[str, ...], jax.Array] = {}
        self._mesh = None if mesh is None else check_mesh(mesh)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        settings: GenerationSettings | Mapping[str, object] | None = None,
        *,
        images: jax.Array | None = None,
        image_positions: jax.Array | None = None,
    ) -> list[Completion]:
        """Continue every prompt; one prefill call and one decode call for all of them.

        Args:
          prompts: token ids, of any lengths: lists, or int[B, T].
          settings: see :class:`GenerationSettings`; or some of its fields as a dict.
          images: float[B, M, S, S, 3] or [B, S, S, 3], already transformed.
          image_positions: int[B, M], see ``RoboMamba``; None = before all text.

        Raises:
          InputError: a prompt or a setting is wrong.
        """
        given = _read_images(images, image_positions)
        state, plan = self._start(prompts, GenerationSettings.of(settings), *given)
        until = self._placed(jnp.asarray(plan.capacity, jnp.int32), 0)
        state = self.advance(self.params, state, plan.sampler, plan.limits, until, mode=plan.mode)
        return self._completions(state)

    def stream(
        self,
        prompts: Sequence[Sequence[int]],
        settings: GenerationSettings | Mapping[str, object] | None = None,
        *,
        every: int = 1,
        images: jax.Array | None = None,
        image_positions: jax.Array | None = None,
    ) -> Iterator[StreamEvent]:
        """Continue every prompt, and yield tokens while they come.

        The events of one prompt, joined, are what :meth:`generate` returns; its last
        event carries the reason.

        Args:
          prompts: token ids, of any lengths.
          settings: see :class:`GenerationSettings`.
          every: tokens per call to the device; more is faster and less smooth.
          images: as for :meth:`generate`.
          image_positions: as for :meth:`generate`.

        Raises:
          InputError: a prompt or a setting is wrong (before the first event).
        """
        try:
            step = 0 if isinstance(every, bool) else operator.index(every)
        except TypeError:
            step = 0
        if step < 1:
            what = f"every is {every!r:.60}"
            raise InputError("bad_settings", what, "give 1 or more")
        given = _read_images(images, image_positions)
        state, plan = self._start(prompts, GenerationSettings.of(settings), *given)
        return self._events(state, plan, step)

    def _events(self, state: decode.DecodeState, plan: _Plan, every: int) -> Iterator[StreamEvent]:
        sent, open_rows = [0] * state.token.shape[0], set(range(state.token.shape[0]))
        # begin() has chosen the first token already; it is sent before the first call.
        step = 1
        while True:
            for index, done in enumerate(self._completions(state)):
                fresh = done.tokens[sent[index] :]
                if index in open_rows and (fresh or done.reason != "running"):
                    sent[index] += len(fresh)
                    if done.reason != "running":
                        open_rows.discard(index)
                    yield StreamEvent(index, fresh, done.reason)
            if not open_rows:
                return
            step += every
            until = self._placed(jnp.asarray(step, jnp.int32), 0)
            state = self.advance(
                self.params, state, plan.sampler, plan.limits, until, mode=plan.mode
            )

    def _start(
        self,
        prompts: Sequence[Sequence[int]],
        settings: GenerationSettings,
        images: jax.Array | None,
        positions: jax.Array | None,
    ) -> tuple[decode.DecodeState, _Plan]:
        longest, prompts = settings.max_prompt_tokens, token_rows(prompts)
        has_image = None
        if images is not None and positions is not None:
            has_image = np.any(np.asarray(positions) >= 0, axis=1).tolist()
            if not self._sees:
                raise InputError("no_vision", "this model reads text only", "leave images out")
            if any(part.shape[0] != len(prompts) for part in (images, positions)):
                what = f"images has {images.shape[0]} rows for {len(prompts)} prompts"
                raise InputError("shape_mismatch", what, "give images as [B, M, S, S, 3]")
        check_prompts(prompts, self.config.vocab_size, longest, has_image)
        count = len(prompts)
        plan = self._plan(count, settings)
        # ``eos_ids`` and the stop table have no batch axis: copied, not split by rows.
        limits = plan.limits._replace(
            max_new=self._placed(plan.limits.max_new, count),
            eos_ids=self._placed(plan.limits.eos_ids, 0),
            stop_table=self._placed(plan.limits.stop_table, 0),
        )
        plan = plan._replace(sampler=self._placed(plan.sampler, count), limits=limits)
        ids, mask = pad_prompts(prompts)
        inputs = self._placed(ModelInputs(ids, images, mask, positions), count)
        logits, cache = self.prefill(self.params, inputs)
        begin = partial(self.begin, capacity=plan.capacity, mode=plan.mode)
        return begin(logits, cache=cache, sampler=plan.sampler, limits=plan.limits), plan

    def _plan(self, count: int, settings: GenerationSettings) -> _Plan:
        values = settings.per_request(count)
        sampler, mode = make_sampler(settings.seed, values)
        limits = decode.Limits(
            jnp.asarray(values["max_new_tokens"], jnp.int32),
            jnp.asarray(settings.eos_ids, jnp.int32),
            self._stop_table(settings.stop) if settings.stop else None,
        )
        # The buffer of tokens is rounded up, the budget is not: it is an array, in ``limits``.
        capacity = round_up(max(values["max_new_tokens"]), CAPACITY_STEP)
        return _Plan(sampler, limits, mode, capacity)

    def _placed(self, tree: PyTree, rows: int) -> PyTree:
        """Arrays on the mesh, where there is one: split by their first axis if that is the batch,
        which has ``rows`` rows; 0 = copied."""
        mesh = self._mesh
        if mesh is None:
            return tree

        def leaf(x: PyTree) -> PyTree:
            if not isinstance(x, jax.Array):
                return x
            if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
                # A key array cannot be built from a callback; its words can.
                return jax.random.wrap_key_data(shard_rows(mesh, jax.random.key_data(x), rows))
            return shard_rows(mesh, x, rows)

        return jax.tree.map(leaf, tree)

    def _completions(self, state: decode.DecodeState) -> list[Completion]:
        arrays = state.tokens, state.count, state.reason
        if self._mesh is not None:
            arrays = replicate(self._mesh, arrays)
        return [
            Completion(row[:n].tolist(), decode.REASONS[why])
            for row, n, why in zip(*jax.device_get(arrays), strict=True)
        ]

    def _stop_table(self, stop: tuple[str, ...]) -> jax.Array:
        if self._spelling is None:
            raise InputError(
                "no_spelling", "stop strings were given without a tokenizer", "give token_bytes"
            )
        if stop not in self._tables:
            spelling = list(self._spelling)[: self.config.vocab_size]
            if not all(isinstance(spelled, bytes) for spelled in spelling):
                what = "token_bytes holds other things than bytes"
                raise InputError("bad_settings", what, "give what each token spells as bytes")
            # An embedding may have more rows than the tokenizer has tokens; they spell nothing.
            spelling += [b""] * (self.config.vocab_size - len(spelling))
            self._tables[stop] = jnp.asarray(stop_table(stop, spelling))
        return self._tables[stop]


def pad_prompts(prompts: Sequence[Sequence[int]]) -> tuple[jax.Array, jax.Array]:
    """int32[B, T] and bool[B, T] with T rounded up; padding is invisible to the model."""
    length = round_up(max(1, *(len(prompt) for prompt in prompts)), PROMPT_STEP)
    ids = np.zeros((len(prompts), length), np.int32)
    mask = np.zeros((len(prompts), length), bool)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = prompt
        mask[row, : len(prompt)] = True
    return jnp.asarray(ids), jnp.asarray(mask)


def _read_images(
    images: jax.Array | None, image_positions: jax.Array | None
) -> tuple[jax.Array | None, jax.Array | None]:
    """float[B, M, S, S, 3] and int32[B, M]; None and None for text alone."""
    if images is None:
        if image_positions is not None and np.size(image_positions):
            what = "image_positions were given without images"
            raise InputError("bad_arguments", what, "give both, or neither")
        return None, None
    images = read_images(images)
    if image_positions is None:
        return images, jnp.zeros(images.shape[:2], jnp.int32)
    return images, as_array("image_positions", image_positions, INT, "B M")


def round_up(value: int, step: int) -> int:
    """The smallest multiple of ``step`` that is at least ``value``."""
    return -(-value // step) * step
