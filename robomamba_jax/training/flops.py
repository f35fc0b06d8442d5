# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How much arithmetic a step needs, and how much the device could do: the share is the MFU.

Counted are products of matrices that the model needs, as in the PaLM report's model FLOP
utilisation: what rematerialisation computes again does not count, nor does the scan, which is
no product of matrices.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import jax
import numpy as np

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.models.params import Params, leaf_paths
from robomamba_jax.training.jax_types import Device, ShapedLeaf

PEAK_FLOPS = {
    # Dense bfloat16 per device, from the makers' data sheets.
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5e": 197e12,
    "TPU v5": 459e12,
    "TPU v5p": 459e12,
    "TPU v6 lite": 918e12,
    "TPU v6e": 918e12,
    "NVIDIA A100": 312e12,
    "NVIDIA H100": 989e12,
    "NVIDIA H200": 989e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40S": 362e12,
}


def peak_flops(device: Device) -> tuple[float, str]:
    """What a device can do a second, and how that is known."""
    kind = device.device_kind
    matches = [name for name in PEAK_FLOPS if kind.startswith(name)]
    if matches:
        return PEAK_FLOPS[max(matches, key=len)], f"data sheet of {kind}, bfloat16"
    return _measured(device), f"measured on {kind}: a float32 product of 1024 x 1024"


@cache  # a second run in the process need not wait for it again
def _measured(device: Any) -> float:
    """The best of some products of square matrices."""
    side = 1024
    x = jax.device_put(np.ones((side, side), np.float32), device)
    product = jax.jit(lambda a: a @ a)
    product(x).block_until_ready()
    # The best, not the mean: other processes can only make it slower.
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        product(x).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def flops_per_token(trained: Params, frozen: Params, config: RoboMambaConfig) -> dict[str, float]:
    """Of each part, for one of its tokens (or one row of the policy head): forward, and
    backward as far as gradients have to go.

    A part that is frozen passes gradients on where something before it is trained, which
    costs half of a backward pass; a part before all that is trained needs none.

    Args:
      trained: the trained tree, as shapes.
      frozen: the frozen tree.
      config: the model's; its embedding is a look-up, but its head a product.
    """
    order = ("vision", "projector", "llm", "policy")
    learning = {part: part in trained for part in order}
    found = {}
    for place, part in enumerate(order):
        numbers = sum(products(tree.get(part, {})) for tree in (trained, frozen))
        if part == "llm" and numbers and config.llm.tie_embeddings:
            numbers += config.llm.d_model * config.llm.vocab_size
        before = any(learning[name] for name in order[:place])
        # 2 FLOPs (multiply, add) a weight and token: forward; for the weights' own gradient; for
        # the inputs' gradient, which whatever is trained in front of this part waits for.
        share = 2.0 + (2.0 if learning[part] else 0.0) + (2.0 if before else 0.0)
        found[part] = share * numbers
    return found


def products(tree: Params) -> int:
    """Numbers in matrices that multiply each token."""
    # Looked up, added, and a convolution of four taps a channel: none of them is a matrix product.
    skipped = ("embeddings/weight", "position_embedding/weight", "conv1d/weight")

    def matrix(path: str, leaf: ShapedLeaf) -> bool:
        """Whether a leaf multiplies tokens as a matrix."""
        # Stacked layers have an axis of their own in front: a stack of vectors is no matrix.
        stacked = "/layers/" in path
        return path.endswith("weight") and leaf.ndim - stacked >= 2

    return sum(
        leaf.size
        for path, leaf in leaf_paths(tree).items()
        if matrix(path, leaf) and not path.endswith(skipped)
    )


def step_flops(
    per_token: dict[str, float], tokens: int, images: int, patches: int, rows: int
) -> float:
    """Of a whole step.

    Args:
      per_token: from ``flops_per_token``.
      tokens: real ones, text and images together.
      images: how many are seen by the encoder.
      patches: P.
      rows: of the policy head.
    """
    seen = images * patches
    return (
        per_token["vision"] * seen
        + per_token["projector"] * seen
        + per_token["llm"] * tokens
        + per_token["policy"] * rows
    )
