# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A real pretrained tower on real photos: DINOv2-S beside the ONNX runtime and transformers.

Needs dinov2_s.onnx and dinov2_s.safetensors in assets (`make assets ASSETS_ARGS=--dino`), and
scikit-image's photos.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.vision import vision_preset
from robomamba_jax.convert.families import open_checkpoint
from robomamba_jax.convert.run import read_tensors
from robomamba_jax.convert.safetensors_file import SafetensorsFile
from robomamba_jax.verify.jax_side import JaxSide
from tests import dinov2_onnx, torch_towers
from tests.oracles import error

pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch,
    pytest.mark.skipif(
        not (dinov2_onnx.EXPORT.exists() and dinov2_onnx.WEIGHTS.exists()),
        reason="assets/dinov2_s.safetensors is absent: run `make assets ASSETS_ARGS=--dino`",
    ),
]
CONFIG = vision_preset("dinov2-s14-224")
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "motorcycle_right")


@cache
def photos() -> np.ndarray:
    """float32[B, S, S, 3]: shorter side to S, centre crop, ImageNet's mean and deviation."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    found = {name: getattr(data, name)() for name in PHOTOS if hasattr(data, name)}
    left, right, _ = data.stereo_motorcycle()
    found |= {"motorcycle_left": left, "motorcycle_right": right}
    batch, size = [], CONFIG.image_size
    for name in PHOTOS:
        image = Image.fromarray(found[name])
        scale = size / min(image.size)
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
        )
        x, y = (image.width - size) // 2, (image.height - size) // 2
        batch.append(np.asarray(image.crop((x, y, x + size, y + size)), np.float32) / 255)
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return ((np.stack(batch) - mean) / deviation).astype(np.float32)


@cache
def our_features() -> np.ndarray:
    """What our tower makes of the photos, with the weights out of the ONNX export."""
    checkpoint = open_checkpoint("dinov2", dinov2_onnx.WEIGHTS)
    assert checkpoint.parts.vision == CONFIG
    side = JaxSide(checkpoint.parts, read_tensors(checkpoint), "list")
    checkpoint.source.close()
    # Photo by photo: a run keeps what every op has made.
    return np.concatenate([side.run({"images": one[None]}, "features")[0] for one in photos()])


def test_onnx_runtime_agrees(record_property: Any) -> None:
    """Every patch of every photo. Measured: 4.9e-6."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    name = dinov2_onnx.block_output(CONFIG.built_layers - 1)
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 2
    session = runtime.InferenceSession(
        dinov2_onnx.with_output(dinov2_onnx.EXPORT, name),
        options,
        providers=["CPUExecutionProvider"],
    )
    pixels = photos().transpose(0, 3, 1, 2)
    # Photo by photo: the runtime keeps every block's results of all that it is given at once.
    reference = np.concatenate(
        [session.run([name], {"input_image": one[None]})[0] for one in pixels]
    )
    del session
    found = error(our_features(), reference[:, 1:])
    record_property("features", f"{found:.2g}")
    print(f"onnxruntime: {found:.2g} of {np.abs(reference[:, 1:]).max():.3g}")
    assert found <= 1e-5


def test_transformers_agrees(record_property: Any) -> None:
    """transformers resamples the position table itself. Measured: 3.7e-6."""
    import torch
    import transformers

    model = transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=CONFIG.width,
            num_hidden_layers=CONFIG.depth,
            num_attention_heads=CONFIG.heads,
            image_size=518,
            patch_size=CONFIG.patch_size,
            attn_implementation="eager",
        )
    ).eval()
    tensors = {}
    source = SafetensorsFile(dinov2_onnx.WEIGHTS)
    for key, value in ((name, source.read(name)) for name in source.names()):
        for theirs, ours in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
            key = key.replace(f"attention.attention.{theirs}", f"attention.{ours}")
        key = key.replace("attention.output.dense", "attention.o_proj")
        tensors[key] = torch.from_numpy(value)
    source.close()
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert (missing, unexpected) == (["embeddings.mask_token"], [])
    reference = torch_towers.hf_hidden(model, photos())[CONFIG.built_layers][:, 1:]
    found = error(our_features(), reference)
    record_property("features", f"{found:.2g}")
    print(f"transformers: {found:.2g} of {np.abs(reference).max():.3g}")
    assert found <= 1e-5


def test_features_know_what_they_see() -> None:
    """Mean features: two views of one motorcycle are nearest to each other among all photos."""
    mean = our_features().mean(1)
    mean -= mean.mean(0)
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    likeness = unit @ unit.T - 2 * np.eye(len(unit))
    print(np.round(likeness, 2))
    left, right = PHOTOS.index("motorcycle_left"), PHOTOS.index("motorcycle_right")
    assert likeness[left].argmax() == right
    assert likeness[right].argmax() == left
