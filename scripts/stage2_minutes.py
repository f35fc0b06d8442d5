#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How long stage 2 takes on cached features: the real head, 10,000 samples, eight epochs.

    .venv/bin/python scripts/stage2_minutes.py --out runs/stage2-minutes

The samples are drawn poses; their features are random numbers of the real shape, since the
training time does not depend on their values. Everything else is what train.py runs. The
language model has the real width and one layer: with pooled features nobody loads it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def make_base(folder: Path) -> Path:
    """A model of the real width with one layer, as an inference folder."""
    import jax

    from robomamba_jax.config import PolicyConfig, RoboMambaConfig, preset, vision_preset
    from robomamba_jax.config.serial import ModelParts
    from robomamba_jax.convert.folder import write_folder
    from robomamba_jax.convert.placement import tree_tensors
    from robomamba_jax.convert.tensors import TensorInfo
    from robomamba_jax.data.processor import builtin_processor
    from robomamba_jax.models.functional import functional

    llm = preset("2.8b", n_layer=1, vocab_size=512)
    model = RoboMambaConfig(llm, vision_preset("nano"), PolicyConfig())
    tensors = []
    for name, make in tree_tensors(jax.jit(functional(model)[0])(jax.random.key(0))).items():
        array = make()
        tensors.append((name, TensorInfo(array.shape, str(array.dtype)), lambda a=array: a))
    parts = ModelParts(model.llm, model.vision, model.policy)
    return write_folder(folder, parts, builtin_processor("nano"), tensors)


def make_config(out: Path, base: Path, samples: int) -> Any:
    """Stage 2 as configured, on drawn poses."""
    from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
    from robomamba_jax.config.files import config_module

    config = config_module(ROOT / "configs/stage2_manipulation.py").get_config()
    factory = "robomamba_jax.data.sources.synthetic:poses"
    source = SourceConfig(str(samples), "poses", format="custom", factory=factory)
    encoding = EncodingConfig(tokenizer="nano", transform="nano", target="pose", max_tokens=120)
    batch = BatchConfig(batch_size=32, seq_len=192, image_tokens=64)
    return dataclasses.replace(
        config,
        data=DataConfig((source,), encoding, batch, features=str(out / "pooled")),
        model=dataclasses.replace(config.model, preset=None, vision=None),
        run=dataclasses.replace(config.run, samples=0, export=False, log_every=313),
        init_from=str(base),
    )


def make_features(config: Any) -> None:
    """Random numbers under the keys of the real samples."""
    from robomamba_jax.data.cache.features import FeatureWriter
    from robomamba_jax.data.examples import Encoder
    from robomamba_jax.data.pipeline.datasets import open_datasets
    from robomamba_jax.training.features import cache_network
    from robomamba_jax.training.program import run_image_transform
    from robomamba_jax.training.weights import open_base

    base = open_base(config.init_from, config.model, 0)
    transform = run_image_transform(config.data)
    assert transform is not None
    assert base.parts.llm is not None
    width = base.parts.llm.d_model
    writer = FeatureWriter(
        config.data.features,
        kind="pooled_hidden",
        network=cache_network(base, "pooled_hidden", config.model.dtype),
        transform=transform,
        shape=(width,),
        dtype="bfloat16",
    )
    rng = np.random.default_rng(0)
    for part in open_datasets(config.data, Encoder.open(config.data)):
        for index in range(len(part)):
            example = part.example(index, pixels=False)
            key = writer.key(example.image_sha256.tobytes(), example.ids)
            writer.add(key, rng.normal(size=width).astype(np.float32))
    writer.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=10_000)
    args = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.path.insert(0, str(ROOT))
    from robomamba_jax.training.report import Terminal
    from robomamba_jax.training.run import train

    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    config = make_config(args.out, make_base(args.out / "base"), args.samples)
    make_features(config)
    start = time.time()
    summary = train(config, args.out / "run", terminal=Terminal(every=313))
    total = summary["table"][-1]
    whole = 2_768_345_600 + 303_000_000  # Mamba-2.8B and CLIP ViT-L/14, about
    result = {
        "trained_parameters": total["trained"],
        "megabytes_bfloat16": total["trained"] * 2 / 1e6,
        "share_percent": 100 * total["trained"] / whole,
        "samples": args.samples,
        "steps": summary["steps"],
        "seconds": round(time.time() - start, 1),
    }
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
