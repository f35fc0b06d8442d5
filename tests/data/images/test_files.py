# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Opening images: every source, every format, and everything that can be wrong with them."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.data.images.files import open_image
from robomamba_jax.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def picture(width: int = 61, height: int = 47) -> Image.Image:
    """Noise: it compresses badly, so that cutting a file cuts pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


def stored(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """A file's bytes."""
    out = io.BytesIO()
    (image or picture()).save(out, form, **options)
    return out.getvalue()


def refused(source: Any, complaint: str, **options: Any) -> None:
    """The source is an InputError that says ``complaint`` in one line and how to fix it."""
    with pytest.raises(InputError, match=complaint) as caught:
        open_image(source, **options)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("form", FORMATS)
def test_formats_and_sources_agree(form: str, tmp_path: Path) -> None:
    """Bytes, str, Path and PIL image give PIL's own pixels."""
    data = stored(form)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(data)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
        for source in (data, str(path), path, image):
            assert np.array_equal(open_image(source).convert("RGB"), expected), source


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7), (5, 7, 4)])
def test_arrays_are_copied(shape: tuple[int, ...]) -> None:
    """The caller may use the array again; strides do not matter."""
    whole = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    array = whole[::-1]
    image = open_image(array)
    expected = array.copy()
    whole[...] = 0
    assert image.size == (7, 5)
    assert np.array_equal(np.asarray(image), expected)


def test_the_first_frame_of_a_moving_picture() -> None:
    """GIF and WEBP: one image, the first."""
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "blue")]
    for form in ("GIF", "WEBP"):
        data = stored(form, frames[0], save_all=True, append_images=frames[1:], lossless=True)
        assert open_image(data).convert("RGB").getpixel((3, 3)) == (255, 0, 0)


def test_exif_orientation_is_left_alone() -> None:
    """Contact pixels refer to the file's own grid, so it is not turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_image(stored("JPEG", exif=exif))
    assert image.size == (61, 47)
    assert image.getexif()[0x0112] == 6


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9])
def test_truncated_files(form: str, share: float, tmp_path: Path) -> None:
    """Cut anywhere, as bytes and as a file, whose name the message has."""
    data = stored(form)
    cut = data[: int(len(data) * share)]
    refused(cut, "the image bytes")
    path = tmp_path / "cut.img"
    path.write_bytes(cut)
    refused(path, "cut.img")


@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255))))
def test_damaged_files_never_escape(form: str, changes: list[tuple[int, int]]) -> None:
    """Either pixels or an InputError, whatever the bytes."""
    data = bytearray(stored(form, picture(19, 23)))
    for place, byte in changes:
        data[place % len(data)] = byte
    with contextlib.suppress(InputError):
        assert open_image(bytes(data), max_pixels=100_000).width > 0


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a"]))
def test_arbitrary_bytes_never_escape(data: bytes, head: bytes) -> None:
    """Noise behind a real signature, or none."""
    with pytest.raises(InputError):
        open_image(head + data)


def test_other_formats_stay_closed(tmp_path: Path) -> None:
    """PIL could read these; we do not."""
    for form in ("TIFF", "PPM", "ICO", "TGA"):
        refused(stored(form), "PNG, JPEG, WEBP, BMP or GIF")
    path = tmp_path / "list.json"
    path.write_text("{}")
    refused(path, r"list\.json.*PNG")


def test_what_is_no_picture_file(tmp_path: Path) -> None:
    """Missing, a directory, a FIFO (which must not block), a device, a file in the way."""
    refused(tmp_path / "no.png", r"no\.png' does not exist")
    refused(tmp_path, "is a directory")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    refused(fifo, "no regular file")
    refused("/dev/zero", "no regular file")
    refused("", "is not a path")
    refused("a\0b", "is not a path")
    refused("x" * 5000, "cannot be opened")
    file = tmp_path / "file"
    file.write_bytes(b"")
    refused(file, "is empty")
    refused(file / "a.png", "does not exist")
    refused(tmp_path / "two\nlines.png", "does not exist")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((3, 4, 5), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((), np.uint8),
        np.array([[None]]),
    ],
)
def test_arrays_of_another_kind(array: np.ndarray) -> None:
    """Type and shape are in the message."""
    refused(array, r"uint8\[H, W, 3\]")


def test_no_pixels_and_no_picture() -> None:
    """Zero-size arrays and images, closed images, things that are none."""
    refused(np.zeros((0, 4, 3), np.uint8), "4 x 0 pixels")
    refused(Image.new("RGB", (0, 5)), "0 x 5 pixels")
    refused(None, "NoneType")
    refused(7, "int")
    closed = Image.open(io.BytesIO(stored("PNG")))
    closed.close()
    refused(closed, "cannot be decoded")


def test_the_pixel_cap_holds_for_every_source() -> None:
    """At the cap it opens, one below it does not."""
    for source in (picture(), np.asarray(picture()), *(stored(form) for form in FORMATS)):
        assert open_image(source, max_pixels=61 * 47).size == (61, 47)
        refused(source, "61 x 47 pixels, above 2,866", max_pixels=61 * 47 - 1)


def test_a_long_thin_picture_cannot_grow_past_the_cap() -> None:
    """Its shorter side of one pixel would be resized to S, its longer one beyond all bounds."""
    from robomamba_jax.data.images.transforms import image_transform

    with pytest.raises(InputError, match="resized"):
        image_transform("clip-l14-336")(np.zeros((1, 100_000), np.uint8))


def png_bomb(side: int) -> bytes:
    """A one-bit PNG of side x side pixels that is all zeros, made without the pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def claims(form: str, side: int) -> bytes:
    """A file whose header says side x side pixels."""
    if form == "PNG":
        return png_bomb(side)
    data = bytearray(stored(form, Image.new("RGB", (16, 16)), lossless=True))
    if form == "BMP":
        data[18:26] = struct.pack("<ii", side, side)
    elif form == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif form == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    else:
        bits = (side - 1) | (side - 1) << 14
        data[21:25] = struct.pack("<I", bits)
    return bytes(data)


PROBE = """
import resource, sys
from pathlib import Path
from PIL import Image
from robomamba_jax.data.images.files import open_image
from robomamba_jax.errors import InputError
import numpy as np

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def decode(*arguments):
    raise AssertionError("a decoder was made")

Image._getdecoder = decode
before = peak()
for path in sys.argv[1:]:
    for source in (path, Path(path).read_bytes()):
        try:
            open_image(source)
        except InputError as error:
            assert error.kind == "image_too_large", error
        else:
            raise AssertionError(path)
print(peak() - before)
"""


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    """Files that claim 88 to 268 million pixels: none is decoded, and PIL prints no warning."""
    paths = []
    for form in FORMATS:
        for side in (9_400, 13_300, 16_383):
            path = tmp_path / f"{side}.{form}"
            path.write_bytes(claims(form, side))
            assert path.stat().st_size < 100_000
            paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *paths], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert int(done.stdout) < 20, "MiB of peak memory"
