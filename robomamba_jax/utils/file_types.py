# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a file is, by how it begins: for the message of a reader that got another one.

A download that failed leaves a page of HTML, Git LFS leaves a place-holder, an archive is given
instead of what is in it: each has a fix of its own, which a reader's "it is damaged" would hide.
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

import google_crc32c

from robomamba_jax.errors import InputError

HEAD_BYTES = 4096
UNKNOWN = "binary data of an unknown kind"
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"8BPS", "a Photoshop image"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a .npy array"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg file"),
    (b"\x7fELF", "a program"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_MARKUP = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", re.DOTALL
)
_UNPACK = ("gzip", "bzip2", "xz file", "zstd", "archive")


def read_head(path: str | os.PathLike[str]) -> bytes:
    """A file's first ``HEAD_BYTES``.

    Raises:
      OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return file.read(HEAD_BYTES)


def not_a_file(path: str | os.PathLike[str]) -> str:
    """Why a path is not a regular file's, as it stands behind the path: "does not exist"."""
    path = Path(path)
    if path.is_dir():
        return "is a folder, not a file"
    return "is not a regular file" if path.exists() else "does not exist"


def kind_of(head: bytes) -> str:
    """What a file is that begins so, as it stands behind "is": "a gzip file", "empty", "text".

    Args:
      head: its first ``HEAD_BYTES``, or all of it where there are fewer.
    """
    if not head:
        return "empty"
    if is_lfs_pointer(head):
        return "a Git LFS pointer"
    for magic, name in (*_MAGIC, *_MARKS):
        if head.startswith(magic):
            return name
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(head)
    if head.startswith(b"PK\x05\x06"):
        return "an empty zip archive"
    if head.startswith(b"RIFF"):
        return "a WEBP image" if head[8:12] == b"WEBP" else "a RIFF file (sound or video)"
    if head[4:8] == b"ftyp":
        return "an MP4 or MOV video"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if _PICKLE.match(head):
        return "a Python pickle"
    if is_tfrecord_head(head):
        return "a TFRecord file"
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    if head.startswith(b"BM") and b"\x00" in head[:14]:
        return "a BMP image"
    return _text_kind(head)


def _zip_kind(head: bytes) -> str:
    if b"xl/" in head or (b"[Content_Types].xml" in head and b"sheet" in head):
        return "an Excel file (.xlsx)"
    if b"[Content_Types].xml" in head:
        return "an Office file"
    if b"data.pkl" in head:
        return "a torch checkpoint"
    return "a NumPy archive (.npz)" if b".npy" in head[:200] else "a zip archive"


def _text_kind(head: bytes) -> str:
    begin = head[:64]
    for zeros, letters in ((begin[1::2], begin[::2]), (begin[::2], begin[1::2])):
        if zeros and not any(zeros) and all(letters):
            return "UTF-16 text"  # of plain letters, without its mark
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not plain:
        return "blank"
    if _MARKUP.match(plain[:1024].lower()):
        return "an HTML page"
    if plain.startswith(b"<?xml"):
        return "an XML file"
    try:
        # A letter may be cut at the head's end.
        whole = len(head) < HEAD_BYTES
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return UNKNOWN
    if any(letter < " " and letter not in "\t\n\r\f\v" for letter in text):
        return UNKNOWN
    return "a JSON file" if plain[:1] in (b"{", b"[") else "a text file"


def is_lfs_pointer(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (64 bytes suffice) is a pointer of Git LFS."""
    return head.startswith(_LFS)


def is_tfrecord_head(head: bytes) -> bool:
    """Whether a file begins with a TFRecord's length and its check sum."""
    return len(head) >= 12 and masked_crc(head[:8]) == int.from_bytes(head[8:12], "little")


def masked_crc(data: bytes) -> int:
    """The CRC-32C of a length or of data, masked as TFRecord asks."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def lfs_pointer(where: str) -> InputError:
    """The error of a file that Git LFS left its place-holder for."""
    return InputError(
        "lfs_pointer", f"{where} is a Git LFS pointer, not the file itself", "run git lfs pull"
    )


def other_file(kind: str, where: str, head: bytes, wanted: str, fix: str) -> InputError:
    """The error of a file that is another than its reader reads.

    Args:
      kind: the error's.
      where: the file, as messages call it.
      head: its first bytes.
      wanted: what it is not, such as "not JSON" or "neither JSON nor TFRecord".
      fix: what to do, unless what the file is has a fix of its own.
    """
    found = kind_of(head)
    if found == "a Git LFS pointer":
        return lfs_pointer(where)
    if found == "an HTML page":
        fix = "the download failed and left a page instead: download the file again"
    elif any(word in found for word in _UNPACK):
        fix = "unpack it, and give what is in it"
    return InputError(kind, f"{where} is {found}, {wanted}", fix)
