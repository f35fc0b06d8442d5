# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The language model's pre-training as a configuration of ``train.py``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)
from robomamba_jax.data.examples import without_placeholders
from robomamba_jax.data.text.tokenizer import train_bpe
from robomamba_jax.pretraining.paths import PretrainPaths
from robomamba_jax.pretraining.plan import PretrainPlan

FLOAT: dict[str, Any] = {"dtype": "float32", "trained_dtype": "float32", "frozen_dtype": "float32"}
"""A nano model's numbers: nothing is gained by narrow ones on a CPU."""

# Shares of samples. Conversations about images come first; words alone teach questions whose
# objects no image shows; captions and descriptions are what stage 1.1 and the encoder's words
# speak of.
WEIGHTS = {"images": 0.55, "texts": 0.25, "captions": 0.05, "details": 0.15}
_FILES = {
    "images": "language_images.json",
    "texts": "language_text.json",
    "captions": "stage1_1.json",
    "details": "stage1_2_detail.json",
}
# The tokenizer is trained on so many records of each file: a few thousand settle 1,024 pieces.
_READ_FOR_TOKENS = 4000


def training_texts(plan: PretrainPlan, world: Path) -> Iterator[str]:
    """What is said in a training set, for a tokenizer."""
    for kind in _kinds(plan, world):
        records = json.loads((world / _FILES[kind]).read_bytes())
        for record in records[:: max(1, len(records) // _READ_FOR_TOKENS)]:
            yield from (without_placeholders(turn["value"]) for turn in record["conversations"])


def write_tokenizer(out: Path, texts: Sequence[str], vocab: int) -> None:
    """A byte-level BPE out of training text, in the prompt template's words too."""
    framed = [f"<|user|> {text}\n<|assistant|> {text}\n" for text in texts]
    out.parent.mkdir(parents=True, exist_ok=True)
    train_bpe(framed, vocab).save(out)


def language_config(plan: PretrainPlan, paths: PretrainPaths) -> TrainConfig:
    """Projector and language model learn to answer, about images of the frozen encoder and about
    scenes in words alone. The projector is thrown away afterwards."""
    return TrainConfig(
        stage="language",
        data=_data(plan, paths, paths.train),
        eval_data=_data(plan, paths, paths.paper),
        trainable=("projector/.*", "llm/.*"),
        # Between all tokens alike and all answers alike: a word counts a third of a caption.
        loss=LossConfig(chunk=plan.row_tokens, length_balance=0.5),
        # Muon: with AdamW at rates at which a run this short learns anything, the projector's
        # outputs grow to two hundred times the words' and the image is lost in them.
        optim=OptimConfig(
            optimizer="muon", learning_rate=4e-3, weight_decay=0.05, b2=0.98, warmup_ratio=0.02
        ),
        model=ModelChoice(plan.preset, plan.vision, remat="none", **FLOAT),
        run=RunConfig(
            steps=plan.language_steps,
            log_every=100,
            samples=0,
            # One core stays with the training itself.
            workers=min(4, plan.workers - 1),
            eval_every=max(1, plan.language_steps // 10),
        ),
        checkpoint=CheckpointConfig(every=250, keep=2),
        init_from=str(paths.first),
    )


def image_config(plan: PretrainPlan, paths: PretrainPaths) -> TrainConfig:
    """Every image once, for the features of the frozen encoder."""
    config = language_config(plan, paths)
    assert config.eval_data is not None
    # One record an image.
    train, held_out = (
        dataclasses.replace(data, features=None, sources=(_source(world, "captions"),))
        for data, world in ((config.data, paths.train), (config.eval_data, paths.paper))
    )
    return dataclasses.replace(config, data=train, eval_data=held_out)


def _kinds(plan: PretrainPlan, world: Path) -> list[str]:
    """What a plan reads of a data set: validation objects have no words alone, and a plan may leave
    out those of a set that it shares with another."""
    left_out = {"texts"} if plan.texts == 0 else set[str]()
    names = [name for name in WEIGHTS if name not in left_out]
    return [name for name in names if (world / _FILES[name]).is_file()]


def _source(world: Path, name: str) -> SourceConfig:
    return SourceConfig(str(world / _FILES[name]), name, "llava", weight=WEIGHTS[name])


def _data(plan: PretrainPlan, paths: PretrainPaths, world: Path) -> DataConfig:
    sources = tuple(_source(world, name) for name in _kinds(plan, world))
    encoding = EncodingConfig(str(paths.tokenizer), plan.vision, max_tokens=320)
    batch = BatchConfig(
        plan.rows,
        packing=True,
        seq_len=plan.row_tokens,
        images=6,
        image_tokens=VISION_PRESETS[plan.vision].num_patches,
    )
    return DataConfig(sources, encoding, batch, features=str(paths.features))
