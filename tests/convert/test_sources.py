# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Finding a checkpoint behind a path, and shards behind an index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.convert.lora import LoraMerged
from robomamba_jax.convert.safetensors_file import write_safetensors
from robomamba_jax.convert.sources import RenamedSource, open_source
from robomamba_jax.convert.tensors import TensorInfo, aligned_empty, has_nonfinite
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import read_json


def save(path: Path, *names: str, **arrays: np.ndarray) -> Path:
    """A safetensors file of the named ones, or of arrays."""
    held = {**{name: np.ones((2, 3), np.float32) for name in names}, **arrays}
    entries = [(n, TensorInfo(a.shape, str(a.dtype)), lambda a=a: a) for n, a in held.items()]
    write_safetensors(path, entries)
    return path


def sharded(folder: Path, where: dict[str, str]) -> Path:
    """Two files that hold a and b, and any index."""
    save(folder / "one.safetensors", "a")
    save(folder / "two.safetensors", "b")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    return folder


RIGHT = {"a": "one.safetensors", "b": "two.safetensors"}


def test_shards_read_as_one(tmp_path: Path) -> None:
    """All names, each from its file."""
    source = open_source(sharded(tmp_path, RIGHT))
    assert source.names() == ["a", "b"]
    assert source.read("b").shape == (2, 3)
    assert {file.name for file in source.files()} == {
        *RIGHT.values(),
        "model.safetensors.index.json",
    }
    source.close()


def test_an_onnx_file_is_sent_back(tmp_path: Path) -> None:
    """Earlier versions read DINOv2's export; one line says what is given instead."""
    with pytest.raises(InputError, match=r"make assets ASSETS_ARGS=--dino") as caught:
        open_source(tmp_path / "dinov2_s.onnx")
    assert "\n" not in str(caught.value)


WRONG = {
    "a name too few": ({"a": "one.safetensors"}, "is unknown|do not agree"),
    "a name too many": ({**RIGHT, "c": "two.safetensors"}, "do not agree on 'c'"),
    "the other file": ({"a": "two.safetensors", "b": "one.safetensors"}, "do not agree"),
    "a file that is missing": ({**RIGHT, "b": "three.safetensors"}, "three.safetensors"),
    "a file outside": ({**RIGHT, "b": "../two.safetensors"}, "own folder only"),
    "a file of the root": ({**RIGHT, "b": "/etc/passwd"}, "own folder only"),
    "no files": ({**RIGHT, "b": 3}, "no weight_map"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_index_that_lies(wrong: str, tmp_path: Path) -> None:
    """Refused in one line; the first case holds a tensor that the index does not name."""
    where, complaint = WRONG[wrong]
    if wrong == "a name too few":
        save(tmp_path / "one.safetensors", "a", "b")
        path = tmp_path / "model.safetensors.index.json"
        path.write_text(json.dumps({"weight_map": where}))
    else:
        sharded(tmp_path, where)
    with pytest.raises(InputError, match=complaint) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    """An empty folder, a missing path, another ending."""
    with pytest.raises(InputError, match="holds no weights"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_source(tmp_path / "none")
    (tmp_path / "a.gguf").write_bytes(b"x")
    with pytest.raises(InputError, match="not a checkpoint file"):
        open_source(tmp_path / "a.gguf")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\xff"])
def test_bad_json(text: str, tmp_path: Path) -> None:
    """One line."""
    (tmp_path / "x.json").write_bytes(text.encode("latin1"))
    with pytest.raises(InputError, match=r"x\.json"):
        read_json(tmp_path / "x.json")


def test_renamed_twice_is_refused(tmp_path: Path) -> None:
    """Two tensors may not end under one name."""
    source = open_source(save(tmp_path / "a.safetensors", "m.a", "a"))
    with pytest.raises(InputError, match="twice"):
        RenamedSource(source, lambda name: name.removeprefix("m."))
    source.close()


RNG = np.random.default_rng(0)
W = RNG.standard_normal((5, 4), np.float32)
A, B = RNG.standard_normal((2, 4), np.float32), RNG.standard_normal((5, 2), np.float32)


@pytest.mark.parametrize("spelling", ["x.lora_{}.default.weight", "x.lora_{}.weight"])
def test_lora_is_merged(spelling: str, tmp_path: Path) -> None:
    """W + alpha / r B A, in float64 next to it, and in the weight's own dtype."""
    held = {"x.weight": W, spelling.format("A"): A, spelling.format("B"): B, "y.weight": W}
    source = LoraMerged(open_source(save(tmp_path / "a.safetensors", **held)), alpha=16)
    assert source.names() == ["x.weight", "y.weight"]
    assert source.merged == {"x.weight": 2}
    want = W.astype(np.float64) + 8 * (B.astype(np.float64) @ A.astype(np.float64))
    np.testing.assert_allclose(source.read("x.weight"), want, rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(source.read("y.weight"), W)
    source.close()


LORA_WRONG = {
    "no partner": ({"x.weight": W, "x.lora_A.weight": A}, "partner of x.lora_A.weight"),
    "no weight": ({"x.lora_A.weight": A, "x.lora_B.weight": B}, "lacks x.weight"),
    "another shape": ({"x.weight": W.T, "x.lora_A.weight": A, "x.lora_B.weight": B}, "do not make"),
    "ranks differ": (
        {"x.weight": W, "x.lora_A.weight": A[:1], "x.lora_B.weight": B},
        "do not make",
    ),
}


@pytest.mark.parametrize("wrong", LORA_WRONG)
def test_broken_lora(wrong: str, tmp_path: Path) -> None:
    """Named."""
    held, complaint = LORA_WRONG[wrong]
    held = {name: np.ascontiguousarray(value) for name, value in held.items()}
    source = open_source(save(tmp_path / "a.safetensors", **held))
    with pytest.raises(InputError, match=complaint):
        LoraMerged(source)
    source.close()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_nonfinite_is_seen_in_every_float(dtype: str) -> None:
    """NaN and both infinities anywhere; the largest finite number is none."""
    import ml_dtypes

    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    sound = np.ones((3, 5), kind)
    sound[1, 2] = ml_dtypes.finfo(kind).max
    assert not has_nonfinite(sound)
    for bad in (np.nan, np.inf, -np.inf):
        broken = sound.copy()
        broken[2, 4] = bad
        assert has_nonfinite(broken)
    assert not has_nonfinite(np.ones(3, np.int64))


def test_memory_is_aligned() -> None:
    """To what XLA's CPU backend asks of memory that it takes over."""
    for shape in ((3, 5), (), (0, 4), (1000,)):
        array = aligned_empty(shape, np.dtype(np.float16))
        assert array.shape == shape
        assert array.ctypes.data % 64 == 0 or not array.size


def test_an_index_that_counts_otherwise(tmp_path: Path) -> None:
    """Not an error, since published ones count tied tensors twice; but it is said, in the table."""
    sharded(tmp_path, RIGHT)
    index = tmp_path / "model.safetensors.index.json"
    source = open_source(tmp_path)
    held = sum(source.info(name).nbytes for name in source.names())
    source.close()
    for told, extras in (
        (held, {}),
        (held + 8, {"total_size": f"the index tells of {held + 8} bytes"}),
    ):
        index.write_text(json.dumps({"metadata": {"total_size": told}, "weight_map": RIGHT}))
        source = open_source(tmp_path)
        assert source.extras.keys() == extras.keys()
        assert all(said in source.extras[name] for name, said in extras.items())
        source.close()
