# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The inference folder: written whole or not at all, and every change noticed."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.config import model_preset
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import check_files, open_folder, write_folder
from robomamba_jax.convert.placement import load_params, tree_tensors
from robomamba_jax.convert.tensor_names import leaves, tensor_shapes
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import abstract_params, leaf_paths
from robomamba_jax.models.sharding import partition_spec
from tests.weights import draw_parameters

CONFIG = model_preset("tiny")
PARTS = ModelParts(CONFIG.llm, CONFIG.vision, CONFIG.policy)


def tensors(dtype: str = "float32") -> dict[str, np.ndarray]:
    """Random weights by our names."""
    made = draw_parameters(tensor_shapes(PARTS))
    return {name: value.astype(dtype) for name, value in made.items()}


def save(path: Path, dtype: str = "float32", **how: Any) -> Path:
    """A folder of the tiny model."""
    entries = [
        (name, TensorInfo(a.shape, str(a.dtype)), lambda a=a: a)
        for name, a in tensors(dtype).items()
    ]
    return write_folder(path, PARTS, builtin_processor("tiny"), entries, **how)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder in several shards, not to be changed."""
    return save(tmp_path_factory.mktemp("folder") / "tiny", shard_bytes=60_000)


def copied(folder: Path, to: Path) -> Path:
    """A copy that a test may break."""
    for file in (f for f in folder.rglob("*") if f.is_file()):
        target = to / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return to


def test_it_holds_what_the_conventions_say(folder: Path) -> None:
    """Files, manifest and card."""
    names = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}
    fixed = {"manifest.json", "config.json", "tokenizer.json", "processor.json", "README.md"}
    shards = {name for name in names if name.startswith("params/model-")}
    assert names == fixed | shards | {"params/model.safetensors.index.json"}
    assert len(shards) > 2
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format_version"] == 1
    assert set(manifest["files"]) == names - {"manifest.json"}
    assert not any(check_files(folder, manifest).values())
    card = (folder / "README.md").read_text()
    assert "| llm |" in card
    assert "rm.predict_pose" in card


@pytest.mark.slow
def test_load_gives_the_same_numbers(folder: Path) -> None:
    """Every leaf bit for bit, and the processor."""
    model, processor = rm.load(folder)
    assert model.config == CONFIG
    builtin = builtin_processor("tiny")
    assert processor.need_tokenizer().sha256 == builtin.need_tokenizer().sha256
    assert dataclasses.replace(processor, tokenizer=None) == builtin.replace(tokenizer=None)
    want = tensors()
    got = {name: make() for name, make in tree_tensors(model.params).items()}
    assert set(got) == set(want)
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    logits = rm.forward(model, np.array([[1, 2, 3]]))
    assert logits.shape == (1, 3, CONFIG.llm.vocab_size)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_load_in_another_dtype(folder: Path, dtype: str) -> None:
    """Matrices in it, what must be float32 in float32; values rounded once."""
    model, _ = rm.load(folder, param_dtype=dtype, dtype=dtype)
    flat = leaf_paths(model.params)
    assert flat["llm/backbone/layers/0/mixer/in_proj/weight"].dtype == dtype
    assert flat["vision/encoder/layers/mlp/fc1/weight"].dtype == dtype
    assert flat["llm/backbone/layers/0/mixer/A_log"].dtype == jnp.float32
    want = tensors()["llm.backbone.layers.0.mixer.in_proj.weight"].astype(dtype)
    got = np.asarray(flat["llm/backbone/layers/0/mixer/in_proj/weight"])
    np.testing.assert_array_equal(got, want)


def test_both_layouts_hold_the_same(folder: Path) -> None:
    """Stacked is the list's rows, read straight from the files."""
    source = open_folder(folder).source()
    made = {
        layout: load_params(source, abstract_params(CONFIG, layout)[1])
        for layout in ("list", "stacked")
    }
    source.close()
    rows = [made["list"]["llm"]["backbone"]["layers"][i] for i in range(CONFIG.llm.n_layer)]
    stacked = made["stacked"]["llm"]["backbone"]["layers"]
    jax.tree.map(
        np.testing.assert_array_equal, jax.tree.map(lambda *r: np.stack(r), *rows), stacked
    )


def test_a_mesh_places_every_leaf(folder: Path) -> None:
    """On a mesh of one device each leaf still has its named sharding and its numbers."""
    mesh = jax.make_mesh((1, 1, 1), ("data", "fsdp", "tensor"))
    model, _ = rm.load(folder, mesh=mesh)
    plain, _ = rm.load(folder)
    for path, leaf in leaf_paths(model.params).items():
        assert isinstance(leaf.sharding, jax.sharding.NamedSharding), path
        np.testing.assert_array_equal(leaf, leaf_paths(plain.params)[path])


EIGHT = """
import sys, jax, numpy as np, robomamba_jax as rm
from robomamba_jax.models.params import leaf_paths
assert len(jax.devices()) == 8
mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"))
model, _ = rm.load(sys.argv[1], mesh=mesh, param_dtype="bfloat16")
plain, _ = rm.load(sys.argv[1], param_dtype="bfloat16")
wanted = leaf_paths(plain.params)
for path, leaf in leaf_paths(model.params).items():
    np.testing.assert_array_equal(leaf, wanted[path], err_msg=path)
weight = leaf_paths(model.params)["llm/backbone/layers/0/mixer/in_proj/weight"]
assert {shard.data.shape for shard in weight.addressable_shards} == {(96, 24)}
tower = leaf_paths(model.params)["vision/encoder/layers/mlp/fc1/weight"]
assert {shard.data.shape for shard in tower.addressable_shards} == {(2, 25, 18)}
ids = np.array([[1, 2, 3]])
np.testing.assert_allclose(
    jax.jit(rm.forward)(model, ids), jax.jit(rm.forward)(plain, ids), rtol=0.05, atol=0.05
)
"""


@pytest.mark.slow
def test_eight_devices(folder: Path) -> None:
    """Every leaf split as the rules say, with the same numbers, and the same logits."""
    flags = {"JAX_NUM_CPU_DEVICES": "8"}
    subprocess.run(
        [sys.executable, "-c", EIGHT, str(folder)], check=True, env={**os.environ, **flags}
    )


def test_shards_read_their_own_piece(folder: Path) -> None:
    """Any cut of a stacked leaf is made from the rows that it needs."""
    source = open_folder(folder).source()
    _, expected = abstract_params(CONFIG, "stacked")
    leaf = next(x for x in leaves(expected) if x.path.endswith("in_proj/weight"))
    whole = load_params(source, expected)["llm"]["backbone"]["layers"]["mixer"]["in_proj"]
    from robomamba_jax.convert.placement import _fill

    for index in (
        (slice(1, 3), slice(0, 96), slice(0, 48)),
        (slice(0, 3), slice(5, 9), slice(7, 8)),
    ):
        piece = _fill(source, leaf, index)
        np.testing.assert_array_equal(piece, np.asarray(whole["weight"])[index])
    source.close()


def test_partition_rules() -> None:
    """An axis that is not divisible stays whole, and fsdp takes the longest other one, in front
    of tensor; stacks keep their first axis."""
    spec = jax.sharding.PartitionSpec
    sizes = {"data": 2, "fsdp": 2, "tensor": 4}
    path = "llm/backbone/layers/{}mixer/in_proj/weight"
    assert partition_spec(path.format("0/"), (192, 48), sizes) == spec("tensor", "fsdp")
    assert partition_spec(path.format(""), (3, 192, 47), sizes) == spec(
        None, ("fsdp", "tensor"), None
    )
    assert partition_spec("llm/backbone/norm_f/weight", (48,), sizes) == spec("fsdp")
    assert partition_spec("llm/backbone/norm_f/weight", (47,), sizes) == spec(None)
    assert partition_spec(path.format("0/"), (192, 48), {"data": 8}) == spec(None, None)


BREAKS = {
    "a byte of a shard": ("params/model-00001-of-*.safetensors", "flip", True),
    "a shard cut": ("params/model-00001-of-*.safetensors", "cut", False),
    "a shard gone": ("params/model-00002-of-*.safetensors", "remove", False),
    "the tokenizer": ("tokenizer.json", "flip", False),
    "the config": ("config.json", "flip", False),
    "no manifest": ("manifest.json", "empty", False),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_changed_folder_is_refused(what: str, folder: Path, tmp_path: Path) -> None:
    """Sizes always, hashes of the small files always, of parameters when asked."""
    pattern, how, only_hashes = BREAKS[what]
    broken = copied(folder, tmp_path / "broken")
    file = next(broken.glob(pattern))
    data = bytearray(file.read_bytes())
    if how == "remove":
        file.unlink()
    else:
        data[-40] ^= 1
        file.write_bytes({"flip": bytes(data), "cut": bytes(data[:-1]), "empty": b"{}"}[how])
    with pytest.raises(InputError, match="broken") as caught:
        open_folder(broken, hashes=True)
    assert "\n" not in str(caught.value)
    if only_hashes:
        open_folder(broken)
    else:
        with pytest.raises(InputError, match="broken"):
            rm.load(broken)


def test_a_newer_format_is_refused(folder: Path, tmp_path: Path) -> None:
    """Said as such."""
    newer = copied(folder, tmp_path / "newer")
    manifest = json.loads((newer / "manifest.json").read_text())
    (newer / "manifest.json").write_text(json.dumps({**manifest, "format_version": 2}))
    with pytest.raises(InputError, match="version 2"):
        rm.load(newer)


def test_a_manifest_cannot_point_outside(folder: Path, tmp_path: Path) -> None:
    """A name with .. or from the root is not a file of the folder."""
    manifest = {"files": {"../x": {}, "/etc/passwd": {}, "config.json": 3}}
    assert set(check_files(folder, manifest).values()) == {"is not a file of the folder"}


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """A folder that exists stays; one of another kind stays even with overwrite."""
    path = save(tmp_path / "a")
    before = (path / "manifest.json").read_bytes()
    with pytest.raises(InputError, match="exists"):
        save(path, dtype="float16")
    assert (path / "manifest.json").read_bytes() == before
    save(path, dtype="float16", overwrite=True)
    assert (path / "manifest.json").read_bytes() != before
    other = tmp_path / "b"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="is not an inference folder"):
        save(other, overwrite=True)
    assert (other / "thesis.txt").read_text() == "x"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """No half folder, under no name."""

    def fail() -> np.ndarray:
        raise InputError("x", "the source is gone", "y")

    entry = ("a", TensorInfo((2,), "float32"), fail)
    with pytest.raises(InputError, match="the source is gone"):
        write_folder(tmp_path / "a", PARTS, builtin_processor("tiny"), [entry])
    assert list(tmp_path.iterdir()) == []


def test_what_load_says_of_other_paths(tmp_path: Path) -> None:
    """A folder of another kind, nothing, a misspelt preset, an encoder alone."""
    with pytest.raises(InputError, match=r"is not a checkpoint.*convert it first"):
        rm.load(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        rm.load(tmp_path / "none")
    with pytest.raises(InputError, match="did you mean nano"):
        rm.load("nana")
    alone = dataclasses.replace(PARTS, llm=None, policy=None)
    shapes = tensor_shapes(alone)
    entries = [
        (n, TensorInfo(a.shape, "float32"), lambda a=a: a)
        for n, a in tensors().items()
        if n in shapes
    ]
    write_folder(tmp_path / "eye", alone, builtin_processor("tiny"), entries)
    with pytest.raises(InputError, match="holds an encoder alone"):
        rm.load(tmp_path / "eye")
