# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The float32 constants of an ONNX file under the names that DINOv2's torch files have.

The format is protobuf (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), read here
as plain fields: tensors with raw bytes, and nodes with names. The exporter folded the
transposes of weights into nameless constants; the matrix products that read them kept the
module's name, and so each finds its own again.
"""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path

import numpy as np

from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.sources.protobuf import fields, varints
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import open_regular, other_checkpoint

_GRAPH, _NODE, _CONSTANT = 7, 1, 5  # of ModelProto, GraphProto
_FLOAT = 1  # TensorProto.DataType
_BACKBONE = "backbone."
_FIX = "give a DINOv2 exported by torch, such as `make assets ASSETS_ARGS=--dino` fetches"


class OnnxFile:
    """A DINOv2 encoder inside an ONNX file; the file is mapped, never copied whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Find the constants.

        Raises:
          InputError: it cannot be opened, is no such file, or is cut.
        """
        self.path = Path(path)
        self.extras: dict[str, str] = {}
        try:
            with open_regular(self.path) as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            other = other_checkpoint(self.path, "an ONNX file", _FIX)
            raise other or InputError("unreadable_file", f"{self.path}: {error}", _FIX) from error
        try:
            self._tensors = self._named()
        except (ValueError, IndexError, UnicodeDecodeError, StopIteration, TypeError) as error:
            other = other_checkpoint(self.path, "an ONNX file", _FIX)
            raise other or InputError(
                "bad_checkpoint", f"{self.path} is not an ONNX file: {error}", _FIX
            ) from error

    def _named(self) -> dict[str, np.ndarray]:
        """The backbone's tensors by name; what is left over goes to ``extras``."""
        graph = next(value for field, value in fields(memoryview(self._map)) if field == _GRAPH)
        constants: dict[str, np.ndarray] = {}
        products = []
        for field, value in fields(graph):
            if field == _CONSTANT:
                constants.update(_constant(value))
            elif field == _NODE:
                products += _product(value)
        tensors = {
            name.removeprefix(_BACKBONE): value
            for name, value in constants.items()
            if name.startswith(_BACKBONE)
        }
        used = {_BACKBONE + name for name in tensors}
        for scope, constant in products:
            if constant in constants:
                tensors[scope + ".weight"] = constants[constant].T
                used.add(constant)
        width = tensors["layernorm.bias"].shape[0] if "layernorm.bias" in tensors else 0
        rest = {name: value for name, value in constants.items() if name not in used}
        token = [name for name, v in rest.items() if v.shape == (1, 1, width) and "Concat" in name]
        table = [
            name
            for name, v in rest.items()
            if v.ndim == 3 and v.shape[::2] == (1, width) and v.shape[1] > 1
        ]
        if len(token) != 1 or len(table) != 1:
            raise ValueError("it has no DINOv2 position table")
        position = [rest.pop(token[0]), rest.pop(table[0])]
        tensors["embeddings.position_embeddings"] = np.concatenate(position, axis=1)
        self.extras = dict.fromkeys(rest, "no weight of the encoder")
        return tensors

    def names(self) -> list[str]:
        """The encoder's tensors."""
        return list(self._tensors)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return TensorInfo(self._tensors[name].shape, "float32")

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values."""
        if out is None:
            return np.array(self._tensors[name])
        out[...] = self._tensors[name]
        return out

    def files(self) -> list[Path]:
        """The file itself."""
        return [self.path]

    def close(self) -> None:
        """Forget the tensors; the mapping ends with the last of them."""
        self._tensors = {}


def _constant(message: memoryview) -> dict[str, np.ndarray]:
    shape, kind, name, raw = [], 0, "", memoryview(b"")
    for field, value in fields(message):
        if field == 1:
            shape += [value] if isinstance(value, int) else list(varints(value))
        elif field == 2:
            kind = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = value
    if kind != _FLOAT:
        return {}
    return {name: np.frombuffer(raw, "<f4").reshape(shape)}


def _product(message: memoryview) -> list[tuple[str, str]]:
    """(module's name, constant's name) of a MatMul node of the backbone."""
    inputs, output, kind = [], "", ""
    for field, value in fields(message):
        if field in (1, 2, 4):
            text = bytes(value).decode()
            inputs += [text] if field == 1 else []
            output, kind = (text if field == 2 else output), (text if field == 4 else kind)
    found = re.fullmatch(r"/backbone/(.+)/MatMul_output_0", output)
    if kind != "MatMul" or not found or len(inputs) != 2:
        return []
    return [(found[1].replace("/", "."), inputs[1])]
