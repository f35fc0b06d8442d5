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

from robomamba_jax.bench.worker import Work
from robomamba_jax.config import MambaConfig, preset
from robomamba_jax.generation.generator import Generator
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params, count_params


def build(side: str, case: dict[str, Any]) -> Work:
    """``case["kind"]``: "prefill", "decode" or "train"."""
    del side
    config = preset(case["preset"], remat=case.get("remat", "none"))
    layout = "stacked" if case["kind"] == "train" else "list"
    params = functional(config, layout=layout)[0](jax.random.key(0))
    facts = {
        "device": jax.devices()[0].device_kind,
        "params": count_params(params),
        "weight_bytes": sum(leaf.nbytes for leaf in jax.tree.leaves(params)),
    }
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (case["batch"], case["length"]))
    if case["kind"] == "train":
        return _train(config, params, jnp.asarray(ids, jnp.int32), facts)
    generator = Generator(config, params)
    if case["kind"] == "prefill":
        inputs = ModelInputs(jnp.asarray(ids, jnp.int32), mask=jnp.ones(ids.shape, bool))
        return Work(lambda: jax.block_until_ready(generator.prefill(params, inputs)), facts)
    settings = GenerationSettings(max_new_tokens=case["new_tokens"], eos_ids=())
    prompts = ids.tolist()
    return Work(lambda: generator.generate(prompts, settings), facts)


def _train(config: MambaConfig, params: Params, ids: jax.Array, facts: dict[str, Any]) -> Work:
    """One AdamW step on every parameter; parameters and moments are donated."""
    graph, _ = abstract_params(config, "stacked")
    optimizer = optax.adamw(1e-4)

    def loss(params: Params) -> jax.Array:
        model: Any = nnx.merge(graph, params)
        labels, weights = next_token_targets(ids)
        total = linear_cross_entropy(model.hidden(ids), model.head_weight, labels, weights)
        return total / weights.sum()

    def step(params: Params, moments: Any) -> tuple[Params, Any, jax.Array]:
        value, grads = jax.value_and_grad(loss)(params)
        updates, moments = optimizer.update(grads, moments, params)
        return optax.apply_updates(params, updates), moments, value  # type: ignore[return-value]

    state = [params, optimizer.init(params)]
    compiled = jax.jit(step, donate_argnums=(0, 1)).lower(*state).compile()
    memory = compiled.memory_analysis()

    def run() -> None:
        state[0], state[1], value = compiled(*state)
        jax.block_until_ready(value)

    return Work(run, {**facts, "temp_bytes": memory and memory.temp_size_in_bytes})
