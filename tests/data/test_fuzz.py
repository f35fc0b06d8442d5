# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged files for every parser: an answer or a declared error, soon, and in little memory.

200 for each in an ordinary run; ROBOMAMBA_FUZZ=10000 for as many as that.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.data import FieldMap
from robomamba_jax.data.cache.record_format import from_record, to_record
from robomamba_jax.data.examples import Example
from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.lrv import LrvSource
from robomamba_jax.data.sources.manipulation import RoboMambaPoses
from robomamba_jax.data.sources.rlds import RldsSource
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.sources.tfrecord import TfRecords, feature_lists
from robomamba_jax.errors import InputError
from tests.data.samples import POSE, picture, turns

COUNT = int(os.environ.get("ROBOMAMBA_FUZZ", "200"))
SECONDS = 1.0
MEMORY = 300 * 2**20  # more than any case may add to the process
FILES = Path(__file__).parent / "files"
CLIP = "<task:planning:freeform> Q: x {} <PRED>A: y</PRED>"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, pieces removed, doubled or overwritten with extremes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(out) + 1)
        size = rng.choice([1, 1, 2, 4, 8, 40])
        kind = rng.randrange(6)
        if kind == 0:
            out[place : place + size] = rng.randbytes(size)
        elif kind == 1:
            del out[place : place + size]
        elif kind == 2:
            out[place:place] = out[place : place + size] * rng.randint(1, 5)
        elif kind == 3:
            out[place : place + size] = rng.choice([b"\xff", b"\x00", b"\x7f", b'"', b"\\"]) * size
        elif kind == 4:
            del out[place:]
        elif place < len(out):
            out[place] ^= 1 << rng.randrange(8)
        if not out:
            break
    return bytes(out)


def all_of(source: Any) -> None:
    """Every sample; each may be a declared error of its own."""
    for index in range(len(source)):
        try:
            source[index]
        except InputError:
            continue


def through(make: Callable[[Path], Any], suffix: str) -> Callable[[bytes, Path], None]:
    def run(data: bytes, folder: Path) -> None:
        path = folder / f"case{suffix}"
        path.write_bytes(data)
        all_of(make(path))

    return run


def rlds(data: bytes, folder: Path) -> None:
    """A damaged shard in a sound folder, past the check sums, which would stop nearly all."""
    source = rlds.source  # type: ignore[attr-defined]
    source._records = [data]
    source._spans = np.zeros((1, 3), np.int64)
    source[0]


rlds.source = RldsSource(  # type: ignore[attr-defined]
    FILES / "robot_episodes" / "1.0.0",
    FieldMap(image="observation/image", answer="language_instruction", steps="steps"),
)
ANSWER = POSE.format(5, 6)
LLAVA = [{"id": str(n), "image": "a.png", "conversations": turns("<image>\nQ", "A")} for n in "123"]
POSES = [{"image": "a.png", "conversations": turns("Where?", ANSWER)} for _ in range(3)]
LRV = [{"image_id": "a.png", "question": "q?", "answer": "a", "task": "negative"}] * 3
CLIPS = [{"uid": "a", "video": "a.mp4", "text": CLIP.format(n)} for n in range(3)]
RECORD = Example(
    "an id",
    np.arange(9, dtype=np.int32),
    np.ones(9, bool),
    np.zeros(1, np.int32),
    np.random.default_rng(0).integers(0, 256, (1, 15, 15, 3), np.uint8),
    np.zeros((1, 32), np.uint8),
)


def encoded(kind: str, **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


Parser = tuple[bytes, Callable[[bytes, Path], Any]]
PARSERS: dict[str, Parser] = {
    "json": (json.dumps(LLAVA).encode(), through(JsonRecords, ".json")),
    "llava": (json.dumps(LLAVA).encode(), through(LlavaSource, ".json")),
    "lrv": (json.dumps(LRV).encode(), through(LrvSource, ".json")),
    "robovqa-json": (
        json.dumps(CLIPS).encode(),
        through(lambda path: RoboVqaJsonSource([path]), ".json"),
    ),
    "poses": (
        json.dumps(POSES).encode(),
        through(lambda path: RoboMambaPoses(path, pixel_order="xy"), ".json"),
    ),
    "tfrecord": (
        (FILES / "robovqa.tfrecord").read_bytes(),
        through(lambda path: RoboVqaSource([path]), ""),
    ),
    "sequence-example": (
        TfRecords(FILES / "robovqa.tfrecord")[0],
        lambda data, folder: feature_lists(data, "r"),
    ),
    "rlds": (TfRecords(next(FILES.glob("robot_episodes/*/*tfrecord*")))[0], rlds),
    "prepared": (to_record(RECORD, "png"), lambda data, folder: from_record(data, "r", 15)),
    "png": (encoded("PNG"), lambda data, folder: open_image(data)),
    "jpeg": (encoded("JPEG"), lambda data, folder: open_image(data)),
    "webp": (encoded("WEBP"), lambda data, folder: open_image(data)),
    "gif": (encoded("GIF"), lambda data, folder: open_image(data)),
    "bmp": (encoded("BMP"), lambda data, folder: open_image(data)),
}


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")  # PIL's, on damaged metadata
@pytest.mark.parametrize("name", PARSERS)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    """Only declared errors; none takes a second; memory stays bounded."""
    picture(tmp_path / "a.png", np.random.default_rng(0))
    data, parse = PARSERS[name]
    rng = random.Random(name)
    slowest, errors, several_lines = 0.0, 0, 0
    parse(data, tmp_path)  # whole, it is an answer
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for _ in range(COUNT):
        case = mutated(data, rng)
        start = time.thread_time()
        try:
            parse(case, tmp_path)
        except InputError as error:
            errors += 1
            several_lines += "\n" in str(error)
        slowest = max(slowest, time.thread_time() - start)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert several_lines == 0
    assert slowest < SECONDS
    assert grown < MEMORY
    # Damage that is never noticed would mean that nothing is looked at.
    assert errors > (0 if name == "bmp" else COUNT // 50)
