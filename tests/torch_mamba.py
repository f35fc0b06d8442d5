# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The torch side of the parity tests: transformers' Mamba and ours, block by block.

Weights come from `tests/weights.py` and not through the converters, so that neither test leans on
the other. torch and transformers are imported inside functions: collecting the tests must not load
them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config import MambaConfig
from robomamba_jax.models.mamba import SequenceInfo
from robomamba_jax.models.params import Params, abstract_params
from robomamba_jax.verify.log_filter import quiet
from robomamba_jax.verify.torch_models import hf_mamba


class Outputs(NamedTuple):
    """What one model made of a batch: each block's output [B, T, D], and the logits."""

    blocks: list[np.ndarray]
    logits: np.ndarray


def torch_model(config: MambaConfig, tensors: dict[str, np.ndarray]) -> Any:
    """``MambaForCausalLM`` on the CPU in float32.

    Args:
      config: ours; every field that torch knows is taken over.
      tensors: its weights by torch key; the model shares their memory.
    """
    import torch

    with quiet(), torch.device("meta"):
        model = hf_mamba(config).eval()
    state = {key: torch.from_numpy(tensor) for key, tensor in tensors.items()}
    if config.tie_embeddings:
        state["lm_head.weight"] = state["backbone.embeddings.weight"]
    with quiet():
        model.load_state_dict(state, assign=True)
        model.tie_weights()
    return model


def torch_outputs(
    model: Any, ids: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Outputs, dict[str, np.ndarray]]:
    """Every block's output and the logits of transformers' model, and gradients by name.

    Args:
      model: from :func:`torch_model`.
      ids: int[B, T].
      weight: float32[B, T, V]; gradients are those of sum(logits * weight), none without it.
    """
    import torch

    with quiet(), torch.set_grad_enabled(weight is not None):
        result = model(
            torch.from_numpy(ids.astype(np.int64)), output_hidden_states=True, use_cache=False
        )
        gradients = {}
        if weight is not None:
            model.zero_grad(set_to_none=True)
            (result.logits * torch.from_numpy(weight)).sum().backward()
            gradients = {name: p.grad.numpy() for name, p in model.named_parameters()}
    # The last of the hidden states is the normed one, which the logits show.
    blocks = [hidden.detach().numpy() for hidden in result.hidden_states[:-1]]
    return Outputs(blocks, result.logits.detach().numpy()), gradients


def our_outputs(config: MambaConfig, params: Params, layout: str, ids: np.ndarray) -> Outputs:
    """Every block's output and the logits of our model, in either layout."""
    graph, _ = abstract_params(config, layout)

    @jax.jit
    def run(params: Params, ids: jax.Array) -> Outputs:
        model: Any = nnx.merge(graph, params)
        x, blocks = model.embed(ids), []
        if layout == "list":
            for block in model.backbone.layers:
                x = block(x, SequenceInfo())[0]
                blocks.append(x)
        else:
            block, states = nnx.split(model.backbone.layers)

            def body(x: jax.Array, state: Any) -> tuple[jax.Array, jax.Array]:
                x = nnx.merge(block, state)(x, SequenceInfo())[0]
                return x, x

            x, blocks = jax.lax.scan(body, x, states)
        return Outputs(blocks, model.logits(model.backbone.normed(x)))

    blocks, logits = run(params, jnp.asarray(ids))
    return Outputs([np.asarray(block) for block in blocks], np.asarray(logits))
