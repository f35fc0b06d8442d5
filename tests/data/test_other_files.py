# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A file of another kind is named for what it is, at every reader; and its mend works."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robomamba_jax.config.data import FieldMap, SourceConfig
from robomamba_jax.config.files import config_module, load_data_config
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.convert.sources import open_source as open_weights
from robomamba_jax.data.geometry.camera import Camera, read_depth
from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.rlds import RldsSource
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import read_json
from tests.data.samples import mixture, picture, poses, turns
from tests.data.sources.test_robovqa import framed

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"

READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "LLaVA": ("x.json", LlavaSource),
    "a format": ("x.json", lambda path: detect(str(path))),
    "TFRecord": ("x.tfrecord", lambda path: RoboVqaSource([path])),
    "safetensors": ("x.safetensors", open_weights),
    "torch": ("x.pth", open_weights),
    "config.json": ("config.json", read_json),
    "tokenizer": ("tokenizer.json", Tokenizer.load),
    "processor": ("processor.json", lambda path: Processor.load(path.parent)),
    "camera": ("camera.json", Camera.from_json),
    "depth": ("depth.npy", read_depth),
    "depth picture": ("depth.png", read_depth),
    "picture": ("a.png", open_image),
    "data configuration": ("d.json", load_data_config),
    "Python configuration": ("c.py", config_module),
}
KINDS = {
    "a Git LFS pointer": POINTER,
    "an HTML page": PAGE,
    "a gzip file": gzip.compress(b"{}" * 40),
    "empty": b"",
}


@pytest.mark.parametrize("reader", READERS)
def test_what_it_is(reader: str, tmp_path: Path) -> None:
    """A pointer, a page, an archive, nothing: by name, with the mend of each."""
    name, read = READERS[reader]
    for kind, data in KINDS.items():
        path = tmp_path / name
        path.write_bytes(data)
        if (reader, kind) == ("Python configuration", "empty"):
            continue  # which is Python
        with pytest.raises(InputError) as caught:
            read(path)
        assert f"is {kind}" in caught.value.message, (kind, caught.value)
        assert "\n" not in str(caught.value)
        if kind == "a Git LFS pointer":
            assert caught.value.fix == "run git lfs pull"


FOLDERS = {"picture", "tokenizer", "safetensors", "torch", "a format"}


@pytest.mark.parametrize("reader", [name for name in READERS if name not in FOLDERS])
def test_a_folder_and_nothing(reader: str, tmp_path: Path) -> None:
    """Neither is "no file" alone."""
    name, read = READERS[reader]
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"is a (folder|directory)"):
        read(tmp_path / name)


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


def saved(value: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, value)
    return out.getvalue()


OTHERS = {
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(30),
    "a parquet file": b"PAR1" + bytes(30),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(30),
    "a .npy array": saved(np.zeros(3)),
    "a zip archive": zipped("data.json"),
    "an Excel file (.xlsx)": zipped("xl/workbook.xml"),
    "a text file": b"these are words",
    "a safetensors file": (20).to_bytes(8, "little") + b'{"a": {}}' + b" " * 11,
    "a TFRecord file": framed(b"hello"),
    "an MP4 or MOV video": b"\0\0\0\x18ftypmp42" + bytes(16),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_format(kind: str, tmp_path: Path) -> None:
    """In place of data: what it is, and never that a sound TFRecord is none."""
    path = tmp_path / "data"
    path.write_bytes(OTHERS[kind])
    with pytest.raises(InputError) as caught:
        detect(str(path))
    assert f"{path} is {kind}, " in caught.value.message
    assert ("neither JSON nor TFRecord" in caught.value.message) == (kind != "a TFRecord file")


def test_a_tfrecord_of_others(tmp_path: Path) -> None:
    """Its advice, the data set's folder, works for it."""
    folder = Path(__file__).parent / "files" / "robot_episodes" / "1.0.0"
    (shard,) = folder.glob("*.tfrecord*")
    with pytest.raises(InputError) as caught:
        detect(str(shard))
    assert "is a TFRecord file, but not RoboVQA's" in caught.value.message
    assert "the folder with dataset_info.json" in caught.value.fix
    assert detect(str(folder)) == "rlds"


def test_weights_under_another_name(tmp_path: Path) -> None:
    """The name that the message gives is the right one."""
    weights = {"a": torch.ones(2, 3)}
    torch.save(weights, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="is a torch checkpoint, not a safetensors") as caught:
        open_weights(tmp_path / "model.safetensors")
    right = caught.value.fix.rpartition(" ")[2]
    (tmp_path / "model.safetensors").rename(tmp_path / right)
    source = open_weights(tmp_path / right)
    assert source.names() == ["a"]
    source.close()


def test_an_archive_instead_of_its_content(tmp_path: Path) -> None:
    """Unpacked, as is advised, it is read."""
    records = [{"id": "1", "conversations": turns("q", "a")}]
    packed = tmp_path / "data.json"
    packed.write_bytes(gzip.compress(json.dumps(records).encode()))
    with pytest.raises(InputError, match="is a gzip file, not JSON") as caught:
        LlavaSource(packed)
    assert "unpack it" in caught.value.fix
    packed.write_bytes(gzip.decompress(packed.read_bytes()))
    assert LlavaSource(packed)[0].id == "1"


def test_images_elsewhere(tmp_path: Path) -> None:
    """Both settings that the advice names: a configuration's, and a flag of data inspect."""
    from robomamba_jax.cli.main import main

    rng = np.random.default_rng(0)
    picture(tmp_path / "else" / "a.png", rng)
    record = {"id": "1", "image": "a.png", "conversations": turns("<image>\nq", "a")}
    path = tmp_path / "data.json"
    path.write_text(json.dumps([record]))
    with pytest.raises(InputError, match=r"a\.png.*is not below") as caught:
        LlavaSource(path)[0]
    assert "data.sources.N.root" in caught.value.fix
    assert "--root of data inspect" in caught.value.fix
    source = SourceConfig(str(path), root=str(tmp_path / "else"))
    assert open_source(source)[0].images == (tmp_path / "else" / "a.png",)
    words = ["data", "inspect", str(path), "--root", str(tmp_path / "else"), "--workers", "0"]
    assert main([*words, "--no-sheet"]) == 0


def test_nothing_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No word of a ledger that was not written: the reason itself."""
    from robomamba_jax.cli.main import main

    config = tree_to_json(mixture(tmp_path, {"a": 2}, on_error="skip"))
    path = Path(config["sources"][0]["path"])
    records = json.loads(path.read_text())
    path.write_text(json.dumps([{**record, "image": "gone.png"} for record in records]))
    (tmp_path / "d.json").write_text(json.dumps(config))
    words = ["data", "prepare", "--config", str(tmp_path / "d.json"), "--workers", "0"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "2 were left out" in said
    assert "gone.png" in said
    assert "ledger" not in said


def test_a_data_set_that_says_otherwise(tmp_path: Path) -> None:
    """dataset_info.json counts four episodes; the files hold three."""
    import shutil

    folder = Path(__file__).parent / "files" / "robot_episodes" / "1.0.0"
    copy = tmp_path / "robot_episodes" / "1.0.0"
    shutil.copytree(folder, copy)
    content = json.loads((copy / "dataset_info.json").read_text())
    (split,) = [split for split in content["splits"] if split["name"] == "train"]
    split["shardLengths"] = ["4"]
    (copy / "dataset_info.json").write_text(json.dumps(content))
    fields = FieldMap(image="observation/image", answer="language_instruction", steps="steps")
    with pytest.raises(InputError, match=r"train has 4 records; its files hold 3"):
        RldsSource(copy, fields)


def test_a_text_where_the_map_says_one(tmp_path: Path) -> None:
    """A reward is not an answer, though it can be spelt."""
    folder = Path(__file__).parent / "files" / "robot_episodes" / "1.0.0"
    fields = FieldMap(image="observation/image", answer="reward", steps="steps")
    with pytest.raises(InputError, match="reward is not text"):
        RldsSource(folder, fields)[0]


def test_depth_that_is_longer_than_it_says(tmp_path: Path) -> None:
    """Two maps in one file are not one."""
    path = tmp_path / "d.npy"
    np.save(path, np.ones((4, 5), np.float32))
    assert read_depth(path).shape == (4, 5)
    path.write_bytes(path.read_bytes() + bytes(80))
    with pytest.raises(InputError, match="is longer than it says"):
        read_depth(path)


def test_a_pose_file_with_a_picture_of_another_name(tmp_path: Path) -> None:
    """A depth image beside the picture would be passed over."""
    path = poses(tmp_path, 1)
    (record,) = json.loads(path.read_text())
    path.write_text(json.dumps([{**record, "depth": "d.npy"}]))
    with pytest.raises(InputError, match="has the field 'depth', which is not read"):
        open_source(SourceConfig(str(path), pixel_order="xy"))[0]
