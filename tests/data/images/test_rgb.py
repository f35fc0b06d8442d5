# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images of every mode and kind, on their way to an encoder, to a drawing and to a file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.cli.main import main
from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.data.images.transforms import ImageTransform, open_image, to_rgb
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.sample import VideoFrame
from robomamba_jax.errors import InputError
from tests.data.images.test_files import png_bomb
from tests.data.odd_pictures import MODES, TRANSPARENCIES, telling, told_by, transparent
from tests.data.samples import picture, turns
from tests.data.sources.test_robovqa_json import video

CENTER, LOOKING = (16.0, 12.0), np.eye(3)[:, [2, 0, 1]]


def of_mode(mode: str, transparency: Any = None) -> Image.Image:
    """Noise of 32 x 24 pixels; of palettes with 16 colours only."""
    count = len(Image.new(mode, (32, 24)).tobytes())
    noise = np.random.default_rng(count).integers(0, 256, count, np.uint8)
    image = Image.frombytes(mode, (32, 24), noise.tobytes())
    if mode in ("P", "PA"):
        image.putpalette(list(range(48)))
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def drawn(image: Image.Image, form: str = "PNG") -> bytes:
    """The file of an image with a pose in it."""
    out = io.BytesIO()
    draw_pose(image, CENTER, LOOKING, legend=False).save(out, form)
    return out.getvalue()


def corners(pixels: np.ndarray) -> np.ndarray:
    """Where no arrow reaches."""
    return pixels[[0, 1, 2, -3, -2, -1]][:, [0, 1, 2, -3, -2, -1]]


def test_every_mode_is_drawn_in_the_colours_that_the_encoder_sees() -> None:
    """All modes, with and without a transparent colour of any form: what the arrows leave is
    ``to_rgb``'s, in PNG and JPEG, and the file says nothing of transparency."""
    wrong = []
    for mode in MODES:
        plain = np.asarray(to_rgb(of_mode(mode))) if mode != "La" else None
        for transparency in TRANSPARENCIES:
            try:
                data = drawn(of_mode(mode, transparency))
                pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
                expected = np.asarray(to_rgb(of_mode(mode, transparency)))
                same = np.array_equal(corners(pixels), corners(expected))
                same = same and (plain is None or np.array_equal(expected, plain))
                if not same or told_by(data) or told_by(drawn(of_mode(mode), "JPEG")):
                    wrong.append((mode, transparency, "pixels"))
            except Exception as error:
                wrong.append((mode, transparency, type(error).__name__))
    assert wrong == []


@pytest.mark.parametrize("name", ["bit", "wide", "grey", "rgb", "palette"])
def test_files_with_a_transparent_colour(name: str) -> None:
    """PNGs made by hand, their pixels known: seen, drawn and stored opaque."""
    data, pixels = transparent()[name]
    out = Image.open(io.BytesIO(drawn(open_image(data))))
    out.load()
    assert (out.mode, out.info) == ("RGB", {})
    assert np.array_equal(corners(np.asarray(out)), corners(pixels))
    assert np.array_equal(ImageTransform(24, (0, 0, 0), (1, 1, 1)).crop(data), pixels[:, 4:28])


def test_a_background_lies_under_transparent_pixels_alone() -> None:
    """8-bit greys and colours by their one transparent level; of 16-bit greys none is told, as
    before. What names no level is a bad image, not a TypeError."""
    red = (255, 0, 0)
    for name in ("bit", "grey", "rgb", "palette"):
        data, pixels = transparent()[name]
        clear = pixels == ((9, 80, 200) if name == "palette" else pixels[0, 0])
        if name == "bit":
            clear = pixels == 255
        expected = np.where(clear.all(axis=2, keepdims=True), red, pixels)
        assert np.array_equal(np.asarray(to_rgb(open_image(data), red)), expected), name
    data, pixels = transparent()["wide"]
    assert np.array_equal(np.asarray(to_rgb(open_image(data), red)), pixels)
    with pytest.raises(InputError, match="no way to RGB"):
        to_rgb(of_mode("1", b"\0"), red)


ANY = st.one_of(
    st.none(),
    st.integers(-10, 2**16),
    st.binary(max_size=300),
    st.text(max_size=3),
    st.lists(st.integers(0, 2**16), max_size=4).map(tuple),
)


@given(st.sampled_from(MODES), ANY, st.sampled_from([None, (255, 0, 0)]), st.sampled_from([0, 7]))
@example("L", (1, 2, 3), None, 7)
@example("P", 300, (255, 0, 0), 7)
def test_whatever_is_in_info_gives_pixels_or_one_clear_error(
    mode: str, transparency: Any, background: Any, width: int
) -> None:
    """Also for images without pixels."""
    image = of_mode(mode, transparency).crop((0, 0, width, 5))
    try:
        found = to_rgb(image, background)
    except InputError:
        assert background is not None
    else:
        assert (found.mode, found.size) == ("RGB", (width, 5))
    with pytest.raises(InputError):
        draw_pose(image.crop((0, 0, 0, 5)), (0, 0), LOOKING)


def test_what_is_drawn_or_looked_at_is_the_callers_own(tmp_path: Path) -> None:
    """A frame that one caller makes smaller is whole for the next."""
    frame = VideoFrame(video(tmp_path / "v.mp4", 3), 0, 1)
    open_ref(frame).thumbnail((4, 4))
    assert open_ref(frame).size == (32, 24)


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1)])
def test_long_thin_pictures_are_on_the_page_of_samples(
    size: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A side that would become less than a pixel is one."""
    picture(tmp_path / "a.png", np.random.default_rng(0), *size)
    talk = turns("<image>\nWhat?", "A line.")
    path = tmp_path / "data.json"
    path.write_text(json.dumps([{"id": "a", "image": "a.png", "conversations": talk}]))
    words = ["data", "inspect", str(path), "--workers", "0", "--sheet", str(tmp_path / "s.png")]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    with Image.open(tmp_path / "s.png") as page:
        cell = np.asarray(page)[10:230, 10:350]
    assert (cell != 255).any(axis=(0, 2) if size[0] > size[1] else (1, 2)).sum() > 200


MEMORY = """
import resource, sys
from robomamba_jax.data.images.files import open_image
from robomamba_jax.errors import InputError
data = sys.stdin.buffer.read()
open_image(data, max_pixels=10**9)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used, used))
try:
    open_image(data, max_pixels=10**9)
except InputError as error:
    print(error.kind, "memory" in error.message)
"""


def test_memory_that_is_not_there_is_a_bad_picture() -> None:
    """In a process that may take no more: said in one line, so that it can be skipped."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], input=png_bomb(16_000), capture_output=True
    )
    assert done.stdout.decode() == "bad_image True\n", done.stderr.decode()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_drawing_says_nothing_of_its_inputs_file(form: str) -> None:
    """Neither place nor profile nor note, in either kind of file; the pixels are the input's."""
    data = telling(form)
    assert len(told_by(data)) > 3  # it does say much
    for kind in ("PNG", "JPEG"):
        assert told_by(drawn(open_image(data), kind)) == []
    out = np.asarray(Image.open(io.BytesIO(drawn(open_image(data)))))
    assert np.array_equal(corners(out), corners(np.asarray(open_image(data).convert("RGB"))))
