# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Records that bring more, or less, than a reader knows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from robomamba_jax.config.data import DataConfig, SourceConfig
from robomamba_jax.data.cache.prepared import PreparedFolder
from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.pipeline.prepare_run import prepare
from robomamba_jax.data.sources.formats import open_source
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.lrv import LrvSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.errors import InputError
from tests.data.samples import mixture, picture, turns

TALK = turns("what is it?", "a cup")
UNREAD: dict[str, Any] = {
    "images": ["a.png", "b.png"],
    "image_path": "a.png",
    "Image": "a.png",
    "img": "a.png",
    "video": "a.mp4",
    "videos": ["a.mp4"],
    "audio": "a.wav",
    "file_name": "COCO_1.jpg",
    "photo": {"path": "a"},
    "source": "data:image/png;base64,AAAA",
    "seen": ["x.webp"],
    "system": "You are a robot.",
}


@pytest.mark.parametrize("name", UNREAD)
def test_input_under_another_name(name: str, tmp_path: Path) -> None:
    """Refused by its name, and not read as text alone; empty, it brings nothing."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": "1", name: UNREAD[name], "conversations": TALK}]))
    with pytest.raises(InputError) as caught:
        LlavaSource(path)[0]
    assert f"record 0 has the field {name!r}, which is not read" in caught.value.message
    for empty in (None, "", []):
        path.write_text(json.dumps([{"id": "1", name: empty, "conversations": TALK}]))
        assert LlavaSource(path)[0].images == ()


def test_what_else_a_record_may_say(tmp_path: Path) -> None:
    """A picture's size, its address, a number, the model: nothing that a model should see."""
    file = picture(tmp_path / "a.png", np.random.default_rng(0))
    also = {"image_id": 7, "width": 3, "url": "http://x.invalid/a.jpg", "model": "", "source": "vg"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": 1, "image": "a.png", "conversations": TALK, **also}]))
    assert LlavaSource(path)[0].images == (file,)
    path.write_text(json.dumps([{"id": 1, "image": "a.png", "conversations": TALK, "video": "b"}]))
    with pytest.raises(InputError, match="has the field 'video'"):
        LlavaSource(path)[0]


def test_input_of_other_formats(tmp_path: Path) -> None:
    """A turn's own picture, LRV's second one, frames beside a clip's text."""
    path = tmp_path / "x.json"
    talk = [{**TALK[0], "image": "a.png"}, TALK[1]]
    path.write_text(json.dumps([{"id": "1", "conversations": talk}]))
    with pytest.raises(InputError, match="turn 0 has the field 'image', which is not read"):
        LlavaSource(path)[0]
    lrv = {"image_id": "1", "question": "q", "answer": "a", "images": ["a.png"]}
    path.write_text(json.dumps([lrv]))
    (tmp_path / "1.jpg").touch()
    with pytest.raises(InputError, match="has the field 'images'"):
        LrvSource(path)[0]
    clip = {"uid": "1", "video": "1", "text": "<task:a> Q: x A: y", "frames": ["a.jpg"]}
    path.write_text(json.dumps([clip]))
    with pytest.raises(InputError, match="has the field 'frames'"):
        RoboVqaJsonSource([path])


EMPTY: dict[str, tuple[Any, str]] = {
    "image": ({"image": "", "conversations": TALK}, "has an empty 'image'"),
    "images": ({"image": [], "conversations": TALK}, "has an empty 'image'"),
    "answer": (
        {"conversations": [*TALK, *turns("and now?", " \n")]},
        r"has an empty answer \(turn 3\)",
    ),
    "question": ({"conversations": turns(" ", "a")}, r"has an empty question \(turn 0\)"),
    "a number": ({"conversations": turns("q", 3)}, "turn 1 that is not a human or gpt text: 3"),  # type: ignore[arg-type]
    "an id": ({"id": 1.5, "conversations": TALK}, "has no text 'id': it is 1.5"),
    "a true id": ({"id": True, "conversations": TALK}, "has no text 'id': it is True"),
}


@pytest.mark.parametrize("what", EMPTY)
def test_empty_fields_and_numbers(what: str, tmp_path: Path) -> None:
    """By the record's number and the field's name."""
    record, complaint = EMPTY[what]
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": "1", "conversations": TALK}, {"id": "2", **record}]))
    assert LlavaSource(path)[0].id == "1"
    with pytest.raises(InputError, match=complaint) as caught:
        LlavaSource(path)[1]
    assert "record 1" in caught.value.message


def test_an_lrv_question_that_is_blank(tmp_path: Path) -> None:
    """As a blank answer is."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"image_id": "1", "question": " ", "answer": "a"}]))
    with pytest.raises(InputError, match="record 0 has an empty question"):
        LrvSource(path)[0]


def test_a_camera_of_text(tmp_path: Path) -> None:
    """Numbers are numbers, not their spelling, and not true."""
    for value in ("1", True):
        K = [[value, 0, 2], [0, value, 1], [0, 0, value]]
        if value is True:
            K = [[True, False, True], [False, True, True], [False, False, True]]
        with pytest.raises(InputError, match="camera K is not 3 x 3 finite numbers"):
            Camera.from_dict({"width": 4, "height": 3, "K": K})


def test_a_prepared_folder_that_says_otherwise(tmp_path: Path) -> None:
    """Its manifest, its index and its shards count the same samples."""
    config = mixture(tmp_path / "sets", {"a": 6})
    prepare(config, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    short = tmp_path / "short"
    shutil.copytree(tmp_path / "out", short)
    manifest["parts"][0]["samples"] = 5
    (short / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"has 6 samples .*manifest\.json tells of 5"):
        _ = PreparedFolder(short).index
    index = safetensors.numpy.load_file(short / "index.safetensors")
    ends = index["name_ends"]
    kept = {name: np.ascontiguousarray(index[name][:5]) for name in index if name != "name_bytes"}
    kept["name_bytes"] = np.ascontiguousarray(index["name_bytes"][: int(ends[4])])
    safetensors.numpy.save_file(kept, short / "index.safetensors")
    with pytest.raises(InputError, match="its shards hold 6 samples, its index 5"):
        _ = PreparedFolder(short).records
    assert len(PreparedFolder(tmp_path / "out").records) == 6
    assert isinstance(config, DataConfig)


def test_texts_of_a_clip_that_differ(tmp_path: Path) -> None:
    """The second would be lost."""
    from tests.data.sources.test_robovqa import CLASSES, framed

    made = CLASSES["SequenceExample"]()
    lists = made.feature_lists.feature_list
    lists["images"].feature.add().bytes_list.value.append(b"x")
    for text in ("<task:a> Q: x A: y", "<task:a> Q: x A: z"):
        lists["texts"].feature.add().bytes_list.value.append(text.encode())
    (tmp_path / "x").write_bytes(framed(made.SerializeToString()))
    with pytest.raises(InputError, match="has 2 texts that differ, where one is read"):
        open_source(SourceConfig(str(tmp_path / "x"), format="robovqa"))
