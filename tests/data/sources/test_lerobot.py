# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets as LeRobot wrote them, compared with what LeRobot reads of them."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from robomamba_jax.cli.main import main
from robomamba_jax.config.data import BatchConfig, DataConfig, FieldMap, SourceConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.image_refs import open_ref, ref_sha256
from robomamba_jax.data.sources.manipulation import PoseSample
from robomamba_jax.data.sources.sample import Sample, Source
from robomamba_jax.errors import InputError
from tests.data.lerobot_sets import FRONT, LEROBOT, NAMES, changed, copied, expected, video, written
from tests.data.samples import TINY

BATCH = BatchConfig(batch_size=4, seq_len=160, image_tokens=9)


def opened(path: Path, **fields: Any) -> Source:
    return open_source(SourceConfig(str(path), fields=FieldMap(**fields) if fields else None))


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(open_ref(sample.images[0]).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", NAMES)
def test_every_item_is_lerobots(name: str) -> None:
    """Number, task and colour of every step and camera, in order and out of order."""
    assert detect(str(LEROBOT / name)) == "lerobot"
    items = expected(name)["items"]
    for camera in items[0]["colours"]:
        source = opened(LEROBOT / name, image=camera, step="all")
        assert len(source) == len(items)
        shuffled = np.random.default_rng(0).permutation(len(items))
        for number in (*range(len(items)), *shuffled.tolist()):
            sample, item = source[number], items[number]
            assert sample.id == f"{item['episode_index']}/{item['frame_index']}"
            assert sample.turns[0] == ("human", "<image>\nWhat is the robot doing?")
            assert sample.turns[1] == ("gpt", item["task"])
            colour = pixels(sample)[:10].reshape(-1, 3).mean(0)
            # Steps are 25 apart in red, episodes 45 in green, cameras 120 in blue.
            assert np.abs(colour - item["colours"][camera]).max() < 1.5
    facts = source.facts()
    assert (facts["version"], facts["fps"]) == (name[:4], 10)
    assert (facts["episodes"], facts["frames"]) == (expected(name)["episodes"], len(items))
    assert facts["tasks"] == sorted({item["task"] for item in items}, key=facts["tasks"].index)
    assert facts["robot_type"] == "so100"
    assert facts["cameras"] == list(items[0]["colours"])


@pytest.mark.parametrize("name", ["v2.1/two_cameras", "v3.0/two_cameras", "v3.0/parts"])
@pytest.mark.parametrize("step", ["first", "last"])
def test_one_step_of_each_episode(name: str, step: str) -> None:
    """Of that step are the task and the picture."""
    items, camera = expected(name)["items"], next(iter(expected(name)["items"][0]["colours"]))
    assert detect(str(LEROBOT / name)) == "lerobot"
    source = opened(LEROBOT / name, image=camera, step=step, ask="What now?")
    steps = [[i for i in items if i["episode_index"] == n] for n in range(len(source))]
    assert len(source) == expected(name)["episodes"]
    for number, episode in enumerate(steps):
        item, sample = episode[0 if step == "first" else -1], source[number]
        assert sample.id == str(number)
        assert sample.turns[0][1] == "<image>\nWhat now?"
        colour = pixels(sample)[:10].reshape(-1, 3).mean(0)
        assert np.abs(colour - item["colours"][camera]).max() < 1.5


@pytest.mark.parametrize("name", ["v2.1/pictures", "v3.0/pictures"])
def test_questions_and_poses_in_columns(name: str) -> None:
    """Text columns as they stand; contact, approach and left as the field map's other reader."""
    assert detect(str(LEROBOT / name)) == "lerobot"
    source = opened(LEROBOT / name, question="question", answer="answer", step="all", task="task")
    sample = source[5]
    assert sample.turns[0][1] == "<image>\nwhat comes after step 1?"
    assert sample.turns[1][1] == "step 2 of episode 1"
    assert sample.task == "open the drawer"
    fields = FieldMap(contact="contact", approach="approach", left="left", gripper="gripper")
    config = SourceConfig(str(LEROBOT / name), fields=fields, pixel_order="xy", frame="opencv")
    poses = open_source(config)
    for episode, last in ((0, 3), (1, 2)):
        pose = poses[episode]
        assert isinstance(pose, PoseSample)
        assert pose.action is not None
        assert pose.action.contact_xy == (20.5 + last, 10.5 + episode)
        assert pose.action.approach == (0, 0, 1)
        assert pose.action.left == (0, -1, 0)
        assert pose.action.gripper_open == last % 2
        assert pose.turns[0][1] == f"<image>\n{expected(name)['items'][4 * episode]['task']}"
        state = "open" if last % 2 else "closed"
        contact = f"The contact point is ({20 + last}, {10 + episode})"
        direction = "the gripper direction is [0, 0, 50], left is [0, -50, 0]"
        assert pose.turns[1][1] == f"{contact}, {direction}, gripper is {state}."


def test_inspect(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One camera needs no map; two are named, with the setting; a map says the rest."""
    for version in ("v2.1", "v3.0"):
        path = str(LEROBOT / version / "pictures")
        assert main(["data", "inspect", path, "--json", "--no-sheet", "--workers", "0"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["format"], report["records"]) == ("lerobot", 2)
        assert report["images"] == {"found": 2, "missing": 0, "broken": 0}
        assert report["problems"] == []
        assert report["facts"]["version"] == version
        read = {"image": "observation.images.top", "question": "What is the robot doing?"}
        assert report["facts"]["read"] == {**read, "answer": "task"}
        path = str(LEROBOT / version / "two_cameras")
        assert main(["data", "inspect", path, "--json", "--workers", "0"]) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert "observation.images.front, observation.images.wrist" in error["message"]
        assert "fields.image" in error["fix"]
        (tmp_path / "fields.json").write_text(json.dumps({"image": FRONT, "step": "all"}))
        more = ("--fields", str(tmp_path / "fields.json"), "--no-sheet", "--workers", "0")
        assert main(["data", "inspect", path, "--json", *more]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["records"], report["images"]["found"]) == (18, 18)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_of_text(workers: int) -> None:
    """Both versions through the training pipeline, with and without another process."""
    fields = FieldMap(image=FRONT, step="all")
    sources = tuple(
        SourceConfig(str(LEROBOT / version / "two_cameras"), name=version, fields=fields)
        for version in ("v2.1", "v3.0")
    )
    assert {detect(source.path) for source in sources} == {"lerobot"}
    with BatchLoader(DataConfig(sources, TINY, BATCH), workers=workers) as pipeline:
        found = {}
        for batch in pipeline.batches(0, 9):
            for row, names in zip(batch.arrays["images"], pipeline.ids(batch), strict=True):
                found[names[0]] = row
    assert set(found) == {
        f"{version}:{item['episode_index']}/{item['frame_index']}"
        for version in ("v2.1", "v3.0")
        for item in expected("v3.0/two_cameras")["items"]
    }
    # Step 3 of episode 1 after the encoder's crop: both versions hold the same picture.
    colours = {name: image[0, 0, 0].astype(int) for name, image in found.items()}
    np.testing.assert_allclose(colours["v2.1:1/3"], colours["v3.0:1/3"], atol=3)
    assert np.abs(colours["v3.0:1/3"] - colours["v3.0:1/4"]).max() > 15


def test_the_very_frame_of_a_long_video(tmp_path: Path) -> None:
    """Key frames 40 apart and frames that lean on later ones: sought or read on, each its own."""
    folder = written(tmp_path / "set", [70])
    camera = {"observation.images.a": {"dtype": "video", "shape": [32, 48, 3]}}
    info = json.loads((folder / "meta/info.json").read_text())
    changed(folder, features={**info["features"], **camera})
    frames = [np.full((32, 48, 3), 3 * n + 30, np.uint8) for n in range(70)]
    name = "videos/chunk-000/observation.images.a/episode_000000.mp4"
    video(folder / name, frames, 10, {"g": "40", "bf": "3", "crf": "5"})
    assert detect(str(folder)) == "lerobot"
    source = opened(folder, step="all")
    rng = np.random.default_rng(0)
    for n in (*range(70), *rng.integers(0, 70, 40).tolist(), 69, 0, 41, 40, 39):
        assert abs(pixels(source[n]).mean() - (3 * n + 30)) < 1.5, n
    assert len({ref_sha256(source[n].images[0]) for n in range(70)}) == 70
    content = hashlib.sha256((folder / name).read_bytes()).digest()
    key = ref_sha256(source[3].images[0])
    (folder / name).rename(tmp_path / "moved.mp4")
    (folder / name).symlink_to(tmp_path / "moved.mp4")
    assert content not in key  # the frame's own
    with pytest.raises(InputError, match="leads out of the data's folder"):
        source[3]


def test_row_groups_and_pickling(tmp_path: Path) -> None:
    """Rows across small row groups; a copy in another process reads the same."""
    lengths = [7, 1, 11]
    folder = written(tmp_path, lengths, group=3, number=lambda e, s: float(100 * e + s))
    assert detect(str(folder)) == "lerobot"
    source = opened(folder, step="all", answer="number")
    source = pickle.loads(pickle.dumps(source)) if source[0] else source
    wanted = [f"{100.0 * e + s}" for e, length in enumerate(lengths) for s in range(length)]
    assert [source[n].turns[1][1] for n in range(19)] == wanted
    assert [source[n].turns[1][1] for n in (18, 0, 7, 6)] == [wanted[n] for n in (18, 0, 7, 6)]
    assert source[0].images == ()
    assert source[0].turns[0][1] == "grasp it"


def test_splits(tmp_path: Path) -> None:
    """One split is all there is, as LeRobot reads it; of several the named one is read."""
    path = changed(copied("v3.0/parts", tmp_path), splits={"train": "0:3", "test": "3:5"})
    assert detect(str(path)) == "lerobot"
    for split, ids in (("train", ["0", "1", "2"]), ("test", ["3", "4"])):
        source = open_source(SourceConfig(str(path), tfds_split=split))
        assert [source[n].id for n in range(len(source))] == ids
    with pytest.raises(InputError, match="unknown split 'val'"):
        open_source(SourceConfig(str(path), tfds_split="val"))


def test_subtasks(tmp_path: Path) -> None:
    """v3.0's second text of a step, from a table that we wrote in LeRobot's form."""
    path = copied("v3.0/parts", tmp_path)
    assert detect(str(path)) == "lerobot"
    texts = {"subtask_index": [0, 1], "subtask": ["reach", "lift"]}
    pq.write_table(pa.table(texts), path / "meta/subtasks.parquet")
    file = path / "data/chunk-000/file-000.parquet"
    rows = pq.read_table(file)
    numbers = pa.array([n % 2 for n in range(rows.num_rows)], pa.int64())
    pq.write_table(rows.append_column("subtask_index", numbers), file)
    source = opened(path, step="all", question="task", answer="subtask")
    said = [source[n].turns[1][1] for n in range(4)]
    assert said == ["reach", "lift", "reach", "lift"]
    assert source[6].turns[0][1] == "<image>\nopen the drawer"


@pytest.mark.parametrize("name", ["a [v1]", "50%d", "x*?#'\"", "-é:机器人 ", "file:a", "q" * 255])
def test_folder_names(name: str, tmp_path: Path) -> None:
    """Any letters: no pattern, no address, no number to fill in."""
    for which in ("v2.1/two_cameras", "v3.0/parts"):
        path = copied(which, tmp_path).rename(tmp_path / name)
        assert detect(str(path)) == "lerobot"
        camera = "observation.images.front" if "two" in which else "observation.images.top"
        assert pixels(opened(path, image=camera)[1]).shape == (48, 64, 3)
        path.rename(tmp_path / f"done-{which[:4]}")


def test_the_pages_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both run, on data sets that LeRobot wrote."""
    assert detect(str(LEROBOT / "v2.1/two_cameras")) == "lerobot"
    page = (Path(__file__).parents[3] / "docs/data.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    configs = [json.loads(block) for block in blocks if "my_robot" in block]
    assert len(configs) == 2
    monkeypatch.chdir(tmp_path)
    K = [[60, 0, 32], [0, 60, 24], [0, 0, 1]]
    pose = [[1, 0, 0, 0.3], [0, -1, 0, 0], [0, 0, -1, 1], [0, 0, 0, 1]]
    camera = {"width": 64, "height": 48, "K": K, "camera_to_world": pose}
    (tmp_path / "camera.json").write_text(json.dumps(camera))
    for name, config, samples in zip(
        ("v2.1/two_cameras", "v3.0/two_cameras"), configs, (18, 3), strict=True
    ):
        config["sources"][0]["path"] = str(LEROBOT / name)
        with BatchLoader(tree_from_json(DataConfig, config, "config")) as pipeline:
            assert (len(pipeline.sample_index), len(pipeline.sample_index.problems)) == (samples, 0)
            batch = pipeline.batch(0)
        assert ("contact" in batch.arrays) == (samples == 3)
        assert batch.arrays["images"].any()


def test_no_torch() -> None:
    """Neither jax, torch nor pandas is loaded by reading."""
    code = (
        "import sys\n"
        "from tests.data.sources.test_lerobot import LEROBOT, opened\n"
        "heavy = ('torch', 'pandas', 'datasets', 'lerobot')\n"
        "before = [n for n in heavy if n in sys.modules]\n"
        "opened(LEROBOT / 'v3.0/parts')[0]\n"
        "print([n for n in heavy if n in sys.modules and n not in before])\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("package", ["pyarrow.parquet", "av"])
def test_a_missing_package(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Named with the command that installs it."""
    path = copied("v2.1/two_cameras", tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"pip install 'robomamba_jax\[lerobot\]'"):
        open_ref(opened(path, image=FRONT)[0].images[0])
