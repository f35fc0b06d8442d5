# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where samples come from: one file per format, random access, nothing decoded."""

__all__ = [
    "bare_files",
    "formats",
    "image_refs",
    "json_records",
    "manipulation",
    "paths",
    "robovqa",
    "robovqa_json",
    "robovqa_text",
    "sample",
    "synthetic",
    "tfds_builders",
    "tfrecord",
]
