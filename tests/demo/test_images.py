# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a report: whose they are, how large, and whether what is said of them is so."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.demo.report.images import (
    clip_images,
    data_uri,
    jpeg_uri,
    pose_images,
    question_images,
)
from tests.demo.small_demo import ASKED, TRIED, write_answers, write_outcomes


def opened(uri: str, kind: str) -> Image.Image:
    """The image in a data URI."""
    head, _, data = uri.partition(",")
    assert head == f"data:image/{kind};base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_data_uris() -> None:
    """Bytes as they are; large images are made small, small ones stay."""
    assert data_uri(b"abc", "gif") == "data:image/gif;base64,YWJj"
    for size, expected in (((448, 300), (224, 150)), ((64, 48), (64, 48))):
        image = Image.new("RGBA", size, (200, 30, 30, 255))
        small = opened(jpeg_uri(image), "jpeg")
        assert small.size == expected
        assert image.size == size
        assert abs(np.asarray(small).astype(int)[5, 5] - [200, 30, 30]).max() < 6


def test_a_trial_of_each_category(tmp_path: Path) -> None:
    """The second one of each, in order, as it went; with one trial each, that."""
    write_outcomes(tmp_path / "two")
    found = pose_images(tmp_path / "two")
    assert [entry["category"] for entry in found] == ["safe", "door", "toilet", "flip phone"]
    assert [entry["success"] for entry in found] == [False, True, False, True]
    assert [entry["split"] for entry in found] == ["seen", "seen", "unseen", "unseen"]
    assert found[1]["instruction"] == "Move the door."
    grays = [np.asarray(opened(entry["image"], "jpeg"))[0, 0, 0] for entry in found]
    assert np.abs(np.subtract(grays, [20, 60, 100, 140])).max() < 4
    file = tmp_path / "two" / "outcomes.json"
    outcomes = json.loads(file.read_text())
    file.write_text(json.dumps({k: v for k, v in outcomes.items() if k.endswith("_0000")}))
    assert [entry["success"] for entry in pose_images(tmp_path / "two")] == [
        *(True, False, True, False)
    ]


def test_clips_begin_with_those_that_worked(tmp_path: Path) -> None:
    """And end with at most two that did not."""
    write_outcomes(tmp_path / "out")
    found = clip_images(tmp_path / "out")
    assert [entry["category"] for entry in found] == ["safe", "toilet", "door", "flip phone"]
    assert [entry["success"] for entry in found] == [True, True, False, False]
    assert {entry["policy"] for entry in found} == {"nano"}
    data = (tmp_path / "out" / "Safe_0000.gif").read_bytes()
    assert found[0]["image"] == data_uri(data, "gif")
    for name in TRIED:
        (tmp_path / "out" / f"{name}_0000.gif").unlink()
    assert clip_images(tmp_path / "out") == []


def test_most_clips_are_left_out(tmp_path: Path) -> None:
    """Eight of many: six that worked, two that failed."""
    write_outcomes(tmp_path / "out")
    outcome = json.loads((tmp_path / "out" / "outcomes.json").read_text())["Safe_0000"]
    many = {f"Safe_{k:04d}": {**outcome, "success": k % 2 == 0} for k in range(40)}
    (tmp_path / "out" / "outcomes.json").write_text(json.dumps(many))
    for path in list((tmp_path / "out").glob("*.gif")):
        path.rename(tmp_path / "kept.gif")
    for name in many:
        (tmp_path / "out" / f"{name}.gif").write_bytes((tmp_path / "kept.gif").read_bytes())
    found = [entry["success"] for entry in clip_images(tmp_path / "out")]
    assert found == [True] * 6 + [False] * 2


@pytest.mark.parametrize("name", ASKED)
def test_questions_with_what_was_said(tmp_path: Path, name: str) -> None:
    """Spread over the benchmark, each marked as its scorer does; one without an answer is none."""
    write_answers(tmp_path / "bench" / name, tmp_path / "eval" / name, name)
    found = question_images(tmp_path / "bench", tmp_path / "eval")
    assert len(found) == 6
    for entry in found:
        assert entry["right"] == (entry["prediction"] == entry["reference"])
        assert opened(entry["image"], "jpeg").width <= 224
        assert entry["question"]
    assert len({entry["right"] for entry in found}) == 2
    assert len({entry["kind"] for entry in found}) == 1


def test_benchmarks_that_were_not_asked(tmp_path: Path) -> None:
    """Show nothing."""
    assert question_images(tmp_path / "bench", tmp_path / "eval") == []
