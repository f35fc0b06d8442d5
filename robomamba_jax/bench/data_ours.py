# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our side of the data benchmark: decode, resize, crop, tokenise, label, put into batches."""

from __future__ import annotations

from typing import Any

from robomamba_jax.bench.data_inputs import make_data
from robomamba_jax.bench.records import DataWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.data.pipeline.loader import BatchLoader


def build(side: str, case: DataWork) -> Workload:
    """An epoch in one worker process; or with none, in this one."""
    path = make_data(case["samples"])
    encoding = EncodingConfig(
        tokenizer=case["tokenizer"], transform=case["encoder"], image_place="text"
    )
    packed = side == "robomamba-packed"
    # Unpacked, a row holds one sample: 256 tokens of the image and its text; packed, several.
    room = 2048 if packed else 640
    batch = BatchConfig(batch_size=case["rows"], packing=packed, seq_len=room, image_tokens=256)
    pipeline = BatchLoader(
        DataConfig((SourceConfig(str(path)),), encoding, batch), workers=case["workers"]
    )
    steps = pipeline.plan.start_of(1)

    def run() -> int:
        """One epoch."""
        return sum(len(row) for batch in pipeline.batches(0, steps) for row in batch.samples)

    facts: dict[str, Any] = {"samples": len(pipeline.sample_index)}
    if packed:
        facts["packing_efficiency"] = pipeline.plan.facts()["efficiency"]
    return Workload(run, facts)
