# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The same samples at the same step: for any processes, workers, kills and resumptions."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.config.data import DataConfig, SourceConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.pipeline.ledger import Ledger, Problem
from robomamba_jax.data.pipeline.loader import BatchLoader, StepBatch
from robomamba_jax.data.pipeline.tasks import DataPool
from robomamba_jax.errors import InputError
from tests.counting import PATIENCE
from tests.data.samples import TINY, mixture, picture, poses, turns

SIZES = {"captions": 31, "talk": 12}
KINDS: dict[str, dict[str, Any]] = {
    "one each": {},
    "packed mixture": {
        "packing": True,
        "weights": {"captions": 0.3, "talk": 0.7},
        "epoch_samples": 25,
    },
    "buckets": {"buckets": (60, 90)},
}
STEPS = 14


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def ids(pipeline: BatchLoader, batches: Iterator[StepBatch]) -> list[list[list[str]]]:
    return [pipeline.ids(batch) for batch in batches]


def same(first: StepBatch, second: StepBatch) -> None:
    """Down to the last number."""
    assert first.samples == second.samples
    assert list(first.arrays) == list(second.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name], err_msg=name)


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, folder: Path) -> tuple[DataConfig, list[StepBatch]]:
    """A configuration, and its batches one by one, with nothing around."""
    config = mixture(folder, SIZES, **KINDS[request.param])
    with BatchLoader(config) as pipeline:
        return config, [pipeline.batch(step) for step in range(STEPS)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_workers_change_nothing(case: tuple[DataConfig, list[StepBatch]], workers: int) -> None:
    """Ids and every array, read ahead by grain."""
    config, expected = case
    with BatchLoader(config, workers=workers) as pipeline:
        found = list(pipeline.batches(0, STEPS))
    assert [batch.step for batch in found] == list(range(STEPS))
    for one, other in zip(found, expected, strict=True):
        same(one, other)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_make_the_same_global_batch(
    case: tuple[DataConfig, list[StepBatch]], processes: int
) -> None:
    """Concatenated by process, from a step in the middle too."""
    config, expected = case
    parts = []
    for process in range(processes):
        with BatchLoader(config, process_id=process, num_processes=processes) as pipeline:
            parts.append(list(pipeline.batches(3, STEPS)))
    for step, pieces in enumerate(zip(*parts, strict=True), start=3):
        rows = [row for piece in pieces for row in piece.samples]
        assert rows == expected[step].samples
        for name, array in expected[step].arrays.items():
            joined = np.concatenate([piece.arrays[name] for piece in pieces])
            np.testing.assert_array_equal(joined, array, err_msg=name)


RUN = """
import json, sys
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.data.pipeline.loader import BatchLoader
config = tree_from_json(DataConfig, json.load(open(sys.argv[1])), "config")
state, workers = sys.argv[2], int(sys.argv[3])
with BatchLoader(config, workers=workers) as pipeline:
    try:
        start = pipeline.restore(json.load(open(state)))
    except FileNotFoundError:
        start = 0
    print("ready", flush=True)
    for batch in pipeline.batches(start, 14):
        sys.stdin.readline()
        print(json.dumps([batch.step, pipeline.ids(batch)]), flush=True)
        open(state + ".new", "w").write(json.dumps(pipeline.state(batch.step + 1)))
        __import__("os").replace(state + ".new", state)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_killed_and_resumed(
    case: tuple[DataConfig, list[StepBatch]], seed: int, tmp_path: Path
) -> None:
    """At a random step, twice, each time with another number of workers; no order is lost."""
    config, _ = case
    with BatchLoader(config) as pipeline:
        expected = ids(pipeline, pipeline.batches(0, STEPS))
    (tmp_path / "config.json").write_text(json.dumps(tree_to_json(config)))
    rng, seen = random.Random(seed), {}
    ends = sorted(rng.sample(range(1, STEPS), 2))
    for workers, end in zip((1, 2, 0), (*ends, STEPS), strict=True):
        command = [sys.executable, "-c", RUN, "config.json", "state.json", str(workers)]
        run = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert run.stdin is not None
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        while len(seen) < end:
            run.stdin.write("\n")
            run.stdin.flush()
            step, found = json.loads(run.stdout.readline())
            assert seen.setdefault(step, found) == found
            state = tmp_path / "state.json"
            while not state.is_file() or json.loads(state.read_text())["step"] <= step:
                time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdin.close()
        run.stdout.close()
    assert [seen[step] for step in range(STEPS)] == expected


def test_workers_end_with_their_run(folder: Path) -> None:
    """Nobody is left behind by a run that was killed."""
    config = mixture(folder, SIZES)
    code = (
        "import json, sys, os, signal\n"
        "from robomamba_jax.config.data import DataConfig\n"
        "from robomamba_jax.config.tree import tree_from_json\n"
        "from robomamba_jax.data.pipeline.tasks import DataPool\n"
        "pool = DataPool(tree_from_json(DataConfig, json.loads(sys.argv[1]), 'c'), 2)\n"
        "print(*pool.pids, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", code, json.dumps(tree_to_json(config))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    until = time.monotonic() + PATIENCE
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except OSError:
        return False


def test_workers_load_no_framework(folder: Path) -> None:
    """By what is mapped into their memory after a job."""
    with DataPool(mixture(folder, SIZES), 1) as pool:
        job = {"op": "scan", "dataset": 0, "start": 0, "stop": 3}
        assert pool.run(job)[0]["problems"] == []
        maps = Path(f"/proc/{pool.pids[0]}/maps").read_text()
    assert "site-packages/numpy" in maps
    assert not any(f"site-packages/{name}/" in maps for name in ("jaxlib", "jax", "torch", "grain"))


def test_a_dead_worker_is_an_error(folder: Path) -> None:
    """Not a run that waits for ever."""
    with BatchLoader(mixture(folder, SIZES), workers=1) as pipeline:
        os.kill(pipeline._pool.pids[0], signal.SIGKILL)
        with pytest.raises(RuntimeError, match=r"worker has died \(signal 9\)"):
            list(pipeline.batches(0, 3))


def test_states(folder: Path) -> None:
    """Another seed, other data, another mixture: each is refused by name."""
    config = mixture(folder, SIZES, packing=True)
    with BatchLoader(config) as pipeline:
        state = pipeline.state(5)
        assert set(state) == {"seed", "step", "plan_hash"}
        assert pipeline.restore(json.loads(json.dumps(state))) == 5
    others = {
        "another seed": dataclasses.replace(config, seed=1),
        "another data, batches or mixture": mixture(folder, SIZES, packing=True, batch_size=2),
    }
    for what, other in others.items():
        with BatchLoader(other) as pipeline, pytest.raises(InputError, match=what):
            pipeline.restore(state)


@pytest.mark.slow
def test_a_notebook_needs_no_guard(folder: Path, tmp_path: Path) -> None:
    """A script without `if __name__ == "__main__"` and with jax on top starts workers once."""
    config = json.dumps(tree_to_json(mixture(folder, SIZES)))
    script = tmp_path / "script.py"
    script.write_text(
        "import json, jax\n"
        "from robomamba_jax.config.data import DataConfig\n"
        "from robomamba_jax.config.tree import tree_from_json\n"
        "from robomamba_jax.data.pipeline.loader import BatchLoader\n"
        f"config = tree_from_json(DataConfig, json.loads({config!r}), 'c')\n"
        "pipeline = BatchLoader(config, workers=2)\n"
        "print('started', next(iter(pipeline.batches())).step)\n"
        "pipeline.close()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "started 0\n", done.stderr


def spoiled(folder: Path) -> Path:
    """A LLaVA file in which seven of thirteen samples are wrong, each in its own way."""
    rng = np.random.default_rng(0)
    records: list[Any] = []
    for number in range(13):
        picture(folder / f"{number}.png", rng)
        talk = turns("<image>\nWhat?", f"a cup {number}")
        records.append({"id": f"s{number}", "image": f"{number}.png", "conversations": talk})
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    (folder / "3.png").unlink()
    (folder / "4.png").write_text("this is no picture")
    (folder / "5.png").write_bytes(b"")
    # An image that says it has 60,000 x 60,000 pixels.
    bomb = bytearray(whole)
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    (folder / "7.png").write_bytes(bomb)
    records[8]["image"] = "../../etc/passwd"
    del records[9]["conversations"]
    path = folder / "data.json"
    path.write_text(json.dumps(records))
    return path


BY_TEXT = {3: "missing_image", 8: "bad_path", 9: "bad_record"}
LATE = {1: "bad_image", 4: "bad_image", 5: "bad_image", 7: "image_too_large"}


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_bad_samples_are_left_out_and_written_down(
    packing: bool, workers: int, tmp_path: Path
) -> None:
    """By their text before the plan, by their pixels as empty places; never another instead."""
    path = spoiled(tmp_path / "data")
    sources = (SourceConfig(str(path), name="x"),)
    batch = dataclasses.replace(
        mixture(tmp_path, {"other": 1}).batch, batch_size=3, packing=packing, images=None
    )
    config = DataConfig(sources, TINY, batch, on_error="skip")
    ledger = tmp_path / "ledger.jsonl"
    with BatchLoader(config, workers=workers, ledger=ledger) as pipeline:
        steps = pipeline.plan.start_of(1)
        batches = list(pipeline.batches(0, steps))
        numbers = [n for batch in batches for row in batch.samples for n in row]
        assert sorted(numbers) == list(range(10))
        table = pipeline.sample_index
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert {line["index"]: line["kind"] for line in lines} == {**BY_TEXT, **LATE}
    assert [line["index"] for line in lines[:3]] == [3, 8, 9]
    assert all(line["source"] == "x" and line["reason"] for line in lines)
    late = {line["index"]: line["step"] for line in lines if line["found"] == "late"}
    assert set(late) == set(LATE)
    whole = sum(table.supervised[[n for n in range(10) if table.index[n] not in LATE]])
    assert sum(int(batch.arrays["loss_mask"].sum()) for batch in batches) == whole
    for batch in batches:
        for row, members in enumerate(batch.samples):
            left = [n for n in members if table.index[n] not in LATE]
            assert batch.arrays["mask"][row].sum() == table.text[left].sum()
            assert (batch.arrays["image_positions"][row] >= 0).sum() == len(left)
    for process in range(3):
        with BatchLoader(
            config, process_id=process, num_processes=3, ledger=tmp_path / "l.jsonl"
        ) as part:
            list(part.batches(0, steps))
    entries = [
        json.loads(line)["index"]
        for name in ("l.jsonl", "l.1.jsonl", "l.2.jsonl")
        if (tmp_path / name).is_file()
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert sorted(entries) == sorted({**BY_TEXT, **LATE})
    # A second run finds the same again, and writes nothing twice.
    with BatchLoader(config, ledger=ledger) as pipeline:
        list(pipeline.batches(0, 2 * steps))
    assert len(ledger.read_text().splitlines()) == 7


def test_bad_samples_are_errors_by_default(tmp_path: Path) -> None:
    """The first one by its text; then the late ones, when their step comes."""
    path = spoiled(tmp_path / "data")
    batch = mixture(tmp_path, {"other": 1}).batch
    config = DataConfig((SourceConfig(str(path), name="x"),), TINY, batch)
    with pytest.raises(InputError, match=r"x, sample 3: image '3\.png' is not below"):
        BatchLoader(config)
    records = [r for n, r in enumerate(json.loads(path.read_text())) if n not in BY_TEXT]
    path.write_text(json.dumps(records))
    for workers in (0, 1):
        complaint = pytest.raises(InputError, match=r"x, sample \d+: sample 's[1457]'")
        with BatchLoader(config, workers=workers) as pipeline, complaint:
            list(pipeline.batches(0, 4))


def test_ledgers(tmp_path: Path) -> None:
    """Each sample once; a line that was cut by a kill is written again; others are damage."""
    file = tmp_path / "sub" / "ledger.jsonl"
    one, two = (Problem("a", n, f"id {n}", "bad_image", "ü\ud800", "late", 3) for n in range(2))
    Ledger(file).add([one, one])
    Ledger(file).add([one, two])
    lines = file.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["id 0", "id 1"]
    file.write_text(f"{lines[0]}\n{lines[1][:20]}")
    again = Ledger(file)
    assert len(again) == 1
    again.add([two])
    assert file.read_text().splitlines() == lines
    file.write_text(f"nonsense\n{lines[0]}\n")
    with pytest.raises(InputError, match="line 1 is not an entry"):
        Ledger(file)


def test_pose_batches(tmp_path: Path) -> None:
    """One pose a row; an empty row weighs nothing and has a rotation that is one."""
    source = SourceConfig(str(poses(tmp_path, 5)), name="p", pixel_order="xy")
    batch = mixture(tmp_path, {"other": 1}).batch
    encoding = dataclasses.replace(TINY, target="pose")
    with BatchLoader(DataConfig((source,), encoding, batch), workers=1) as pipeline:
        batches = list(pipeline.batches(0, 2))
    weights = np.concatenate([batch.arrays["weight"] for batch in batches])
    filled = [bool(row) for batch in batches for row in batch.samples]
    assert weights.tolist() == [float(x) for x in filled]
    assert sum(filled) == 5
    for found in batches:
        assert found.arrays["contact"].shape == (4, 2)
        turned = found.arrays["rotation"]
        np.testing.assert_allclose(
            turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (4, 1, 1)), atol=1e-6
        )
        assert np.isnan(found.arrays["gripper"]).all()
        assert not found.arrays["loss_mask"].any()


def test_configurations_as_json(folder: Path) -> None:
    """There and back; unknown and wrong fields are named."""
    config = mixture(folder, SIZES, packing=True)
    content = json.loads(json.dumps(tree_to_json(config)))
    assert tree_from_json(DataConfig, content, "c") == config
    wrong = {
        "c.batch: 'packin' .did you mean packing": {"batch": {"packin": True}},
        r"c.batch.batch_size is 'x', not int": {"batch": {"rows": "x"}},
        r"c.sources\[0\] has no path": {"sources": [{}]},
        "c.encoding is 3": {"encoding": 3},
        "c.seed is True": {"seed": True},
    }
    for complaint, change in wrong.items():
        with pytest.raises(InputError, match=complaint):
            tree_from_json(DataConfig, {**content, **change}, "c")
    with pytest.raises(InputError, match="two sources are called"):
        dataclasses.replace(config, sources=config.sources * 2)
