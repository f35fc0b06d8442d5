# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras, their files, lifting and projecting on analytic scenes, depth files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.data.geometry.camera import Camera, read_depth, sample_depth
from robomamba_jax.errors import InputError

FIELDS: dict[str, Any] = {
    "width": 640,
    "height": 427,
    "K": [[610.5, 1.25, 331.0], [0.0, 598.25, 200.75], [0.0, 0.0, 1.0]],
    # x of the camera is world -y, y is -z, z is world x; one metre up, two to the left.
    "camera_to_world": [[0, 0, 1, 0.5], [-1, 0, 0, 2.0], [0, -1, 0, 1.0], [0, 0, 0, 1]],
}
CAMERA = Camera(**FIELDS)
WALL, FLOOR = 2.5, 0.6  # a wall at z = 2.5 m and a floor at y = 0.6 m below the camera


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A floor in front of a wall, as (depth float32[H, W], points float64[H, W, 3]).

    Each pixel's ray is followed in float64 to the plane that it meets first.
    """
    fx, skew, cx, fy, cy = (FIELDS["K"][r][c] for r, c in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2)))
    x, y = np.meshgrid(np.arange(640) + 0.5, np.arange(427) + 0.5)
    down = (y - cy) / fy
    right = (x - cx - skew * down) / fx
    with np.errstate(divide="ignore"):
        depth = np.where(down > 0, np.minimum(WALL, FLOOR / down), WALL)
    return depth.astype(np.float32), np.stack([right * depth, down * depth, depth], axis=-1)


def test_an_analytic_scene() -> None:
    """Every lifted pixel within 1e-4 m of the true point; projected back, the pixel."""
    depth, points = scene()
    y, x = np.mgrid[0:427, 0:640] + 0.5
    pixels = np.stack([x, y], axis=-1)
    lifted = CAMERA.lift(pixels, depth)
    assert np.abs(lifted - points).max() < 1e-4
    assert np.abs(CAMERA.project(lifted) - pixels).max() < 1e-9
    assert (depth < WALL).any()
    corner = sample_depth(depth, (639.9, 426.9)).depth_m
    assert corner == depth[426, 639]
    assert corner != depth[0, 639]


@given(st.floats(-500, 1200), st.floats(-500, 900), st.floats(0.01, 50))
def test_lift_and_project_are_inverse(x: float, y: float, depth: float) -> None:
    """Inside the image and outside it."""
    point = CAMERA.lift((x, y), depth)
    assert point[2] == depth
    np.testing.assert_allclose(CAMERA.project(point), (x, y), atol=1e-9)


def test_the_pixel_convention() -> None:
    """The principal point at pixel coordinates (cx, cy): a ray straight ahead; x right, y down."""
    np.testing.assert_array_equal(CAMERA.lift((331.0, 200.75), 3.0), [0, 0, 3])
    assert CAMERA.lift((332, 200.75), 1.0)[0] > 0
    assert CAMERA.lift((331, 201), 1.0)[1] > 0
    square = Camera(2, 2, np.array([[1.0, 0, 1], [0, 1, 1], [0, 0, 1]]))
    np.testing.assert_array_equal(square.lift((0.5, 1.5), 2.0), [-1, 1, 2])


def test_to_world() -> None:
    """A point one metre ahead, 0.1 to the right and 0.2 below."""
    np.testing.assert_allclose(CAMERA.to_world([0.1, 0.2, 1.0]), [1.5, 1.9, 0.8])
    assert CAMERA.to_world(np.ones((4, 5, 3))).shape == (4, 5, 3)
    with pytest.raises(InputError, match="camera_to_world"):
        Camera(640, 427, CAMERA.K).to_world([0, 0, 1])


def test_files_there_and_back(tmp_path: Path) -> None:
    """The same numbers, and no camera_to_world where there was none; null is absent."""
    path = tmp_path / "camera.json"
    for pose in (CAMERA.camera_to_world, None):
        Camera(640, 427, CAMERA.K, pose).to_json(path)
        again = Camera.from_json(path)
        np.testing.assert_array_equal(again.K, CAMERA.K)
        assert ("camera_to_world" in json.loads(path.read_text())) == (pose is not None)
        np.testing.assert_array_equal(again.camera_to_world, pose)  # type: ignore[arg-type]
    assert Camera.from_dict({**FIELDS, "camera_to_world": None}).camera_to_world is None
    with pytest.raises(ValueError, match="read-only"):
        CAMERA.K[0, 0] = 1


BROKEN = {
    "no K": ({"K": ...}, "no K"),
    "no width": ({"width": ...}, "no width"),
    "a misspelt field": ({"camera_to_word": []}, "did you mean camera_to_world"),
    "K of another shape": ({"K": [[1, 0], [0, 1]]}, "K is not 3 x 3"),
    "K ragged": ({"K": [[1, 0], [0]]}, "K is not 3 x 3"),
    "K of words": ({"K": "identity"}, "K is not 3 x 3"),
    "K not finite": ({"K": [[1, 0, float("nan")], [0, 1, 0], [0, 0, 1]]}, "K is not 3 x 3"),
    "K transposed": ({"K": [[1, 0, 0], [0, 1, 0], [5, 5, 1]]}, "fx"),
    "K with no focal length": ({"K": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]}, "fx"),
    "a width of 0": ({"width": 0}, "whole number"),
    "a width in words": ({"width": "640"}, "whole number"),
    "a pose of 3 rows": ({"camera_to_world": np.eye(4)[:3].tolist()}, "4 x 4"),
    "a mirrored pose": ({"camera_to_world": np.diag([1, 1, -1, 1]).tolist()}, "rigid"),
    "a scaled pose": ({"camera_to_world": np.diag([2, 2, 2, 1]).tolist()}, "rigid"),
    "a pose by columns": (
        {"camera_to_world": np.array(FIELDS["camera_to_world"]).T.tolist()},
        "rigid",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_camera_file(case: str, tmp_path: Path) -> None:
    """One line that names the file and the mistake."""
    changes, said = BROKEN[case]
    path = tmp_path / "camera.json"
    fields = {key: value for key, value in {**FIELDS, **changes}.items() if value is not ...}
    path.write_text(json.dumps(fields))
    check_complaint(lambda: Camera.from_json(path), said, "camera.json")


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "[" * 100_000, " " * 70_000, "\xff"])
def test_no_camera_file(text: str, tmp_path: Path) -> None:
    """Other JSON, no JSON, too deep, too long, no UTF-8."""
    path = tmp_path / "camera.json"
    path.write_bytes(text.encode("latin1"))
    check_complaint(lambda: Camera.from_json(path), "camera")
    check_complaint(lambda: Camera.from_json(tmp_path / "none.json"), "none.json")


def check_complaint(attempt: Any, *said: str) -> None:
    """Raises unless the attempt fails in one line that says all of `said`."""
    with pytest.raises(InputError) as caught:
        attempt()
    text = str(caught.value)
    assert "\n" not in text
    assert all(part in text for part in said), text


def test_wrong_arguments() -> None:
    """Depths that are none, points behind the camera, wrong shapes, another image's size."""
    check_complaint(lambda: CAMERA.lift((1, 2), 0.0), "depth")
    check_complaint(lambda: CAMERA.lift((1, 2), np.nan), "depth")
    check_complaint(lambda: CAMERA.lift((1, 2, 3), 1.0), "pixel_xy")
    check_complaint(lambda: CAMERA.project((0, 0, -1.0)), "in front")
    check_complaint(lambda: CAMERA.project((0, np.inf, 1.0)), "finite")
    check_complaint(lambda: CAMERA.check_size("depth", 427, 640), "427x640", "640x427")
    CAMERA.check_size("depth", 640, 427)


def test_depth_at_a_contact() -> None:
    """The pixel that the contact lies in, asymmetric in x and y; unknown with its reason."""
    depth = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    for contact, value in (((0, 0), 1), ((0.99, 0.99), 1), ((1, 0.5), 2), ((3.5, 0.5), 4)):
        assert sample_depth(depth, contact) == (value, None)
    assert sample_depth(depth, (0.5, 2.5)).depth_m == 9
    assert sample_depth(depth, (4, 3)).depth_m == 12  # the far edges belong to the last pixel
    for outside in ((-0.01, 1), (4.01, 1), (1, 3.01)):
        value, reason = sample_depth(depth, outside)
        assert value is None
        assert "outside" in str(reason)
    for unknown in (0, -1, np.nan, np.inf):
        depth[1, 2] = unknown
        value, reason = sample_depth(depth, (2.5, 1.5))
        assert value is None
        assert "column 2, row 1" in str(reason)
    check_complaint(lambda: sample_depth(depth[None], (1, 1)), "[H, W]")
    check_complaint(lambda: sample_depth(depth, (np.nan, 1)), "finite")


def test_depth_files(tmp_path: Path) -> None:
    """Metres in .npy, millimetres in a 16-bit PNG; unknown pixels stay unknown."""
    depth = np.float32([[0.5, 1.25, 0.0], [65.535, 0.001, 2.0]])
    np.save(tmp_path / "d.npy", depth)
    Image.fromarray(np.round(depth * 1000).astype(np.uint16)).save(tmp_path / "d.png")
    for name in ("d.npy", "d.png"):
        read = read_depth(tmp_path / name, size=(3, 2))
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, depth)
    np.save(tmp_path / "wide.npy", depth.astype(np.float64))
    np.testing.assert_array_equal(read_depth(tmp_path / "wide.npy"), depth)


def test_wrong_depth_files(tmp_path: Path) -> None:
    """Each in one line that names the file; sizes are looked at before pixels."""
    small = np.ones((2, 3), np.float32)
    files = {
        "whole.npy": (small.astype(np.uint16), "uint16"),
        "objects.npy": (np.array([[None]]), "read"),
        "cube.npy": (np.ones((2, 3, 1)), "[2, 3, 1]"),
    }
    for name, (array, said) in files.items():
        np.save(tmp_path / name, array, allow_pickle=array.dtype == object)  # to be refused
        check_complaint(lambda name=name: read_depth(tmp_path / name), name, said)
    for name in ("rgb.png", "grey8.png"):
        Image.new("RGB" if name[0] == "r" else "L", (3, 2)).save(tmp_path / name)
        check_complaint(lambda name=name: read_depth(tmp_path / name), name, "16-bit")
    np.save(tmp_path / "d.npy", small)
    check_complaint(lambda: read_depth(tmp_path / "d.npy", size=(2, 3)), "3x2", "2x3")
    check_complaint(lambda: read_depth(tmp_path / "d.npy", max_pixels=5), "cap")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "d.npy").read_bytes()[:-1])
    check_complaint(lambda: read_depth(tmp_path / "cut.npy"), "cut.npy")
    for name in ("empty.npy", "empty.png"):
        (tmp_path / name).write_bytes(b"")
        check_complaint(lambda name=name: read_depth(tmp_path / name), name)
    check_complaint(lambda: read_depth(tmp_path / "none.png"), "none.png")
    check_complaint(lambda: read_depth(tmp_path / "d.exr"), ".npy")


def test_hostile_depth_files(tmp_path: Path) -> None:
    """Headers that promise far more than the file holds, and a cut PNG."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**9)}
    with (tmp_path / "bomb.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    check_complaint(lambda: read_depth(tmp_path / "bomb.npy"), "bomb.npy")
    depth = np.random.default_rng(0).integers(0, 60000, (40, 60)).astype(np.uint16)
    Image.fromarray(depth).save(tmp_path / "d.png")
    png = (tmp_path / "d.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(png[: len(png) // 2])
    check_complaint(lambda: read_depth(tmp_path / "cut.png"), "cut.png")
    from zlib import crc32

    for side, said in ((10_000, "cap"), (100_000, "bomb.png")):
        head = b"IHDR" + side.to_bytes(4, "big") * 2 + png[24:29]
        bomb = png[:12] + head + crc32(head).to_bytes(4, "big") + png[33:]
        (tmp_path / "bomb.png").write_bytes(bomb)
        check_complaint(lambda: read_depth(tmp_path / "bomb.png"), said)
