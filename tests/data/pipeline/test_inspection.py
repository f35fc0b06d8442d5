# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What an inspection counts, against counts by hand; which format a path has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.config.data import EncodingConfig, SourceConfig
from robomamba_jax.data.examples import open_tokenizer
from robomamba_jax.data.pipeline.contact_sheet import contact_sheet
from robomamba_jax.data.pipeline.datasets import SourceDataset
from robomamba_jax.data.pipeline.inspection import histogram, inspect, inspection_config, lengths
from robomamba_jax.data.pipeline.tasks import DataPool
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.errors import InputError
from tests.data.pipeline.test_loader import spoiled
from tests.data.samples import POSE, llava, picture, poses, turns

TINY = EncodingConfig(tokenizer="tiny", transform="tiny", max_tokens=2**40)


def report(path: Path, workers: int = 0, encoding: EncodingConfig = TINY, **more: Any) -> Any:
    source = SourceConfig(str(path), pixel_order="xy")
    kind = detect(str(path))
    with DataPool(inspection_config(source, kind, encoding), workers) as pool:
        return inspect(pool, kind, str(path), **more)


@pytest.mark.parametrize("workers", [0, 2])
def test_counts(workers: int, tmp_path: Path) -> None:
    """Records, images, tokens and lengths of a sound file, counted another way."""
    path = llava(tmp_path, 40)
    found = report(path, workers)
    records = json.loads(path.read_text())
    tokenizer, template = open_tokenizer("tiny"), prompt_template("standard")
    sizes, learned = [], 0
    for record in records:
        talk = [(t["from"], t["value"].replace("<image>\n", "")) for t in record["conversations"]]
        ids, supervised = template.encode_turns(tokenizer, talk)
        sizes.append(len(ids))
        learned += sum(supervised)
    pictured = sum("image" in record for record in records)
    assert found["format"] == "llava"
    assert found["records"] == found["inspected"] == 40
    assert found["images"] == {"found": pictured, "missing": 0, "broken": 0}
    assert found["tokens"] == {"total": sum(sizes), "supervised": learned}
    assert found["text_only"] == 40 - pictured
    assert found["lengths"]["max"] == max(sizes)
    assert found["lengths"]["p50"] == sorted(sizes)[19]
    assert sum(count for _, _, count in found["histogram"]) == 40
    assert found["problems"] == []
    assert found["schema"] == "robomamba.data inspect/1"


def test_problems_are_counted_and_named(tmp_path: Path) -> None:
    """Missing, broken, outside, malformed: each by its sample, none stops the rest."""
    found = report(spoiled(tmp_path))
    assert found["images"] == {"found": 6, "missing": 1, "broken": 4}
    problems = {problem["index"]: problem for problem in found["problems"]}
    assert set(problems) == {1, 3, 4, 5, 7, 8, 9}
    assert problems[1]["id"] == "s1"
    assert all(problem["reason"] for problem in found["problems"])
    assert found["records"] == 13
    unseen = report(tmp_path / "data.json", images=False)
    assert unseen["images"] == {"found": 10, "missing": 1, "broken": 0}
    some = report(tmp_path / "data.json", limit=4)
    assert (some["records"], some["inspected"]) == (13, 4)


def test_poses_outside_the_crop(tmp_path: Path) -> None:
    """A contact that training cannot use is a problem of its sample."""
    path = poses(tmp_path, 4)
    records = json.loads(path.read_text())
    records[2]["conversations"][1]["value"] = POSE.format(23, 9)
    path.write_text(json.dumps(records))
    pose = EncodingConfig(tokenizer="tiny", transform="tiny", target="pose", max_tokens=2**40)
    found = report(path, encoding=pose)
    assert found["format"] == "robomamba-poses"
    assert [problem["kind"] for problem in found["problems"]] == ["outside_crop"]
    assert found["tokens"]["supervised"] > 0


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=200))
def test_lengths(values: list[int]) -> None:
    """Quantiles are lengths that occur; the histogram loses none."""
    text = np.array(values)
    found = lengths(text)
    assert set(found.values()) <= set(values)
    assert found["p50"] == sorted(values)[-(-len(values) // 2) - 1]
    assert found["max"] == max(values)
    bars = histogram(text)
    assert sum(count for _, _, count in bars) == len(values)
    assert len(bars) <= 12
    for low, high, count in bars:
        assert count == sum(low <= value <= high for value in values)


FORMATS: dict[str, Any] = {
    "llava": [{"id": "1", "conversations": turns("hi", "hello")}],
    "lrv": [{"image_id": "1", "question": "q", "answer": "a"}],
    "robovqa-json": {"uid": "1", "video": "1.mp4", "text": "<task:a> Q: x A: y"},
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str, tmp_path: Path) -> None:
    """By what a record has; a damaged one before it does not hide it."""
    path = tmp_path / "data.json"
    path.write_text(json.dumps(FORMATS[name]))
    assert detect(str(path)) == name
    if isinstance(FORMATS[name], list):
        path.write_text(json.dumps([{"x": 1}, *FORMATS[name]]))
        assert detect(str(path)) == name
    picture(tmp_path / "1.jpg", np.random.default_rng(0))
    assert len(open_source(SourceConfig(str(path)))) >= 1


UNKNOWN: dict[str, tuple[Any, str]] = {
    "nothing there": (None, "does not exist"),
    "other records": ('[{"a": 1, "b": 2}]', "has records of a, b"),
    "no records": ("[]", "no records"),
    "text": ("hello, this is a text and no record", "neither JSON nor TFRecord"),
    "empty": ("", "neither JSON nor TFRecord"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_no_format(what: str, tmp_path: Path) -> None:
    """One line that names the path."""
    content, complaint = UNKNOWN[what]
    path = tmp_path / "data.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=complaint) as caught:
        detect(str(path))
    assert "data.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="holds no data"):
        detect(str(tmp_path))


def test_custom_sources(tmp_path: Path) -> None:
    """A user's own function, by name; a wrong name is said."""
    path = llava(tmp_path, 3)
    factory = "robomamba_jax.data.sources.llava:LlavaSource"
    source = SourceConfig(str(path), format="custom", factory=factory)
    assert len(open_source(source)) == 3
    for wrong in (None, "nonsense", "no.such:thing", "robomamba_jax.data.sources.llava:Nothing"):
        with pytest.raises(InputError, match="factory"):
            open_source(SourceConfig(str(path), format="custom", factory=wrong))


@pytest.mark.parametrize("count", [1, 3, 30])
def test_contact_sheets(count: int, tmp_path: Path) -> None:
    """Every sample has a cell; a bad one says why in red."""
    spoiled_path = spoiled(tmp_path)
    config = inspection_config(SourceConfig(str(spoiled_path)), "llava", TINY)
    with DataPool(config) as pool:
        (part,) = pool.tasks.datasets
        assert isinstance(part, SourceDataset)
        page = contact_sheet(part, count)
    shown = min(count, 13)
    assert page.width == min(4, shown) * 350 + 10
    assert page.height == -(-shown // 4) * 420 + 10
    pixels = np.asarray(page).astype(int)[230:]  # below the pictures of the first line
    red = (pixels == (190, 0, 0)).all(-1)
    assert red.any() == (shown > 1)
