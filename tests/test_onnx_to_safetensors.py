# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An ONNX file made by hand, message by message; and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.convert.safetensors_file import SafetensorsFile
from scripts.onnx_to_safetensors import OnnxError, convert, main
from tests.dinov2_onnx import field


def varint(number: int, value: int) -> bytes:
    """One small number."""
    assert value < 128
    return bytes([number << 3, value])


def constant(name: str, value: np.ndarray) -> bytes:
    """A TensorProto among the graph's initializers."""
    dims = b"".join(varint(1, size) for size in value.shape)
    return field(5, dims + varint(2, 1) + field(8, name.encode()) + field(9, value.tobytes()))


def product(module: str, weight: str) -> bytes:
    """A MatMul of a module with a constant."""
    parts = [field(1, b"x"), field(1, weight.encode())]
    parts += [field(2, f"/backbone/{module}/MatMul_output_0".encode()), field(4, b"MatMul")]
    return field(1, b"".join(parts))


RNG = np.random.default_rng(0)
WEIGHT = RNG.standard_normal((3, 4), np.float32)
TOKEN, TABLE = (
    RNG.standard_normal((1, 1, 4), np.float32),
    RNG.standard_normal((1, 9, 4), np.float32),
)
GRAPH = b"".join(
    [
        constant("backbone.layernorm.bias", np.arange(4, dtype=np.float32)),
        constant("onnx::MatMul_7", WEIGHT),
        constant("onnx::Concat_3", TOKEN),
        constant("onnx::Add_4", TABLE),
        constant("decoder.weight", np.ones(2, np.float32)),
        product("encoder/layer.0/mlp/fc1", "onnx::MatMul_7"),
    ]
)
MODEL = varint(1, 8) + field(7, GRAPH)


def test_names_are_found_again(tmp_path: Path) -> None:
    """Weights by their products, turned; the token and the table joined; the rest left out."""
    path, target = tmp_path / "a.onnx", tmp_path / "a.safetensors"
    path.write_bytes(MODEL)
    assert main([str(path), str(target)]) == 0
    file = SafetensorsFile(target)
    assert set(file.names()) == {
        "layernorm.bias",
        "encoder.layer.0.mlp.fc1.weight",
        "embeddings.position_embeddings",
    }
    out = np.empty((4, 3), np.float32)
    np.testing.assert_array_equal(file.read("encoder.layer.0.mlp.fc1.weight", out), WEIGHT.T)
    want = np.concatenate([TOKEN, TABLE], axis=1)
    np.testing.assert_array_equal(file.read("embeddings.position_embeddings"), want)
    file.close()


@given(st.floats(0, 1, exclude_max=True))
def test_cut_files(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    """One line, wherever it is cut."""
    path = tmp_path_factory.mktemp("cut") / "a.onnx"
    path.write_bytes(MODEL[: int(share * len(MODEL))])
    with pytest.raises(OnnxError, match=r"a\.onnx") as caught:
        convert(path, path.with_suffix(".safetensors"))
    assert "\n" not in str(caught.value)
    assert list(path.parent.iterdir()) == [path]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=5))
def test_damaged_files_never_escape(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """A file that opens, or an OnnxError."""
    data = bytearray(MODEL)
    for place, byte in changes:
        data[place % len(data)] = byte
    path = tmp_path_factory.mktemp("damaged") / "a.onnx"
    path.write_bytes(data)
    target = path.with_suffix(".safetensors")
    try:
        count = convert(path, target)
    except OnnxError:
        assert not target.exists()
        return
    file = SafetensorsFile(target)
    assert len(file.names()) == count
    file.close()


def test_what_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing, empty, another file: one line and status 2."""
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "text.onnx").write_bytes(b"hello world, this is no model at all")
    for name in ("none", "empty", "text"):
        assert main([str(tmp_path / f"{name}.onnx"), str(tmp_path / "out")]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert f"{name}.onnx" in line
    assert not (tmp_path / "out").exists()
