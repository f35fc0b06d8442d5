# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Run in a process of its own by test_encoder_pretraining.py: one pre-training of an encoder.

python tests/training/encoder_process.py OUT DATA FSDP
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from robomamba_jax.config.encoder import EncoderPlan
from robomamba_jax.config.training import CheckpointConfig, MeshConfig
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.training.encoder_pretraining import pretrain_encoder
from tests.data.labelled_images import CONFIG, labelled

TRANSFORM = image_transform("tiny")
PLAN = EncoderPlan(steps=31, rows=16, shift=1, checkpoint=CheckpointConfig(every=8))

if __name__ == "__main__":
    out, data, fsdp = sys.argv[1:]
    plan = dataclasses.replace(PLAN, mesh=MeshConfig(int(data), int(fsdp)))
    pretrain_encoder(labelled(12, 0), CONFIG, TRANSFORM, plan, Path(out), held_out=labelled(10, 1))
