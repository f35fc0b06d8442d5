# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The DINOv2-S that `make assets` can fetch: its ONNX file read without onnx, as named tensors.

The file's format is protobuf: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Only what
this one file holds is understood: float32 tensors as raw bytes, nodes with names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PATH = Path(__file__).resolve().parents[1] / "assets" / "dinov2_s.onnx"
GRAPH_OUTPUT = 12  # field of GraphProto
GRAPH = 7  # field of ModelProto
FLOAT = 1  # TensorProto.DataType


class Graph(NamedTuple):
    """Constants by name, and the constant operand of each MatMul by the product's name."""

    constants: dict[str, np.ndarray]
    products: dict[str, str]


def block_output(index: int) -> str:
    """The graph's name of the hidden state after block ``index``."""
    return f"/backbone/encoder/layer.{index}/Add_1_output_0"


def with_output(path: Path, name: str) -> bytes:
    """The model with one more output: protobuf joins messages that stand one after another."""
    output = _field(1, name.encode())
    return path.read_bytes() + _field(GRAPH, _field(GRAPH_OUTPUT, output))


def hub_tensors(path: Path) -> dict[str, np.ndarray]:
    """The backbone's tensors as the published file names them; the decoder is left out."""
    graph = read_graph(path)
    tensors = {
        name.removeprefix("backbone."): value
        for name, value in graph.constants.items()
        if name.startswith("backbone.")
    }
    # The exporter folded the transposes of weights and lost their names; the products kept theirs.
    for product, constant in graph.products.items():
        scope = re.fullmatch(r"/backbone/(.+)/MatMul_output_0", product)
        assert scope, product
        tensors[scope[1].replace("/", ".") + ".weight"] = graph.constants[constant].T
    table = [value for name, value in graph.constants.items() if value.shape == (1, 37 * 37, 384)]
    token = [
        value
        for name, value in graph.constants.items()
        if name.startswith("onnx::Concat") and value.shape == (1, 1, 384)
    ]
    assert len(table) == len(token) == 1
    tensors["embeddings.position_embeddings"] = np.concatenate([token[0], table[0]], axis=1)
    return tensors


def at_grid(table: np.ndarray, grid: int) -> np.ndarray:
    """A position table float32[1, 1 + N * N, D] resampled to [1, 1 + grid * grid, D].

    Bicubic with a = -0.75, half-pixel centres, edges repeated, no antialiasing: what DINOv2 does.
    """
    token, patches = table[:, :1], table[0, 1:]
    side = round(len(patches) ** 0.5)
    weights = cubic_weights(side, grid)
    patches = patches.reshape(side, side, -1).astype(np.float64)
    patches = np.einsum("yh,xw,hwd->yxd", weights, weights, patches).reshape(1, grid * grid, -1)
    return np.concatenate([token, patches.astype(table.dtype)], axis=1)


def cubic_weights(size: int, new: int, a: float = -0.75) -> np.ndarray:
    """float64[new, size]: one axis of a bicubic resampling."""
    centres = (np.arange(new) + 0.5) * size / new - 0.5
    weights = np.zeros((new, size))
    for row, centre in enumerate(centres):
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            x = abs(centre - tap)
            near = (a + 2) * x**3 - (a + 3) * x**2 + 1
            far = a * (x**3 - 5 * x**2 + 8 * x - 4)
            weights[row, min(max(tap, 0), size - 1)] += near if x <= 1 else far
    return weights


def read_graph(path: Path) -> Graph:
    """All float32 constants of the file, and which of them MatMul nodes read."""
    graph = next(value for field, value in _fields(path.read_bytes()) if field == GRAPH)
    constants, nodes = {}, []
    for field, value in _fields(graph):
        if field == 5:
            constants.update(_constant(value))
        elif field == 1:
            nodes.append(_node(value))
    products = {
        output: inputs[1]
        for kind, inputs, output in nodes
        if kind == "MatMul" and inputs[1] in constants
    }
    return Graph(constants, products)


def _constant(message: memoryview) -> dict[str, np.ndarray]:
    shape, kind, name, raw = [], 0, "", memoryview(b"")
    for field, value in _fields(message):
        if field == 1:
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif field == 2:
            kind = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = value
    if kind != FLOAT:
        return {}
    return {name: np.frombuffer(raw, "<f4").reshape(shape)}


def _node(message: memoryview) -> tuple[str, list[str], str]:
    inputs, output, kind = [], "", ""
    for field, value in _fields(message):
        if field == 1:
            inputs.append(bytes(value).decode())
        elif field == 2:
            output = bytes(value).decode()
        elif field == 4:
            kind = bytes(value).decode()
    return kind, inputs, output


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, Any]]:
    """The (number, value) pairs of a protobuf message."""
    message, at = memoryview(message), 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            assert wire == 2, wire
            size, at = _varint(message, at)
        yield key >> 3, message[at : at + size]
        at += size


def _varints(message: memoryview) -> Iterator[int]:
    at = 0
    while at < len(message):
        value, at = _varint(message, at)
        yield value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _field(number: int, value: bytes) -> bytes:
    """One length-delimited field."""
    size, head = len(value), bytearray([number << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + value
