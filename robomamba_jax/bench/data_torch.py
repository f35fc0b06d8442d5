# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The same work by a torch Dataset and DataLoader, as LLaVA's training code arranges it."""

from __future__ import annotations

import json

from robomamba_jax.bench.data_inputs import make_data
from robomamba_jax.bench.records import DataWork
from robomamba_jax.bench.worker import Workload


def build(side: str, case: DataWork) -> Workload:
    """An epoch; batches hold ids, labels and uint8 crops, as ours do."""
    import numpy as np
    import torch
    from PIL import Image
    from tokenizers import Tokenizer
    from torch.utils.data import DataLoader, Dataset

    from robomamba_jax.data.examples import open_tokenizer
    from robomamba_jax.data.images.transforms import image_transform

    # As torch sets it in its worker processes, so that both cases differ by the worker alone.
    torch.set_num_threads(1)
    path = make_data(case["samples"])
    records = json.loads(path.read_text())
    tokenizer = Tokenizer.from_buffer(open_tokenizer(case["tokenizer"]).data)
    side_pixels = image_transform(case["encoder"]).size

    def encode(text: str) -> list[int]:
        """A text's ids."""
        return tokenizer.encode(text, add_special_tokens=False).ids

    class Samples(Dataset):  # type: ignore[type-arg]
        """A record at a time: ids, labels, and the crop as uint8[S, S, 3]."""

        def __len__(self) -> int:
            return len(records)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
            record = records[index]
            with Image.open(path.parent / record["image"]) as file:
                image = file.convert("RGB")
            short = min(image.size)
            width, height = (side_pixels * length // short for length in image.size)
            image = image.resize((width, height), Image.Resampling.BICUBIC)
            left, top = ((length - side_pixels) // 2 for length in (width, height))
            image = image.crop((left, top, left + side_pixels, top + side_pixels))
            ids: list[int] = []
            labels: list[int] = []
            for turn in record["conversations"]:
                human = turn["from"] == "human"
                text = (
                    f"<|user|> {turn['value']}\n" if human else f"<|assistant|> {turn['value']}\n"
                )
                piece = encode(text)
                ids += piece
                labels += [-100] * len(piece) if human else piece
            return torch.tensor(ids), torch.tensor(labels), torch.from_numpy(np.array(image))

    def collate(rows: list[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
        """Rows padded to the longest of their batch."""
        ids, labels, images = zip(*rows, strict=True)
        pad = torch.nn.utils.rnn.pad_sequence
        return (
            pad(list(ids), batch_first=True, padding_value=1),
            pad(list(labels), batch_first=True, padding_value=-100),
            torch.stack(list(images)),
        )

    workers = case["workers"]
    loader = DataLoader(
        Samples(),
        batch_size=case["rows"],
        shuffle=True,
        num_workers=workers,
        collate_fn=collate,
        # Started once: our worker, too, lives for longer than an epoch.
        persistent_workers=workers > 0,
    )

    def run() -> int:
        """One epoch."""
        return sum(len(batch[0]) for batch in loader)

    return Workload(run, {"samples": len(records)})
