# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every command that takes a path, with names of every character that a file's name may have."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli import doctor
from robomamba_jax.cli.evaluate import main as evaluate
from robomamba_jax.cli.main import main
from robomamba_jax.config.data import BatchConfig, DataConfig, SourceConfig
from robomamba_jax.config.evaluation import FilesConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.sample import VideoFrame
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.question_files import question_files
from tests.cli.asked import answers, as_json, lines, pictures, run
from tests.data.samples import TINY, llava
from tests.evaluation.runs import ROOT

ROBOVQA = ROOT / "tests/data/files/robovqa.tfrecord"
SIGNS = "- [v1] *?#%20%03d'\"\\ü語:smile:[b]|;&$(){}~@3,=!`<>\n\t\x1b\udcff"


def nasty(end: str = "") -> str:
    """A name of exactly 255 bytes: brackets, quotes, signs, ends of lines, and no UTF-8."""
    name = SIGNS + "x" * (255 - len(os.fsencode(SIGNS + end))) + end
    assert len(os.fsencode(name)) == 255
    return name


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of such a name with such pictures, below the one in which commands run."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / nasty()
    folder.mkdir()
    pictures(folder)
    for name in ("a.png", "b.png"):
        shutil.copy(folder / name, folder / nasty(f".{name}"))
    return folder


def test_generate(
    models: Path,
    loaded: tuple[rm.Model, rm.Processor],
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Checkpoint, picture, batch and answers; the answers are those of plain names."""
    want = rm.generate(*loaded, [place / "a.png"], ["what?"], max_new_tokens=6)[0]
    checkpoint = place / "a [" / "q]" / nasty(".ckpt")  # "[/q]" ends what nothing has begun
    shutil.copytree(models / "whole", checkpoint)
    ask = ["generate", "--checkpoint", checkpoint, "--max-new-tokens", 6]
    image = nasty(".a.png")
    status, out, err = run(capsys, *ask, "--image", place / image, "--prompt", "what?")
    assert (status, out, err) == (0, want if want.endswith("\n") else f"{want}\n", "")
    batch = place / nasty(".jsonl")
    lines(batch, {"prompt": "what?", "image": "a.png"})
    found = place / nasty(".out")
    status, out, err = run(capsys, *ask, "--batch", batch, "--out", found)
    assert (status, err) == (0, "")
    assert [row["answer"] for row in answers(found)] == [want]


def test_predict(
    models: Path,
    loaded: tuple[rm.Model, rm.Processor],
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The picture with the pose has a name that fits, whatever the picture's; in a batch, too."""
    checkpoint = place / nasty(".ckpt")
    shutil.copytree(models / "whole", checkpoint)
    image = place / nasty(".a.png")
    before = set(Path().iterdir())
    status, _, err = run(capsys, "predict", "--checkpoint", checkpoint, "--image", image)
    assert (status, err) == (0, "")
    (drawn,) = set(Path().iterdir()) - before
    assert drawn.name.endswith("_pose.png")
    assert drawn.name.startswith(SIGNS)
    with Image.open(drawn) as one, Image.open(image) as other:
        assert one.size == other.size
    batch = place / nasty(".jsonl")
    lines(batch, {"image": "a.png"}, {"image": "x" * 251 + ".png"})
    shutil.copy(place / "b.png", place / ("x" * 251 + ".png"))
    words = [
        "--batch",
        batch,
        "--out",
        place / nasty(".out"),
        "--save-images",
        place / nasty(".pose"),
    ]
    status, _, err = run(capsys, "predict", "--checkpoint", checkpoint, *words)
    assert (status, err) == (0, "")
    assert len(list((place / nasty(".pose")).iterdir())) == 2
    poses = [row["contact_xy"] for row in answers(place / nasty(".out"))]
    for pose, name in zip(poses, ("a.png", "b.png"), strict=True):
        asked = "Specify the contact point and gripper direction of manipulating the object."
        assert pose == rm.predict_pose(*loaded, place / name, asked).to_json()["contact_xy"]


@pytest.mark.slow
def test_convert(models: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In, out and back by 255 bytes: the same weights, and what is printed is one line."""
    out = place / nasty(".new")
    status, told, err = run(capsys, "convert", "--from", "preset", "--in", "tiny", "--out", out)
    assert (status, err) == (0, "")
    assert told.startswith("wrote ")
    back = place / nasty(".safetensors")
    status, _, err = run(capsys, "convert", "--to", "safetensors", "--in", out, "--out", back)
    assert (status, err) == (0, "")
    pth = place / nasty(".pth")
    status, _, err = run(
        capsys, "convert", "--to", "robomamba", "--in", out, "--out", pth, "--anyway"
    )
    assert (status, err) == (0, "")
    assert (back.is_file(), pth.is_file()) == (True, True)
    found, _ = rm.load(out)
    seen, _ = rm.load("tiny")
    assert found.config == seen.config
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(".")) == []


def test_data(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A LLaVA file and its pictures: looked at, prepared, checked and read."""
    # Made elsewhere, since its records' ids hold the folder's name.
    source = llava(place / "set", 6)
    folder = source.parent.rename(place / nasty(".set"))
    named = (folder / source.name).rename(folder / nasty(".json"))
    told = as_json(capsys, "data", "inspect", named, "--tokenizer", "tiny", "--workers", 0)
    assert told["records"] == 6
    assert told["images"]["missing"] == 0
    assert Path(told["preview"]).is_file()
    status, _, err = run(capsys, "data", "inspect", named, "--tokenizer", "tiny", "--no-preview")
    assert (status, err) == (0, "")
    config = place / nasty(".config.json")
    sources = (SourceConfig(str(named)),)
    config.write_text(
        json.dumps(tree_to_json(DataConfig(sources, TINY, BatchConfig(batch_size=2))))
    )
    out_folder = place / nasty(".prepared")
    words = ["--config", config, "--out", out_folder, "--workers", 0]
    report = as_json(capsys, "data", "prepare", *words)
    assert report["parts"][0]["samples"] == 6
    assert as_json(capsys, "data", "verify", out_folder)["problems"] == []
    again = as_json(capsys, "data", "inspect", out_folder, "--tokenizer", "tiny", "--workers", 0)
    assert (again["format"], again["records"]) == ("prepared", 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vqav2", "pope", "mme", "robovqa"])
def test_eval(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Drawn questions, their answers and results below such a folder; then others' answers."""
    config = ["--config", str(ROOT / "configs" / f"eval_{name}.py")]
    out = place / nasty(".eval")
    assert evaluate(["--tiny", *config, "--checkpoint", "tiny", "--out", str(out), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    told = place / nasty(".jsonl")
    shutil.copy(out / "answers.jsonl", told)
    files = first["config"]["files"]
    sets = [f"files.root={out / 'toy'}", f"files.answers={files['answers']}"]
    sets += [f"files.questions={json.dumps(files['questions'])}"] if files["questions"] else []
    words = [word for change in sets for word in ("--set", change)]
    again = place / nasty(".again")
    words += ["--predictions", str(told), "--out", str(again), "--json"]
    assert evaluate([*config, *words]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["figures"] == first["figures"]
    assert second["answers_from"] == str(told)
    # A byte that is not UTF-8 is shown by its escape in what others read.
    shown = str(told).encode("utf-8", "backslashreplace").decode()
    assert json.loads((again / "results.json").read_bytes())["answers_from"] == shown


@pytest.mark.slow
def test_eval_says_its_paths(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As they are: not as markup, nor with pictures for their colons."""
    out = Path("a [v1] :smile: [/b]") / "x"
    config = ["--config", str(ROOT / "configs" / "eval_vqav2.py"), "--checkpoint", "tiny"]
    assert evaluate(["--tiny", *config, "--out", str(out)]) == 0
    assert f"in {out}: results.json" in capsys.readouterr().out


def test_the_folder_is_no_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``tf[1]/train*`` is of the folder called so, not of "tf1"; so is a benchmark's root."""
    for folder, count in (("tf[1]", 2), ("tf1", 3)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            shutil.copy(ROBOVQA, tmp_path / folder / f"train-{number}")
    words = ["--tokenizer", "tiny", "--no-images", "--no-preview", "--workers", 0]
    one = as_json(capsys, "data", "inspect", tmp_path / "tf[1]" / "train-0", *words)["records"]
    found = as_json(capsys, "data", "inspect", tmp_path / "tf[1]" / "train*", *words)
    assert found["records"] == 2 * one
    found = as_json(capsys, "data", "inspect", tmp_path / "tf?" / "train*", *words)
    assert found["records"] == 3 * one
    found = as_json(capsys, "data", "inspect", tmp_path / "**" / "train-[01]", *words)
    assert found["records"] == 4 * one


@given(
    st.lists(st.text("[]*?!-#%a1 ", min_size=1, max_size=6), min_size=2, max_size=5, unique=True)
)
def test_names_win_over_patterns(names: list[str]) -> None:
    """Whatever stands in the names of the root, of a folder and of a file: one that is there is
    meant by its own name. Of others a pattern finds those that a shell would."""
    with tempfile.TemporaryDirectory() as temporary:
        root, (folder, *files) = Path(temporary) / "".join(names)[:99], names
        (root / folder).mkdir(parents=True)
        for name in files:
            (root / folder / name).write_text("[]")
        for name in files:
            found = question_files(FilesConfig(str(root), (f"{folder}/{name}",)))
            assert found == [root / folder / name]
        for pattern in ("?*", "[!a]*", "*1*"):
            fits = [name for name in files if fnmatch.fnmatchcase(name, pattern)]
            if pattern in files or not fits:
                continue
            found = question_files(FilesConfig(str(root), (f"{folder}/{pattern}",)))
            assert found == [root / folder / name for name in sorted(fits)]


def test_a_pattern_that_matches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Says so, with the pattern and the folder that was searched."""
    (tmp_path / "tf[1]").mkdir()
    pattern = tmp_path / "tf[1]" / "val*"
    status, _, err = run(capsys, "data", "inspect", pattern)
    assert status == 2
    assert err.count("\n") == 1
    assert f"{pattern} does not exist: nothing in {tmp_path / 'tf[1]'} matches 'val*'" in err
    status, _, err = run(capsys, "data", "inspect", tmp_path / "tf[2]" / "val*")
    assert f"nothing in {tmp_path} matches 'tf[2]'" in err


def test_a_pattern_of_several_where_one_is_due(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Says so; one that names one file is that file."""
    for name in ("one.json", "two.json"):
        llava(place / "set", 3).rename(place / "set" / name)
    words = ["--tokenizer", "tiny", "--no-preview", "--workers", 0]
    assert as_json(capsys, "data", "inspect", place / "set" / "o*.json", *words)["records"] == 3
    status, _, err = run(capsys, "data", "inspect", place / "set" / "*.json", *words)
    assert status == 2
    assert "names 2 files, and a source of format llava is one" in err


def test_doctor_knows_patterns(tmp_path: Path) -> None:
    """A configuration's pattern below a folder with brackets is there."""
    (tmp_path / "d [1]").mkdir()
    (tmp_path / "d [1]" / "train-0").write_bytes(b"")
    config = tmp_path / "c.py"
    config.write_text(
        "from robomamba_jax.config.files import config_module\n"
        "from robomamba_jax.config.serial import with_changes\n"
        "def get_config():\n"
        f"    c = config_module({str(ROOT / 'configs' / 'stage1_2_instruct.py')!r}).get_config()\n"
        f"    return with_changes(c, ['data.sources.0.path={tmp_path}/d [1]/train*'])\n"
    )
    checks = {check["name"]: check for check in doctor._paths(str(config))}
    assert checks["data.sources.0.path"]["state"] == "ok"


def test_leading_dashes(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They work, and where they cannot the complaint says how they do."""
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path)
    Path("a.png").rename("-a.png")
    ask = ["predict", "--checkpoint", models / "whole"]
    status, _, err = run(capsys, *ask, "--image", "a.png", "--out", "-b.png")
    assert status == 2
    assert "--out=-x" in err
    status, _, err = run(capsys, *ask, "--image", "-a.png")
    assert status == 2
    assert "./-a.png" in err
    status, _, err = run(capsys, *ask, "--image=-a.png", "--out=-b.png")
    assert (status, err) == (0, "")
    assert Path("-b.png").is_file()
    source = llava(tmp_path / "set", 3)
    source.rename("-data.json")
    shutil.move("set/pictures", "pictures")
    words = ["--tokenizer", "tiny", "--no-preview", "--workers", 0]
    status, _, err = run(capsys, "data", "inspect", "-data.json", *words)
    assert status == 2
    assert "./-data.json" in err
    assert as_json(capsys, "data", "inspect", "./-data.json", *words)["records"] == 3


@pytest.mark.parametrize("name", ["x" * 256, "a\nb\x1b[31m"])
def test_a_name_that_cannot_be(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Too long, or not there and made to mislead a terminal: one line, status 2."""
    for words in (
        ["generate", "--checkpoint", name, "--prompt", "a"],
        ["generate", "--batch", name],
        ["generate", "--tokenizer", name, "--prompt", "a"],
        ["convert", "--from", "run", "--in", name, "--out", "out"],
        ["data", "inspect", name],
        ["data", "verify", name],
        ["data", "prepare", "--config", name, "--out", "out"],
        ["verify", "--hashes", name],
    ):
        status, out, err = run(capsys, *words)
        assert (status, out) == (2, ""), words
        assert err.count("\n") == 1, words
        assert "\x1b" not in err, words
        assert "x" * 9 in err or r"a\nb" in err, words
    with pytest.raises(InputError):
        rm.load("x" * 256)


def test_a_video_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a protocol of FFmpeg's: its picture is the one that the file holds."""
    av = pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    with av.open("clip.mp4", "w") as clip:
        stream = clip.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for level in (40, 200):
            pixels = np.full((32, 32, 3), level, np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        clip.mux(stream.encode())
    for name in ("-x.mp4", "%03d.mp4", nasty(".mp4"), "pipe:0", "data:1.mp4", "concat:a|b.mp4"):
        shutil.copy("clip.mp4", tmp_path / name)
        frame = np.asarray(open_ref(VideoFrame(Path(name), 0, 1)))
        assert abs(float(frame.mean()) - 200) < 4, name


@pytest.mark.usefixtures("simulator")
def test_a_mesh_without_utf8(tmp_path: Path) -> None:
    """SAPIEN takes UTF-8 alone."""
    from robomamba_jax.world.objects.library import load_mesh
    from robomamba_jax.world.sim.vulkan import load_sapien

    path = tmp_path / nasty() / nasty(".obj")
    path.parent.mkdir()
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    mesh = load_mesh(load_sapien(), path)
    assert np.asarray(mesh.vertices).max(axis=0).tolist() == [1, 1, 0]


@pytest.mark.slow
def test_nothing_is_left_behind(place: Path, tmp_path: Path) -> None:
    """A run of the whole command line in such a folder leaves no unfinished file beside it."""
    assert (
        main(["convert", "--from", "preset", "--in", "tiny", "--out", str(place / nasty(".a"))])
        == 0
    )
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
