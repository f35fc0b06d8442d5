# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Probes of a set whose answers are known: an encoder that has them, and one that sees noise."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from numpy.testing import assert_allclose

from robomamba_jax import api
from robomamba_jax.cli.main import main
from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.probes import run
from robomamba_jax.evaluation.probes.encoder import FrozenEncoder, open_encoder
from robomamba_jax.evaluation.probes.images import read_images
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.released import released_path
from tests.evaluation.probes.plain_world import color_encoder, write_scenes


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two small sets."""
    root = tmp_path_factory.mktemp("probes")
    for seed, (name, count) in enumerate({"train": 160, "test": 60}.items()):
        write_scenes(root / name, count, seed)
    return {name: root / name for name in ("train", "test")}


def found(
    monkeypatch: pytest.MonkeyPatch, sets: dict[str, Path], encoder: FrozenEncoder
) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores by probe and metric."""
    monkeypatch.setattr(run, "open_encoder", lambda path: encoder)
    monkeypatch.setattr(run, "_RESAMPLES", 50)
    report = run.run_probes("colours", sets["train"], {"test": sets["test"]})
    assert report["train_images"] == 160
    return {(str(s["probe"]), str(s["metric"])): s for s in report["scores"]}


@pytest.mark.slow
def test_what_stands_in_the_patches_is_found(
    monkeypatch: pytest.MonkeyPatch, sets: dict[str, Path]
) -> None:
    """Every probe near its best, every interval around its figure, chance far below."""
    scores = found(monkeypatch, sets, color_encoder())
    assert len(scores) == 9
    for (name, metric), score in scores.items():
        if metric == "median_degrees":
            assert score["value"] < 10
            continue
        assert score["value"] > 0.97, name
        assert score["low"] <= score["value"] <= score["high"]
        assert score["n"] > 10
    # A movable part is always in the same place here: to know the place is to know it.
    assert scores["movable part", "auc"]["chance"] == 1
    assert scores["revolute or prismatic", "accuracy"]["chance"] < 0.7
    assert scores["colour of the object", "accuracy"]["chance"] < 0.6
    assert scores["colour of the object", "accuracy"]["n"] == 60


@pytest.mark.slow
def test_noise_knows_nothing(monkeypatch: pytest.MonkeyPatch, sets: dict[str, Path]) -> None:
    """No probe of noise is surely better than chance: nothing leaks but through patches."""
    for (name, metric), score in found(monkeypatch, sets, color_encoder(blind=True)).items():
        # The place alone tells the movable part here; noise does not know it.
        chance = 0.5 if metric == "auc" else score["chance"]
        if metric == "median_degrees":
            assert score["high"] >= score["chance"] - 3
        else:
            assert score["low"] <= chance + 0.05, name


def test_truth_of_patches(sets: dict[str, Path]) -> None:
    """That of the pixel in the middle: part, kind, direction, things."""
    encoder = color_encoder()
    images = read_images(sets["test"], encoder.transform, 4, encoder.encode)
    assert images.patches.shape == (60, 16, 48)
    lines = (sets["test"] / "scenes.jsonl").read_text().splitlines()
    for k, line in enumerate(lines):
        scene = json.loads(line)
        assert images.on_object[k].nonzero()[0].tolist() == [5, 6, 9, 10]
        moving = images.moving[k].reshape(4, 4)
        slides = scene["axes"][0]["kind"] == "prismatic"
        assert np.unique(moving[1:3, 2]).tolist() == [int(slides)]
        assert (moving >= 0).sum() == 2
        flow = images.flow[k].reshape(4, 4, 3)
        # To the right of an axis that points down the image, a turn leads away from the camera.
        assert_allclose(flow[1, 2] / np.linalg.norm(flow[1, 2]), (0, 0, -1), atol=1e-6)
        assert not flow[:, [0, 1, 3]].any()
        named = {thing["index"] for thing in scene["things"]}
        assert set(np.unique(images.things[k])) - {-1} == named
        assert {thing.index for thing in images.scenes[k].things} == named


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": None}, "the axes are no list"),
        ({"things": [{"shape": "cube", "side": "left"}]}, "'index'"),
        ({"id": "none"}, "none.png"),
        ({"camera": {"width": 30, "height": 32, "K": np.eye(3).tolist()}}, "is 32x32"),
    ],
)
def test_a_set_that_cannot_be_read(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """An older one without axes, and broken ones, each in a line."""
    write_scenes(tmp_path / "x", 2, 0)
    path = tmp_path / "x" / "scenes.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1] |= change
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    encoder = color_encoder()
    with pytest.raises(InputError, match=message):
        read_images(tmp_path / "x", encoder.transform, 4, encoder.encode)


def test_sets_that_are_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No patches of a size, no images, too few to fit on."""
    write_scenes(tmp_path / "x", 4, 0)
    encoder = color_encoder()
    with pytest.raises(InputError, match="have no 5 x 5 patches"):
        read_images(tmp_path / "x", encoder.transform, 5, encoder.encode)
    monkeypatch.setattr(run, "open_encoder", lambda path: encoder)
    monkeypatch.setattr(run, "_RESAMPLES", 5)
    with pytest.raises(InputError, match="the training set has"):
        run.run_probes("x", tmp_path / "x", {"test": tmp_path / "x"})
    (tmp_path / "x" / "scenes.jsonl").write_text("")
    with pytest.raises(InputError, match=r"scenes.jsonl is empty"):
        read_images(tmp_path / "x", encoder.transform, 4, encoder.encode)


@pytest.mark.slow
def test_encoders_of_folders(tmp_path: Path) -> None:
    """The released model's tower says what the model's own does; an encoder alone will do, too."""
    model, processor = api.load(released_path())
    encoder = open_encoder(None)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
    assert encoder.transform == processor.transform
    tower = model.module().vision
    assert tower is not None
    wanted = np.asarray(tower(jnp.asarray(encoder.transform.normalize(pixels))))
    assert_allclose(encoder.encode(pixels), wanted, atol=1e-4)
    config = VISION_PRESETS["nano"]
    params = {"vision": nnx.to_pure_dict(nnx.state(VisionTower(config, rngs=nnx.Rngs(3))))}
    tensors = []
    for name, make in tree_tensors(params).items():
        array = make()
        tensors.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    alone = Processor(None, image_transform("nano"), prompt_template("standard"))
    write_folder(tmp_path / "alone", ModelParts(None, config, None), alone, tensors, origin={})
    other = open_encoder(tmp_path / "alone")
    assert other.fingerprint != encoder.fingerprint
    assert other.encode(pixels).shape == (2, config.num_patches, config.width)
    assert open_encoder("nano").encode(pixels).shape == (2, config.num_patches, config.width)


@pytest.mark.slow
def test_the_command(
    sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table for a person, an object for a machine, a line for a mistake."""
    monkeypatch.setattr(run, "open_encoder", lambda path: color_encoder())
    monkeypatch.setattr(run, "_RESAMPLES", 20)
    given = ["probe", "--train", str(sets["train"]), "--test", str(sets["test"])]
    assert main([*given, "--unseen", str(sets["test"]), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "robomamba.probe/1"
    assert {score["data"] for score in report["scores"]} == {"test", "unseen"}
    assert main(given) == 0
    assert "colour of the object" in capsys.readouterr().out
    assert main(["probe", "--train", "none", "--test", str(sets["test"])]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "--train none has no scenes.jsonl" in said[0]


def test_a_few_training_images(monkeypatch: pytest.MonkeyPatch, sets: dict[str, Path]) -> None:
    """The first of them, as many as are asked for; probes that these are too few for are an error,
    or left out."""
    monkeypatch.setattr(run, "open_encoder", lambda path: color_encoder())
    monkeypatch.setattr(run, "_RESAMPLES", 5)
    tests = {"test": sets["test"]}
    with pytest.raises(InputError, match="the training set has"):
        run.run_probes("colours", sets["train"], tests, train_limit=12)
    few = run.run_probes("colours", sets["train"], tests, train_limit=12, skip_small=True)
    assert few["train_images"] == 12
    asked = {score["probe"] for score in few["scores"]}
    assert "movable part" in asked
    assert "colour of the object" not in asked
