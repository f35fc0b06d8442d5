# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Safetensors against the library itself, and files whose headers lie."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.convert.safetensors_file import SafetensorsFile, write_safetensors
from robomamba_jax.convert.tensors import NUMPY_DTYPES, TensorInfo
from robomamba_jax.errors import InputError


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """One tensor of every dtype, and the shapes that are easily forgotten."""
    rng = np.random.default_rng(seed)
    made = {
        name: rng.integers(0, 2, (3, 4, 5)).astype(dtype) for name, dtype in NUMPY_DTYPES.items()
    }
    made["scalar"], made["empty"] = np.array(7, np.float32), np.zeros((0, 3), np.float32)
    made["normal"] = rng.standard_normal((17, 31), np.float32)
    return made


def entries(tensors: dict[str, np.ndarray]) -> list[Any]:
    """As the writer takes them."""
    return [(name, TensorInfo(a.shape, str(a.dtype)), lambda a=a: a) for name, a in tensors.items()]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Shape, dtype and every bit."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_the_library_reads_what_we_write(tmp_path: Path) -> None:
    """Every dtype and shape, bit for bit, with the metadata that transformers asks for."""
    path, hashed = tmp_path / "a.safetensors", []
    write_safetensors(path, entries(arrays()), {"origin": "test"}, observe=hashed.append)
    assert b"".join(bytes(piece) for piece in hashed) == path.read_bytes()
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"format": "pt", "origin": "test"}
        for name, array in arrays().items():
            assert same_bits(file.get_tensor(name), array), name


def test_we_read_what_the_library_writes(tmp_path: Path) -> None:
    """Alone and into memory that is given."""
    path = tmp_path / "a.safetensors"
    safetensors.numpy.save_file(arrays(), path)
    file = SafetensorsFile(path)
    assert sorted(file.names()) == sorted(arrays())
    for name, array in arrays().items():
        assert file.info(name) == TensorInfo(array.shape, str(array.dtype))
        assert same_bits(file.read(name), array), name
        out = np.empty(array.shape, array.dtype)
        assert file.read(name, out) is out
        assert same_bits(out, array), name
    file.close()


def written(path: Path, header: Any, data: bytes = b"\0" * 16, length: int | None = None) -> Path:
    """A file with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + text + data)
    return path


def one(**changes: Any) -> dict[str, Any]:
    """A sound header of one tensor of 16 bytes, changed."""
    return {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **changes}}


LIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "header longer than the file": (one(), {"length": 10**9}),
    "header of 2**63 bytes": (one(), {"length": 2**63}),
    "header of no bytes": (one(), {"length": 0}),
    "no JSON": (b"{{{{", {}),
    "not an object": ([1, 2], {}),
    "a deep nest": (b"[" * 100_000, {}),
    "a name twice": (
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
        b'"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
        {},
    ),
    "bytes missing": (one(), {"data": b"\0" * 15}),
    "bytes too many": (one(), {"data": b"\0" * 17}),
    "shape beyond its bytes": (one(shape=[2, 3]), {}),
    "a giant shape": (one(shape=[2**62, 2**62]), {}),
    "a negative size": (one(shape=[-2, -2]), {}),
    "a size of text": (one(shape=["2", 2]), {}),
    "a size of true": (one(shape=[True, 4]), {}),
    "a fraction": (one(shape=[2.0, 2]), {}),
    "a gap": (one(data_offsets=[4, 20]), {"data": b"\0" * 20}),
    "an overlap": ({**one(), "b": one()["a"]}, {}),
    "offsets turned round": (one(data_offsets=[16, 0]), {}),
    "three offsets": (one(data_offsets=[0, 8, 16]), {}),
    "an unknown dtype": (one(dtype="F7"), {}),
    "a dtype that is a list": (one(dtype=["F32"]), {}),
    "a field too many": (one(strides=[1]), {}),
    "a field too few": ({"a": {"dtype": "F32", "shape": [4]}}, {}),
    "an entry of text": ({"a": "F32"}, {}),
    "metadata of text": ({**one(), "__metadata__": "x"}, {}),
    "sixty axes": (one(shape=[1] * 60 + [4]), {}),
}


@pytest.mark.parametrize("lie", LIES)
def test_lying_headers(lie: str, tmp_path: Path) -> None:
    """Refused in one line that names the file, before memory is taken."""
    header, how = LIES[lie]
    path = written(tmp_path / "liar.safetensors", header, **how)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="liar") as caught:
        SafetensorsFile(path)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@given(st.floats(0, 1, exclude_max=True))
def test_cut_files(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    """Cut anywhere."""
    path = tmp_path_factory.mktemp("cut") / "a.safetensors"
    write_safetensors(path, entries({"a": np.arange(7.0), "b": np.ones((3, 3), np.float16)}))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"a\.safetensors"):
        SafetensorsFile(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    """Missing, a folder."""
    for path in (tmp_path / "no.safetensors", tmp_path):
        with pytest.raises(InputError, match=r"does not exist|is a folder"):
            SafetensorsFile(path)


def test_cut_while_open(tmp_path: Path) -> None:
    """A file that shrinks after its header was read is no reason to give rubbish."""
    path = tmp_path / "a.safetensors"
    write_safetensors(path, entries({"a": np.arange(1000.0)}))
    file = SafetensorsFile(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="was cut at a"):
        file.read("a")
    file.close()


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """Neither a half file under the name nor one beside it."""

    def fail() -> np.ndarray:
        raise InputError("x", "the source is gone", "y")

    with pytest.raises(InputError, match="the source is gone"):
        write_safetensors(tmp_path / "a", [("a", TensorInfo((2,), "float32"), fail)])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="No such file or directory"):
        write_safetensors(tmp_path / "none" / "a", [])
