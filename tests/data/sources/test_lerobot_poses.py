# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The pose at which a gripper closes, against the same geometry written down another way."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from robomamba_jax.cli.main import main
from robomamba_jax.config.data import DataConfig, EncodingConfig, FieldMap, SourceConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import PoseSample
from robomamba_jax.errors import InputError
from tests.data.lerobot_sets import FRONT, LEROBOT, changed, copied, expected, video, written
from tests.data.sources.test_lerobot import BATCH

POSE = EncodingConfig(tokenizer="tiny", transform="tiny", target="pose")
LENGTHS = (5, 7, 6)
STATE = "observation.state"
# One metre above the table, looking down; its x is the world's.
DOWN = [[1, 0, 0, 0.3], [0, -1, 0, 0], [0, 0, -1, 1], [0, 0, 0, 1]]


def camera(folder: Path, **changes: Any) -> str:
    path = folder / "camera.json"
    K = [[60, 0, 32], [0, 60, 24], [0, 0, 1]]
    fields = {"width": 64, "height": 48, "K": K, "camera_to_world": DOWN, **changes}
    path.write_text(json.dumps({key: value for key, value in fields.items() if value is not None}))
    return str(path)


def grasp(folder: Path, image: str | None = FRONT, **changes: Any) -> dict[str, Any]:
    """A field map as JSON."""
    found: dict[str, Any] = {
        "position": {"column": STATE, "at": [0, 1, 2]},
        "orientation": {"column": STATE, "at": [3, 4, 5, 6]},
        "orientation_form": "quaternion_xyzw",
        "gripper": {"column": STATE, "at": [7]},
        "threshold": 0.5,
        "closed": "below",
        **changes,
    }
    if "camera" not in found:
        found["camera"] = camera(folder)
    return {"image": image, "grasp": found}


def source(path: Path, fields: dict[str, Any], **more: Any) -> SourceConfig:
    assert detect(str(path)) == "lerobot"
    return SourceConfig(str(path), fields=tree_from_json(FieldMap, fields, "fields"), **more)


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize(("before", "tip"), [(None, 0.0), (2, 0.1), (0, -0.05)])
def test_the_grasp(version: str, before: int | None, tip: float, tmp_path: Path) -> None:
    """Contact, directions and the picture's step, by hand; no half pixel is added."""
    name = f"{version}/two_cameras"
    assert detect(str(LEROBOT / name)) == "lerobot"
    opened = open_source(source(LEROBOT / name, grasp(tmp_path, before=before, tip=tip)))
    items = expected(name)["items"]
    assert len(opened) == 3
    for episode, length in enumerate(LENGTHS):
        sample, closing = opened[episode], length - 2
        assert isinstance(sample, PoseSample)
        action = sample.action
        assert action is not None
        depth = 0.7 + 0.05 * closing + tip
        x, y = 32 + 60 * 0.02 * episode / depth, 24 - 60 * (0.05 * episode - 0.03) / depth
        np.testing.assert_allclose(action.contact_xy, (x, y), atol=1e-4)
        np.testing.assert_allclose(action.approach, (0, 0, 1), atol=1e-6)
        turn = 0.2 * (episode + 1)
        np.testing.assert_allclose(action.left, (np.sin(turn), np.cos(turn), 0), atol=1e-6)
        assert action.gripper_open is None
        look = 0 if before is None else closing - before
        (item,) = (i for i in items if (i["episode_index"], i["frame_index"]) == (episode, look))
        colour = np.asarray(open_ref(sample.images[0]))[:10].reshape(-1, 3).mean(0)
        assert np.abs(colour - item["colours"][FRONT]).max() < 1.5
        assert sample.turns[0][1] == f"<image>\n{item['task']}"
        assert sample.turns[1][1].startswith(f"The contact point is ({int(x)}, {int(y)}), ")


def test_a_batch_of_poses(tmp_path: Path) -> None:
    """Through the pipeline, worker and all: contacts as shares of the crop, rotations."""
    config = source(LEROBOT / "v3.0/two_cameras", grasp(tmp_path), name="s")
    with BatchLoader(DataConfig((config,), POSE, BATCH), workers=1) as pipeline:
        batch = next(iter(pipeline.batches(0, 1)))
        names = [row[0] for row in pipeline.ids(batch) if row]
        arrays = batch.arrays
    assert sorted(names) == ["s:0", "s:1", "s:2"]
    for row, name in enumerate(names):
        episode = int(name.removeprefix("s:"))
        depth = 0.7 + 0.05 * (LENGTHS[episode] - 2)
        x, y = 32 + 60 * 0.02 * episode / depth, 24 - 60 * (0.05 * episode - 0.03) / depth
        # The picture of 64x48 becomes 20x15, of which the crop leaves out two columns on the left.
        assert arrays["images"].shape[-2] == 15
        wanted = ((x * 20 / 64 - 2) / 15, y / 48)
        np.testing.assert_allclose(arrays["contact"][row], wanted, atol=1e-5)
        turn = 0.2 * (episode + 1)
        rotation = arrays["rotation"][row]
        second = (np.sin(turn), np.cos(turn), 0)
        np.testing.assert_allclose(rotation[:, 0], (0, 0, 1), atol=1e-6)
        np.testing.assert_allclose(rotation[:, 1], second, atol=1e-6)


def moving(folder: Path, lengths: list[int], values: Any) -> Path:
    """A set with one camera and one column of states."""
    path = written(folder / "set", lengths, state=values)
    info = json.loads((path / "meta/info.json").read_text())
    shape = {"dtype": "video", "shape": [48, 64, 3], "names": ["height", "width", "channels"]}
    changed(path, features={**info["features"], "cam": shape})
    for episode, length in enumerate(lengths):
        name = f"videos/chunk-{episode // 2:03d}/cam/episode_{episode:06d}.mp4"
        video(path / name, [np.full((48, 64, 3), 9, np.uint8)] * length, 10, {})
    return path


FORMS = {
    "quaternion_xyzw": lambda r: r.as_quat(),
    "quaternion_wxyz": lambda r: np.roll(r.as_quat(), 1),
    "rpy": lambda r: _rpy(r),
    "rotation_vector": lambda r: r.as_rotvec(),
    "rotation_6d": lambda r: r.as_matrix()[:, :2].T.ravel(),
    "matrix": lambda r: r.as_matrix().ravel(),
}
AXES = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1), "-x": (-1, 0, 0), "-z": (0, 0, -1)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("approach", "left"), [("z", "y"), ("x", "-z"), ("-x", "y")])
def test_every_form_of_a_rotation(form: str, approach: str, left: str, tmp_path: Path) -> None:
    """SciPy's rotations in each form, several an episode set, the tool's axes named."""
    turns = [*Rotation.random(5, random_state=3), Rotation.identity(), *_right_angles()]
    closed = [0.0] * 5 + [1.0] * 3

    def state(episode: int, step: int) -> list[float]:
        return [0.3, 0.0, 0.2, *FORMS[form](turns[episode]).tolist(), closed[step]]

    path = moving(tmp_path, [8] * len(turns), state)
    assert detect(str(path)) == "lerobot"
    count = len(FORMS[form](turns[0]))
    fields = grasp(
        tmp_path,
        "cam",
        position={"column": "state", "at": [0, 1, 2]},
        orientation={"column": "state", "at": list(range(3, 3 + count))},
        orientation_form=form,
        gripper={"column": "state", "at": [3 + count]},
        closed="above",
        approach_axis=approach,
        left_axis=left,
    )
    opened = open_source(source(path, fields))
    for episode, turn in enumerate(turns):
        sample = opened[episode]
        assert isinstance(sample, PoseSample)
        assert sample.action is not None
        seen = np.array(DOWN)[:3, :3].T @ turn.as_matrix()
        np.testing.assert_allclose(sample.action.approach, seen @ AXES[approach], atol=1e-5)
        np.testing.assert_allclose(sample.action.left, seen @ AXES[left], atol=1e-5)
        np.testing.assert_allclose(sample.action.contact_xy, (32, 24), atol=1e-5)


def _right_angles() -> list[Rotation]:
    half = np.pi / 2
    return [Rotation.from_euler("xyz", angles) for angles in ((half, half, 0), (np.pi, 0, half))]


def _rpy(turn: Rotation) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # several triples are right where the pitch is 90 degrees
        return turn.as_euler("xyz")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "never closes": ({"threshold": 0.05}, "episode 0 never closes its gripper"),
    "which side": ({"closed": "above"}, "never closes its gripper: observation.state.7. goes"),
    "no such moment": ({"before": 4}, "closes its gripper at step 3, less than 4 steps in"),
    "not a quaternion": (
        {"orientation": {"column": STATE, "at": [0, 1, 2, 3]}},
        "quaternion of len",
    ),
    "behind": ({"tip": -2.0}, "episode 0 grasps behind the camera"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_episode_without_a_pose(what: str, tmp_path: Path) -> None:
    """One clear error for each record."""
    assert detect(str(LEROBOT / "v3.0/two_cameras")) == "lerobot"
    changes, complaint = WRONG[what]
    opened = open_source(source(LEROBOT / "v3.0/two_cameras", grasp(tmp_path, **changes)))
    with pytest.raises(InputError, match=complaint):
        opened[0]


def test_skipped_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One grasp in three is outside of the picture: named, counted, and the others are learned."""
    K = [[900, 0, 32], [0, 900, 24], [0, 0, 1]]
    path = camera(tmp_path, K=K)
    fields = grasp(tmp_path, camera=path)
    config = DataConfig(
        (source(LEROBOT / "v2.1/two_cameras", fields, name="s"),), POSE, BATCH, on_error="skip"
    )
    complaint = r"episode 2 grasps outside of the 64x48 picture, at \(7"
    with BatchLoader(config, ledger=tmp_path / "ledger.jsonl") as pipeline:
        problems = pipeline.sample_index.problems
        assert [pipeline.sample_index.sample_id(n) for n in range(len(pipeline.sample_index))] == [
            "s:1"
        ]
    ledger = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert len(ledger) == len(problems) == 2
    assert {problem.kind for problem in problems} == {"outside_image"}
    (tmp_path / "fields.json").write_text(json.dumps(fields))
    more = ("--fields", str(tmp_path / "fields.json"), "--workers", "0", "--no-sheet")
    more = (*more, "--json", "--encoder", "tiny")
    assert main(["data", "inspect", str(LEROBOT / "v2.1/two_cameras"), *more]) == 0
    report = json.loads(capsys.readouterr().out)
    reasons = [problem["reason"] for problem in report["problems"]]
    assert len(reasons) == 2
    assert any(re.search(complaint, reason) for reason in reasons)


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """A camera without a pose or of another size, entries that are not there, two answers."""
    path = LEROBOT / "v3.0/two_cameras"
    assert detect(str(path)) == "lerobot"

    def fails(fields: dict[str, Any], complaint: str, **more: Any) -> None:
        with pytest.raises(InputError, match=complaint):
            open_source(source(path, fields, **more))

    fails(grasp(tmp_path, camera=camera(tmp_path, camera_to_world=None)), "has no camera_to_world")
    fails(grasp(tmp_path, camera=camera(tmp_path, width=640)), "picture is 64x48, but the camera")
    camera(tmp_path)
    fails(grasp(tmp_path, gripper={"column": STATE, "at": [8]}), "grasp.gripper needs 1 of the 8")
    fails(grasp(tmp_path, gripper={"column": STATE}), "grasp.gripper needs 1 of the 8")
    fails(grasp(tmp_path, gripper={"column": "observation.stat"}), "did you mean observation.state")
    fails(grasp(tmp_path, approach_axis="-y"), "give two different axes")
    fails(grasp(tmp_path, orientation_form="euler"), "unknown orientation_form")
    fails(grasp(tmp_path, closed="down"), "unknown closed 'down'")
    fails(grasp(tmp_path, gripper={"column": "task"}), "unknown field .* 'task'")
    fails({**grasp(tmp_path), "step": "all"}, 'step "all" stands beside fields.grasp')
    fails({**grasp(tmp_path), "contact": "a", "approach": "b", "left": "c"}, "stands")
    fails(grasp(tmp_path), "frame stands beside fields.grasp", frame="opencv")
    fails({**grasp(tmp_path), "image": ""}, "a pose needs a camera")
    alone = {"image": FRONT, "contact": STATE, "approach": STATE, "left": STATE}
    fails(alone, "fields.contact stands alone")
    fails({"image": FRONT, "gripper": STATE}, "fields.gripper stands without contact")
    missing = grasp(tmp_path)
    del missing["grasp"]["closed"]
    fails(missing, "fields.grasp has no closed")


def test_a_video_of_another_size(tmp_path: Path) -> None:
    """Its pixels would not be the camera's."""
    path = copied("v2.1/two_cameras", tmp_path)
    (folder,) = path.glob("videos/*/observation.images.front")
    video(folder / "episode_000001.mp4", [np.zeros((96, 128, 3), np.uint8)] * 7, 10, {})
    assert detect(str(path)) == "lerobot"
    opened = open_source(source(path, grasp(tmp_path)))
    assert open_ref(opened[0].images[0]).size == (64, 48)
    with pytest.raises(InputError, match=r"000001\.mp4 is 128x96, its data set says 64x48"):
        open_ref(opened[1].images[0])


@given(
    values=st.lists(st.floats(0, 1, width=32), min_size=2, max_size=12),
    side=st.sampled_from(["above", "below"]),
)
def test_the_first_closing(values: list[float], side: str, tmp_path_factory: Any) -> None:
    """Whatever the gripper does: the first step that is closed behind one that is open."""
    folder = tmp_path_factory.mktemp("closing")
    path = moving(folder, [len(values)], lambda _, s: [0.3, s / 100, 0.2, 0, 0, 0, 1, values[s]])
    assert detect(str(path)) == "lerobot"
    entries = {
        "position": {"column": "state", "at": [0, 1, 2]},
        "orientation": {"column": "state", "at": [3, 4, 5, 6]},
        "gripper": {"column": "state", "at": [7]},
    }
    opened = open_source(source(path, grasp(folder, "cam", closed=side, **entries)))
    closed = [value > 0.5 if side == "above" else value < 0.5 for value in values]
    steps = [n for n in range(1, len(values)) if closed[n] and not closed[n - 1]]
    if not steps:
        with pytest.raises(InputError, match="never closes"):
            opened[0]
        return
    sample = opened[0]
    assert isinstance(sample, PoseSample)
    assert sample.action is not None
    # y is -60 * (step / 100) / 0.8 from the middle.
    assert round((24 - sample.action.contact_xy[1]) * 80 / 60) == steps[0]
