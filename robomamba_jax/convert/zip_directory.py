# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where the entries of a zip archive lie in its file, for archives that store them as they are.

zipfile reads the directory; every entry is then compared with its own header, so that no two
entries share bytes and none lies outside the file. Compressed entries, whose real size is not known
beforehand, are refused.
"""

from __future__ import annotations

import os
import struct
import zipfile
from typing import IO, NamedTuple

from robomamba_jax.convert.pickle_subset import RefusedError

_MAX_DIRECTORY = 2**26
_MAX_ENTRIES = 200_000
# Layouts: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7 and 4.3.16.
_HEADER = struct.Struct("<4s5H3I2H")  # of an entry, before its name
_ENCRYPTED, _SIZES_FOLLOW = 1, 8


class ZipEntry(NamedTuple):
    """A stored file: where its bytes begin, how many, and their check sum."""

    start: int
    size: int
    crc: int


def read_directory(file: IO[bytes]) -> dict[str, ZipEntry]:
    """All entries by name.

    Raises:
      RefusedError: it is not a zip archive, or one that cannot be trusted.
    """
    total = os.fstat(file.fileno()).st_size
    _check_directory_size(file, total)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise RefusedError(f"it is not a complete zip archive: {str(error)[:100]!r}") from error
    if len(infos) > _MAX_ENTRIES:
        raise RefusedError(f"its archive has {len(infos)} entries")
    entries: dict[str, ZipEntry] = {}
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        name = info.filename[:60]
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise RefusedError(f"its entry {name!r} is compressed, which torch never does")
        if info.flag_bits & _ENCRYPTED:
            raise RefusedError(f"its entry {name!r} is encrypted")
        if info.filename in entries:
            raise RefusedError(f"its entry {name!r} is there twice")
        start = _data_start(file, info, total)
        if info.header_offset < end:
            raise RefusedError(f"its entry {name!r} overlaps another")
        end = start + info.file_size
        if end > total:
            raise RefusedError(f"its entry {name!r} reaches beyond the file")
        entries[info.filename] = ZipEntry(start, info.file_size, info.CRC)
    return entries


def _check_directory_size(file: IO[bytes], total: int) -> None:
    """zipfile reads the whole directory at once, as large as it says that it is."""
    tail = min(total, 66_000)  # the end record: 22 bytes and a comment of up to 65,535
    data = os.pread(file.fileno(), tail, total - tail)
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or len(data) < at + 22:
        raise RefusedError("it is cut: its archive has no end")
    (size,) = struct.unpack_from("<I", data, at + 12)
    if data[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        (where,) = struct.unpack_from("<Q", data, at - 12)
        record = os.pread(file.fileno(), 56, where) if where < total else b""
        if len(record) != 56 or not record.startswith(b"PK\x06\x06"):
            raise RefusedError("its archive's end points nowhere")
        (size,) = struct.unpack_from("<Q", record, 40)
    if size > min(_MAX_DIRECTORY, total):
        raise RefusedError(f"its archive's directory says that it has {size} bytes")


def _data_start(file: IO[bytes], info: zipfile.ZipInfo, total: int) -> int:
    """Behind the entry's own header, which must agree with the directory."""
    name = info.filename[:60]
    if not 0 <= info.header_offset <= total:
        raise RefusedError(f"its entry {name!r} lies outside the file")
    raw = os.pread(file.fileno(), _HEADER.size, info.header_offset)
    if len(raw) != _HEADER.size or raw[:4] != b"PK\x03\x04":
        raise RefusedError(f"its entry {name!r} has no header")
    _, _, flags, method, _, _, _, packed, size, name_length, extra = _HEADER.unpack(raw)
    start = info.header_offset + _HEADER.size
    written = os.pread(file.fileno(), name_length, start)
    # 2**32 - 1 stands for a size in a zip64 field, 0 for one that follows the data.
    known = {info.file_size, 2**32 - 1} | ({0} if flags & _SIZES_FOLLOW else set())
    agrees = method == zipfile.ZIP_STORED and written == info.orig_filename.encode()
    if not agrees or packed not in known or size not in known:
        raise RefusedError(f"its entry {name!r} has a header that contradicts the directory")
    return start + name_length + extra
