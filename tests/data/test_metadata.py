# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What an image's file says beside its pixels reaches nothing that is written of it."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.cli.main import main
from robomamba_jax.config.data import DataConfig, PrepareConfig, SourceConfig
from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.images.transforms import open_image
from robomamba_jax.data.pipeline.prepare_run import prepare
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.rlds import RldsSource
from robomamba_jax.data.sources.tfds_builders import CONVERSATIONS, write_tfds
from robomamba_jax.evaluation.benchmarks.base import BenchmarkData, Question, Scores
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.lmms.export import export_task
from robomamba_jax.evaluation.runner.page import write_page
from tests.data.odd_pictures import SECRET, chunk, telling, told_by, transparent
from tests.data.samples import TINY, turns

FORMS = ("JPEG", "PNG", "WEBP")


def written(root: Path) -> tuple[list[str], Path]:
    """An image of each form, and a LLaVA file about them."""
    names = [f"{form.lower()}.{form.lower()}" for form in FORMS]
    for name, form in zip(names, FORMS, strict=True):
        (root / name).write_bytes(telling(form))
    talk = turns("<image>\nWhat?", "Noise.")
    path = root / "data.json"
    records = [{"id": name, "image": name, "conversations": talk} for name in names]
    path.write_text(json.dumps(records))
    return names, path


def silent(folder: Path) -> bool:
    """Whether no file below a folder has the secret in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return all(SECRET.encode() not in path.read_bytes() for path in files)


@pytest.mark.filterwarnings("ignore")  # tfds's own
def test_data_sets_that_are_written(tmp_path: Path) -> None:
    """A TFDS data set, prepared data in every codec, and the page of samples. In the first, pixels
    are not compressed anew: they are the file's to the bit."""
    names, path = written(tmp_path)
    folder = write_tfds({"train": LlavaSource(path)}, tmp_path / "tfds", name="notes")
    source = RldsSource(folder, CONVERSATIONS)
    assert len(source) == len(names)
    for index in range(len(names)):
        sample = source[index]
        (data,) = sample.images
        assert isinstance(data, bytes)
        assert told_by(data) == [], sample.id
        original = open_image(tmp_path / sample.id).convert("RGB")
        assert np.array_equal(np.asarray(open_image(data).convert("RGB")), np.asarray(original))
    assert silent(tmp_path / "tfds")
    for codec in ("png", "jpeg", "raw"):
        config = DataConfig((SourceConfig(str(path)),), TINY, prepare=PrepareConfig(codec))
        prepare(config, tmp_path / codec)
        assert silent(tmp_path / codec)
    sheet = tmp_path / "sheet.png"
    assert main(["data", "inspect", str(path), "--workers", "0", "--preview", str(sheet)]) == 0
    assert told_by(sheet.read_bytes()) == []


def test_a_page_of_wrong_answers(tmp_path: Path) -> None:
    """Its thumbnails are pixels alone."""
    names, _ = written(tmp_path)
    items = [
        Question(name, "What?", lambda name=name: (tmp_path / name,), ("x",)) for name in names
    ]
    page = write_page(
        tmp_path / "wrong.html", "t", items, ["y"] * 3, Scores({}, "", [0.0] * 3)
    ).read_text()
    uris = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(uris) == 3
    assert [told_by(base64.b64decode(uri)) for uri in uris] == [[], [], []]


def test_a_task_of_lmms_eval(tmp_path: Path) -> None:
    """A JPEG's pixels stay what they were, to the bit; all that it said is gone."""
    names, _ = written(tmp_path)
    items = [
        Question(name, "Who?", lambda name=name: (tmp_path / name,), ("x",), {"type": "y"})
        for name in names
    ]
    export_task("ocrvqa", BenchmarkData(tuple(items), True, ()), tmp_path / "task")
    pictures = sorted((tmp_path / "task" / "ocrvqa" / "images").iterdir())
    assert [told_by(path.read_bytes()) for path in pictures] == [[], [], []]
    original, first = open_image(tmp_path / "jpeg.jpeg"), open_image(pictures[0])
    assert np.array_equal(np.asarray(first), np.asarray(original))
    assert silent(tmp_path / "task")


def odd_jpegs() -> dict[str, bytes]:
    """JPEGs whose colours or scans are not the usual ones, each with the secret in a comment."""
    noise = np.random.default_rng(6).integers(0, 256, (40, 50, 4), np.uint8)
    found = {}
    for name, mode, options in (
        ("progressive", "RGB", {"progressive": True}),
        ("restarts", "RGB", {"restart_marker_rows": 1}),
        ("cmyk", "CMYK", {}),
        ("grey", "L", {}),
        ("rgb", "RGB", {"keep_rgb": True}),
    ):
        image = Image.fromarray(noise[..., :3]).convert(mode)
        out = io.BytesIO()
        image.save(out, "JPEG", comment=SECRET.encode(), quality=90, **options)
        found[name] = out.getvalue()
    thumbnail = b"JFIF\0\1\2\1\0\x48\0\x48\2\2" + SECRET.encode()[:12]
    body = found["grey"][2:].replace(b"\xff\xe0\0\x10" + found["grey"][6:20], b"", 1)
    length = (len(thumbnail) + 2).to_bytes(2, "big")
    found["thumbnail"] = b"\xff\xd8\xff\xe0" + length + thumbnail + body
    return found


# What PIL tells of how a file's pixels are stored.
DECODING = {"transparency", "adobe", "adobe_transform", "progressive", "progression"}


@pytest.mark.filterwarnings("ignore")  # tfds's own
def test_pixels_of_odd_files_survive(tmp_path: Path) -> None:
    """Progressive and restarted scans, four colours, plain RGB, palettes, transparent colours: the
    file that is handed on decodes to the same, and says nothing."""
    files = {f"{name}.jpg": data for name, data in odd_jpegs().items()}
    for name, (data, _) in transparent().items():
        note = chunk(b"tEXt", b"Comment\0" + SECRET.encode())
        files[f"{name}.png"] = data[:33] + note + data[33:] + SECRET.encode()
    talk = turns("<image>\nWhat?", "Noise.")
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "data.json"
    path.write_text(
        json.dumps([{"id": name, "image": name, "conversations": talk} for name in files])
    )
    folder = write_tfds({"train": LlavaSource(path)}, tmp_path / "tfds", name="odd")
    source, told = RldsSource(folder, CONVERSATIONS), {}
    for index in range(len(files)):
        sample = source[index]
        (data,) = sample.images
        assert isinstance(data, bytes)
        ours, theirs = open_image(data), open_image(files[sample.id])
        assert ours.mode == theirs.mode, sample.id
        assert np.array_equal(np.asarray(ours), np.asarray(theirs)), sample.id
        told[sample.id] = set(told_by(data)) - DECODING
    assert told == {name: set() for name in files}
    assert silent(tmp_path / "tfds")


def test_a_broken_picture_is_left_out_of_a_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``on_error=skip`` holds for ``--lmms-task``: the others are written, it is named."""
    from robomamba_jax.cli.evaluate import main as evaluate
    from robomamba_jax.evaluation.synthetic.benchmark_files import write_toy

    toy = write_toy(EvalConfig("ocrvqa", FilesConfig(""), toy=8), tmp_path / "toy")
    item = benchmark("ocrvqa").load(toy).questions[2]
    (path,) = item.load_images()
    assert isinstance(path, Path)
    path.write_bytes(path.read_bytes()[:200])
    config = Path(__file__).parents[2] / "configs" / "eval_ocrvqa.py"
    words = ["--config", str(config), "--set", f"files.root={tmp_path / 'toy'}", "--json"]
    assert evaluate([*words, "--lmms-task", str(tmp_path / "no")]) == 2
    assert repr(item.id) in json.loads(capsys.readouterr().out)["error"]["message"]
    words += ["--set", "on_error=skip"]
    assert evaluate([*words, "--lmms-task", str(tmp_path / "yes")]) == 0
    told = json.loads(capsys.readouterr().out)
    (whole,) = {len(benchmark("ocrvqa").load(toy).questions)}
    left = [one["id"] for one in told["left_out"]]
    assert item.id in left
    assert told["questions"] + len(left) == whole
    rows = (tmp_path / "yes" / "ocrvqa" / "ocrvqa.jsonl").read_text().splitlines()
    assert [json.loads(row)["id"] for row in rows] == [
        one.id for one in benchmark("ocrvqa").load(toy).questions if one.id not in left
    ]
