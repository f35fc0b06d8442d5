# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The hash by which files of checkpoints and data are known."""

from __future__ import annotations

import hashlib
from pathlib import Path

from robomamba_jax.utils.progress import OnBytes

_BLOCK = 2**22


def file_sha256(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Of a file's bytes, in hexadecimal digits.

    Args:
      path: of a file of any length.
      on_bytes: called with the bytes of each piece that has been read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if on_bytes is not None:
                on_bytes(len(block))
    return digest.hexdigest()
