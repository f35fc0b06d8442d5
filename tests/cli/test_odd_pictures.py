# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``predict`` and ``generate`` on pictures that open, but are not plain: answered, drawn, written;
and what of an item fails ends nothing but that item."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli.predict import INSTRUCTION
from robomamba_jax.data.images.drawing import draw_pose
from tests.cli.asked import answers, lines, run
from tests.data.odd_pictures import telling, told_by, transparent

KINDS = ("bit", "wide", "grey", "rgb", "palette")


@pytest.fixture(autouse=True)
def _files(inside: Path) -> None:
    """PNGs with a transparent colour beside the others, and the same pictures without."""
    for name, (data, pixels) in transparent().items():
        Path(f"{name}.png").write_bytes(data)
        Image.fromarray(pixels).save(f"plain_{name}.png")


@pytest.fixture
def ask(models: Path) -> list[Any]:
    return ["predict", "--checkpoint", models / "whole"]


@pytest.mark.parametrize("name", KINDS)
def test_a_transparent_colour(
    name: str,
    ask: list[Any],
    loaded: tuple[rm.Model, rm.Processor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The pose and the picture, of either kind, are those of the same pixels without it."""
    pose = rm.predict_pose(*loaded, f"plain_{name}.png", INSTRUCTION)
    want = draw_pose(Image.open(f"plain_{name}.png"), pose.contact_xy, pose.rotation)
    for ending, form in (("png", "PNG"), ("jpg", "JPEG")):
        status, out, err = run(capsys, *ask, "--image", f"{name}.png", "--out", f"pose.{ending}")
        assert (status, err) == (0, "")
        assert out.startswith("contact   ({:.1f}, {:.1f})".format(*pose.contact_xy))
        stored = io.BytesIO()
        want.save(stored, form)
        data = Path(f"pose.{ending}").read_bytes()
        assert told_by(data) == []
        assert data == stored.getvalue()


@pytest.mark.parametrize("bad", ["raise", "skip"])
def test_a_batch_with_all_of_them(
    bad: str, ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every one has its answer and its picture."""
    lines(tmp_path / "q.jsonl", *({"image": f"{name}.png"} for name in ("a", *KINDS, "b")))
    words = ["--batch", "q.jsonl", "--out", "p.jsonl", "--save-images", "new", "--on-error", bad]
    assert run(capsys, *ask, *words) == (0, "p.jsonl: 7 poses\n", "")
    assert all("error" not in line for line in answers(Path("p.jsonl")))
    assert len(list(Path("new").iterdir())) == 7


def test_a_picture_that_cannot_be_written(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line has the error, the lines behind it have poses; without skip it is named."""
    lines(tmp_path / "q.jsonl", *({"image": f"{name}.png"} for name in ("a", "b", "bit")))
    Path("new").mkdir()
    Path("new/000002_b_pose.png").symlink_to("nowhere/x.png")
    words = [*ask, "--batch", "q.jsonl", "--save-images", "new"]
    status, _, err = run(capsys, *words, "--out", "e.jsonl")
    assert status == 2
    assert "q.jsonl line 2: new/000002_b_pose.png" in err
    assert run(capsys, *words, "--out", "p.jsonl", "--on-error", "skip")[0] == 0
    first, second, third = answers(Path("p.jsonl"))
    assert "contact_xy" in first
    assert "contact_xy" in third
    assert second["error"]["kind"] == "cannot_write"
    assert "000002_b_pose.png" in second["error"]["message"]


@pytest.mark.slow
def test_what_fits_no_jpeg(ask: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says what would, not PIL's error."""
    Image.new("RGB", (66_000, 300)).save("long.png")
    status, out, err = run(capsys, *ask, "--image", "long.png", "--out", "pose.jpg")
    assert (status, out) == (2, "")
    assert "a JPEG has at most 65,500 pixels a side" in err
    assert err.count("\n") == 1
    assert run(capsys, *ask, "--image", "long.png", "--out", "pose.png")[0] == 0


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_nothing_of_the_inputs_file_is_written(
    form: str, ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Place, time, profile and notes stay where they are: one picture, and a batch of them."""
    name = f"in.{form.lower()}"
    Path(name).write_bytes(telling(form))
    for out in ("out.png", "out.jpg"):
        assert run(capsys, *ask, "--image", name, "--out", out)[0] == 0
        assert told_by(Path(out).read_bytes()) == []
    lines(tmp_path / "q.jsonl", {"image": name})
    words = ["--batch", "q.jsonl", "--out", "p.jsonl", "--save-images", "new"]
    assert run(capsys, *ask, *words)[0] == 0
    assert told_by(Path("new/000001_in_pose.png").read_bytes()) == []


def test_depth_files_that_are_none(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Depths of hostile bytes and a picture that cannot be written, one of 16 bits with a
    transparent grey: each is its item's error, and the batch goes on to the end."""
    import json

    camera = {"width": 32, "height": 24, "K": [[40.0, 0, 16], [0, 40.0, 12], [0, 0, 1]]}
    Path("camera.json").write_text(json.dumps(camera))
    np.save("deep.npy", np.full((24, 32), 0.5, np.float32))
    whole = Path("deep.npy").read_bytes()
    Path("bad.npy").write_bytes(whole.replace(b"'<f4'", b"'|O' ", 1))
    Path("worse.npy").write_bytes(whole.replace(b"(24, 32)", b"(24, -2)", 1))
    Path("cut.png").write_bytes(transparent()["wide"][0][:60])
    scenes = [
        {"image": "a.png", "depth": depth, "camera": "camera.json"}
        for depth in ("deep.npy", "bad.npy", "worse.npy", "cut.png", "deep.npy")
    ]
    lines(tmp_path / "q.jsonl", *scenes, {"image": "wide.png"})
    Path("new").mkdir()
    Path("new/000006_wide_pose.png").symlink_to("nowhere/x.png")
    words = ["--batch", "q.jsonl", "--out", "p.jsonl", "--save-images", "new", "--on-error", "skip"]
    assert run(capsys, *ask, *words)[0] == 0
    found = answers(Path("p.jsonl"))
    kinds = [line.get("error", {}).get("kind") for line in found]
    assert kinds == [None, "bad_depth", "bad_depth", "bad_depth", None, "cannot_write"]
    assert found[0]["point_camera"][2] == pytest.approx(0.5)
