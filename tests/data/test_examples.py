# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Samples in numbers: every label by a slow reference, every cut, every pose."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.config.data import BatchConfig, EncodingConfig
from robomamba_jax.data.examples import Encoder, open_tokenizer
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.sources.manipulation import Action, PoseSample
from robomamba_jax.data.sources.sample import Sample
from robomamba_jax.data.text.prompts import LOSSES, TEMPLATES, prompt_template
from robomamba_jax.errors import InputError
from tests.data.text.test_prompts import ANY_TEXT, conversations

ROOM = BatchConfig(seq_len=4000, image_tokens=9, images=4)


def encoder(batch: BatchConfig = ROOM, **config: Any) -> Encoder:
    settings = EncodingConfig(**{"tokenizer": "tiny", "transform": "tiny", **config})
    transform = None if settings.transform is None else image_transform(settings.transform)
    return Encoder(
        settings, batch, open_tokenizer("tiny"), prompt_template(settings.template), transform
    )


# What each template writes around a question, before and around an answer, and at the end,
# copied from the published code and not from ours: (text, learned in "standard", "official").
MARKERS = {
    "standard": ("", "<|user|> {}\n", "<|assistant|>", " {}\n", True),
    "official_train": ("", "<|user|> {}\n", "<|assistant|>", " {}\n", True),
    "official_test": ("<image>", "Question:{} Answer:", "", " {}\n", True),
    "official_pose": ("", "<|user|> {}\n", "", "<|assistant|> {}\n", True),
    "llava_plain": ("", None, "", "{}\n", False),
    "raw": ("", "{}", "", "{}", True),
}


def slow(name: str, talk: Any, loss: str, front: bool) -> tuple[list[int], list[bool]]:
    """Ids and labels, one piece and one token at a time."""
    tokenizer = open_tokenizer("tiny")
    start, question, prefix, answer, ends = MARKERS[name]
    pieces = [(start, False)]
    for role, said in talk:
        if role == "human":
            if question is None:
                continue
            if front and name == "standard":
                said = said.replace("<image>\n", "").replace("\n<image>", "").replace("<image>", "")
            pieces.append((question.format(said.replace("{", "{{").replace("}", "}}")), False))
            pieces[-1] = (question.replace("{}", said), False)
        else:
            pieces += [(prefix, loss == "official"), (answer.replace("{}", said), True)]
    ids, learned = [], []
    for text, told in pieces:
        for token in tokenizer.encode(text):
            ids.append(token)
            learned.append(told)
    if ends:
        ids.append(tokenizer.encode("<|endoftext|>")[0])
        learned.append(True)
    return ids, learned


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@given(talk=conversations(ANY_TEXT), loss=st.sampled_from(LOSSES), image=st.booleans())
def test_labels_to_the_token(name: str, talk: Any, loss: str, image: bool) -> None:
    """Every template, any text, images before and behind the question."""
    talk = [(role, said.replace("<image>", "")) for role, said in talk]
    if not any(role == "gpt" and said.strip() for role, said in talk):
        return
    pictures: tuple[Any, ...] = ()
    if image or name == "llava_plain":
        pictures = (b"never opened",)
        talk[0] = ("human", f"<image>\n{talk[0][1]}" if image else f"{talk[0][1]}\n<image>")
    row = encoder(template=name, loss=loss).text(Sample("s", pictures, tuple(talk)))
    assert (row.ids, row.supervised) == slow(name, talk, loss, front=True)
    assert row.image_positions == [0] * len(pictures)


def test_images_where_the_text_says() -> None:
    """By name; the published way is the default."""
    talk = (("human", "Is <image> like <image>?"), ("gpt", "yes"))
    sample = Sample("s", (b"a", b"b"), talk)
    tokenizer = open_tokenizer("tiny")
    row = encoder(image_place="text").text(sample)
    first = len(tokenizer.encode("<|user|> Is "))
    assert row.image_positions == [first, first + len(tokenizer.encode(" like "))]
    assert encoder().text(sample).image_positions == [0, 0]


def test_long_samples() -> None:
    """Cut, or an error; one that loses all its answers is an error that names it."""
    talk = (("human", "w " * 30), ("gpt", "a " * 200))
    sample = Sample("long one", (), talk)
    whole = encoder().text(sample)
    cut = encoder(max_tokens=80).text(sample)
    assert (cut.ids, cut.supervised) == (whole.ids[:80], whole.supervised[:80])
    assert len(encoder(BatchConfig(seq_len=70, image_tokens=9)).text(sample).ids) == 70
    narrow = BatchConfig(seq_len=70, image_tokens=9, text_tokens=60)
    assert len(encoder(narrow).text(sample).ids) == 60
    pictured = Sample("p", (b"x",), talk)
    assert len(encoder(BatchConfig(seq_len=70, image_tokens=9)).text(pictured).ids) == 61
    with pytest.raises(InputError, match="'long one' has no token to learn from") as caught:
        encoder(max_tokens=20).text(sample)
    assert caught.value.kind == "no_supervised"
    with pytest.raises(InputError, match=r"'long one' has \d+ tokens, 80 fit"):
        encoder(max_tokens=80, too_long="error").text(sample)


WRONG: dict[str, tuple[Sample, str]] = {
    "two placeholders": (
        Sample("w", (b"x",), (("human", "<image><image>"), ("gpt", "a"))),
        "'w' has 2 <image> for 1 images",
    ),
    "no image": (Sample("w", (), (("human", "<image> q"), ("gpt", "a"))), "1 <image> for 0"),
    "empty answers": (Sample("w", (), (("human", "q"), ("gpt", "  "))), "no answer"),
    "too many images": (Sample("w", (b"x",) * 5, (("human", "q"), ("gpt", "a"))), "has 5 images"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_samples(what: str) -> None:
    """Each said in one line."""
    sample, complaint = WRONG[what]
    with pytest.raises(InputError, match=complaint) as caught:
        encoder().text(sample)
    assert "\n" not in str(caught.value)


def noise(path: Path, width: int, height: int) -> Path:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_pixels_and_hashes(tmp_path: Path) -> None:
    """The transform's own crops; the hash of the file, wherever it lies."""
    first, second = noise(tmp_path / "a.png", 30, 20), noise(tmp_path / "b.png", 20, 41)
    talk = (("human", "<image><image>q"), ("gpt", "a"))
    example = encoder().example(Sample("s", (first, second.read_bytes()), talk))
    assert example.images is not None
    transform = image_transform("tiny")
    for crop, path in zip(example.images, (first, second), strict=True):
        np.testing.assert_array_equal(crop, transform.crop(path))
    assert example.image_sha256.shape == (2, 32)
    again = encoder().example(Sample("t", (first.read_bytes(), second), talk), pixels=False)
    assert again.images is None
    np.testing.assert_array_equal(again.image_sha256, example.image_sha256)


ACTION = Action((15.5, 9.5), (0.0, 0.6, 0.8), (1.0, 0.1, 0.0), 1.0)


def test_poses(tmp_path: Path) -> None:
    """The prompt as `predict_pose` asks it; shares of the crop; an orthonormal rotation."""
    image = noise(tmp_path / "a.png", 30, 20)
    talk = (("human", "<image>\nWhere?"), ("gpt", "there"))
    sample = PoseSample("s", (image,), talk, None, ACTION)
    example = encoder(target="pose").example(sample)
    assert example.ids.tolist() == open_tokenizer("tiny").encode("<|user|> Where?\n<|assistant|>")
    assert not example.supervised.any()
    assert example.pose is not None
    geometry = image_transform("tiny").geometry(30, 20)
    # The target is kept in float32.
    np.testing.assert_allclose(
        geometry.contact_to_pixel(example.pose.contact), ACTION.contact_xy, rtol=1e-6
    )
    rotation = example.pose.rotation.astype(np.float64)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(rotation[:, 0], ACTION.approach, atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-6)
    assert example.pose.gripper == 1
    raw = encoder(target="pose", contact_scale="raw").example(sample).pose
    assert raw is not None
    np.testing.assert_allclose(raw.contact, 15 * example.pose.contact, rtol=1e-6)
    unknown = dataclasses.replace(ACTION, gripper_open=None)
    other = encoder(target="pose").example(dataclasses.replace(sample, action=unknown))
    assert other.pose is not None
    assert np.isnan(other.pose.gripper)


def test_wrong_poses(tmp_path: Path) -> None:
    """A contact that the crop cuts off; a sample that is none."""
    image = noise(tmp_path / "a.png", 60, 20)
    talk = (("human", "q"), ("gpt", "a"))
    outside = dataclasses.replace(ACTION, contact_xy=(1.5, 9.5))
    with pytest.raises(InputError, match=r"'s'.*outside the crop"):
        encoder(target="pose").example(PoseSample("s", (image,), talk, None, outside))
    with pytest.raises(InputError, match="'s' has no pose"):
        encoder(target="pose").text(Sample("s", (image,), talk))
