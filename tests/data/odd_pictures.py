# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Image files as cameras and editors write them: transparent colours, places, profiles, notes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

SECRET = "52.5163N 13.3777E by J. Doe"  # in every field of a file that can hold text

# Every colour mode of PIL's that an image can come in.
MODES = (
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"),
    *("LAB", "I;16", "I;16B", "I;16L"),
)
TRANSPARENCIES = (None, 0, 1, 255, 40_000, (1, 2, 3), (300, 2, 3), b"\x00\x80\xff", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A piece of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: list[bytes], width: int, depth: int, color: int, *more: bytes) -> bytes:
    """A PNG file made by hand: unfiltered rows, and chunks between its header and its pixels."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    whole = [chunk(b"IHDR", header), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def transparent() -> dict[str, tuple[bytes, np.ndarray]]:
    """Name -> a PNG of 32 x 24 pixels with a transparent colour, and its pixels as RGB uint8."""
    draw = np.random.default_rng(4)
    bits, wide = draw.integers(0, 2, (24, 32)), draw.integers(0, 2**16, (24, 32))
    grey, rgb = draw.integers(0, 256, (24, 32)), draw.integers(0, 256, (24, 32, 3))
    short = bits * 3  # indices of which the palette has the first alone
    found = {
        "bit": (png([np.packbits(row).tobytes() for row in bits], 32, 1, 0, trns(1)), bits * 255),
        "wide": (
            png([r.astype(">u2").tobytes() for r in wide], 32, 16, 0, trns(wide[0, 0])),
            wide >> 8,
        ),
        "grey": (
            png([r.astype(np.uint8).tobytes() for r in grey], 32, 8, 0, trns(grey[0, 0])),
            grey,
        ),
        "rgb": (
            png([r.astype(np.uint8).tobytes() for r in rgb], 32, 8, 2, trns(*rgb[0, 0])),
            rgb,
        ),
        "palette": (
            png(
                [r.astype(np.uint8).tobytes() for r in short],
                32,
                8,
                3,
                chunk(b"PLTE", bytes((9, 80, 200, 40, 1, 2))),
                chunk(b"tRNS", b"\0"),
            ),
            np.where(short[..., None] == 0, (9, 80, 200), (0, 0, 0)),
        ),
    }
    shaped = {name: (data, x if x.ndim == 3 else x[..., None]) for name, (data, x) in found.items()}
    return {
        name: (data, np.broadcast_to(x, (24, 32, 3)).astype(np.uint8))
        for name, (data, x) in shaped.items()
    }


def trns(*levels: Any) -> bytes:
    """The chunk that names one transparent grey or colour."""
    return chunk(b"tRNS", struct.pack(f">{len(levels)}H", *(int(level) for level in levels)))


def profile() -> bytes:
    """A colour profile's bytes, with the secret in it."""
    return b"\0\0\2\0none\4\0\0\0mntrRGB XYZ " + SECRET.encode() + bytes(400)


def exif() -> Image.Exif:
    """A place, a time and a maker."""
    data = Image.Exif()
    data[0x010E] = data[0x013B] = SECRET
    data[0x0132] = "2026:01:02 03:04:05"
    place = {1: "N", 2: (IFDRational(52), IFDRational(30), IFDRational(58)), 29: SECRET}
    data._ifds[0x8825] = place  # PIL writes a place by no other way
    return data


def xmp() -> bytes:
    """Adobe's form of the same."""
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{SECRET}</x:xmpmeta>".encode()


def telling(form: str) -> bytes:
    """An image of 32 x 24 pixels whose file says all that one of its form can say."""
    pixels = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
    picture, out = Image.fromarray(pixels), io.BytesIO()
    options: dict[str, Any] = {"exif": exif(), "icc_profile": profile(), "dpi": (300, 300)}
    if form == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", SECRET)
        notes.add_text("Author", SECRET, zip=True)
        notes.add_itxt("XML:com.adobe.xmp", xmp().decode())
        picture.save(out, "PNG", pnginfo=notes, **options)
    elif form == "JPEG":
        picture.save(out, "JPEG", comment=SECRET.encode(), xmp=xmp(), quality=95, **options)
    else:
        picture.save(out, "WEBP", xmp=xmp(), lossless=True, **options)
    # A film behind a phone's photo, as some put it there.
    return out.getvalue() + (b"" if form == "WEBP" else SECRET.encode())


def told_by(data: bytes) -> list[str]:
    """What a file that should hold pixels alone says beside them; the secret anywhere in it."""
    found = ["the secret"] if SECRET.encode() in data else []
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        # What a plain JPEG or PNG of PIL's has: its own kind and no resolution.
        plain = {"jfif": 257, "jfif_version": (1, 1), "jfif_unit": 0, "jfif_density": (1, 1)}
        found += [str(name) for name, x in image.info.items() if plain.get(str(name)) != x]
        found += [f"EXIF {key}" for key in image.getexif()]
    return found
