# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The guard of ``robomamba_jax.outside_text``, under the name that the data's readers use."""

from __future__ import annotations

from robomamba_jax.outside_text import (
    MAX_TEXT_BYTES,
    check_text,
    decode_text,
    is_lfs_pointer,
    lfs_pointer,
    parse_json,
    read_bytes,
    read_text,
    split_lines,
)

__all__ = [
    "MAX_TEXT_BYTES",
    "check_text",
    "decode_text",
    "is_lfs_pointer",
    "lfs_pointer",
    "parse_json",
    "read_bytes",
    "read_text",
    "split_lines",
]
