# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba predict`` as a user runs it: the pose, its picture, depth and camera, mistakes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli import loading
from robomamba_jax.cli.predict import INSTRUCTION
from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.pose import gripper_angles
from tests.cli.asked import answers, as_json, check_mistake, lines, run

KEYS = {
    *("schema", "seconds", "contact_xy", "rotation", "rotation6d", "point_camera", "point_world"),
    *("gripper_open", "frame", "image_size"),
}
K = [[40.0, 0.0, 16.0], [0.0, 40.0, 12.0], [0.0, 0.0, 1.0]]
TO_WORLD = [[0.0, 0.0, 1.0, 0.5], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 1.0], [0, 0, 0, 1.0]]


@pytest.fixture(autouse=True)
def _files(inside: Path) -> None:
    """Depth in both formats and cameras beside the pictures."""
    depth = np.full((24, 32), 0.75, np.float32)
    np.save("depth.npy", depth)
    Image.fromarray((depth * 1000).astype(np.uint16)).save("depth.png")
    Image.fromarray(np.zeros((24, 32), np.uint16)).save("unknown.png")
    np.save("small.npy", depth[:20])
    camera = {"width": 32, "height": 24, "K": K}
    Path("camera.json").write_text(json.dumps({**camera, "camera_to_world": TO_WORLD}))
    Path("other.json").write_text(json.dumps({**camera, "width": 33}))
    Path("broken.json").write_text("{")


@pytest.fixture
def ask(models: Path) -> list[Any]:
    """The words with which most commands begin."""
    return ["predict", "--checkpoint", models / "whole", "--image", "a.png"]


@pytest.mark.slow
def test_the_pose(
    ask: list[Any], loaded: tuple[rm.Model, rm.Processor], capsys: pytest.CaptureFixture[str]
) -> None:
    """The API's, for the question of ManipLLM unless another is put; exactly the keys."""
    for words, instruction in (([], INSTRUCTION), (["--instruction", "open it"], "open it")):
        want = rm.predict_pose(*loaded, "a.png", instruction).to_json()
        found = as_json(capsys, *ask, *words, "--out", "none")
        assert set(found) == KEYS
        assert found["schema"] == "robomamba.predict/1"
        assert {key: found[key] for key in want} == want
    assert not list(Path().glob("*_pose.*"))


def test_for_people(
    ask: list[Any], loaded: tuple[rm.Model, rm.Processor], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each part, and the picture in this folder."""
    status, out, err = run(capsys, *ask)
    pose = rm.predict_pose(*loaded, "a.png", INSTRUCTION)
    assert (status, err) == (0, "")
    told = dict(line.split(None, 1) for line in out.splitlines())
    x, y = pose.contact_xy
    assert told["contact"] == f"({x:.1f}, {y:.1f}) in 32x24 pixels"
    assert "forward" in told["approach"]
    assert told["angles"].count("°") == 3
    assert told["point"] == "none: no depth was given"
    assert told["image"] == "a_pose.png"
    with Image.open("a.png") as image, Image.open("a_pose.png") as drawn:
        want = draw_pose(image, pose.contact_xy, pose.rotation)
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(want))


@pytest.mark.parametrize("depth", ["depth.npy", "depth.png"])
def test_depth_gives_a_point(
    depth: str, ask: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the camera's frame and the world's; the picture is in the camera's perspective."""
    words = [*ask, "--depth", depth, "--camera", "camera.json", "--out", "new/pose.jpg"]
    found = as_json(capsys, *words)
    (x, y), point = found["contact_xy"], found["point_camera"]
    assert point == pytest.approx([(x - 16) / 40 * 0.75, (y - 12) / 40 * 0.75, 0.75])
    assert found["point_world"] == pytest.approx([0.5 + 0.75, -point[0], 1 - point[1]])
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert f"world     x +1.2500, y {-point[0]:+.4f}" in out
    with Image.open("new/pose.jpg") as drawn:
        assert drawn.format == "JPEG"


def test_the_cameras_perspective(
    ask: list[Any], loaded: tuple[rm.Model, rm.Processor], capsys: pytest.CaptureFixture[str]
) -> None:
    """A camera alone is enough for it; a depth that is unknown there gives no point."""
    status, out, _ = run(capsys, *ask, "--camera", "camera.json", "--depth", "unknown.png")
    assert status == 0
    assert "point     none: the depth at column" in out
    assert run(capsys, *ask, "--camera", "camera.json", "--out", "alone.png")[0] == 0
    assert Path("a_pose.png").read_bytes() == Path("alone.png").read_bytes()
    pose = rm.predict_pose(*loaded, "a.png", INSTRUCTION)
    camera = rm.Camera.from_json("camera.json")
    with Image.open("a.png") as image, Image.open("alone.png") as drawn:
        want = draw_pose(image, pose.contact_xy, pose.rotation, camera=camera)
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(want))


ANGLES = st.floats(-math.pi + 0.01, math.pi - 0.01)


@given(ANGLES, st.floats(-1.5, 1.5), ANGLES)
def test_angles(yaw: float, pitch: float, roll: float) -> None:
    """Turned right, then up, then clockwise about the approach, by matrices."""
    looks_along = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0.0]])
    cos, sin = np.cos, np.sin
    right = [[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]]
    up = [[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]]
    clockwise = [[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]]
    rotation = np.array(right) @ np.array(up) @ np.array(clockwise) @ looks_along
    assert gripper_angles(rotation) == pytest.approx((yaw, pitch, roll), abs=1e-6)


WRONG: dict[str, tuple[list[str], str]] = {
    "a flag": (["--instructon", "x"], "did you mean --instruction?"),
    "no picture": (["--image", "no.png"], "'no.png' does not exist"),
    "half a picture": (["--image", "cut.png"], "'cut.png' cannot be decoded"),
    "a text": (["--image", "text.png"], "'text.png' is a text file, not PNG"),
    "depth alone": (["--depth", "depth.npy"], "depth depth.npy was given without a camera"),
    "a small depth": (
        ["--depth", "small.npy", "--camera", "camera.json"],
        "depth file small.npy is 32x20, the image 32x24",
    ),
    "a picture as depth": (["--depth", "a.png", "--camera", "camera.json"], "PNG of mode RGB"),
    "no depth": (
        ["--depth", "no.npy", "--camera", "camera.json"],
        "depth file no.npy does not exist",
    ),
    "another camera": (["--camera", "other.json"], "the camera takes 33x24"),
    "a broken camera": (["--camera", "broken.json"], "camera file broken.json is"),
    "the input": (["--out", "a.png"], "--out a.png is the input a.png"),
    "the input by a link": (["--out", "link.png"], "--out link.png is the input a.png"),
    "another format": (["--out", "pose.gif"], "give a .png or .jpg file, or none"),
    "below a file": (["--out", "a.png/pose.png"], "is not a folder"),
    "no checkpoint": (["--checkpoint", "no/such"], "no/such does not exist"),
    "pictures": (["--save-images", "new"], "--save-images belongs to --batch"),
    "a batch": (["--batch", "q.jsonl"], "--batch has its own images"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_words(
    what: str,
    ask: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line that names the thing, before a model is loaded."""
    monkeypatch.setattr(loading, "load", None)
    Path("link.png").hardlink_to("a.png")
    words, complaint = WRONG[what]
    check_mistake(capsys, tmp_path, [*ask, *words], complaint)


@pytest.mark.parametrize(
    ("name", "complaint"), [("blind", "no image encoder"), ("headless", "no policy head")]
)
def test_a_model_that_cannot(
    name: str,
    complaint: str,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen from its configuration."""
    monkeypatch.setattr(loading, "load", None)
    lines(tmp_path / "q.jsonl", {"image": "a.png"})
    for words in (["--image", "a.png"], ["--batch", "q.jsonl"]):
        words = ["predict", "--checkpoint", models / name, *words]
        check_mistake(capsys, tmp_path, words, complaint)


def test_no_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """There is nothing to look at."""
    check_mistake(capsys, tmp_path, ["predict"], "--image is missing")


def test_a_batch(
    models: Path,
    loaded: tuple[rm.Model, rm.Processor],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the input's order, each with its picture; wrong lines in their places; nothing twice."""
    scene = {"depth": "depth.png", "camera": "camera.json"}
    lines(
        tmp_path / "q.jsonl",
        {"id": "x/y", "image": "a.png", "instruction": "open it", **scene},
        {"image": "cut.png"},
        {"image": "wide.jpg", **scene},
        {"image": "wide.jpg"},
    )
    words = ["predict", "--checkpoint", models / "whole", "--batch", "q.jsonl", "--out", "p.jsonl"]
    check_mistake(capsys, tmp_path, words, "q.jsonl line 2: image 'cut.png' cannot be decoded")
    words += ["--on-error", "skip", "--save-images", "new/drawn"]
    status, out, err = run(capsys, *words)
    assert (status, out, err) == (0, "p.jsonl: 2 poses\n", "2 of 4 lines were wrong\n")
    first, second, third, fourth = answers(Path("p.jsonl"))
    camera, depth = rm.Camera.from_json("camera.json"), np.load("depth.npy")
    want = rm.predict_pose(*loaded, "a.png", "open it", depth, camera)
    assert {key: first[key] for key in want.to_json()} == want.to_json()
    assert (first["id"], first["why_no_point"]) == ("x/y", None)
    assert second["error"]["kind"] == "bad_image"
    assert "the camera takes 32x24" in third["error"]["message"]
    assert (fourth["id"], fourth["why_no_point"]) == (4, "no depth was given")
    drawn = {path.name for path in Path("new/drawn").iterdir()}
    assert drawn == {"000001_a_pose.png", "000004_wide_pose.png"}
    whole = Path("p.jsonl").read_bytes()
    Path("p.jsonl").write_bytes(whole[:-20])
    told = as_json(capsys, *words)
    assert (told["schema"], told["kept"], told["bad"]) == ("robomamba.predict/1", 3, 2)
    assert Path("p.jsonl").read_bytes() == whole
