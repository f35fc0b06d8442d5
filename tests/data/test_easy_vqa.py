# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Real images, questions and answers with a split of their own: easy-vqa, as LLaVA files."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.text.prompts import IMAGE

SPLITS = {"train": 38_575, "test": 9_673}


def package() -> Path:
    found = importlib.util.find_spec("easy_vqa")
    if found is None or not found.submodule_search_locations:
        pytest.skip("easy-vqa is not installed")
    return Path(found.submodule_search_locations[0]) / "data"


def llava_file(folder: Path, split: str, most: int | None = None) -> tuple[Path, list[str]]:
    """A split, or its first questions, as a LLaVA file, and the answers; the images stay in the
    package."""
    questions = json.loads((package() / split / "questions.json").read_text())[:most]
    records = [
        {
            "id": f"{split}-{number}",
            "image": f"{split}/images/{image}.png",
            "conversations": [
                {"from": "human", "value": f"{IMAGE}\n{question}"},
                {"from": "gpt", "value": answer},
            ],
        }
        for number, (question, answer, image) in enumerate(questions)
    ]
    path = folder / f"{split}.json"
    path.write_text(json.dumps(records))
    return path, [answer for _, answer, _ in questions]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both splits as LLaVA files."""
    folder = tmp_path_factory.mktemp("easy")
    return {split: llava_file(folder, split)[0] for split in SPLITS}


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_a_split_through_the_pipeline(split: str, files: dict[str, Path]) -> None:
    """Every question once in a packed epoch; the pixels are the images' own."""
    source = SourceConfig(str(files[split]), name=split, root=str(package()))
    encoding = EncodingConfig(tokenizer="nano", transform="nano")
    batch = BatchConfig(batch_size=8, packing=True, seq_len=2048, image_tokens=64)
    with BatchLoader(DataConfig((source,), encoding, batch), workers=2) as pipeline:
        assert len(pipeline.sample_index) == SPLITS[split]
        steps = pipeline.plan.start_of(1)
        layouts = [pipeline.plan.layout(step) for step in range(steps)]
        numbers = sorted(n for layout in layouts for row in layout.rows for n in row)
        assert numbers == list(range(SPLITS[split]))
        assert pipeline.plan.facts()["efficiency"] > 0.95
        tokenizer = pipeline._pool.tasks.encoder.tokenizer
        records = json.loads(files[split].read_text())
        for found in pipeline.batches(0, 2):
            for row, members in enumerate(found.samples):
                _check_row(found.arrays, row, members, records, tokenizer)


def _check_row(arrays: dict, row: int, members: list[int], records: list, tokenizer) -> None:
    """Text, learned words and pixels of each sample of a row."""
    for place, number in enumerate(members):
        record = records[number]
        here = (arrays["segment_ids"][row] == place) & arrays["mask"][row]
        question = record["conversations"][0]["value"].removeprefix(f"{IMAGE}\n")
        answer = record["conversations"][1]["value"]
        text = tokenizer.decode(arrays["input_ids"][row][here], skip_special=False)
        assert text == f"<|user|> {question}\n<|assistant|> {answer}\n<|endoftext|>"
        said = here & arrays["loss_mask"][row]
        assert tokenizer.decode(arrays["input_ids"][row][said]) == f" {answer}\n"
        assert arrays["image_positions"][row, place] == np.flatnonzero(here)[0]
        if place < 3:
            with Image.open(package() / record["image"]) as picture:
                own = picture.convert("RGB").resize((112, 112), Image.Resampling.BICUBIC)
            np.testing.assert_array_equal(arrays["images"][row, place], np.asarray(own))
