# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The DINOv2-S that `make assets` can fetch: where its ONNX export and the weights out of it are,
and the export with one more output, for the ONNX runtime.

The file's format is protobuf: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
EXPORT, WEIGHTS = ASSETS / "dinov2_s.onnx", ASSETS / "dinov2_s.safetensors"
_GRAPH, _OUTPUT = 7, 12  # fields of ModelProto and GraphProto


def block_output(index: int) -> str:
    """The graph's name of the hidden state after block ``index``."""
    return f"/backbone/encoder/layer.{index}/Add_1_output_0"


def with_output(path: Path, name: str) -> bytes:
    """The model with one more output: protobuf joins messages that stand one after another."""
    output = field(1, name.encode())
    return path.read_bytes() + field(_GRAPH, field(_OUTPUT, output))


def field(number: int, value: bytes) -> bytes:
    """One length-delimited field."""
    size, head = len(value), bytearray([number << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + value
