# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Any image as 8-bit RGB, and as a file that holds its pixels and nothing else.

All that the package shows, stores or feeds to an encoder goes through here. An image that was
read carries what its file said beside the pixels: a place and a time (EXIF, XMP), a colour
profile, comments, a transparent colour. PIL writes some of that into every file that it makes of
the image, and stumbles over some; a user did not ask for it.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.errors import InputError

# Of a JPEG file; libjpeg writes no more.
_LONGEST_JPEG = 65_500


def to_rgb(image: Image.Image, background: tuple[int, int, int] | None = None) -> Image.Image:
    """Any image that ``open_image`` gives, as 8-bit RGB.

    Greys are repeated, palettes looked up, CMYK and YCbCr converted as PIL does. Of 16-bit
    greys the high byte is kept, as PIL does for 16-bit colours (its own conversion of greys
    would turn all but the darkest white).

    Args:
      image: decoded.
      background: what transparent pixels are laid on; None drops the alpha channel. Of a 16-bit
        grey the one transparent level is not told from its neighbours, and stays.

    Returns:
      ``image`` itself where it is RGB already and nothing is laid under it.

    Raises:
      InputError: 32-bit or floating-point pixels, whose range nobody can know, or a colour
        space without a conversion to RGB.
    """
    if image.mode in ("I", "F"):
        what = f"the image has pixels of mode {image.mode}, whose range is unknown"
        raise InputError("bad_image", what, "scale it to 8 bits first")
    try:
        return _converted(image, background)
    except MemoryError as error:
        raise out_of_memory(f"the image of {image.width} x {image.height} pixels") from error
    except Exception as error:  # PIL raises nearly anything on odd palettes and transparencies
        raise InputError(
            "bad_image", f"the image of mode {image.mode} has no way to RGB", "convert it first"
        ) from error


def _converted(image: Image.Image, background: tuple[int, int, int] | None) -> Image.Image:
    if image.mode.startswith("I;16"):
        # "I;16B" is big-endian, "I;16N" native, the others little-endian.
        order = {"B": ">u2", "N": "=u2"}.get(image.mode[-1], "<u2")
        wide = np.frombuffer(image.tobytes(), order).reshape(image.height, image.width)
        image = Image.fromarray((wide >> 8).astype(np.uint8))
    # Premultiplied grey with alpha has no conversion to RGB in PIL, but one to LA.
    if image.mode == "La":
        image = image.convert("LA")
    if background is not None and image.has_transparency_data:
        # Compositing, not paste: half-transparent pixels are mixed.
        below = Image.new("RGBA", image.size, (*background, 255))
        image = Image.alpha_composite(below, image.convert("RGBA"))
    if image.mode == "RGB":
        return image
    if "transparency" in image.info:
        # Of no account here; PIL would convert it too, with a warning or an error for some.
        image = pixels_alone(image)
    return image.convert("RGB")


def pixels_alone(image: Image.Image) -> Image.Image:
    """A copy of an image in its own mode, without anything but pixels and palette."""
    bare = image.copy()
    bare.info = {}
    return bare


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """A file's bytes that hold an image's pixels, and of its metadata nothing.

    Args:
      image: decoded, of any mode; written as 8-bit RGB.
      form: "PNG" or "JPEG".
      options: PIL's, such as ``quality``.

    Raises:
      InputError: see ``to_rgb``; or the image does not fit such a file.
    """
    if form == "JPEG" and max(image.size) > _LONGEST_JPEG:
        what = f"a JPEG has at most {_LONGEST_JPEG:,} pixels a side, not {max(image.size):,}"
        raise InputError("image_too_large", what, "write a .png")
    out = io.BytesIO()
    try:
        pixels_alone(to_rgb(image)).save(out, form, **options)
    except MemoryError as error:
        raise out_of_memory(f"the image of {image.width} x {image.height} pixels") from error
    except (OSError, ValueError, SystemError) as error:
        if isinstance(error, InputError):
            raise
        what = f"the image of {image.width} x {image.height} pixels is no {form}: {error}"
        raise InputError("bad_image", what, "give another image") from error
    return out.getvalue()


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """An image scaled to fit a box, its proportion kept, no side below one pixel.

    For people's eyes: what an encoder sees is ``ImageTransform``'s.
    """
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return to_rgb(image).resize(size, Image.Resampling.BICUBIC)


def out_of_memory(what: str) -> InputError:
    """The error of an image that takes more memory than there is."""
    return InputError(
        "image_too_large", f"{what} takes more memory than there is", "make it smaller"
    )
