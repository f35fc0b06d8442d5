# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""TFDS folders as TensorFlow wrote them and as we write them, read without TensorFlow."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.data import DataConfig, FieldMap, SourceConfig
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.manipulation import PoseSample, RoboMambaPoses
from robomamba_jax.data.sources.rlds import RldsSource
from robomamba_jax.data.sources.sample import Sample
from robomamba_jax.data.sources.tfds_builders import CONVERSATIONS, POSES, write_tfds
from robomamba_jax.errors import InputError
from tests.data.samples import TINY, llava, mixture, poses, turns

# Written by TensorFlow 2.21.0: scripts/make_tensorflow_fixtures.py.
EPISODES = Path(__file__).parents[1] / "files" / "robot_episodes" / "1.0.0"
STEPS: dict[str, Any] = {"image": "observation/image", "steps": "steps"}
TAGGED = FieldMap(
    **STEPS, tagged="raw_text_question_answer", step="all", id="episode_metadata/file_path"
)


def test_episodes_of_tensorflow() -> None:
    """Every step's question; episode fields beside step fields; the JPEG's own grey."""
    source = RldsSource(EPISODES, TAGGED)
    facts = source.facts()
    assert (facts["records"], facts["episodes"]) == (9, 3)
    assert "observation/state" in facts["fields"]
    assert detect(str(EPISODES)) == "rlds"
    found = {}
    for index in range(9):
        sample = source[index]
        found[sample.id] = sample
        episode, place = (int(part) for part in sample.turns[1][1].split()[1:])
        assert sample.id == f"episode {episode}/{place}.0"
        assert sample.turns[0] == ("human", f"<image>\nQ: {episode} {place}?")
        assert sample.task == "planning:freeform"
        (data,) = sample.images
        assert isinstance(data, bytes)
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        assert pixels.shape == (12, 16, 3)
        assert np.abs(pixels.astype(int) - (40 * episode + 10 * place)).max() <= 1
    assert len(found) == 9


@pytest.mark.parametrize(("step", "places"), [("first", [0, 0, 0]), ("last", [1, 2, 3])])
def test_one_step_of_each_episode(step: str, places: list[int]) -> None:
    """Poses by name; answers made of them where the data set has none."""
    fields = FieldMap(
        **STEPS,
        question="language_instruction",
        step=step,
        contact="contact",
        approach="approach",
        left="left",
    )
    source = RldsSource(EPISODES, fields, pixel_order="xy", frame="opencv")
    assert len(source) == 3
    contacts = []
    for index in range(3):
        sample = source[index]
        assert isinstance(sample, PoseSample)
        assert sample.action is not None
        assert sample.action.approach == (0, 0, 1)
        assert sample.turns[0][1].startswith("<image>\nopen door")
        assert sample.turns[1][1].startswith("The contact point is (")
        contacts.append(sample.action.contact_xy)
    assert sorted(contacts) == [(3.5 + n, 4.5 + place) for n, place in enumerate(places)]


WRONG: dict[str, tuple[FieldMap, dict[str, str], str]] = {
    "a field": (FieldMap(**{**STEPS, "image": "observation/imag"}, answer="reward"), {}, "did you"),
    "steps": (FieldMap(steps="step", answer="reward"), {}, "'step' .did you mean steps"),
    "no answer": (FieldMap(**STEPS, question="language_instruction"), {}, "has no answer"),
    "half a pose": (FieldMap(**STEPS, contact="contact"), {}, "stands alone"),
    "a split": (FieldMap(**STEPS, answer="reward"), {"split": "trian"}, "did you mean train"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_maps(what: str) -> None:
    """Named, with the near ones."""
    fields, more, complaint = WRONG[what]
    with pytest.raises(InputError, match=complaint):
        RldsSource(EPISODES, fields, **more)


def test_wrong_types() -> None:
    """Pixels where text should be and the other way round: an error of the sample."""
    with pytest.raises(InputError, match="has no image"):
        RldsSource(EPISODES, FieldMap(image="reward", answer="reward", steps="steps"))[0]
    poses = FieldMap(**STEPS, contact="approach", approach="contact", left="left")
    with pytest.raises(InputError, match="has no 2 numbers"):
        RldsSource(EPISODES, poses, pixel_order="xy", frame="opencv")[0]


def test_damaged_folders(tmp_path: Path) -> None:
    """No description, a broken one, no file, a broken record."""
    with pytest.raises(InputError, match=r"has no dataset_info\.json"):
        RldsSource(tmp_path, TAGGED)
    copy = tmp_path / "copy"
    shutil.copytree(EPISODES, copy)
    (shard,) = copy.glob("*.tfrecord*")
    data = bytearray(shard.read_bytes())
    data[200] ^= 1
    shard.write_bytes(data)
    fields = FieldMap(**STEPS, answer="language_instruction")
    source = RldsSource(copy, fields)
    with pytest.raises(InputError, match="damaged"):
        source[0]
    assert source[1].turns[1][1].startswith("open door")
    shard.unlink()
    with pytest.raises(InputError, match="does not exist"):
        RldsSource(copy, fields)
    (copy / "features.json").write_text("{")
    with pytest.raises(InputError, match=r"features.json is not JSON"):
        RldsSource(copy, fields)


def same(first: Sample, second: Sample) -> None:
    assert (first.id, first.turns, first.task or "") == (second.id, second.turns, second.task or "")
    assert len(first.images) == len(second.images)
    for ours, theirs in zip(first.images, second.images, strict=True):
        assert isinstance(ours, Path)
        assert isinstance(theirs, bytes)
        if ours.suffix in (".png", ".jpg"):
            assert theirs == ours.read_bytes()
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(theirs))), np.asarray(Image.open(ours))
        )


@pytest.mark.filterwarnings("ignore")  # tfds's own
def test_our_builder_there_and_back(tmp_path: Path) -> None:
    """Conversations with and without images, two splits; then through the pipeline."""
    train, test = (LlavaSource(llava(tmp_path / name, 8)) for name in ("train", "test"))
    folder = write_tfds({"train": train, "test": test}, tmp_path / "out", name="my_talk")
    assert folder == tmp_path / "out" / "my_talk" / "1.0.0"
    for split, source in (("train", train), ("test", test)):
        read = RldsSource(folder, CONVERSATIONS, split=split)
        originals = {source[n].id: source[n] for n in range(8)}
        assert len(read) == 8
        for index in range(8):
            same(originals.pop(read[index].id), read[index])
        assert not originals
    config = SourceConfig(str(folder), fields=CONVERSATIONS, name="t")
    batch = mixture(tmp_path, {"other": 1}).batch
    with BatchLoader(DataConfig((config,), TINY, batch), workers=1) as pipeline:
        names = {name for b in pipeline.batches(0, 2) for row in pipeline.ids(b) for name in row}
    assert names == {f"t:train-{n}" for n in range(8)}
    with pytest.raises(InputError, match="is there already"):
        write_tfds({"train": train}, tmp_path / "out", name="my_talk")
    assert write_tfds({"train": train}, tmp_path / "again", name="my_talk").is_dir()


@pytest.mark.filterwarnings("ignore")
def test_our_builder_with_poses(tmp_path: Path) -> None:
    """Contact and directions to float32, as tf.train.Example keeps them."""
    source = RoboMambaPoses(poses(tmp_path, 4), pixel_order="xy")
    folder = write_tfds({"train": source}, tmp_path / "out", name="my_poses")
    read = RldsSource(folder, POSES, pixel_order="xy", frame="opencv")
    originals = {source[n].id: source[n] for n in range(4)}
    for index in range(4):
        sample = read[index]
        original = originals[sample.id]
        same(original, sample)
        assert isinstance(sample, PoseSample)
        assert isinstance(original, PoseSample)
        assert sample.action is not None
        assert original.action is not None
        assert sample.action.contact_xy == original.action.contact_xy
        np.testing.assert_allclose(sample.action.left, original.action.left, rtol=1e-6)
        assert sample.action.gripper_open is None
    mixed = {"a": source, "b": LlavaSource(llava(tmp_path / "talk", 2))}
    with pytest.raises(InputError, match="poses and other samples"):
        write_tfds(mixed, tmp_path / "mixed")


@pytest.mark.filterwarnings("ignore")
def test_our_builder_stops_at_a_bad_image(tmp_path: Path) -> None:
    """Nothing broken is written for others to find."""
    (tmp_path / "x.png").write_text("no picture")
    record = {"id": "a", "image": "x.png", "conversations": turns("<image>\nQ", "A")}
    (tmp_path / "d.json").write_text(json.dumps([record]))
    with pytest.raises(InputError, match=r"x\.png"):
        write_tfds({"train": LlavaSource(tmp_path / "d.json")}, tmp_path / "out")
    assert not (tmp_path / "out" / "robomamba_samples" / "1.0.0").exists()


def test_no_tensorflow() -> None:
    """Neither it nor jax is loaded by reading."""
    code = (
        "import sys\n"
        "from tests.data.sources.test_rlds import EPISODES, TAGGED, RldsSource\n"
        "RldsSource(EPISODES, TAGGED)[0]\n"
        "print([n for n in ('tensorflow', 'jax') if n in sys.modules])\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout == "[]\n", done.stderr


def test_the_map_is_needed() -> None:
    """Nothing is guessed."""
    with pytest.raises(InputError, match=r"needs a field map .*observation/image"):
        open_source(SourceConfig(str(EPISODES)))
