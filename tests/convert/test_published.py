# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A published head here, beside the same weights in torch: how it is asked, what its numbers mean,
what becomes of LoRA factors."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.config.data import BatchConfig, EncodingConfig
from robomamba_jax.convert.sources import open_source
from robomamba_jax.data.examples import Encoder
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.processor import Processor, builtin_processor
from robomamba_jax.data.sources.manipulation import RoboMambaPoses
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.verify import torch_robomamba
from robomamba_jax.verify.random_files import MAKERS

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

HEADS = ["--set", "vision.heads=3"]
RECORD = "<image>\nPredict the contact point and the gripper's direction."
ROOT = Path(__file__).resolve().parents[2]
SIDE = 336  # of ManipLLM's pictures


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, dict[str, Any]]:
    """Exit status, and the object on stdout."""
    status = main([*(str(word) for word in words), "--json"])
    return status, json.loads(capsys.readouterr().out)


def convert(
    capsys: pytest.CaptureFixture[str], source: Path, out: Path, *more: Any
) -> tuple[int, dict[str, Any]]:
    """A .pth to a folder, with the small models' tokenizer."""
    tokenizer = source.parent / "tokenizer.json"
    shared = ["--in", source, "--tokenizer", tokenizer, "--out", out]
    return run(capsys, "convert", "--from", "robomamba", *shared, *HEADS, *more)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .pth with two published heads, whose contacts lie within a picture of 336 x 336."""
    import torch

    path = MAKERS["robomamba"](tmp_path_factory.mktemp("head") / "a.pth", head="two_mlp_repo")
    state = torch.load(path, weights_only=True)
    state["action_head1.fc3.weight"] = 40 + 4 * state["action_head1.fc3.weight"]
    torch.save(state, path)
    builtin_processor("tiny").need_tokenizer().save(path.parent / "tokenizer.json")
    return path


def picture(width: int = SIDE, height: int = SIDE) -> Image.Image:
    """Smooth, so that any size of it shows the same."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([x, y, (x + y) / 2], axis=-1)
    return Image.fromarray((255 * pixels).astype(np.uint8))


def published(path: Path, image: Image.Image) -> np.ndarray:
    """float32[8]: what the published code's model says, asked as its training asks."""
    import torch

    state = torch_robomamba.plain_state(torch.load(path, weights_only=True), 32)
    model = torch_robomamba.build(state, {"num_heads": 3})
    ids = builtin_processor("tiny").need_tokenizer().encode(f"<|user|> {RECORD}\n")
    pixels = image_transform("tiny")(image).transpose(2, 0, 1)
    with torch.inference_mode():
        said = torch_robomamba.forward(
            model, torch.tensor([ids]), torch.tensor(pixels[None]), "pose"
        )
    return said[0].numpy()


@pytest.mark.slow
def test_a_head_is_asked_as_it_was_trained(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record's text behind its marker and before a line's end; <image> is text in it."""
    status, told = convert(capsys, head, tmp_path / "a")
    assert status == 0
    model, processor = rm.load(tmp_path / "a")
    ids = processor([picture()], [RECORD]).input_ids[0].tolist()
    assert processor.need_tokenizer().decode(ids) == f"<|user|> {RECORD}\n"
    pose = rm.predict_pose(model, processor, picture(), RECORD)
    wanted = published(head, picture())
    np.testing.assert_allclose(pose.rotation6d, wanted[2:], atol=1e-5)
    assert any("official_pose" in note and "official_test" in note for note in told["notes"])
    # The flag decides otherwise, for answers in words say, and heads of other stages are none.
    assert convert(capsys, head, tmp_path / "b", "--template", "standard")[0] == 0
    assert rm.load(tmp_path / "b")[1].template == prompt_template("standard")
    words = MAKERS["robomamba"](tmp_path / "words.pth")
    (tmp_path / "tokenizer.json").write_bytes((head.parent / "tokenizer.json").read_bytes())
    assert convert(capsys, words, tmp_path / "c")[0] == 0
    assert rm.load(tmp_path / "c")[1].template == prompt_template("standard")


@pytest.mark.slow
def test_the_default_question_and_the_worlds_are_put_as_records(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where <image> is text, training read it before every instruction."""
    from robomamba_jax.cli.predict import INSTRUCTION
    from robomamba_jax.world.policies.learned import ModelPolicy

    assert convert(capsys, head, tmp_path / "a")[0] == 0
    model, processor = rm.load(tmp_path / "a")
    file = tmp_path / "picture.png"
    picture().save(file)
    words = ("--checkpoint", tmp_path / "a", "--image", file, "--out", "none")
    asked = run(capsys, "predict", *words)[1]
    pose = rm.predict_pose(model, processor, picture(), f"<image>\n{INSTRUCTION}")
    np.testing.assert_allclose(asked["rotation6d"], pose.rotation6d, atol=1e-6)
    seen: Any = SimpleNamespace(
        view=SimpleNamespace(rgb=np.asarray(picture())), instruction=RECORD.partition("\n")[2]
    )
    made = ModelPolicy(str(tmp_path / "a")).propose(seen)
    wanted = rm.predict_pose(model, processor, picture(), RECORD)
    np.testing.assert_allclose(made.rotation, wanted.rotation, atol=1e-6)


@pytest.mark.slow
def test_contacts_are_pixels_of_the_file(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the head says them in pictures of its training's size; with that size in any others."""
    x, y = (float(part) for part in published(head, picture())[:2])
    assert 10 < x < SIDE - 10
    assert 10 < y < SIDE - 10
    status, told = convert(capsys, head, tmp_path / "a")
    assert status == 0
    model, processor = rm.load(tmp_path / "a")
    pose = rm.predict_pose(model, processor, picture(), RECORD)
    # Pixel 169 of a file has its centre at 169.5.
    np.testing.assert_allclose(pose.contact_xy, (x + 0.5, y + 0.5), atol=1e-3)
    told_of = [note for note in told["notes"] if "contact" in note]
    assert "order" in told_of[0]
    assert "--contact-side" in told_of[1]
    assert "336 x 336" in told_of[1]

    status, told = convert(capsys, head, tmp_path / "b", "--contact-side", SIDE)
    assert status == 0
    assert not any("--contact-side" in note for note in told["notes"])
    model, processor = rm.load(tmp_path / "b")
    for size, wanted in (
        ((SIDE, SIDE), lambda x, y: (x, y)),
        ((2 * SIDE, 2 * SIDE), lambda x, y: (2 * x, 2 * y)),
        # The encoder sees the middle square alone, which is all that training's pictures were:
        # 15 of 22 x 15 pixels, from the fifth on.
        ((3 * SIDE, 2 * SIDE), lambda x, y: ((x * 15 / SIDE + 4) * 3 * SIDE / 22, 2 * y)),
    ):
        image = picture(*size)
        said = published(head, image)[:2] + 0.5
        pose = rm.predict_pose(model, processor, image, RECORD)
        np.testing.assert_allclose(pose.contact_xy, wanted(*said), rtol=2e-5)

    assert convert(capsys, head, tmp_path / "c", "--contact-frame", "crop")[0] == 0
    assert rm.load(tmp_path / "c")[1].contacts.frame == "crop"
    card = (tmp_path / "b" / "README.md").read_text()
    assert "contact_frame: file; contact_side: 336" in card


def test_what_training_learns_comes_back(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published loader hands "(169, 175)" on as it stands; so does ours, and lifts it back."""
    assert convert(capsys, head, tmp_path / "a")[0] == 0
    kept = json.loads((tmp_path / "a" / "processor.json").read_text())
    wanted = {"contact_scale": "raw", "contact_frame": "file", "contact_side": None}
    assert {name: kept.get(name) for name in wanted} == wanted
    picture().save(tmp_path / "0.png")
    picture(2 * SIDE, 2 * SIDE).save(tmp_path / "1.png")
    says = "The contact point is (169, 175), the gripper direction is [-18, 15, 43], "
    says += "left is [33, 35, 2]"
    turns = [{"from": "human", "value": RECORD}, {"from": "gpt", "value": says}]
    records = [{"image": f"{number}.png", "conversations": turns} for number in (0, 1)]
    (tmp_path / "manip.json").write_text(json.dumps(records))
    source = RoboMambaPoses(tmp_path / "manip.json", pixel_order="xy")
    transform = image_transform("clip-l14-224")
    tokenizer = builtin_processor("tiny").need_tokenizer()
    for side, targets in ((None, [(169, 175), (169, 175)]), (SIDE, [(169, 175), (84.25, 87.25)])):
        shared: dict[str, Any] = {"contact_frame": "file", "contact_side": side}
        settings = EncodingConfig(target="pose", contact_scale="raw", **shared)
        template = prompt_template("official_pose")
        encoder = Encoder(settings, BatchConfig(), tokenizer, template, transform)
        processor = Processor(tokenizer, transform, template, contact_scale="raw", **shared)
        for number, target in enumerate(targets):
            example = encoder.example(source[number])
            assert tokenizer.decode(example.ids.tolist()) == f"<|user|> {RECORD}\n"
            assert example.pose is not None
            assert example.pose.contact.tolist() == list(target)
            geometry = transform.geometry(*[(SIDE, SIDE), (2 * SIDE, 2 * SIDE)][number])
            back = processor.contacts.to_pixel(example.pose.contact, geometry)
            np.testing.assert_allclose(back, (169.5, 175.5), atol=1e-4)


def test_folders_of_before_mean_what_they_meant(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Raw contacts were pixels of the crop, and still are where nothing else is said."""
    assert convert(capsys, head, tmp_path / "a")[0] == 0
    file = tmp_path / "a" / "processor.json"
    content = json.loads(file.read_text())
    assert content.pop("contact_frame", None) == "file"
    content.pop("contact_side")
    file.write_text(json.dumps(content))
    assert Processor.load(file.parent).contacts.frame == "crop"
    for half in ({"contact_frame": "file"}, {"contact_side": 336}):
        file.write_text(json.dumps({**content, **half}))
        with pytest.raises(rm.InputError, match="missing or unknown fields: contact_"):
            Processor.load(file.parent)


def test_a_picture_that_is_missing_there(tmp_path: Path) -> None:
    """As the README says: zero vectors behind the text, and the end of text whatever was asked."""
    import torch
    import transformers

    row = next(
        line
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("| a missing image |")
    )
    assert "256 zero vectors behind the text" in row
    assert "first token is always `<\\|endoftext\\|>`" in row
    mamba = transformers.MambaForCausalLM.from_pretrained(MAKERS["hf-mamba"](tmp_path / "mamba"))
    tokenizer = builtin_processor("tiny").need_tokenizer()
    with torch.inference_mode():
        for question in ("Is it open?", "What is this?"):
            ids = tokenizer.encode(f"<image>Question:{question} Answer:")
            text = mamba.backbone.embeddings(torch.tensor([ids]))
            blank = torch.zeros(1, 256, text.shape[-1])
            logits = mamba(inputs_embeds=torch.cat([text, blank], dim=1), use_cache=False).logits
            assert not logits[0, -1].any()
            assert int(logits[0, -1].argmax()) == tokenizer.eos_id


WRONG = {
    "a frame": (["--contact-frame", "picture"], "contact_frame"),
    "a side": (["--contact-side", "0"], "contact_side is 0"),
    "a crop's side": (
        ["--contact-frame", "crop", "--contact-side", "336"],
        "contact_side 336",
    ),
    "a file's shares": (["--contact-scale", "unit", "--contact-frame", "file"], "contact_scale"),
    "a way with LoRA": (["--lora", "both"], "unknown lora 'both'"),
}


def test_settings_that_contradict_each_other(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named; nothing is written. One of them by itself takes the others' meaning along."""
    assert convert(capsys, head, tmp_path / "plain")[0] == 0
    assert "pixels of the image's own file" in (tmp_path / "plain/README.md").read_text()
    assert convert(capsys, head, tmp_path / "unit", "--contact-scale", "unit")[0] == 0
    assert rm.load(tmp_path / "unit")[1].contacts.frame == "crop"
    for name, (flags, complaint) in WRONG.items():
        status, told = convert(capsys, head, tmp_path / "a", *flags)
        assert status == 2, name
        assert complaint in told["error"]["message"]
        assert not (tmp_path / "a").exists()


def content(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint, by its own names."""
    source = open_source(path)
    held = {name: source.read(name) for name in source.names()}
    source.close()
    return held


@pytest.mark.slow
def test_lora_factors_in_or_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the published code makes of them is said; without them, each is listed."""
    import torch

    path = MAKERS["robomamba"](tmp_path / "a.pth", head="two_mlp_repo", lora=True)
    builtin_processor("tiny").need_tokenizer().save(tmp_path / "tokenizer.json")
    status, told = convert(capsys, path, tmp_path / "merged")
    assert status == 0
    assert any("decoding" in note and "--lora base" in note for note in told["notes"])
    status, told = convert(capsys, path, tmp_path / "base", "--lora", "base")
    assert status == 0
    factors = [row for row in told["table"] if ".lora_" in row["name"]]
    assert len(factors) == 24
    assert {(row["action"], row["reason"]) for row in factors} == {("ignored", "LoRA, --lora base")}
    state = {name: value.numpy() for name, value in torch.load(path, weights_only=True).items()}
    merged, base = content(tmp_path / "merged"), content(tmp_path / "base")
    name = "backbone.layers.1.mixer.in_proj"
    theirs = state[f"llm.mamba.base_model.model.{name}.base_layer.weight"]
    assert np.array_equal(base[f"llm.{name}.weight"], theirs)
    assert not np.array_equal(merged[f"llm.{name}.weight"], theirs)
    assert merged.keys() == base.keys()
    common = ("--from", "robomamba", "--in", path, *HEADS, "--no-gradients")
    out = ("--out", tmp_path / "v.json", "--checkpoint", tmp_path / "base")
    status, told = run(capsys, "verify", *common, *out, "--lora", "base")
    assert (status, told["agree"]) == (0, True)
    assert run(capsys, "verify", *common, *out)[0] == 1

    for key in state:
        if ".lora_B." in key:
            state[key] = np.zeros_like(state[key])
    torch.save({key: torch.from_numpy(value) for key, value in state.items()}, path)
    told = convert(capsys, path, tmp_path / "idle")[1]
    assert any("every lora_B is zero" in note for note in told["notes"])
    idle = content(tmp_path / "idle")
    assert all(np.array_equal(idle[key], value) for key, value in base.items())
