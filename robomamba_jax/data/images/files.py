# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images from anywhere, opened with care: what a file claims is checked before memory is taken.

Files and bytes may be PNG, JPEG, WEBP, BMP or GIF (of moving ones the first frame); all of
PIL's other readers stay closed. EXIF orientation is not applied: the published code ignores
it, and contact pixels refer to the file's own grid. Who wants a photo upright turns it with
``PIL.ImageOps.exif_transpose`` before.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import HEAD_BYTES, other_file

ImageSource = Image.Image | str | os.PathLike[str] | bytes | np.ndarray

MAX_PIXELS = 32_000_000
# An image of MAX_PIXELS without compression, 4 x 16 bits each, is about this large.
MAX_FILE_BYTES = 256 * 2**20

_FORMATS = "PNG, JPEG, WEBP, BMP or GIF"


def open_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A decoded image in its own colour mode and on its own pixel grid.

    Args:
      source: a PIL image; the path of a regular file; a file's bytes; or uint8[H, W, 3]
        (red, green, blue), uint8[H, W] (grey) or uint8[H, W, 4] (with alpha).
      max_pixels: the most pixels; a file's size is read from its header, and nothing is
        decoded above it.

    Returns:
      A PIL image that owns its pixels; later changes to ``source`` do not reach it.

    Raises:
      InputError: no such file, not a regular file (directory, FIFO, device), not one of the
        formats, truncated or broken (unless the caller set PIL's LOAD_TRUNCATED_IMAGES), no
        pixels, too many, or an array of another shape or type.
    """
    if isinstance(source, Image.Image):
        # PIL images may be lazy: their size is known before their pixels are read.
        _check_pixels("the image", *source.size, max_pixels)
        return _decode("the image", source)
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    # Not isinstance checks: jax and torch must not be imported here.
    if not isinstance(source, np.ndarray) and hasattr(source, "__array__"):
        source = _to_numpy(source)  # a jax array, or a torch tensor
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, bytes):
        if len(source) > MAX_FILE_BYTES:
            raise _too_many_bytes("the image bytes", len(source))
        return _read("the image bytes", io.BytesIO(source), max_pixels)
    if isinstance(source, str | os.PathLike):
        name = f"image {os.fspath(source)!r}"
        with _regular_file(name, source) as file:
            return _read(name, file, max_pixels)
    what = f"an image is given as {type(source).__name__}"
    raise InputError("bad_image", what, "give a PIL image, a path, bytes or a uint8 array")


def _to_numpy(source: Any) -> np.ndarray:
    """Another library's array as numpy's."""
    try:
        return np.asarray(source)
    except Exception as error:  # whatever its __array__ raises
        raise InputError(
            "bad_image",
            f"an image is given as {type(source).__name__} that numpy cannot read",
            "give a PIL image, a path, bytes or a uint8 array",
        ) from error


def too_many_pixels(what: str, width: int, height: int, max_pixels: int) -> InputError:
    """The error of an image that would take too much memory."""
    return InputError(
        "image_too_large",
        f"{what} has {width} x {height} pixels, above {max_pixels:,}",
        "make it smaller; max_pixels can be raised in Python and in data.encoding",
    )


def _too_many_bytes(what: str, count: int) -> InputError:
    return InputError(
        "image_too_large",
        f"{what} has {count:,} bytes, above {MAX_FILE_BYTES:,}",
        "make it smaller",
    )


def _broken(what: str, reason: object) -> InputError:
    """The error of an image that cannot be decoded, its reason on one line."""
    text = " ".join(str(reason).split())[:200] or type(reason).__name__
    if isinstance(reason, MemoryError):
        # Sizes were checked before: what else asks for memory is in the file itself.
        text = "it takes more memory than there is"
    return InputError("bad_image", f"{what} cannot be decoded: {text}", "give a whole, valid file")


def _regular_file(name: str, path: str | os.PathLike[str]) -> IO[bytes]:
    """A regular file of bounded length, opened.

    Looked at after opening, so that nothing can be put in its place in between, and opened
    without waiting, which a FIFO would otherwise make us do.
    """
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise InputError("missing_image", f"{name} is not a path", "give the path of an image")
    try:
        # O_NONBLOCK: opening a FIFO returns at once. O_CLOEXEC: workers inherit nothing.
        handle = os.open(Path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError("missing_image", f"{name} does not exist", "correct the path") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            "bad_image", f"{name} cannot be opened: {reason}", "give a readable file"
        ) from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE_BYTES:
        os.close(handle)
        if stat.S_ISREG(about.st_mode):
            raise _too_many_bytes(name, about.st_size)
        kind = "a directory" if stat.S_ISDIR(about.st_mode) else "no regular file"
        raise InputError("bad_image", f"{name} is {kind}", "give the path of an image")
    return os.fdopen(handle, "rb")


def _from_array(array: np.ndarray, max_pixels: int) -> Image.Image:
    """A PIL image with a copy of the array's pixels."""
    if array.dtype != np.uint8 or not (array.ndim == 2 or array.shape[2:] in ((3,), (4,))):
        what = f"the image array is {array.dtype} of shape {list(array.shape)}"
        raise InputError("bad_image", what, "give uint8[H, W, 3], [H, W] or [H, W, 4]")
    height, width = array.shape[:2]
    _check_pixels("the image array", width, height, max_pixels)
    mode = {0: "L", 3: "RGB", 4: "RGBA"}[array.shape[2] if array.ndim == 3 else 0]
    return Image.frombytes(mode, (width, height), array.tobytes())


def _check_pixels(what: str, width: int, height: int, max_pixels: int) -> None:
    if min(width, height) < 1:
        raise InputError(
            "bad_image", f"{what} has {width} x {height} pixels", "give one with pixels"
        )
    if width * height > max_pixels:
        raise too_many_pixels(what, width, height, max_pixels)


def _read(what: str, file: IO[bytes], max_pixels: int) -> Image.Image:
    """The image in an open file: header, check, pixels."""
    head = file.read(32)
    file.seek(0)
    if not head:
        raise InputError("bad_image", f"{what} is empty", f"give {_FORMATS}")
    reader = _reader(head)
    if reader is None:
        head = file.read(HEAD_BYTES)
        raise other_file("bad_image", what, head, f"not {_FORMATS}", "convert it to one of them")
    if (canvas := _webp_canvas(head)) is not None:
        # The WEBP reader reserves its canvas when it opens the file.
        _check_pixels(what, *canvas, max_pixels)
    try:
        # The reader itself, not Image.open, which prints a warning on large images.
        # Opening reads the header alone; pixels come with load() in _decode, after the check.
        image = reader(file)
    except Exception as error:  # the readers raise nearly anything on hostile bytes
        raise _broken(what, error) from error
    _check_pixels(what, *image.size, max_pixels)
    # Nobody else has this object: a JPEG, which has no further frames, needs no copy.
    return _decode(what, image, copy=not isinstance(image, JpegImagePlugin.JpegImageFile))


def _reader(head: bytes) -> type[ImageFile.ImageFile] | None:
    """PIL's reader for a file that begins with ``head``."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GifImagePlugin.GifImageFile
    return BmpImagePlugin.BmpImageFile if head.startswith(b"BM") else None


def _webp_canvas(head: bytes) -> tuple[int, int] | None:
    """Width and height in the first chunk of a WEBP file (its container specification)."""
    if not head.startswith(b"RIFF") or len(head) < 30:
        return None
    kind = head[12:16]

    def number(start: int, count: int) -> int:
        """A little-endian number of the header."""
        return int.from_bytes(head[start : start + count], "little")

    # Extended: width and height minus one, 24 bits each. Lossless (VP8L): minus one, 14 bits each,
    # packed. Lossy (VP8 ): 14 bits each, with two bits of scaling above.
    if kind == b"VP8X":
        return number(24, 3) + 1, number(27, 3) + 1
    if kind == b"VP8L":
        bits = number(21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return (number(26, 2) & 0x3FFF, number(28, 2) & 0x3FFF) if kind == b"VP8 " else None


def _decode(what: str, image: Image.Image, copy: bool = True) -> Image.Image:
    """An opened image, or a plain copy of it, with all its pixels in memory."""
    try:
        image.load()
        return image.copy() if copy else image
    except Exception as error:
        raise _broken(what, error) from error
