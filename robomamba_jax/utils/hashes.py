# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The hash by which files of checkpoints and data are known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_BLOCK = 2**22


def file_sha256(path: Path, tell: Callable[[int], None] | None = None) -> str:
    """Of a file's bytes, in hexadecimal digits.

    Args:
      path: of a file of any length.
      tell: called with the bytes of each piece that has been read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if tell is not None:
                tell(len(block))
    return digest.hexdigest()
