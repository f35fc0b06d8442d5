# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A demo's own encoder: which images it is pre-trained on, and for how many steps."""

from __future__ import annotations

import time

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.encoder import EncoderPlan
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import VisionPretraining
from robomamba_jax.pretraining.labels import read_labels
from robomamba_jax.pretraining.run import MAP
from robomamba_jax.pretraining.runs import Console
from robomamba_jax.training.encoder_pretraining import pretrain_encoder


def pretrain_on_world(plan: DemoPlan, paths: DemoPaths, console: Console) -> VisionPretraining:
    """Train the encoder on the world's training images, and read its test images.

    Raises:
      KeyboardInterrupt: it was interrupted, and has saved; a demo ends there, too.
    """
    config, transform = VISION_PRESETS[plan.vision], image_transform(plan.vision)
    started = time.monotonic()
    labels = paths.encoder.with_name("labels")

    def progress(done: int, total: int) -> None:
        """Of reading labels."""
        console.progress("labels", done, total)

    workers = plan.workers
    data = read_labels([paths.train], transform, MAP, labels / "train", None, workers, progress)
    found = pretrain_encoder(
        data,
        config,
        transform,
        EncoderPlan(plan.encoder_steps),
        paths.encoder,
        held_out=read_labels([paths.test], transform, MAP, labels / "test", data, workers),
        on_step=lambda step, steps, loss: console.progress(
            f"encoder, loss {loss:.3f}", step, steps
        ),
    )
    if found.stopped:
        raise KeyboardInterrupt
    return VisionPretraining(
        steps=found.steps,
        seconds=round(time.monotonic() - started, 1),  # with reading the labels
        curve=found.curve,
        note="trained from scratch on the world's training images: which words are true of an "
        f"image ({found.words}), what its pixels show, how far and how turned that is, and how it "
        "moves",
        words=found.words,
        held_out=found.held_out,
    )
