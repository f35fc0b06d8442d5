# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Links out of a data set's folder: refused with the way to say yes, and followed where that was
said, by every reader that confines the paths of records."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robomamba_jax.cli.main import main
from robomamba_jax.config.data import DataConfig, SourceConfig
from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.pipeline.prepare_run import prepare
from robomamba_jax.data.sources.formats import open_source
from robomamba_jax.data.sources.paths import below, find_image
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.world.objects.meshes import box
from robomamba_jax.world.objects.urdf import read_urdf
from tests.data.samples import POSE, TINY, picture, turns

RNG = np.random.default_rng(0)


def llava_file(root: Path, image: str) -> Path:
    path = root / "data.json"
    talk = turns("<image>\nIs it open?", "Yes.")
    path.write_text(json.dumps([{"id": "a", "image": image, "conversations": talk}]))
    return path


def lrv_file(root: Path, image: str) -> Path:
    path = root / "data.json"
    path.write_text(json.dumps([{"image_id": image, "question": "open?", "answer": "yes"}]))
    return path


def pose_file(root: Path, image: str) -> Path:
    path = root / "data.json"
    talk = turns("<image>\nWhere?", POSE.format(8, 8))
    path.write_text(json.dumps([{"image": image, "conversations": talk}]))
    return path


def clip_file(root: Path, image: str) -> Path:
    path = root / "data.json"
    text = "<task:planning><PRED>Q: next?</PRED> A: <PRED>open</PRED></task>"
    path.write_text(json.dumps([{"uid": "a", "video": image, "text": text}]))
    return path


def trial_folder(root: Path, image: str) -> Path:
    """A trial whose image alone is a link."""
    trial = root / "7_Door_0_pulling_1"
    trial.mkdir()
    result = {
        "mani_succ": True,
        "pixel_locs": [8, 8],
        "gripper_up_direction_camera": [1, 0, 0],
        "gripper_forward_direction_camera": [0, 1, 0],
    }
    (trial / "result.json").write_text(json.dumps([result]))
    (trial / "original_rgb.png").symlink_to(root / image)
    return root


Write = Callable[[Path, str], Path]
READERS: dict[str, Write] = {
    "llava": llava_file,
    "lrv": lrv_file,
    "robomamba-poses": pose_file,
    "robovqa-json": clip_file,
    "manipllm": trial_folder,
}


@pytest.fixture
def linked(tmp_path: Path) -> tuple[Path, Path]:
    """A data folder with a link ``coco``, and where that leads; a neighbour of like name too."""
    target = tmp_path / "data sets" / "coco"
    picture(target / "a.png", RNG)
    picture(tmp_path / "data sets" / "coco2" / "a.png", RNG)
    root = tmp_path / "root"
    root.mkdir()
    (root / "coco").symlink_to(target)
    return root, target


def source_of(kind: str, root: Path, **more: Any) -> SourceConfig:
    return SourceConfig(
        str(READERS[kind](root, "coco/a.png")), format=kind, pixel_order="xy", **more
    )


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_says_how_to_allow_a_link(kind: str, linked: tuple[Path, Path]) -> None:
    """The error names where the link leads and both ways to allow that folder; done so, the
    image that is read is the one there."""
    root, target = linked
    config = source_of(kind, root)
    with pytest.raises(InputError, match="by a link") as caught:
        open_source(config)[0]
    assert repr(str(target)) in caught.value.message.replace("/a.png", "")
    assert f"--allow-root '{target}'" in caught.value.fix
    assert f"""--set data.sources.0.allow_roots='["{target}"]'""" in caught.value.fix
    allowed = open_source(SourceConfig(**{**vars(config), "allow_roots": (str(target),)}))
    assert allowed[0].images == (target / "a.png",)


def test_what_is_allowed_is_that_folder_alone(linked: tuple[Path, Path]) -> None:
    """Neither one whose name begins alike, nor the one above, nor one that is not there."""
    root, target = linked
    (root / "other").symlink_to(target.parent / "coco2")
    path = str(llava_file(root, "other/a.png"))
    with pytest.raises(InputError) as caught:
        open_source(SourceConfig(path))[0]
    assert f"{target}2" in caught.value.message
    with pytest.raises(InputError, match="by a link") as caught:
        open_source(SourceConfig(path, allow_roots=(str(target),)))[0]
    # What was allowed before stays in the list that is to be given.
    assert f'["{target}", "{target}2"]' in caught.value.fix
    for known, what in ((target / "a.png", "is not a folder"), (target / "no", "is not there")):
        with pytest.raises(InputError, match=f"'{known}' {what}"):
            open_source(SourceConfig(path, allow_roots=(str(known),)))
    with pytest.raises(InputError, match="'' is not there"):
        open_source(SourceConfig(path, allow_roots=("",)))
    for wide in (str(target.parent), str(target.parent / "coco2") + "/", "/"):
        assert len(open_source(SourceConfig(path, allow_roots=(wide,)))[0].images) == 1
    for name in ("../root/other/a.png", f"{target}/a.png", "other/../other/a.png"):
        with pytest.raises(InputError, match="leaves the data's folder"):
            open_source(SourceConfig(str(llava_file(root, name)), allow_roots=("/",)))[0]


def test_links_to_links_loops_and_dead_ends(linked: tuple[Path, Path], tmp_path: Path) -> None:
    """The end of a chain counts; what leads nowhere is said to."""
    root, target = linked
    (tmp_path / "between").symlink_to(target)
    (root / "chain").symlink_to(tmp_path / "between")
    (root / "dead").symlink_to(tmp_path / "unmounted")
    (root / "loop").symlink_to(root / "pool")
    (root / "pool").symlink_to(root / "loop")
    with pytest.raises(InputError, match=f"'{target}'"):
        find_image(root, "chain/a.png")
    with pytest.raises(InputError, match=rf"dead', which leads to '{tmp_path}/unmounted'"):
        find_image(root, "dead/a.png")
    with pytest.raises(InputError, match="nothing is there"):
        find_image(root, "loop/a.png")
    allowed = SourceConfig(str(llava_file(root, "chain/a.png")), allow_roots=(str(target),))
    assert open_source(allowed)[0].images == (target / "a.png",)


def test_a_folder_that_becomes_a_link_later_is_seen(tmp_path: Path) -> None:
    """Nothing is remembered of an earlier look: what was inside may lead out now."""
    root = tmp_path / "root"
    picture(root / "images" / "a.png", RNG)
    picture(tmp_path / "secret" / "a.png", RNG)
    assert find_image(root, "images/a.png") == root / "images" / "a.png"
    shutil.rmtree(root / "images")
    (root / "images").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="by a link"):
        find_image(root, "images/a.png")
    with pytest.raises(InputError, match="by a link"):
        below(root, "images/a.png")


@pytest.mark.parametrize("place", ["frames/a/0.png", "images/a.png", "videos/a.mp4"])
def test_frames_and_videos_are_looked_at_themselves(place: str, tmp_path: Path) -> None:
    """A frame that is a link, in a folder that is none, leads out as well as a folder does; the
    file that is opened is the one that was checked."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    file = outside / Path(place).name
    picture(outside / "x.png", RNG).rename(file)
    (root / place).parent.mkdir(parents=True)
    (root / place).symlink_to(file)
    path = clip_file(root, "a.mp4")
    with pytest.raises(InputError, match=f"goes to '{file}'"):
        RoboVqaJsonSource([path])[0]
    (image,) = open_source(SourceConfig(str(path), allow_roots=(str(outside),)))[0].images
    assert str(file) in str(image)


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "x" * 256, "ü" * 130 + ".jpg"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    """Too long, in letters or in bytes: a bad record, not an OSError."""
    with pytest.raises(InputError):
        find_image(tmp_path, name)
    with pytest.raises(InputError):
        open_source(SourceConfig(str(clip_file(tmp_path, name)), format="robovqa-json"))[0]


@pytest.mark.parametrize("name", ["\ud800.png", "a/\udfff/b.png"])
def test_half_a_letter_is_no_name(name: str, tmp_path: Path) -> None:
    """No file system could hold it: a bad record, not a UnicodeEncodeError."""
    with pytest.raises(InputError, match="is not a file name"):
        below(tmp_path, name)


STEPS = st.lists(st.sampled_from(["in", "out", "out2", "deep"]), min_size=1, max_size=3)


@given(STEPS, st.sets(st.sampled_from(["out", "out2"])))
@example(["out"], set())
@example(["out2"], {"out"})
def test_the_real_place_decides(steps: list[str], allowed: set[str]) -> None:
    """Chains of links over folders inside and outside: read if and only if the end is inside, or
    below what is allowed."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder).resolve()
        root = top / "root"
        places = {"in": root / "in", "deep": root / "x/y", "out": top / "out", "out2": top / "out2"}
        for place in places.values():
            picture(place / "a.png", RNG)
        for number, (step, place) in enumerate(zip(steps, ["", *steps], strict=False)):
            (places[place] if place else root).joinpath(f"to{number}").symlink_to(places[step])
        name = "/".join(f"to{number}" for number in range(len(steps))) + "/a.png"
        good = steps[-1] in ("in", "deep") or steps[-1] in allowed
        roots = tuple(str(places[known]) for known in sorted(allowed))
        config = SourceConfig(str(llava_file(root, name)))
        if not good:
            with pytest.raises(InputError) as caught:
                open_source(config)[0]
            assert repr(str(places[steps[-1]]))[:-1] in caught.value.message
        source = open_source(SourceConfig(**{**vars(config), "allow_roots": roots}))
        if good:
            assert source[0].images == (places[steps[-1]] / "a.png",)
        else:
            with pytest.raises(InputError, match="by a link"):
                source[0]


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["data", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_commands_and_their_workers(
    workers: str,
    linked: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``data inspect`` and ``data prepare`` do what their own message says, in this process and in
    others, also with a relative folder."""
    monkeypatch.chdir(tmp_path)
    root, target = linked
    path = llava_file(root, "coco/a.png")
    words = ["inspect", str(path), "--no-preview", "--workers", workers]
    found = as_json(capsys, *words)
    (problem,) = found["problems"]
    assert str(target) in problem["reason"]
    assert f"--allow-root '{target}'" in problem["fix"]
    found = as_json(capsys, *words, "--allow-root", "data sets/coco")
    assert (found["images"]["found"], found["problems"]) == (1, [])
    (tmp_path / "data.json").write_text(
        json.dumps(
            {
                "sources": [{"path": str(path)}],
                "encoding": {"tokenizer": "tiny", "transform": "tiny"},
            }
        )
    )
    words = ["prepare", "--config", "data.json", "--workers", workers]
    assert main(["data", *words, "--out", "no"]) == 2
    assert f"--allow-root '{target}'" in capsys.readouterr().err
    made = as_json(capsys, *words, "--out", "yes", "--allow-root", str(target))
    assert made["parts"][0]["samples"] == 1


def test_what_is_allowed_is_no_part_of_the_data(linked: tuple[Path, Path], tmp_path: Path) -> None:
    """The same plan and the same prepared bytes through a link as without one, and nothing of the
    allowed folder in them."""
    root, target = linked
    config = DataConfig((source_of("llava", root),), TINY)
    with pytest.raises(InputError) as caught:
        prepare(config, tmp_path / "refused")
    assert str(target) in caught.value.message
    source = source_of("llava", root, name="x", allow_roots=(str(target),))
    with BatchLoader(DataConfig((source,), TINY)) as pipeline:
        through = pipeline.plan.sha256
    prepare(DataConfig((source,), TINY), tmp_path / "through")
    (root / "coco").unlink()
    shutil.copytree(target, root / "coco")
    source = source_of("llava", root, name="x")
    with BatchLoader(DataConfig((source,), TINY)) as pipeline:
        assert pipeline.plan.sha256 == through
    prepare(DataConfig((source,), TINY), tmp_path / "copied")
    for file in (tmp_path / "copied").iterdir():
        assert (tmp_path / "through" / file.name).read_bytes() == file.read_bytes()
    # Finished and named again with the folder allowed: it is the same data, and stays.
    source = source_of("llava", root, name="x", allow_roots=(str(target),))
    prepare(DataConfig((source,), TINY), tmp_path / "copied")


GQA = {"1": {"question": "Is it open?", "imageId": "coco/a", "answer": "yes"}}


@pytest.mark.parametrize("name", ["gqa", "mme", "robovqa"])
def test_benchmarks_take_it_too(name: str, linked: tuple[Path, Path]) -> None:
    """``--set files.allow_roots``: images by name, MME's folders, RoboVQA's clips."""
    root, target = linked
    picture(target / "a.jpg", RNG)
    if name == "gqa":
        (root / "testdev_balanced_questions.json").write_text(json.dumps(GQA))
    elif name == "mme":
        (root / "existence").mkdir()
        (root / "existence" / "a.txt").write_text("Is it?\tYes\nIs it not?\tNo\n")
        (root / "existence" / "a.jpg").symlink_to(target / "a.jpg")
    else:
        clip_file(root, "coco/a.mp4")
    questions = {"gqa": (), "mme": (), "robovqa": ("data.json",)}[name]

    def pictures(**more: Any) -> Any:
        config = EvalConfig(name, FilesConfig(str(root), questions, **more))
        return benchmark(name).load(config).questions[0].load_images()

    with pytest.raises(InputError, match="by a link") as caught:
        pictures()
    assert str(target) in caught.value.message
    assert f"""--set files.allow_roots='["{target}"]'""" in caught.value.fix
    assert pictures(allow_roots=(str(target),)) == (target / "a.jpg",)


def test_an_objects_meshes(linked: tuple[Path, Path]) -> None:
    """A URDF's meshes, linked into a store of the user's own."""
    root, target = linked
    visual = '<visual><geometry><mesh filename="coco/a.png"/></geometry></visual>'
    path = root / "mobility.urdf"
    path.write_text(f'<robot name="x"><link name="base">{visual}</link></robot>')
    read: list[Path] = []

    def load(file: Path) -> Any:
        read.append(file)
        return box((1, 1, 1))

    with pytest.raises(InputError, match="by a link") as caught:
        read_urdf(path, load)
    assert repr(str(target))[:-1] in caught.value.message
    assert read == []
    from robomamba_jax.data.sources.paths import AllowedRoots

    allowed = AllowedRoots.of([str(target)], "--allow-root {root}")
    assert len(read_urdf(path, load, allowed).links) == 1
    assert read == [root / "coco" / "a.png"]
