# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""manip.json in the two scorings: the head's own numbers, as the published program writes them, or
pixels of each picture; and such numbers read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli.evaluate import main
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.data.text.prompts import prompt_template

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "<image>\nWhere do I touch it?"
SIZES = {"148_Faucet_0": 336, "9_Safe_1": 672}


def folder(out: Path, **settings: Any) -> Path:
    """A head that says pixels, of the crop of 15 x 15 and within it, taught with the repository's
    markers."""
    model, _ = rm.load("tiny", seed=3)
    params: Any = model.params
    contact = params["policy"]["action_head1"]["fc3"]["weight"]
    params["policy"]["action_head1"]["fc3"]["weight"] = abs(contact) * 15 + 5
    entries = []
    for name, make in tree_tensors(params).items():
        array = make()
        entries.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    config = model.config
    processor = builtin_processor("tiny").replace(
        contact_scale="raw",
        rotation_convention="manipllm",
        template=prompt_template("official_train"),
        **settings,
    )
    parts = ModelParts(config.llm, config.vision, config.policy)
    return write_folder(out, parts, processor, entries)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of different sizes, both labelled at half their width and a quarter of their
    height."""
    root = tmp_path_factory.mktemp("records")
    rows = []
    for name, side in SIZES.items():
        ramp = np.linspace(0, 255, side).astype(np.uint8)
        Image.fromarray(np.stack([np.tile(ramp, (side, 1))] * 3, axis=-1)).save(
            root / f"{name}.png"
        )
        answer = (
            f"The contact point is ({side // 2}, {side // 4}), the gripper direction is "
            "[-18, 15, 43], left is [33, 35, 2]"
        )
        turns = [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": answer}]
        rows.append({"image": f"{name}.png", "conversations": turns})
    (root / "manip.json").write_text(json.dumps(rows))
    return root


def evaluate(records: Path, out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """eval.py on these records; exit status and results.json."""
    words = ["--config", str(ROOT / "configs/eval_manipulation.py"), "--out", str(out)]
    status = main([*words, "--set", f"files.root={records}", *more])
    file = out / "results.json"
    return status, json.loads(file.read_text()) if status == 0 else {}


def detections(out: Path) -> dict[str, list[float]]:
    """image_id -> numbers."""
    rows = json.loads((out / "manip.json").read_text())
    return {row["image_id"]: row["detection"] for row in rows}


@pytest.mark.slow
def test_the_heads_own_numbers(records: Path, tmp_path: Path) -> None:
    """In the official scoring unchanged, eight of them; else pixels, and ManipLLM's rotation."""
    made = folder(tmp_path / "made")
    ask = ("--checkpoint", str(made))
    official = ("--set", "scoring=official", "--set", "prompt.template=official_train")
    status, result = evaluate(records, tmp_path / "official", *ask, *official)
    assert status == 0
    model, processor = rm.load(made)
    raw = detections(tmp_path / "official")
    for name in SIZES:
        pose = rm.predict_pose(model, processor, records / f"{name}.png", QUESTION)
        assert len(raw[name]) == 8
        # The columns as the head says them: neither of unit length nor at right angles.
        np.testing.assert_allclose(raw[name][2:], pose.rotation6d, atol=1e-5)
        scale = SIZES[name] / 15
        np.testing.assert_allclose(np.array(raw[name][:2]) * scale, pose.contact_xy, rtol=1e-4)
    assert any("pixels of the crop" in note for note in result["notes"])
    status, other = evaluate(records, tmp_path / "standard", *ask)
    assert status == 0
    for name, said in detections(tmp_path / "standard").items():
        pose = rm.predict_pose(model, processor, records / f"{name}.png", QUESTION)
        np.testing.assert_allclose(said[:2], pose.contact_xy, rtol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(said[2:5]), 1, atol=1e-5)
    # Distances are of pixels in both.
    assert other["figures"]["contact_pixels"]["n"] == 2
    first, second = (found["figures"]["contact_pixels"]["value"] for found in (result, other))
    assert first == pytest.approx(second, rel=1e-4)


@pytest.mark.slow
def test_answers_know_whose_pixels_they_are(records: Path, tmp_path: Path) -> None:
    """The same parameters with another meaning are not those that answered before."""
    made, out = folder(tmp_path / "made"), tmp_path / "out"
    assert evaluate(records, out, "--checkpoint", str(made))[0] == 0
    first = detections(out)
    file = made / "processor.json"
    content = json.loads(file.read_text())
    content |= {"rotation_convention": "opencv"}
    file.write_text(json.dumps(content))
    manifest = json.loads((made / "manifest.json").read_text())
    del manifest["files"]["processor.json"]
    (made / "manifest.json").write_text(json.dumps(manifest))
    assert evaluate(records, out, "--checkpoint", str(made))[0] == 2
    assert detections(out) == first
    assert evaluate(records, tmp_path / "new", "--checkpoint", str(made))[0] == 0
    assert detections(tmp_path / "new") != first


@pytest.mark.slow
def test_published_numbers_read_back(
    records: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As they stand in pictures of the head's size; elsewhere the configuration says whose they
    are."""
    made = folder(tmp_path / "made")
    ask = ("--checkpoint", str(made), "--set", "scoring=official")
    assert evaluate(records, tmp_path / "a", *ask)[0] == 0
    columns = detections(tmp_path / "a")["9_Safe_1"][2:]
    # A published head that is right: its labels' own numbers, in pictures of 336 x 336.
    rows = [{"image_id": name, "detection": [168, 84, *columns]} for name in SIZES]
    assert len(columns) == 6
    file = tmp_path / "published.json"
    file.write_text(json.dumps(rows))
    read = ("--predictions", str(file))
    head_of = np.linalg.norm(columns[:3])
    assert abs(head_of - 1) > 1e-3  # not the unit vectors of our own form

    counted = ("--set", "contact_frame=file", "--set", "contact_side=336")
    status, result = evaluate(records, tmp_path / "c", *read, *counted)
    assert status == 0
    # 168 of 336 is 336.5 of 672 where the label is 336: its centre lies at 336.5, ours at 337.
    assert result["figures"]["contact_pixels"]["value"] == pytest.approx(np.sqrt(0.5) / 2)
    status, result = evaluate(records, tmp_path / "d", *read, "--set", "contact_frame=file")
    assert status == 0
    assert result["figures"]["contact_pixels"]["value"] == pytest.approx(np.hypot(168, 84) / 2)
    status, _ = evaluate(records, tmp_path / "e", *ask, *counted)
    assert status == 2
    assert "a checkpoint says them itself" in capfd.readouterr().err
    for wrong in ("contact_frame=crop", "contact_side=336"):
        assert evaluate(records, tmp_path / "f", *read, "--set", wrong)[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("template", ["checkpoint", "official_train"])
def test_records_are_put_as_they_stand(template: str, records: Path, tmp_path: Path) -> None:
    """To the repository's templates <image> is text, as in training."""
    made = folder(tmp_path / "made")
    more = ("--checkpoint", str(made), "--set", f"prompt.template={template}")
    status, _ = evaluate(records, tmp_path / "out", *more)
    assert status == 0
    model, processor = rm.load(made)
    for name, said in detections(tmp_path / "out").items():
        pose = rm.predict_pose(model, processor, records / f"{name}.png", QUESTION)
        np.testing.assert_allclose(said[:2], pose.contact_xy, rtol=1e-5)
