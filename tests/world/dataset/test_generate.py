# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: the same bytes whatever the workers and however often stopped, in real formats."""

import dataclasses
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.evaluation import BENCHMARKS, EvalConfig, FilesConfig
from robomamba_jax.data.geometry.camera import Camera, read_depth
from robomamba_jax.data.geometry.joint_motion import pixel_flow, read_axes
from robomamba_jax.data.sources.formats import open_source
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import PoseSample
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.robovqa_types import TYPES
from robomamba_jax.evaluation.metrics.yes_no import PERCEPTION
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of
from robomamba_jax.world.dataset.generate import generate
from robomamba_jax.world.dataset.records import FIRST_THING
from robomamba_jax.world.dataset.tasks import VERSION, WorldPlan, run_job
from robomamba_jax.world.language.bench_questions import facts_of
from robomamba_jax.world.language.intents import rules
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.policies.affordance import CONTACT_SAMPLING
from robomamba_jax.world.sim.episodes import COLLECTION, set_up_trial
from robomamba_jax.world.sim.simulator import Simulator
from tests.counting import PATIENCE, wait_for
from tests.evaluation.runs import right
from tests.world.sources import source_config

PLAN = WorldPlan(24, 22, 6, 3, "train", 64, 6, ("Door", "Pliers", "Remote"), texts=7)


def digests(folder: Path) -> dict[str, str]:
    """Of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def as_command(out: Path, workers: int) -> list[str]:
    """The plan on the command line."""
    numbers = {"samples": 24, "num-images": 22, "clips": 6, "seed": 3, "size": 64, "num-texts": 7}
    flags = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    flags += ["--workers", str(workers), "--categories", "Door,Pliers,Remote", "--out", str(out)]
    return [sys.executable, "-m", "robomamba_jax", "world", "generate", *flags]


@pytest.fixture(scope="module")
def made(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan, carried out by one worker."""
    out = tmp_path_factory.mktemp("world") / "one"
    generate(PLAN, out, workers=1)
    return out


@pytest.mark.slow
def test_two_workers_and_a_second_run_write_the_same(made: Path, tmp_path: Path) -> None:
    """Pictures, labels, physics: every byte. A finished folder is left alone."""
    before = digests(made)
    told: list[tuple[int, int]] = []
    generate(PLAN, tmp_path / "two", workers=2, on_progress=lambda *at: told.append(at))
    assert digests(tmp_path / "two") == before
    assert told[0] == (0, 59)
    assert told[-1] == (59, 59)
    assert generate(PLAN, made, workers=1) == json.loads((made / "manifest.json").read_text())
    assert digests(made) == before


@pytest.mark.slow
def test_killed_runs_go_on(made: Path, tmp_path: Path) -> None:
    """Killed with all its workers in the middle; the second run ends with the same bytes."""
    out = tmp_path / "killed"
    command = as_command(out, 1)
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    wait_for(lambda: any((out / ".parts").glob("*.json")), process)
    process.send_signal(signal.SIGKILL)
    subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
    process.wait()
    assert list((out / ".parts").glob("*.json"))
    assert not (out / "manifest.json").exists()
    generate(PLAN, out, workers=1)
    assert digests(out) == digests(made)


@pytest.mark.slow
def test_an_interrupt_is_one_line(made: Path, tmp_path: Path) -> None:
    """Ctrl-C in a terminal reaches the workers too: they finish what they hold, and nobody
    complains; the next run goes on."""
    out = tmp_path / "stopped"
    # A shell starts what runs in its background with Ctrl-C ignored, children included.
    command = ["env", "--default-signal=INT", *as_command(out, 2)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any(out.glob("images/*")), process)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 1
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("robomamba: interrupted")
    assert subprocess.run(["pgrep", "-s", str(process.pid)], check=False).returncode == 1
    generate(PLAN, out, workers=1)
    assert digests(out) == digests(made)


@pytest.mark.slow
def test_another_plan_is_refused(made: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    other = WorldPlan(24, 22, 6, 4, "train", 64, 6, PLAN.categories)
    with pytest.raises(InputError, match="another data set"):
        generate(other, made)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        generate(PLAN, tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": -1}, "--samples is -1"),
        ({"samples": 0, "num_images": 0, "clips": 0, "texts": 0}, "nothing to generate"),
        ({"texts": -2}, "--num-texts is -2"),
        ({"dof": 5}, "--dof is 5"),
        ({"size": 8}, "--size is 8"),
        ({"contact_sampling": "edge"}, "--contact-sampling is 'edge'"),
        ({"contact_sampling": "center", "dof": 7}, "--contact-sampling center with --dof 7"),
    ],
)
def test_bad_plans(tmp_path: Path, change: dict, message: str) -> None:
    """Said before anything is written."""
    with pytest.raises(InputError, match=message):
        generate(dataclasses.replace(PLAN, **change), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_every_file_is_of_a_real_format(made: Path) -> None:
    """The readers of users' data read it; every picture is there and of the size."""
    expected = {
        "manip.json": ("robomamba-poses", 24),
        "contact_points.json": ("llava", 24),
        "stage1_1.json": ("llava", 22),
        "stage1_2_llava.json": ("llava", None),
        "stage1_2_lrv.json": ("lrv", None),
        "stage1_2_detail.json": ("llava", 22),
        "language_images.json": ("llava", None),
        "language_text.json": ("llava", 7),
        "robovqa/train-00000-of-00001.tfrecord": ("robovqa", None),
    }
    for name, (kind, count) in expected.items():
        source = open_source(source_config(made / name))
        assert source.facts()["format"] == kind
        assert len(source) == count if count is not None else len(source) >= 22
        for index in (0, len(source) - 1):
            sample = source[index]
            assert bool(sample.images) == (name != "language_text.json")
            for ref in sample.images:
                if isinstance(ref, Path):
                    with Image.open(ref) as image:
                        assert image.size == (64, 64)
    manifest = json.loads((made / "manifest.json").read_text())
    found = {name for name in manifest["files"] if not name.startswith("bench/")}
    assert found == {*expected, "poses.jsonl", "failed.jsonl", "scenes.jsonl", "clips.jsonl"}
    clips = read(made / "clips.jsonl")
    assert [clip["id"] for clip in clips] == [f"{number:06d}" for number in range(len(clips))]
    assert clips
    assert all(clip["instance"].startswith("train-") for clip in clips)
    assert {name.split("/")[1] for name in set(manifest["files"]) - found} == set(BENCHMARKS)
    assert manifest["poses"]["kept"] == 24
    assert set(manifest["poses"]["categories"]) == set(PLAN.categories)


def read(path: Path) -> list[dict[str, Any]]:
    """A file of records, or of lines."""
    text = path.read_text()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


@pytest.mark.slow
def test_conversations_of_other_kinds(made: Path) -> None:
    """Behind each scene's own conversation those that ask for a word, what is there, for yes or no,
    for a letter and for a place, all about the same picture, which stands in the first question."""
    records = read(made / "stage1_2_llava.json")
    ids = [record["id"] for record in records]
    assert len(set(ids)) == len(ids)
    scenes = read(made / "scenes.jsonl")
    for scene in scenes:
        own = [record for record in records if record["image"] == f"{scene['id']}.jpg"]
        assert own[0]["id"] == scene["id"]
        assert [record["id"] for record in own[1:]] == [
            f"{scene['id']}-{k}" for k in range(1, len(own))
        ]
        assert 5 <= len(own) <= 6
        assert (len(own) == 6) == bool(scene["places"] or scene["touch"])
        for record in own:
            humans = record["conversations"][::2]
            assert ["<image>" in turn["value"] for turn in humans] == [
                k == 0 for k in range(len(humans))
            ]
    assert len(records) == sum(6 if scene["places"] or scene["touch"] else 5 for scene in scenes)


@pytest.mark.slow
def test_poses_are_places_in_words_too(made: Path) -> None:
    """contact_points.json has each pose's contact, in percent; every other one is asked for as
    stage 2 asks."""
    poses, touched = read(made / "manip.json"), read(made / "contact_points.json")
    truths = read(made / "poses.jsonl")
    for number, (pose, place, truth) in enumerate(zip(poses, touched, truths, strict=True)):
        assert place["id"] == pose["id"] == truth["id"]
        assert place["image"] == pose["image"]
        question, answer = (turn["value"] for turn in place["conversations"])
        assert answer == ", ".join(str(int(100 * side / 64)) for side in truth["contact_xy"])
        asked = question.removeprefix("<image>\n")
        noun = CATEGORIES[truth["category"]].noun
        same = question == pose["conversations"][0]["value"]
        assert same == (number % 2 == 1)
        assert noun in asked or not same
        assert rules()["ASK_POSE" if same else "ASK_TOUCH"].parses(asked)


@pytest.mark.slow
def test_scenes_have_their_places(made: Path) -> None:
    """The facts in scenes.jsonl are whole: they come back, with places and the place to touch."""
    scenes = read(made / "scenes.jsonl")
    for scene in scenes:
        beside = ("id", "instance", "camera", "axes")
        facts = facts_of({k: v for k, v in scene.items() if k not in beside})
        assert [list(place) for place in facts.places] == scene["places"]
        assert facts.touch == (None if scene["touch"] is None else tuple(scene["touch"]))
        for _, x, y in facts.places:
            assert 0 <= x < 100
            assert 0 <= y < 100
    assert any(scene["places"] for scene in scenes)
    assert any(scene["touch"] for scene in scenes)


@pytest.mark.slow
def test_a_plan_names_its_version_and_its_contacts(made: Path) -> None:
    """Both are in the digest by which a folder knows its plan."""
    plan = json.loads((made / "plan.json").read_text())
    assert plan["version"] == VERSION == 2
    assert plan["contact_sampling"] == "random"
    assert plan["digest"] == PLAN.digest()
    assert PLAN.digest() == "7d9b0243883b6c3b"  # as by the fields' first names
    middle = dataclasses.replace(PLAN, contact_sampling="center")
    assert middle.digest() != PLAN.digest()
    with pytest.raises(InputError, match="another data set"):
        generate(middle, made)


@pytest.mark.slow
def test_collecting_at_the_middle(simulator: Simulator, tmp_path: Path) -> None:
    """Other poses, again the same ones; scenes and their words do not depend on it."""
    for name in ("images", "depth", "masks"):
        (tmp_path / name).mkdir()

    def items(kind: str, contacts: str) -> list[dict[str, Any]]:
        plan = dataclasses.replace(PLAN, contact_sampling=contacts)
        return run_job(simulator, plan, tmp_path, kind, 0, 3)["items"]

    spread, middle = (items("poses", contacts) for contacts in CONTACT_SAMPLING)
    for one, other in zip(spread, middle, strict=True):
        assert one["truth"]["id"] == other["truth"]["id"]
        assert one["truth"]["contact_xy"] != other["truth"]["contact_xy"]
        answers = [item["touch"]["conversations"][1] for item in (one, other)]
        assert answers[0] != answers[1]
    assert items("poses", "center") == middle
    assert items("language", "center") == items("language", "random")


@pytest.mark.slow
def test_poses_are_true(made: Path) -> None:
    """The answer says what the truth says; the joint moved; the lifted pixel is the contact."""
    source = open_source(source_config(made / "manip.json"))
    truths = [json.loads(line) for line in (made / "poses.jsonl").read_text().splitlines()]
    for index, truth in enumerate(truths):
        sample = source[index]
        assert isinstance(sample, PoseSample)
        assert sample.action is not None
        assert truth["id"] == sample.id
        rotation = np.array(truth["rotation"])
        assert np.abs(np.subtract(sample.action.contact_xy, truth["contact_xy"])).max() <= 0.5
        assert np.degrees(np.arccos(np.array(sample.action.approach) @ rotation[:, 0])) < 1.5
        assert sample.action.gripper_open is None
        moved = np.abs(np.subtract(truth["joints_after"], truth["joints_before"]))
        spans = np.diff(truth["limits"], axis=1)[:, 0]
        assert np.any((moved > COLLECTION.joint) | (moved > COLLECTION.share * spans))
        camera = Camera.from_dict(truth["camera"])
        depth = read_depth(made / "depth" / f"{truth['id']}.png", size=(64, 64))
        x, y = truth["contact_xy"]
        point = camera.to_world(camera.lift((x, y), depth[int(y), int(x)]))
        assert np.linalg.norm(point - truth["point_world"]) < 2e-3
        mask = np.asarray(Image.open(made / "masks" / f"{truth['id']}.png"))
        assert mask[int(y), int(x)] >= 2  # link + 1: no pixel of nothing, nor of the base


@pytest.mark.slow
def test_joints_are_those_of_the_image(made: Path) -> None:
    """Axes of poses and scenes read back; the pixel that was pulled at moved as they say."""
    for truth in read(made / "poses.jsonl"):
        axes = read_axes(truth["axes"], truth["id"])
        assert [axis.value for axis in axes] == pytest.approx(truth["joints_before"], abs=1e-6)
        assert [list(axis.limits) for axis in axes] == [
            pytest.approx(limits, abs=1e-6) for limits in truth["limits"]
        ]
        (touched,) = (axis for axis in axes if axis.name == truth["link"])
        assert (touched.part, touched.kind) == (truth["part"], truth["joint"])
        mask, depth, camera = maps(made, truth)
        x, y = (int(side) for side in truth["contact_xy"])
        flow = pixel_flow(mask - 1, depth, camera, axes)
        assert mask[y, x] == touched.link + 1
        moved = np.subtract(truth["joints_after"], truth["joints_before"])
        if not moved[[axis.link != touched.link for axis in axes]].any():
            # Pulled open or shut, but along the joint's own way.
            pulled = -np.array(truth["rotation"])[:, 0] * np.sign(moved).sum() * touched.sense()
            assert flow[y, x] @ pulled > 0
    for scene in read(made / "scenes.jsonl"):
        axes = read_axes(scene["axes"], scene["id"])
        mask, depth, camera = maps(made, scene)
        lengths = np.linalg.norm(pixel_flow(mask - 1, depth, camera, axes), axis=-1)
        moving = np.isin(mask - 1, [axis.link for axis in axes])
        assert not lengths[~moving].any()
        assert lengths.max(initial=0) < 1.05


def maps(folder: Path, record: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, Camera]:
    """Of an image: its mask as numbers, its depth, and its camera."""
    mask = np.asarray(Image.open(folder / "masks" / f"{record['id']}.png")).astype(int)
    depth = read_depth(folder / "depth" / f"{record['id']}.png", size=(64, 64))
    return mask, depth, Camera.from_dict(record["camera"])


@pytest.mark.slow
def test_masks_name_things(made: Path) -> None:
    """Each thing that a scene's facts name has pixels of its own number, on its own side; masks of
    poses name none."""
    named = 0
    for scene in read(made / "scenes.jsonl"):
        mask, _, _ = maps(made, scene)
        middle = np.nonzero((mask > 0) & (mask < FIRST_THING))[1].mean()
        for thing in scene["things"]:
            at = np.nonzero(mask == FIRST_THING + thing["index"])[1]
            assert len(at)
            # The facts compare with the object's middle, not with that of its pixels.
            if abs(at.mean() - middle) > 8:
                assert (at.mean() < middle) == (thing["side"] == "left")
            named += 1
    assert named
    for truth in read(made / "poses.jsonl"):
        assert maps(made, truth)[0].max() < FIRST_THING


@pytest.mark.slow
def test_failed_trials_are_kept(simulator: Simulator, made: Path, tmp_path: Path) -> None:
    """As many as the manifest counts, for the same reasons; their seeds draw their images again,
    which are there where they were asked for, beside the same kept samples."""
    failed = read(made / "failed.jsonl")
    manifest = json.loads((made / "manifest.json").read_text())
    assert len(failed) == manifest["poses"]["failed"] > 0
    for truth in read(made / "poses.jsonl"):
        of = [one for one in failed if one["sample"] == truth["id"]]
        assert [one["attempt"] for one in of] == list(range(truth["failed_attempts"]))
    for name, tally in manifest["poses"]["categories"].items():
        why = Counter(one["why"] for one in failed if one["category"] == name)
        assert why == tally["failed"]
    assert all(one["image"] is None for one in failed)
    plan = dataclasses.replace(PLAN, failed_images=True)
    assert plan.digest() != PLAN.digest()
    generate(plan, tmp_path / "with", workers=1)
    before, after = digests(made), digests(tmp_path / "with")
    for name in before:
        if name not in ("plan.json", "manifest.json", "failed.jsonl"):
            assert after[name] == before[name]
    drawn = read(tmp_path / "with" / "failed.jsonl")
    assert [{**one, "image": None} for one in drawn] == failed
    images = {f"failed/images/{one['image']}" for one in drawn if one["image"]}
    assert images == {name for name in after if name.startswith("failed/images/")}
    for one in drawn[:8]:
        placed = one["contact_xy"] is not None
        assert placed == bool(one["image"]) == (one["why"] != "no place")
        if not placed:
            assert one["rotation"] is one["point_world"] is one["link"] is None
            continue
        mask, depth, camera = maps(tmp_path / "with" / "failed", one)
        x, y = (int(side) for side in one["contact_xy"])
        axes = read_axes(one["axes"], one["id"])
        assert mask[y, x] - 1 in {axis.link for axis in axes if axis.name == one["link"]}
        if one["point_world"] is not None:
            point = camera.to_world(camera.lift(one["contact_xy"], depth[y, x]))
            assert np.linalg.norm(point - one["point_world"]) < 2e-3
        trial = set_up_trial(simulator, tuple(one["seed"]), one["category"], "train", 64)
        image = np.asarray(Image.open(tmp_path / "with" / "failed" / "images" / one["image"]))
        assert np.array_equal(trial.view.rgb, image)


@pytest.mark.slow
def test_validation_has_its_own_objects(simulator: Simulator, tmp_path: Path) -> None:
    """Other objects and images than both other splits, training's words."""
    for name in ("images", "depth", "masks"):
        (tmp_path / name).mkdir()
    found = {}
    for split in ("train", "validation", "test"):
        plan = dataclasses.replace(PLAN, split=split)
        found[split] = run_job(simulator, plan, tmp_path, "language", 0, 3)["items"]
        assert all(item["instance"].startswith(f"{split}-") for item in found[split])
    assert found["validation"] != found["train"]


@pytest.mark.slow
def test_a_worker_that_cannot_work_says_why(tmp_path: Path) -> None:
    """A list that is not there: the worker's one line, no traceback."""
    bad = dataclasses.replace(PLAN, assets=str(tmp_path), asset_list=str(tmp_path / "no.txt"))
    with pytest.raises(InputError, match=r"cannot read the list"):
        generate(bad, tmp_path / "out", workers=1)


@pytest.mark.slow
def test_seven_degrees_of_freedom(simulator: Simulator, tmp_path: Path) -> None:
    """Handles are grasped with open fingers, panels held by suction; both are in the set."""
    plan = WorldPlan(10, 0, 0, 1, "test", 96, 7, ("StorageFurniture", "Table"))
    generate(plan, tmp_path / "hand", workers=1)
    source = open_source(source_config(tmp_path / "hand" / "manip.json"))
    samples = [source[index] for index in range(len(source))]
    states = {s.action.gripper_open for s in samples if isinstance(s, PoseSample) and s.action}
    assert states == {0.0, 1.0}
    truths = (tmp_path / "hand" / "poses.jsonl").read_text().splitlines()
    for truth in map(json.loads, truths):
        assert truth["instance"].startswith("test-")
        if truth["gripper_open"]:
            assert truth["label"] == "handle"


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_evaluated(made: Path, tmp_path: Path, name: str) -> None:
    """As users' files are: read, pictures found, right answers right."""
    files = FilesConfig(**files_of(name, str(made / "bench" / name)))
    config, chosen, loaded = run.load(EvalConfig(name, files), tmp_path)
    assert len(loaded.questions) >= 10
    said = []
    for item in loaded.questions:
        with open_ref(item.load_images()[0]) as picture:
            assert min(picture.size) >= 64
        said.append(right(item))
    result = run.finish(config, chosen, loaded, run.AnswerSet(said, None, "me", {}), tmp_path)
    if name == "mmvet":
        assert result["headline"] is None
        return
    value = result["figures"][result["headline"]]["value"]
    if name == "mme":
        assert value == 200 * len(set(PERCEPTION) & set(result["groups"]["sub-task score"]))
    elif name == "robovqa":
        assert result["figures"]["exact_match"]["value"] == 1
        assert set(result["groups"]["type (BLEU-4)"]) >= set(TYPES)
    elif name == "manipulation":
        assert value == pytest.approx(0, abs=1e-9)
    else:
        assert value == 1


@pytest.mark.slow
def test_benchmarks_say_what_is_true(made: Path) -> None:
    """Half of POPE's answers are yes; what is absent is in no fact of its scene."""
    scenes = [json.loads(line) for line in (made / "scenes.jsonl").read_text().splitlines()]
    # A benchmark numbers its images in the order in which it asks about them.
    by_bytes = {(made / "images" / f"{one['id']}.jpg").read_bytes(): one for one in scenes}
    for kind in ("random", "popular", "adversarial"):
        text = (made / "bench" / "pope" / f"coco_pope_{kind}.json").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        assert sum(row["label"] == "yes" for row in rows) == len(rows) / 2
        for row in rows:
            scene = by_bytes[(made / "bench" / "pope" / "val2014" / row["image"]).read_bytes()]
            here = [scene["noun"], *(thing["shape"] for thing in scene["things"])]
            here += [*scene["visible"], *(part["part"] for part in scene["parts"])]
            named = any(re.search(rf"\b{name}\b", row["text"]) for name in here)
            assert named == (row["label"] == "yes"), row


@pytest.mark.slow
def test_the_world_is_answered_by_a_checkpoint(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command itself, on a generated benchmark."""
    from robomamba_jax.cli.evaluate import main

    flags = ["--config", "configs/eval_pope.py", "--checkpoint", "tiny", "--out", str(tmp_path)]
    changes = [
        f"files.root={made}/bench/pope",
        "limit=9",
        "batch_size=3",
        "prompt.max_new_tokens=2",
    ]
    flags += [word for change in changes for word in ("--set", change)]
    assert main([*flags, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["answered"] == 9
    assert 0 <= result["figures"]["yes_share"]["value"] <= 1
