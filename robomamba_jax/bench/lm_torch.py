# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The language model's torch sides: transformers' Mamba of the same shape."""

from __future__ import annotations

import numpy as np

from robomamba_jax.bench.records import LanguageWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config import preset
from robomamba_jax.verify.torch_models import hf_mamba


def build(side: str, case: LanguageWork) -> Workload:
    """The same work as ours, on the GPU if torch sees one; "mambapy" trains through it."""
    import torch

    config = preset(case["preset"])
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = hf_mamba(config, use_mambapy=side == "mambapy")
    model.to(device)
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (case["batch"], case["length"]))
    tokens = torch.tensor(ids, device=device)
    finish = torch.cuda.synchronize if device == "cuda" else lambda: None
    facts = {"device": device, "params": sum(p.numel() for p in model.parameters())}
    if case["kind"] == "train":
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

        def step() -> None:
            # The same work as ours: every gradient made anew, every parameter updated.
            """Gradient and update."""
            optimizer.zero_grad(set_to_none=True)
            loss = model(tokens, labels=tokens, use_cache=False).loss
            loss.backward()
            optimizer.step()
            finish()

        return Workload(step, facts)
    model.eval()

    def infer() -> None:
        """Reads the prompt, or writes tokens behind it."""
        with torch.inference_mode():
            if case["kind"] == "prefill":
                model(tokens, use_cache=True, logits_to_keep=1)
            else:
                count = case.get("new_tokens", 1)
                # At least as many as at most: no EOS ends a run early.
                model.generate(tokens, max_new_tokens=count, min_new_tokens=count, do_sample=False)
        finish()

    return Workload(infer, facts)
