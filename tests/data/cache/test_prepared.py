# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared data gives the very numbers of its sources, and says when it is no longer whole."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.config.data import DataConfig, PrepareConfig, SourceConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.cache.prepared import PreparedFolder, verify_files
from robomamba_jax.data.cache.record_format import from_record, to_record
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.pipeline.prepare_run import prepare
from robomamba_jax.errors import InputError
from tests.data.pipeline.test_loader import BY_TEXT, LATE, spoiled
from tests.data.samples import TINY, mixture, poses

SIZES = {"captions": 21, "talk": 9}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def config_of(folder: Path, **batch: Any) -> DataConfig:
    weights = {"captions": 0.5, "talk": 0.5}
    config = mixture(folder, SIZES, weights=weights, packing=True, **batch)
    return dataclasses.replace(config, prepare=PrepareConfig(shard_samples=8))


@pytest.fixture(scope="module")
def prepared(folder: Path) -> Path:
    prepare(config_of(folder), folder / "prepared")
    return folder / "prepared"


def reading(folder: Path, config: DataConfig, **changes: Any) -> DataConfig:
    return dataclasses.replace(config, sources=(SourceConfig(str(folder)),), **changes)


def test_the_same_numbers(folder: Path, prepared: Path) -> None:
    """Plan, samples and every array, mixture weights included."""
    config = config_of(folder)
    with BatchLoader(config) as plain, BatchLoader(reading(prepared, config), workers=2) as stored:
        assert stored.plan.sha256 == plain.plan.sha256
        assert stored.plan.weights == {"captions": 0.5, "talk": 0.5}
        for batch in stored.batches(0, 6):
            expected = plain.batch(batch.step)
            assert batch.samples == expected.samples
            for name, array in expected.arrays.items():
                np.testing.assert_array_equal(batch.arrays[name], array, err_msg=name)


def test_one_part_alone(folder: Path, prepared: Path) -> None:
    """By its name; another name is refused with the near ones."""
    config = config_of(folder)
    source = SourceConfig(str(prepared), name="talk")
    with BatchLoader(dataclasses.replace(config, sources=(source,))) as pipeline:
        assert pipeline.sample_index.datasets == ("talk",)
        assert len(pipeline.sample_index) == 9
        assert pipeline.sample_index.names[0] == "talk-0"
    wrong = dataclasses.replace(config, sources=(SourceConfig(str(prepared), name="tlk"),))
    with pytest.raises(InputError, match=r"'tlk' \(did you mean talk"):
        BatchLoader(wrong)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_workers_and_kills_change_no_byte(folder: Path, prepared: Path, tmp_path: Path) -> None:
    """Two workers; and a run that is killed in the middle and goes on."""
    config = config_of(folder)
    prepare(config, tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == contents(prepared)
    code = (
        "import json, os, signal, sys\n"
        "from robomamba_jax.config.data import DataConfig\n"
        "from robomamba_jax.config.tree import tree_from_json\n"
        "from robomamba_jax.data.pipeline.prepare_run import prepare\n"
        "def tell(done, total):\n"
        "    if done > 10: os.kill(os.getpid(), signal.SIGKILL)\n"
        "config = tree_from_json(DataConfig, json.loads(sys.argv[1]), 'c')\n"
        "prepare(config, sys.argv[2], on_progress=tell)\n"
    )
    target = tmp_path / "killed"
    command = [sys.executable, "-c", code, json.dumps(tree_to_json(config)), str(target)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    assert subprocess.run(command, env=environment).returncode == -9
    assert not (target / "manifest.json").exists()
    shards = sorted(target.glob("*.array_record"))
    assert shards
    with pytest.raises(InputError, match=r"manifest\.json does not exist"):
        PreparedFolder(target)
    stamp = shards[0].stat().st_mtime_ns
    time.sleep(0.02)
    told: list[tuple[int, int]] = []
    prepare(config, target, on_progress=lambda *done: told.append(done))
    assert shards[0].stat().st_mtime_ns == stamp
    assert told[0][0] > 8
    assert told[-1] == (30, 30)
    assert contents(target) == contents(prepared)


def test_it_goes_on_with_nothing_else(folder: Path, prepared: Path, tmp_path: Path) -> None:
    """Again: done already. Another configuration, or a folder with something in it: refused."""
    config = config_of(folder)
    before = contents(prepared)
    assert prepare(config, prepared)["parts"][0]["samples"] == 21
    assert contents(prepared) == before
    for other in (dataclasses.replace(config, seed=1), config_of(folder, batch_size=2)):
        with pytest.raises(InputError, match="holds prepared data"):
            prepare(other, prepared)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        prepare(config, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


DAMAGE = {
    "a flipped bit": ("its content has changed", lambda path: flip(path)),
    "a cut": (r"\d+ bytes, not \d+", lambda path: os.truncate(path, 100)),
    "a loss": ("missing", lambda path: path.unlink()),
    "another file": ("not in the manifest", lambda path: (path.parent / "x").write_text("")),
}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(what: str, prepared: Path, tmp_path: Path) -> None:
    """By its file; a whole folder has none."""
    assert verify_files(prepared) == []
    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    reason, damage = DAMAGE[what]
    damage(copy / "part00-00001.array_record")
    (problem,) = verify_files(copy)
    assert problem["file"] == ("x" if what == "another file" else "part00-00001.array_record")
    assert re.search(reason, problem["reason"])


def test_a_damaged_record_is_found_late(folder: Path, prepared: Path, tmp_path: Path) -> None:
    """Left out and named, or an error: as with any other data."""
    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    shard = copy / "part00-00000.array_record"
    data = bytearray(shard.read_bytes())
    filled = np.flatnonzero(np.frombuffer(bytes(data), np.uint8))
    data[int(filled[len(filled) // 2])] ^= 1
    shard.write_bytes(data)
    config = reading(copy, config_of(folder), on_error="skip")
    with BatchLoader(config) as pipeline:
        problems = [p for batch in pipeline.batches(0, 12) for p in batch.problems]
    assert problems
    assert all(problem.found == "late" for problem in problems)
    complaint = pytest.raises(InputError, match="captions, sample")
    with BatchLoader(dataclasses.replace(config, on_error="raise")) as pipeline, complaint:
        list(pipeline.batches(0, 12))


def test_another_encoding_is_refused(folder: Path, prepared: Path) -> None:
    """Whatever of it differs is named."""
    config = config_of(folder)
    for change in ({"template": "official_train"}, {"transform": "nano"}, {"tokenizer": "nano"}):
        encoding = dataclasses.replace(TINY, **change)
        (name,) = (*change,)
        with pytest.raises(InputError, match=f"another {name}"):
            BatchLoader(reading(prepared, config, encoding=encoding))


def test_bad_samples_are_known_before_training(tmp_path: Path) -> None:
    """All of them, pixels included; the ledger is part of the folder."""
    path = spoiled(tmp_path / "data")
    batch = mixture(tmp_path, {"other": 1}).batch
    config = DataConfig((SourceConfig(str(path), name="x"),), TINY, batch, on_error="skip")
    manifest = prepare(config, tmp_path / "out", workers=2)
    assert (manifest["parts"][0]["samples"], manifest["parts"][0]["skipped"]) == (6, 7)
    lines = (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()
    found = {entry["index"]: entry["kind"] for entry in map(json.loads, lines)}
    assert found == {**BY_TEXT, **LATE}
    assert list(found) == sorted(found)
    with BatchLoader(reading(tmp_path / "out", config)) as pipeline:
        assert not [p for b in pipeline.batches(0, 4) for p in b.problems]
    strict = dataclasses.replace(config, on_error="raise")
    with pytest.raises(InputError, match=r"x, sample 1: .* cannot be decoded"):
        prepare(strict, tmp_path / "strict")


@pytest.mark.parametrize("codec", ["png", "raw", "jpeg"])
def test_codecs(codec: str, folder: Path) -> None:
    """Two are exact; the third is close."""
    config = config_of(folder)
    with BatchLoader(config) as pipeline:
        part = pipeline._pool.tasks.datasets[0]
        pictured = next(n for n in range(21) if part.describe(n).images)
        example = part.example(pictured)
    again = from_record(to_record(example, codec), "r", 15)
    assert again.id == example.id
    for name in ("ids", "supervised", "image_positions", "image_sha256"):
        np.testing.assert_array_equal(getattr(again, name), getattr(example, name))
    assert example.images is not None
    assert again.images is not None
    apart = np.abs(again.images.astype(int) - example.images).mean()
    assert apart == 0 if codec != "jpeg" else 0 < apart < 12
    with pytest.raises(InputError, match="r: an image is"):
        from_record(to_record(example, "raw"), "r", 14)


def test_poses_and_odd_ids(tmp_path: Path) -> None:
    """Targets are stored; so is half of a surrogate pair in an id."""
    source = SourceConfig(str(poses(tmp_path, 3)), name="p", pixel_order="rowcol")
    encoding = dataclasses.replace(TINY, target="pose")
    config = DataConfig((source,), encoding, mixture(tmp_path, {"other": 1}).batch)
    prepare(config, tmp_path / "out")
    with BatchLoader(config) as plain, BatchLoader(reading(tmp_path / "out", config)) as stored:
        for name in ("contact", "rotation", "gripper", "weight"):
            first, second = plain.batch(0).arrays[name], stored.batch(0).arrays[name]
            np.testing.assert_array_equal(first, second)
        example = plain._pool.tasks.datasets[0].example(0)
    odd = dataclasses.replace(example, id="\ud83d ü")
    assert from_record(to_record(odd, "png"), "r", 15).id == "\ud83d ü"


def test_wrong_folders(tmp_path: Path, prepared: Path) -> None:
    """None, another's, one without a shard."""
    with pytest.raises(InputError, match="does not exist"):
        PreparedFolder(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": "else"}')
    with pytest.raises(InputError, match=r"is not robomamba\.prepared/1"):
        PreparedFolder(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    (copy / "part01-00000.array_record").unlink()
    with pytest.raises(InputError, match=r"part01-00000\.array_record is missing"):
        PreparedFolder(copy).records[0]
