# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The language model's side of ours: prefill, decoding, a training step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from robomamba_jax.bench.records import Figures, LanguageWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config import MambaConfig, preset
from robomamba_jax.generation.generator import Generator
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params, count_params


def build(side: str, case: LanguageWork) -> Workload:
    """``case["kind"]``: "prefill", "decode" or "train"."""
    del side
    config = preset(case["preset"], remat=case.get("remat", "none"))
    layout = "stacked" if case["kind"] == "train" else "list"
    params = functional(config, layout=layout)[0](jax.random.key(0))
    facts = weight_facts(params)
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (case["batch"], case["length"]))
    if case["kind"] == "train":
        return _train(config, params, jnp.asarray(ids, jnp.int32), facts)
    generator = Generator(config, params)
    if case["kind"] == "prefill":
        inputs = ModelInputs(jnp.asarray(ids, jnp.int32), mask=jnp.ones(ids.shape, bool))
        return Workload(lambda: jax.block_until_ready(generator.prefill(params, inputs)), facts)
    # No EOS: every run makes as many tokens.
    settings = GenerationSettings(max_new_tokens=case.get("new_tokens", 1), eos_ids=())
    prompts = ids.tolist()
    return Workload(lambda: generator.generate(prompts, settings), facts)


def weight_facts(params: Params) -> Figures:
    """Where parameters lie, how many there are, and their bytes."""
    return {
        "device": jax.devices()[0].device_kind,
        "params": count_params(params),
        "weight_bytes": sum(leaf.nbytes for leaf in jax.tree.leaves(params)),
    }


def _train(config: MambaConfig, params: Params, ids: jax.Array, facts: Figures) -> Workload:
    """One AdamW step on every parameter; parameters and moments are donated."""
    graph, _ = abstract_params(config, "stacked")
    optimizer = optax.adamw(1e-4)

    def loss(params: Params) -> jax.Array:
        """The mean cross-entropy of the next tokens."""
        model: Any = nnx.merge(graph, params)
        labels, weights = next_token_targets(ids)
        total = linear_cross_entropy(model.hidden(ids), model.head_weight, labels, weights)
        return total / weights.sum()

    def step(params: Params, moments: optax.OptState) -> tuple[Params, optax.OptState, jax.Array]:
        """Gradient and update."""
        value, grads = jax.value_and_grad(loss)(params)
        updates, moments = optimizer.update(grads, moments, params)
        return optax.apply_updates(params, updates), moments, value  # type: ignore[return-value]

    state = [params, optimizer.init(params)]
    # Donated as in training: both states at once would be twice the memory, and another program.
    compiled = jax.jit(step, donate_argnums=(0, 1)).lower(*state).compile()
    memory = compiled.memory_analysis()

    def run() -> None:
        """One step, until its loss is there."""
        state[0], state[1], value = compiled(*state)
        jax.block_until_ready(value)

    return Workload(run, {**facts, "temp_bytes": memory and memory.temp_size_in_bytes})
