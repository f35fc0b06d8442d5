# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""PNG and JPEG files without their metadata, their compressed pixels left as they are.

For images that are handed on: written anew, a JPEG would have other pixels.
PNG: https://www.w3.org/TR/png-3/, section 5. JPEG: ITU-T T.81, annex B; JFIF: ITU-T T.871.
"""

from __future__ import annotations

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SOI, _EOI, _SOS, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_JFIF, _ADOBE = 0xE0, 0xEE
_APPLICATION = range(0xE0, 0xF0)
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a segment behind them
# What tells a decoder that the colours are YCbCr; resolution and preview left out.
_PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_BYTES = 12  # its name, version, flags and colour transform


def without_metadata(data: bytes) -> bytes | None:
    """The same image without EXIF, XMP, colour profile, text, comments, times and previews.

    What lies behind an image's end goes too: some cameras put a film there.

    Args:
      data: a file's bytes.

    Returns:
      Bytes that decode to the same pixels; None where this is no PNG or JPEG, is cut short, or
      is a moving image.
    """
    if data.startswith(_PNG):
        return _png(data)
    return _jpeg(data) if data.startswith(b"\xff\xd8\xff") else None


def _png(data: bytes) -> bytes | None:
    parts, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if kind == b"acTL" or end > len(data):
            return None
        if kind in _PNG_KEPT:
            parts.append(data[at:end])
        if kind == b"IEND":
            return b"".join(parts)
        at = end
    return None


def _jpeg(data: bytes) -> bytes | None:
    parts, at = [b"\xff\xd8"], 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        kind = data[at + 1]
        if kind == 0xFF:  # a marker may begin with several
            at += 1
            continue
        if kind == _EOI:
            return b"".join([*parts, b"\xff\xd9"])
        if kind in _ALONE or kind in (0, _SOI):
            return None
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data) or end < at + 4:
            return None
        parts.append(_segment(kind, data[at:end]))
        if kind == _SOS:
            behind = _scan_end(data, end)
            parts.append(data[end:behind])
            end = behind
        at = end
    # An end without anything behind it.
    return b"".join([*parts, b"\xff\xd9"]) if data[at : at + 2] == b"\xff\xd9" else None


def _segment(kind: int, segment: bytes) -> bytes:
    """What is kept of a segment: all of it, or of an application's what decoding needs."""
    body = segment[4:]
    if kind == _JFIF and body.startswith(b"JFIF\0"):
        return _PLAIN_JFIF
    if kind == _ADOBE and body.startswith(b"Adobe") and len(body) >= _ADOBE_BYTES:
        return b"\xff\xee\x00\x0e" + body[:_ADOBE_BYTES]
    return b"" if kind in _APPLICATION or kind == _COMMENT else segment


def _scan_end(data: bytes, start: int) -> int:
    """Where a scan's compressed pixels end: at a marker that is not part of them."""
    at = data.find(b"\xff", start)
    while 0 <= at < len(data) - 1:
        behind = data[at + 1]
        if behind != 0 and behind not in _ALONE and behind != 0xFF:
            return at
        at = data.find(b"\xff", at + (1 if behind == 0xFF else 2))
    return len(data)
