# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A transformer decoder of LLaMA's shape, by torch's transformers, with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from robomamba_jax.bench.control import ACTION_TOKENS, LLAMA, VOCAB
from robomamba_jax.bench.records import ControlWork
from robomamba_jax.bench.worker import Workload

if TYPE_CHECKING:
    import torch

    from robomamba_jax.verify.torch_types import CausalOutput


def build(side: str, case: ControlWork) -> Workload:
    """The same work as ours; the side's name has the shape's."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LLAMA[side.removeprefix("llama-")]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    length = case["text"] + case["patches"]
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=length + 64,
    )
    # Without torch's own random numbers, which take minutes for billions.
    with torch.device("meta"):
        model: Any = LlamaForCausalLM(config)
    model = model.to(getattr(torch, case["peer_dtype"])).to_empty(device=device).eval()
    _fill(model, torch)
    facts = {"device": device, "params": sum(p.numel() for p in model.parameters())}
    ids = np.random.default_rng(0).integers(0, VOCAB, (case["batch"], length))
    tokens = torch.tensor(ids, device=device)

    def read() -> CausalOutput:
        # Logits of the last position alone, as in generation: all of them would be the larger work.
        """The whole context at once, with a cache for what follows."""
        return model(tokens, use_cache=True, logits_to_keep=1)

    def say(out: CausalOutput, count: int) -> torch.Tensor:
        """So many tokens more, each after the one before."""
        cache, token = out.past_key_values, out.logits[:, -1:].argmax(-1)
        for _ in range(count):
            out = model(token, past_key_values=cache, use_cache=True)
            token = out.logits[:, -1:].argmax(-1)
        return token.cpu()

    if case["kind"] == "decode":
        with torch.inference_mode():
            start = read()

        def run() -> torch.Tensor:
            """Some tokens behind the context that was read."""
            with torch.inference_mode():
                said = say(start, case["new_tokens"])
                # The cache grows in place: cut back, so that every run begins behind the same
                # prompt.
                start.past_key_values.crop(-case["new_tokens"])
                return said

        return Workload(run, facts, repeat=False)
    # The first token comes out of reading the prompt.
    more = ACTION_TOKENS - 1 if case["kind"] == "pose" else 0

    def whole() -> torch.Tensor:
        """Context and tokens."""
        with torch.inference_mode():
            return say(read(), more)

    return Workload(whole, facts, repeat=False)


def _fill(model: Any, torch: Any) -> None:
    """Small random numbers, one block of them over and over; what is no parameter, such as the
    rotary frequencies, is made anew, since it was not made on the meta device."""
    block = torch.empty(2**20).uniform_(-0.02, 0.02)
    with torch.no_grad():
        for parameter in model.parameters():
            flat = parameter.view(-1)
            for start in range(0, flat.numel(), block.numel()):
                piece = flat[start : start + block.numel()]
                piece.copy_(block[: piece.numel()])
        rotary = model.model.rotary_emb
        fresh = type(rotary)(model.config)
        model.model.rotary_emb = fresh.to(next(model.parameters()).device)
