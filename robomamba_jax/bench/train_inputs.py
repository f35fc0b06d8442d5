# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What both sides of ``bench train`` start from: one checkpoint in both layouts, one batch."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np

from robomamba_jax.bench.records import TrainWork


def make_checkpoint(preset: str, encoder: str) -> dict[str, str]:
    """Random weights as an inference folder and as a published file, in a folder that goes away
    with the process.

    Args:
      preset: of the language model.
      encoder: CLIP's or SigLIP's form, by its name in ``VISION_PRESETS``.

    Returns:
      {"folder": path, "published": path}.
    """
    import jax

    from robomamba_jax.config import model_preset
    from robomamba_jax.config.serial import ModelParts
    from robomamba_jax.convert.export import export
    from robomamba_jax.convert.folder import write_folder
    from robomamba_jax.convert.placement import lazy_tensors
    from robomamba_jax.data.processor import builtin_processor
    from robomamba_jax.models.functional import functional

    root = Path(tempfile.mkdtemp(prefix="robomamba-bench-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    config = model_preset(preset, vision=encoder)
    params = jax.jit(functional(config)[0])(jax.random.key(0))
    parts = ModelParts(config.llm, config.vision, config.policy)
    folder = write_folder(root / "ours", parts, builtin_processor("nano"), lazy_tensors(params))
    # Anyway: the published classes know no model of these sizes, and torch reads the file here.
    export("robomamba", folder, root / "theirs.safetensors", anyway=True)
    return {"folder": str(folder), "published": str(root / "theirs.safetensors")}


def make_batch(case: TrainWork) -> dict[str, np.ndarray]:
    """A batch as ``data.pipeline.batches`` gives it: one image before each row's text, the second
    half of the text learned, a pose."""
    rng = np.random.default_rng(0)
    rows, text, side = case["rows"], case["text"], case["side"]
    axes = np.linalg.qr(rng.normal(size=(rows, 3, 3)))[0]
    # Columns are orthonormal; a determinant of -1 is a mirror image, and no rotation.
    axes *= np.linalg.det(axes)[:, None, None]
    learned = np.zeros((rows, text), bool)
    learned[:, text // 2 :] = True
    return {
        "input_ids": rng.integers(0, case["vocab"], (rows, text)).astype(np.int32),
        "mask": np.ones((rows, text), bool),
        "segment_ids": np.zeros((rows, text), np.int32),
        "loss_mask": learned,
        "image_positions": np.zeros((rows, 1), np.int32),
        "images": rng.integers(0, 256, (rows, 1, side, side, 3), np.uint8),
        "contact": rng.uniform(0.2, 0.8, (rows, 2)).astype(np.float32),
        "rotation": axes.astype(np.float32),
        "gripper": np.full(rows, np.nan, np.float32),
        "weight": np.ones(rows, np.float32),
    }


def pooled_features(case: TrainWork) -> np.ndarray:
    """float32[rows, D]: stand-ins for cached features, of their shape and scale."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(case["rows"], case["width"])).astype(np.float32)
