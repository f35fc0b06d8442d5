# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets that are damaged, hostile or contradict themselves: each its own error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.cli.main import main
from robomamba_jax.config.data import DataConfig, FieldMap, SourceConfig
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.sources.formats import detect
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.errors import InputError
from tests.data.lerobot_sets import FRONT, LEROBOT, changed, copied, written
from tests.data.samples import TINY
from tests.data.sources.test_lerobot import BATCH, opened

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
V21, V30, PARTS = "v2.1/two_cameras", "v3.0/two_cameras", "v3.0/parts"
DATA21 = "data/chunk-000/episode_000001.parquet"
DATA30 = "data/chunk-000/file-000.parquet"
VIDEO21 = f"videos/chunk-000/{FRONT}/episode_000001.mp4"


def read_all(path: Path, **fields: Any) -> None:
    """Open it and read every sample and picture."""
    source = opened(path, step="all", **fields)
    for number in range(len(source)):
        for ref in source[number].images:
            open_ref(ref)


def replaced(name: str, old: str, new: str) -> Callable[[Path], Any]:
    def damage(path: Path) -> None:
        text = (path / name).read_text(encoding="utf-8")
        assert old in text
        (path / name).write_text(text.replace(old, new), encoding="utf-8")

    return damage


def table(
    name: str, column: str, values: Callable[[list[Any]], list[Any]]
) -> Callable[[Path], Any]:
    """A Parquet file with other values in one column."""

    def damage(path: Path) -> None:
        old = pq.read_table(path / name)
        place = old.schema.get_field_index(column)
        new = pa.array(values(old.column(column).to_pylist()), old.schema.field(column).type)
        pq.write_table(old.set_column(place, column, new), path / name)

    return damage


def rows(name: str, start: int, stop: int) -> Callable[[Path], Any]:
    """A Parquet file with some of its rows."""

    def damage(path: Path) -> None:
        pq.write_table(pq.read_table(path / name).slice(start, stop - start), path / name)

    return damage


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], Any]:
    return lambda path: (path / name).write_bytes(change((path / name).read_bytes()))


def gone(name: str) -> Callable[[Path], Any]:
    def damage(path: Path) -> None:
        shutil.rmtree(path / name) if (path / name).is_dir() else (path / name).unlink()

    return damage


WRONG: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "v1.6": (V21, lambda p: changed(p, codebase_version="v1.6"), "codebase_version 'v1.6'"),
    "v2.0": (V21, lambda p: changed(p, codebase_version="v2.0"), "give a data set of v2.1 or v3.0"),
    "v4": (V30, lambda p: changed(p, codebase_version="v4.0"), "codebase_version 'v4.0'"),
    "no version": (V30, lambda p: changed(p, codebase_version=None), "codebase_version 'None'"),
    "episodes": (V21, lambda p: changed(p, total_episodes=4), "states 4 episodes, .* has 3"),
    "frames": (V30, lambda p: changed(p, total_frames=17), "states 17 frames, .* has 18"),
    "fps": (V21, lambda p: changed(p, fps=0), "fps is 0, not a number above 0"),
    "info": (V21, bytes_of("meta/info.json", lambda b: b[:99]), r"info\.json is not JSON"),
    "info lfs": (V21, bytes_of("meta/info.json", lambda b: LFS), "is a Git LFS pointer"),
    "cut list": (V21, bytes_of("meta/episodes.jsonl", lambda b: b[:-9]), "line 3 is not JSON"),
    "no list": (V21, gone("meta/episodes.jsonl"), r"episodes\.jsonl does not exist"),
    "no tasks": (V21, gone("meta/tasks.jsonl"), r"tasks\.jsonl does not exist"),
    "no task": (
        V21,
        replaced("meta/tasks.jsonl", '"task_index": 1', '"task_index": 7'),
        "episode 1 step 0 has task_index 1, which no task of meta/ has",
    ),
    "two tasks": (
        V21,
        replaced("meta/tasks.jsonl", '"task_index": 1', '"task_index": 0'),
        "has task_index 0, another one has it too",
    ),
    "half a letter": (
        V21,
        replaced("meta/tasks.jsonl", "open the drawer", r"open \ud83d"),
        "half of a surrogate pair",
    ),
    "no table": (V30, gone("meta/episodes"), r"has no chunk-\*/file-\*\.parquet"),
    "no tasks table": (V30, gone("meta/tasks.parquet"), r"tasks\.parquet does not exist"),
    "task of a table": (
        V30,
        table("meta/tasks.parquet", "task_index", lambda v: [5 if x == 1 else x for x in v]),
        "has task_index 1, which no task",
    ),
    "one file": (V21, gone(DATA21), r"episode_000001\.parquet does not exist"),
    "all files": (V21, gone("data"), r"does not exist, nor any other of 3 data files"),
    "the file": (V30, gone("data"), r"file-000\.parquet does not exist"),
    "broken": (V21, bytes_of(DATA21, lambda b: b[: len(b) // 2]), "cannot be read"),
    "pages": (V30, bytes_of(DATA30, lambda b: b[:9] + b"\xff" * 900 + b[909:]), "cannot be read"),
    "lfs": (V21, bytes_of(DATA21, lambda b: LFS), r"000001\.parquet is a Git LFS pointer"),
    "rows": (V21, rows(DATA21, 0, 5), r"has 5 rows, its episodes' lengths add up to 7"),
    "rows of v3": (V30, rows(DATA30, 0, 17), "has 17 rows, .* add up to 18"),
    "lengths": (
        V30,
        table(DATA30, "episode_index", lambda v: [0 if n == 5 else x for n, x in enumerate(v)]),
        "has 6 rows of episode 0, its length is stated as 5",
    ),
    "mixed": (
        V30,
        table(DATA30, "episode_index", lambda v: [*v[1:], v[0]]),
        "episode 0 does not have its rows one behind the other",
    ),
    "order": (V21, table(DATA21, "frame_index", lambda v: v[::-1]), "has other frame_index"),
    "no column": (
        V21,
        lambda p: pq.write_table(pq.read_table(p / DATA21).drop(["task_index"]), p / DATA21),
        "has no column 'task_index'",
    ),
    "a hole": (V21, table(DATA21, "timestamp", lambda v: [None] * 7), "has the timestamp None"),
    "no video": (V21, gone(VIDEO21), r"episode 1 step 0: video .*000001\.mp4 does not exist"),
    "half a video": (V21, bytes_of(VIDEO21, lambda b: b[:600]), "cannot be decoded"),
    "video lfs": (V21, bytes_of(VIDEO21, lambda b: LFS), r"000001\.mp4 is a Git LFS pointer"),
    "another's video": (
        V21,
        lambda p: shutil.copy(p / VIDEO21.replace("001.mp4", "000.mp4"), p / VIDEO21),
        r"000001\.mp4 has no frame at 0\.5000 s: the nearest is at 0\.4000 s",
    ),
    "beyond its span": (
        PARTS,
        table(
            "meta/episodes/chunk-000/file-000.parquet",
            "videos/observation.images.top/to_timestamp",
            lambda v: [0.3, *v[1:]],
        ),
        r"episode 0 step 3 is at 0\.3000 s of a video of 0\.3000 s",
    ),
    "never encoded": (
        PARTS,
        table(
            "meta/episodes/chunk-000/file-000.parquet",
            "videos/observation.images.top/file_index",
            lambda v: [*v[:2], None, *v[3:]],
        ),
        "episode 2 has no videos/observation.images.top in meta/episodes",
    ),
    "a list of addresses": (
        V21,
        bytes_of(VIDEO21, lambda b: b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"),
        "cannot be decoded",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_damage(what: str, tmp_path: Path) -> None:
    """One error, which names the thing."""
    name, damage, complaint = WRONG[what]
    path = copied(name, tmp_path)
    assert detect(str(path)) == "lerobot"
    damage(path)
    with pytest.raises(InputError, match=complaint):
        read_all(path, image=None if name == PARTS else FRONT)


TEMPLATES = {
    "an attribute": "data/{episode_index.__class__}.parquet",
    "an item": "data/{episode_index[0]}.parquet",
    "a conversion": "data/{episode_index!r}.parquet",
    "a width": "data/{episode_index:999999999d}.parquet",
    "another name": "data/{self}.parquet",
    "of v3": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    "no end": "data/{episode_index",
    "above": "../{episode_index:06d}.parquet",
    "a root": "/etc/{episode_index:06d}.parquet",
    "a link": "away/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
    "nothing": None,
}


@pytest.mark.parametrize("key", ["data_path", "video_path"])
@pytest.mark.parametrize("what", TEMPLATES)
def test_hostile_templates(key: str, what: str, tmp_path: Path) -> None:
    """No attribute, no padding, no way out of the folder."""
    path = copied(V21, tmp_path)
    assert detect(str(path)) == "lerobot"
    (path / "away").symlink_to(LEROBOT / V21 / "data")
    changed(path, **{key: TEMPLATES[what]})
    complaint = f"{key}|leaves the data's folder|leads out of the data's folder"
    with pytest.raises(InputError, match=complaint):
        read_all(path, image=FRONT)


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no camera": ({}, f"has 2 cameras: {FRONT}, observation.images.wrist .*fields.image"),
    "a camera": ({"image": "front"}, "unknown camera"),
    "a text": ({"image": FRONT, "answer": "subtask"}, "unknown field .* 'subtask'"),
    "a camera as text": ({"image": FRONT, "answer": FRONT}, "unknown field"),
    "one text twice": ({"image": FRONT, "question": "task"}, "question and answer are both task"),
    "two questions": ({"image": FRONT, "ask": "a?", "question": "task"}, "at once"),
    "tagged": ({"image": FRONT, "tagged": "task"}, "fields.tagged is not read"),
    "numbers": (
        {"image": FRONT, "answer": "observation.state"},
        "has no text as observation.state",
    ),
}


@pytest.mark.parametrize("what", FIELDS)
def test_field_maps(what: str) -> None:
    """Nothing is guessed where two candidates are there."""
    fields, complaint = FIELDS[what]
    for name in (V21, V30):
        assert detect(str(LEROBOT / name)) == "lerobot"
        with pytest.raises(InputError, match=complaint):
            opened(LEROBOT / name, **fields)[0]


def test_the_first_version_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """v1's folder is a LeRobot data set too, which is said."""
    (tmp_path / "meta_data").mkdir()
    (tmp_path / "meta_data/info.json").write_text('{"codebase_version": "v1.6", "fps": 10}')
    assert main(["data", "inspect", str(tmp_path), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "codebase_version 'v1.6'" in error["message"]
    assert "v2.1 or v3.0" in error["fix"]


def test_a_missing_video_is_one_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inspected: counted and named; skipped: the others are read."""
    path = copied(V21, tmp_path)
    gone(VIDEO21)(path)
    gone("data/chunk-000/episode_000002.parquet")(path)
    (tmp_path / "fields.json").write_text(json.dumps({"image": FRONT}))
    more = ("--fields", str(tmp_path / "fields.json"), "--workers", "0", "--no-sheet", "--json")
    assert main(["data", "inspect", str(path), *more]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == {"found": 1, "missing": 1, "broken": 0}
    assert [p["kind"] for p in report["problems"]] == ["missing_image", "missing_file"]
    source = SourceConfig(str(path), name="s", fields=FieldMap(image=FRONT))
    with BatchLoader(DataConfig((source,), TINY, BATCH, on_error="skip")) as pipeline:
        assert [problem.index for problem in pipeline.sample_index.problems] == [1, 2]
        assert len(pipeline.sample_index) == 1


def test_pictures_as_files(tmp_path: Path) -> None:
    """A cell's path below the folder, or LeRobot's own place for it; nowhere else."""
    path = written(tmp_path / "set", [2])
    info = json.loads((path / "meta/info.json").read_text())
    changed(path, features={**info["features"], "cam": {"dtype": "image", "shape": [3, 4, 3]}})
    assert detect(str(path)) == "lerobot"
    file = path / "data/chunk-000/episode_000000.parquet"
    good = pq.read_table(file)

    def cells(*paths: str | None) -> None:
        cell = [None if name is None else {"bytes": None, "path": name} for name in paths]
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        pq.write_table(good.append_column("cam", pa.array(cell, kind)), file)

    from PIL import Image

    for number, name in enumerate(("images/cam/episode_000000/frame_000001.png", "own/0.png")):
        (path / name).parent.mkdir(parents=True)
        Image.new("RGB", (4, 3), (number, 0, 0)).save(path / name)
    cells("own/0.png", "/elsewhere/1.png")
    source = opened(path, step="all")
    colours = [np.asarray(open_ref(source[n].images[0]))[0, 0, 0] for n in (0, 1)]
    assert colours == [1, 0]
    cells("../set/own/0.png", None)
    source = opened(path, step="all")
    with pytest.raises(InputError, match="leaves the data's folder"):
        source[0]
    assert len(source[1].images) == 1
    cells("own/7.png", None)
    with pytest.raises(InputError, match=r"picture 'own/7\.png' is not below"):
        opened(path, step="all")[0]


@given(data=st.data())
def test_flipped_bytes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any byte of any file changed: the samples, or an InputError, never a traceback."""
    name = data.draw(st.sampled_from([V21, PARTS, "v3.0/pictures"]))
    path = copied(name, tmp_path_factory.mktemp("flipped"))
    assert detect(str(path)) == "lerobot"
    files = sorted(file for file in path.rglob("*") if file.is_file() and "stats" not in file.name)
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    said = ""
    try:
        read_all(path, image=FRONT if name == V21 else None)
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    shutil.rmtree(path)
