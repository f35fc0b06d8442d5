# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Other people's predictions: the published result list, ManipLLM's sentences, broken files."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV
from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.records import pose_answer
from robomamba_jax.world.policies.interface import Proposal
from robomamba_jax.world.policies.predictions import FilePolicy
from robomamba_jax.world.sim.view_geometry import rotation_for

AXES = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(
    lambda axis: np.linalg.norm(axis) > 0.1
)


def read(folder: Path, records: list[dict], **options: str) -> FilePolicy:
    """A policy of some records."""
    path = folder / "predictions.json"
    path.write_text(json.dumps(records))
    return FilePolicy(path, **options)


def proposed(policy: FilePolicy, name: str) -> Proposal:
    """What it says of an episode."""
    found = policy.propose(SimpleNamespace(episode=name))  # type: ignore[arg-type]
    assert found is not None
    return found


@given(axis=AXES, x=st.floats(0, 224), y=st.floats(0, 224))
def test_detections_come_back(
    tmp_path_factory: pytest.TempPathFactory, axis: list[float], x: float, y: float
) -> None:
    """A pose as the published list has it, read again."""
    pose = Proposal((x, y), rotation_for(np.array(axis)))
    folder = tmp_path_factory.mktemp("p")
    back = proposed(
        read(folder, [{"image_id": "a", "detection": detection(pose.contact_xy, pose.rotation)}]),
        "a",
    )
    assert_allclose(back.contact_xy, (x, y), atol=1e-9)
    assert_allclose(back.rotation, pose.rotation, atol=1e-6)


@given(axis=AXES)
def test_our_answers_come_back(tmp_path_factory: pytest.TempPathFactory, axis: list[float]) -> None:
    """RoboMamba's sentence, to the fiftieths and whole pixels that it holds."""
    pose = Proposal((100.5, 7.5), rotation_for(np.array(axis)), gripper_open=1.0)
    record = {"image": "robot_pics/b_1.png", "text": pose_answer(pose)}
    back = proposed(read(tmp_path_factory.mktemp("p"), [record]), "b_1")
    assert back.contact_xy == (100.5, 7.5)
    assert back.gripper_open == 1.0
    assert_allclose(back.rotation[:, 0], pose.rotation[:, 0], atol=0.03)


def test_manipllms_sentence(tmp_path: Path) -> None:
    """(row, col), gripper up, gripper forward, in fiftieths, in the frame (forward, left, up)."""
    text = (
        "The contact point is (20, 30),  the gripper up direction is [50, 0, 0], "
        "the gripper forward direction is [0, 0, 50]"
    )
    pose = proposed(read(tmp_path, [{"image": "c.png", "answer": text}]), "c")
    assert pose.contact_xy == (30.5, 20.5)
    assert_allclose(pose.rotation[:, 0], (0, 0, 1), atol=1e-9)  # forward in OpenCV
    up = MANIPLLM_TO_OPENCV @ np.cross((1, 0, 0), (0, 0, 1))
    assert_allclose(pose.rotation[:, 1], up, atol=1e-9)
    other = read(tmp_path, [{"image": "c.png", "answer": text}], pixel_order="xy", frame="opencv")
    assert proposed(other, "c").contact_xy == (20.5, 30.5)
    assert_allclose(proposed(other, "c").rotation[:, 0], (1, 0, 0))


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"detection": [0.0] * 8}, "record 1 names no image"),
        ({"image_id": "a"}, "record 1 holds no prediction"),
        ({"image_id": "a", "detection": [1.0] * 7}, "no 8 numbers"),
        ({"image_id": "a", "detection": "x"}, "no 8 numbers"),
        ({"image_id": "a", "detection": [1.0, 2, 0, 0, 0, 0, 0, 1]}, "direction without length"),
        ({"image": "a", "text": "somewhere"}, "answer without"),
    ],
)
def test_broken_records(tmp_path: Path, record: dict, what: str) -> None:
    """One line that names the record."""
    good = {"image_id": "a", "detection": [1.0, 2, 1, 0, 0, 0, 1, 0]}
    with pytest.raises(InputError, match=what):
        read(tmp_path, [good, record])


def test_no_file(tmp_path: Path) -> None:
    """Nor an unknown frame; what the file does not speak of has no pose."""
    with pytest.raises(InputError):
        FilePolicy(tmp_path / "none.json")
    with pytest.raises(InputError, match="frame"):
        read(tmp_path, [], frame="world")
    good = {"image_id": "a", "detection": [1.0, 2, 1, 0, 0, 0, 1, 0]}
    assert read(tmp_path, [good]).propose(SimpleNamespace(episode="b")) is None  # type: ignore[arg-type]


SENTENCE = (
    "The contact point is (20, 30),  the gripper up direction is [50, 0, 0], "
    "the gripper forward direction is [0, 0, 50]"
)
POSE = [1.0, 2, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"image_id": "a", "detection": POSE, "text": SENTENCE}, "--answer-field text"),
        ({"image_id": "a", "answer": SENTENCE, "prediction": SENTENCE.replace("20", "9")}, "both"),
        ({"image_id": "a", "detection": POSE, "pred_pose": [9.0, *POSE[1:]]}, "pred_pose"),
        ({"image_id": "a", "image": "b.png", "detection": POSE}, "--id-field image"),
        ({"image_id": "a", "question_id": "c", "detection": POSE}, "both image_id 'a' and"),
    ],
)
def test_two_that_could_be_meant(tmp_path: Path, record: dict, words: str) -> None:
    """Two poses or two trials in a record: an error that names both, and the flag that decides."""
    with pytest.raises(InputError, match=words):
        read(tmp_path, [record])
    # The same twice is no question, nor is an instruction beside a pose.
    same = {"image_id": "a", "image": "x/a.png", "answer": SENTENCE, "prediction": SENTENCE}
    policy = read(tmp_path, [{**same, "text": "Specify the contact point."}])
    assert proposed(policy, "a").contact_xy == (30.5, 20.5)


def test_a_trial_that_is_predicted_twice(tmp_path: Path) -> None:
    """Two poses for it are an error with both places; the same again is none."""
    good = {"image_id": "a", "detection": POSE}
    other = {"image_id": "a", "detection": [9.0, *POSE[1:]]}
    with pytest.raises(InputError, match=r"record 0 and .*: record 1 predict 'a' differently"):
        read(tmp_path, [good, other])
    assert proposed(read(tmp_path, [good, good]), "a").contact_xy == (1, 2)


def test_letters_that_no_file_holds(tmp_path: Path) -> None:
    """Half an emoji, as a cut text leaves it; a key twice."""
    with pytest.raises(InputError, match="half of a surrogate pair"):
        read(tmp_path, [{"image_id": "a", "detection": POSE, "note": "\ud83d"}])
    path = tmp_path / "twice.json"
    path.write_text(f'[{{"image_id": "a", "detection": {POSE}, "detection": {POSE}}}]')
    with pytest.raises(InputError, match="has the key 'detection' twice"):
        FilePolicy(path)


@pytest.mark.parametrize(
    ("side", "wanted"), [(None, (169.5, 175.5)), (336, (169.5 / 1.5, 175.5 / 1.5))]
)
def test_lists_of_the_published_program(
    tmp_path: Path, side: int | None, wanted: tuple[float, float]
) -> None:
    """Its numbers count pixels of a file from 0: of this picture, or of one of 336 x 336 pixels as
    ManipLLM's are, in trials of 224. A sentence's do not change."""
    from robomamba_jax.data.geometry.contacts import Contacts

    records = [
        {"image_id": "a", "detection": [169.0, 175.0, *POSE[2:]]},
        {"image": "b.png", "text": SENTENCE},
    ]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(records))
    policy = FilePolicy(path, contacts=Contacts("raw", "file", side))
    view = SimpleNamespace(depth=np.zeros((224, 224)))
    found = [policy.propose(SimpleNamespace(episode=name, view=view)) for name in "ab"]  # type: ignore[arg-type]
    assert_allclose(found[0].contact_xy, wanted)
    assert found[1].contact_xy == (30.5, 20.5)
