# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""torch's side of ``bench train``: timm's encoder and transformers' Mamba, the same weights, batch
and trained parameters; what is frozen runs under ``no_grad``."""

from __future__ import annotations

from typing import Any

import numpy as np

from robomamba_jax.bench.records import TrainWork
from robomamba_jax.bench.train_inputs import make_batch, pooled_features
from robomamba_jax.bench.worker import Workload
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.verify import torch_robomamba


def build(side: str, case: TrainWork) -> Workload:
    """``case["kind"]`` is one of ``cases.TRAIN_STAGES``; "torch-mambapy" scans through it."""
    import torch
    from safetensors.torch import load_file

    device = "cuda" if torch.cuda.is_available() else "cpu"
    state = torch_robomamba.plain_state(load_file(case["published"]), 32.0)
    # Published files have the encoder's final norm, which nobody reads.
    width = state["vision.model.patch_embed.proj.weight"].shape[0]
    state |= {f"vision.model.norm.{name}": torch.ones(width) for name in ("weight", "bias")}
    model = torch_robomamba.build(state, {"num_heads": case["heads"]}).to(device)
    del state
    mamba = model.llm.mamba
    mamba.config.use_mambapy = side == "torch-mambapy"
    for layer in mamba.backbone.layers:
        layer.mixer.use_mambapy = side == "torch-mambapy"
    kind = case["kind"]
    heads = [model.action_head1, model.action_head2]
    modules = [model.projector, mamba] if kind == "instruct" else heads
    # Frozen parts are not merely left out of the optimizer: no gradient is computed for them.
    model.requires_grad_(False)
    for module in modules:
        module.requires_grad_(True)
    trained = [p for module in modules for p in module.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    given = make_batch(case)
    pixels = image_transform(case["encoder"]).normalize(given["images"][:, 0])
    batch = {
        "ids": torch.from_numpy(given["input_ids"]).long(),
        "images": torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
        "learned": torch.from_numpy(given["loss_mask"]),
        "contact": torch.from_numpy(given["contact"]),
        "rotation": torch.from_numpy(given["rotation"]),
        "pooled": torch.from_numpy(pooled_features(case)),
    }
    batch = {name: value.to(device) for name, value in batch.items()}
    facts: dict[str, Any] = {"device": device, "trained": sum(p.numel() for p in trained)}
    loss_of = _text_loss if kind == "instruct" else _pose_loss

    def run() -> None:
        """One step."""
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(torch, model, batch, kind)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        # Of the first step, which must be ours as well.
        facts.setdefault("loss", float(loss.detach()))

    run()
    return Workload(run, facts)


def _states(torch: Any, model: Any, batch: Any) -> tuple[Any, int]:
    """The language model's states, and how many image tokens come first."""
    encoder = model.vision.model
    with torch.no_grad():
        last = {len(encoder.blocks) - 1}  # the file holds those that are read
        patches = encoder.get_intermediate_layers(batch["images"], n=last)[0]
    return torch_robomamba.joint_states(model, patches, batch["ids"])


def _text_loss(torch: Any, model: Any, batch: Any, kind: str) -> Any:
    states, count = _states(torch, model, batch)
    logits = model.llm.mamba.lm_head(states[:, count - 1 : -1])
    learned = batch["learned"]
    return torch.nn.functional.cross_entropy(logits[learned], batch["ids"][learned])


def _pose_loss(torch: Any, model: Any, batch: Any, kind: str) -> Any:
    pooled = batch["pooled"]
    if not kind.endswith("cached"):
        with torch.no_grad():
            states, count = _states(torch, model, batch)
            pooled = (states[:, count] + states[:, -1]) / 2
    heads = (model.action_head1, model.action_head2)
    contact, six = (torch_robomamba.read_head(head, pooled) for head in heads)
    first = torch.nn.functional.normalize(six[:, :3], dim=1)
    second = six[:, 3:] - (first * six[:, 3:]).sum(1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=1)
    axes = torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
    trace = (axes * batch["rotation"]).sum((1, 2))
    angle = torch.acos(((trace - 1) / 2).clamp(-1 + 1e-6, 1 - 1e-6))
    return (contact - batch["contact"]).abs().mean() + angle.mean()
