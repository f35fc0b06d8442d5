# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The processor: mixed batches, saving and loading, one-line errors that name the place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config import preset
from robomamba_jax.data.images.transforms import ImageTransform, image_transform
from robomamba_jax.data.processor import Processor, builtin_processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """uint8[height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_a_mixed_batch(tmp_path: Path) -> None:
    """No image, an array, a path and a PIL image, two at their places: as each would be alone."""
    processor = builtin_processor("tiny")
    path = tmp_path / "a.png"
    Image.fromarray(noise(40, 30, 1)).save(path)
    images: list[Any] = [
        None,
        noise(64, 43),
        [path, Image.fromarray(noise(43, 64, 2))],
        (noise(20, 20, 3), noise(21, 20, 4)),
        [],
    ]
    prompts = ["Hi.", "Is it open?", "Compare them.", "<image> or <image>?", "What is a robot?"]
    batch = processor(images, prompts)
    lengths = batch.mask.sum(1)
    assert batch.input_ids.dtype == np.int32
    assert batch.input_ids.shape == batch.mask.shape == (5, lengths.max())
    assert batch.images is not None
    assert batch.images.shape == (5, 2, 15, 15, 3)
    assert batch.images.dtype == np.float32
    assert (batch.input_ids[~batch.mask] == processor.tokenizer.pad_id).all()
    first = len(processor.tokenizer.encode("<|user|> "))
    second = first + len(processor.tokenizer.encode(" or "))
    places = [[-1, -1], [0, -1], [0, 0], [first, second], [-1, -1]]
    assert batch.image_positions.tolist() == places
    sizes = [[[0, 0]] * 2, [[64, 43], [0, 0]], [[40, 30], [43, 64]], [[20, 20], [21, 20]]]
    assert batch.image_sizes.tolist() == [*sizes, [[0, 0]] * 2]
    assert not batch.images[batch.image_positions < 0].any()
    for row, (image, prompt) in enumerate(zip(images, prompts, strict=True)):
        alone = processor([image], [prompt])
        length = lengths[row]
        assert alone.mask.all()
        assert np.array_equal(alone.input_ids[0], batch.input_ids[row, :length])
        assert batch.mask[row, :length].all()
        if alone.images is None:
            assert not image
        else:
            count = alone.images.shape[1]
            assert np.array_equal(alone.images[0], batch.images[row, :count])


def test_text_only() -> None:
    """No images at all, by None or by rows of None; a model without an encoder."""
    processor = builtin_processor("nano")
    for images in (None, [None, None]):
        batch = processor(images, ["a", "b c d"])
        assert batch.images is None
        assert batch.image_positions.shape == (2, 0)
    alone = processor.replace(transform=None, template=prompt_template("raw"))
    batch = alone(None, ["Once upon a time"])
    assert batch.input_ids[0].tolist() == processor.tokenizer.encode("Once upon a time")
    with pytest.raises(InputError, match="reads no images"):
        alone([noise(9, 9)], ["a"])


def test_official_image_marker_is_text() -> None:
    """In the published prompts <image> is spelled out, and the image stands before all text."""
    processor = builtin_processor("tiny").replace(template=prompt_template("official_test"))
    batch = processor([noise(9, 9)], ["What?"])
    expected = processor.tokenizer.encode("<image>Question:What? Answer:")
    assert batch.input_ids[0].tolist() == expected
    assert batch.image_positions.tolist() == [[0]]


def test_a_plain_caption_prompt_is_an_image_alone() -> None:
    """LLaVA's plain form asks with no text: nothing is real but the image."""
    processor = builtin_processor("tiny").replace(template=prompt_template("llava_plain"))
    batch = processor([noise(9, 9)], ["ignored"])
    assert batch.mask.tolist() == [[False]]
    assert batch.image_positions.tolist() == [[0]]


@pytest.mark.parametrize("name", ["tiny", "nano"])
def test_save_and_load(name: str, tmp_path: Path) -> None:
    """Everything comes back, byte by byte on the second writing."""
    processor = builtin_processor(name).replace(
        contact_scale="raw", rotation_convention="manipllm", template=prompt_template("llava_plain")
    )
    processor.save(tmp_path / "a" / "b")
    again = Processor.load(tmp_path / "a" / "b")
    assert again == processor
    again.save(tmp_path / "c")
    for file in ("tokenizer.json", "processor.json"):
        assert (tmp_path / "c" / file).read_bytes() == (tmp_path / "a/b" / file).read_bytes()
    text_only = processor.replace(transform=None)
    text_only.save(tmp_path / "d")
    assert Processor.load(tmp_path / "d") == text_only


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "robomamba.processor/2"}, "schema 'robomamba.processor/2'"),
        ({"extra": 1}, "unknown fields: extra"),
        ({"contact_scale": "pixels"}, "contact_scale"),
        ({"rotation_convention": "OpenCV"}, "did you mean opencv"),
        ({"tokenizer_sha256": "0" * 64}, "another tokenizer"),
        ({"template": None}, "template"),
        ({"transform": {"size": 3}}, "transform"),
    ],
)
def test_wrong_processor_json(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    """Each is refused by name, in one line that has the file's path."""
    builtin_processor("tiny").save(tmp_path)
    file = tmp_path / "processor.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InputError, match=complaint) as caught:
        Processor.load(tmp_path)
    assert "processor.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_folders(tmp_path: Path) -> None:
    """Nothing there, no JSON, no object, no tokenizer."""
    with pytest.raises(InputError, match=r"processor\.json.* does not exist"):
        Processor.load(tmp_path / "no")
    file = tmp_path / "processor.json"
    for text, complaint in (
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        (" " * 2**21, "too large"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=complaint):
            Processor.load(tmp_path)
    builtin_processor("tiny").save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"tokenizer\.json.* does not exist"):
        Processor.load(tmp_path)


@pytest.mark.parametrize(
    ("images", "prompts", "complaint"),
    [
        ([None], [], "prompts is not a list"),
        (None, "Is it open?", "prompts is not a list"),
        (None, ["a", 3], r"prompts\[1\]: a prompt is a int"),
        ([None], ["a", "b"], "images is 1 for 2 prompts"),
        (noise(8, 8), ["a"], "images is not a list"),
        ([None, "no.png"], ["a", "b"], r"images\[1\]: image 'no\.png' does not exist"),
        ([[noise(9, 9), b"x"]], ["a"], r"images\[0\]\[1\]: the image bytes"),
        ([noise(9, 9)[..., :2]], ["a"], r"images\[0\]: the image array is uint8"),
        ([noise(9, 9)], ["<image> and <image>"], "2 <image> for 1 images"),
        ([None], ["<image>?"], "1 <image> for 0 images"),
    ],
)
def test_wrong_input(images: Any, prompts: Any, complaint: str) -> None:
    """The message names the row and the thing."""
    with pytest.raises(InputError, match=complaint) as caught:
        builtin_processor("tiny")(images, prompts)
    assert "\n" not in str(caught.value)


def test_other_wrong_input() -> None:
    """An empty row, too large an image, names that do not exist."""
    tiny = builtin_processor("tiny")
    with pytest.raises(InputError, match=r"prompts\[1\] is empty"):
        tiny.replace(template=prompt_template("raw"))(None, ["a", ""])
    with pytest.raises(InputError, match=r"images\[0\].* above 50"):
        tiny.replace(max_pixels=50)([noise(9, 9)], ["a"])
    with pytest.raises(InputError, match="did you mean nano"):
        builtin_processor("nanno")
    with pytest.raises(InputError, match="did you mean template"):
        tiny.replace(templat=None)
    with pytest.raises(InputError, match="contact_scale"):
        tiny.replace(contact_scale="share")


def test_built_in_processors_fit_their_models() -> None:
    """Ids fit the embedding, pixels fit the encoder, and nothing changes unseen."""
    tiny, nano = builtin_processor("tiny"), builtin_processor("nano")
    assert tiny.tokenizer.size <= preset("tiny").vocab_size
    assert tiny.transform == image_transform("tiny")
    assert nano.transform == image_transform("nano")
    assert tiny.tokenizer.sha256[:12] == TINY_SHA
    assert nano.tokenizer.sha256[:12] == NANO_SHA


# Checkpoints made with these would no longer load into the same ids.
TINY_SHA, NANO_SHA = "28308af3e7b5", "510fa5d24a55"


def test_a_processor_is_a_value() -> None:
    """Frozen, hashable, equal by content; so it may be a static part of other things."""
    tiny = builtin_processor("tiny")
    twin = Processor(
        Tokenizer(tiny.tokenizer.data),
        ImageTransform(15, tiny.transform.mean, tiny.transform.std),  # type: ignore[union-attr]
        prompt_template("standard"),
    )
    assert twin == tiny
    assert hash(twin) == hash(tiny)
