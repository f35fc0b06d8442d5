# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""`jax.lax.associative_scan` is the heart of every preset, seen while the real calls are traced.

Nothing is computed: parameters and ids are shapes, so the largest model costs seconds.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import robomamba_jax as rm
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.params import Params, abstract_params

IDS = jax.ShapeDtypeStruct((2, 70), jnp.int32)
MASK = jax.ShapeDtypeStruct((2, 70), bool)


class Count:
    """How often each scan was entered."""

    def __init__(self) -> None:
        self.associative = self.sequential = 0


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Counts from here on, in jax itself and at our sequential reference."""
    counted = Count()
    scan, module = jax.lax.associative_scan, sys.modules["robomamba_jax.ops.selective_scan"]
    sequential = module.scan_sequential

    def associative_scan(*args: Any, **kwargs: Any) -> Any:
        counted.associative += 1
        return scan(*args, **kwargs)

    def scan_sequential(*args: Any, **kwargs: Any) -> Any:
        counted.sequential += 1
        return sequential(*args, **kwargs)

    monkeypatch.setattr(jax.lax, "associative_scan", associative_scan)
    monkeypatch.setattr(module, "scan_sequential", scan_sequential)
    return counted


def trace_forward(config: rm.MambaConfig, layout: str) -> Any:
    """The forward pass of padded rows, as shapes."""
    _, apply = rm.functional(config, layout=layout)
    params = abstract_params(config, layout)[1]
    return jax.eval_shape(
        lambda params, ids, mask: apply(params, ids, None, mask), params, IDS, MASK
    )


def trace_training_step(config: rm.MambaConfig) -> Any:
    """Loss and gradients of packed rows on stacked layers, as shapes."""
    _, apply = rm.functional(config.replace(remat="block"))

    def loss(params: Params, ids: jax.Array, mask: jax.Array) -> jax.Array:
        hidden = apply(params, ids, mask=mask, segment_ids=ids, output="hidden")
        head = params["backbone"]["embeddings"]["weight"]
        return linear_cross_entropy(hidden, head, *next_token_targets(ids, mask, ids))

    return jax.eval_shape(
        jax.value_and_grad(loss), abstract_params(config, "stacked")[1], IDS, MASK
    )


@pytest.mark.parametrize("name", rm.PRESETS)
def test_every_preset_runs_on_it(name: str, count: Count) -> None:
    """Forward and a training step, on stacked layers."""
    config = rm.preset(name)
    logits = trace_forward(config, "stacked")
    assert logits.shape == (2, 70, config.vocab_size)
    assert count.associative >= 1
    count.associative = 0
    loss, gradients = trace_training_step(config)
    # Forward, recomputed for the backward pass, and the reverse scan of the adjoint.
    assert count.associative >= 3
    assert count.sequential == 0
    assert loss.shape == ()
    assert jax.tree.structure(gradients) == jax.tree.structure(
        abstract_params(config, "stacked")[1]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "130m"])
def test_every_layer_of_a_list_runs_on_it(name: str, count: Count) -> None:
    """Unrolled, it is called in each."""
    config = rm.preset(name)
    trace_forward(config, "list")
    assert count.associative >= config.n_layer
    assert count.sequential == 0


def test_one_chunk_runs_on_it(count: Count) -> None:
    """A prompt no longer than a chunk takes the other method, and that is one as well."""
    config = rm.preset("tiny")
    _, apply = rm.functional(config)
    params = abstract_params(config, "stacked")[1]
    jax.eval_shape(apply, params, jax.ShapeDtypeStruct((1, 1), jnp.int32))
    assert count.associative >= 1
    assert count.sequential == 0


def test_the_count_can_be_zero(count: Count) -> None:
    """The sequential reference, asked for by name, is seen as such."""
    trace_forward(rm.preset("tiny", scan_method="sequential"), "stacked")
    assert count.associative == 0
    assert count.sequential == 1
