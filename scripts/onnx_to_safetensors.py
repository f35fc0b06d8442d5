# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""DINOv2's weights out of an ONNX export:  onnx_to_safetensors.py IN.onnx OUT.safetensors

The new file has the names of transformers' ``Dinov2Model``, which `robomamba convert --from dinov2`
reads. Standard library only: this runs before anything else is installed.

ONNX is protobuf (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), read here as plain
fields: initializers with raw bytes, and nodes with names.
"""

from __future__ import annotations

import array
import json
import math
import mmap
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Field numbers of ModelProto.graph, GraphProto.node and GraphProto.initializer.
_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_FLOAT = 1  # TensorProto.DataType
_BACKBONE = "backbone."
_TABLE = "embeddings.position_embeddings"


class OnnxError(Exception):
    """Why a file holds no DINOv2, in one line."""


@dataclass(frozen=True)
class Tensor:
    """A float32 tensor whose bytes lie in the mapped file.

    Attributes:
      shape: of the tensor as DINOv2 has it.
      pieces: its bytes, little-endian; several where the exporter cut it along the first of its
        axes that is longer than 1.
      turned: the bytes are those of the transposed matrix.
    """

    shape: tuple[int, ...]
    pieces: tuple[memoryview, ...]
    turned: bool = False

    def data(self) -> bytes:
        """The tensor's values in row-major order."""
        if not self.turned:
            return b"".join(self.pieces)
        rows, columns = self.shape
        stored = array.array("f", b"".join(self.pieces))
        values = array.array("f")
        for row in range(rows):
            values += stored[row::rows]
        assert len(values) == rows * columns
        return values.tobytes()


def read_backbone(model: memoryview) -> dict[str, Tensor]:
    """The encoder's tensors by transformers' names.

    Biases, norms and scales kept their names in the export. The exporter folded the transposes of
    the linear weights into nameless constants, but the MatMul nodes that read them are called
    after their module, and so each weight finds its name again. The position table was cut into
    the class token's row and the patches' rows; their shapes tell them apart.

    Args:
      model: a ModelProto.

    Raises:
      OnnxError: it is cut, is no ONNX file, or holds no DINOv2.
    """
    try:
        graph = next(value for field, value in _fields(model) if field == _GRAPH)
        constants: dict[str, Tensor] = {}
        products: list[tuple[str, str]] = []
        for field, value in _fields(graph):
            if field == _INITIALIZER:
                constants |= _initializer(value)
            elif field == _NODE:
                products += _product(value)
        return _named(constants, products)
    except (ValueError, TypeError, StopIteration) as error:
        raise OnnxError(f"not an ONNX file of DINOv2: {error or 'it has no graph'}") from error


def _named(constants: dict[str, Tensor], products: list[tuple[str, str]]) -> dict[str, Tensor]:
    named = {n.removeprefix(_BACKBONE): t for n, t in constants.items() if n.startswith(_BACKBONE)}
    rest = {name: t for name, t in constants.items() if not name.startswith(_BACKBONE)}
    for module, constant in products:
        if constant in constants:
            stored = constants[constant]
            named[f"{module}.weight"] = Tensor(stored.shape[::-1], stored.pieces, turned=True)
            rest.pop(constant, None)
    width = named["layernorm.bias"].shape[0] if "layernorm.bias" in named else 0
    table = [t for t in rest.values() if len(t.shape) == 3 and t.shape[::2] == (1, width)]
    token, patches = ([t for t in table if (t.shape[1] == 1) is one] for one in (True, False))
    if len(token) != 1 or len(patches) != 1:
        raise ValueError("it has no position table")
    pieces = (*token[0].pieces, *patches[0].pieces)
    named[_TABLE] = Tensor((1, 1 + patches[0].shape[1], width), pieces)
    return named


def _initializer(message: memoryview) -> dict[str, Tensor]:
    """{name: tensor} of a TensorProto of floats; empty for another dtype."""
    shape, dtype, name, raw = [], 0, "", memoryview(b"")
    for field, value in _fields(message):
        if field == 1:  # dims, one by one or packed
            shape += [value] if isinstance(value, int) else _packed(value)
        elif field == 2:
            dtype = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = value
    if dtype != _FLOAT:
        return {}
    if 4 * math.prod(shape) != len(raw):
        raise ValueError(f"{name!r} has {len(raw)} bytes for the shape {shape}")
    return {name: Tensor(tuple(shape), (raw,))}


def _product(message: memoryview) -> list[tuple[str, str]]:
    """[(module's name, constant's name)] of a MatMul of the backbone, else nothing."""
    inputs, output, operator = [], "", ""
    for field, value in _fields(message):
        if field == 1:
            inputs.append(bytes(value).decode())
        elif field == 2:
            output = bytes(value).decode()
        elif field == 4:
            operator = bytes(value).decode()
    found = re.fullmatch(r"/backbone/(.+)/MatMul_output_0", output)
    if operator != "MatMul" or not found or len(inputs) != 2:
        return []
    return [(found[1].replace("/", "."), inputs[1])]


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """(number, value) pairs of a message: int for varints, memoryview for all else.

    The package has the same reader for TFRecords, in data/sources/protobuf.py; this script must
    run without the package.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            if wire != 2:
                raise ValueError(f"wire type {wire} at byte {at}")
            size, at = _varint(message, at)
        if size > len(message) - at:
            raise ValueError("it is cut")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift <= 63:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("it is cut")


def _packed(message: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return values


def write_safetensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Header length, JSON header, then one tensor after the other."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + 4 * math.prod(tensor.shape)
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.data())


def convert(source: Path, target: Path) -> int:
    """Read ``source``, write ``target``, which appears only when it is whole.

    Returns:
      How many tensors it has.

    Raises:
      OnnxError: the file holds no DINOv2.
    """
    partial = target.with_name(f"{target.name}.part")
    try:
        with source.open("rb") as file:
            # An empty file cannot be mapped.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.read(1) else b""
        tensors = read_backbone(memoryview(data))
        write_safetensors(tensors, partial)
        partial.replace(target)
    except OnnxError as error:
        raise OnnxError(f"{source} is {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(tensors)


def main(arguments: list[str]) -> int:
    """Convert one file; 2 and one line where that cannot be done."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    source, target = map(Path, arguments)
    try:
        print(f"{target}: {convert(source, target)} tensors")
    except (OnnxError, OSError) as problem:
        print(f"onnx_to_safetensors: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
