# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Image transforms against PIL, torchvision (through timm) and arithmetic; colour modes."""

import io
import json
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PIL
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.config.vision import VISION_PRESETS
from robomamba_jax.data.images.transforms import TRANSFORMS, ImageTransform, image_transform, to_rgb
from robomamba_jax.errors import InputError
from tests.data.photos import photos


def timm_transform(transform: ImageTransform) -> Any:
    """timm's own pipeline for evaluation with the same numbers; skips if it does not import."""
    # torchvision's fake kernels fail to register beside a CPU build of torch; none is needed.
    sys.modules.setdefault(
        "torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations")
    )
    try:
        from timm.data import create_transform
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm and torchvision are not both installed: {error}")
    if getattr(sys.modules.get("torchvision"), "__file__", None) is None:
        pytest.skip("torchvision is not installed: another test loaded timm without it")
    return create_transform(
        input_size=(3, transform.size, transform.size),
        interpolation="bicubic",
        mean=transform.mean,
        std=transform.std,
        crop_pct=1.0,
    )


def test_presets_have_the_encoders_sizes() -> None:
    """Every encoder of the configuration has a transform of its size, and no other."""
    sizes = {name: config.image_size for name, config in VISION_PRESETS.items()}
    assert {name: transform.size for name, transform in TRANSFORMS.items()} == sizes


@pytest.mark.parametrize("encoder", ["clip-l14-224", "siglip-l16-384"])
def test_pixels_are_pils_own(encoder: str) -> None:
    """Resize, rows before columns, and crop written out by hand with PIL: not one level apart on
    thirty photos."""
    transform = image_transform(encoder)
    side = transform.size
    pictures = photos()
    assert len(pictures) == 30
    for name, picture in pictures:
        short = min(picture.size)
        width, height = (side * length // short for length in picture.size)
        left, top = round((width - side) / 2), round((height - side) / 2)
        expected = picture.resize((width, picture.height), Image.Resampling.BICUBIC)
        expected = expected.resize((width, height), Image.Resampling.BICUBIC)
        expected = expected.crop((left, top, left + side, top + side))
        got = transform.crop(picture)
        assert np.array_equal(got, np.asarray(expected)), name


@pytest.mark.torch
@pytest.mark.parametrize("encoder", ["clip-l14-224", "siglip-l16-256"])
def test_equals_timm(encoder: str) -> None:
    """The floats that timm hands to its models, bit by bit; not of tall images where timm has a
    Pillow that takes their columns first."""
    transform = image_transform(encoder)
    theirs = timm_transform(transform)
    newer = int(PIL.__version__.split(".")[0]) >= 13
    for name, picture in photos():
        if newer and picture.height > picture.width:
            continue
        expected = theirs(picture).permute(1, 2, 0).numpy()
        assert np.array_equal(transform(picture), expected), name


def test_squash_keeps_the_whole_picture() -> None:
    """Both sides become S, nothing is cut off."""
    transform = ImageTransform(31, (0.5,) * 3, (0.5,) * 3, mode="squash")
    picture = Image.fromarray(np.arange(40 * 90, dtype=np.uint16).astype(np.uint8).reshape(40, 90))
    expected = picture.convert("RGB").resize((31, 31), Image.Resampling.BICUBIC)
    assert np.array_equal(transform.crop(picture), np.asarray(expected))


@pytest.mark.parametrize("size", [(640, 427), (427, 640)])
def test_a_dot_lands_where_the_geometry_says(size: tuple[int, int]) -> None:
    """A bright spot away from both diagonals, found again in the crop and led back."""
    transform = image_transform("clip-l14-224")
    width, height = size
    x, y = width * 0.37, height * 0.61
    rows, columns = np.mgrid[:height, :width] + 0.5
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
    crop = transform.crop((spot * 255).round().astype(np.uint8))[..., 0].astype(np.float64)
    crop /= crop.sum()
    centres = np.arange(224) + 0.5
    found = np.array([crop.sum(0) @ centres, crop.sum(1) @ centres])
    back = transform.geometry(width, height).contact_to_pixel(found / 224)
    assert np.abs(back - [x, y]).max() < 0.1


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    side=st.integers(1, 40),
    mode=st.sampled_from(["crop", "squash"]),
    level=st.integers(0, 255),
)
def test_any_size_gives_the_same_shape(
    width: int, height: int, side: int, mode: str, level: int
) -> None:
    """S x S x 3 whatever comes in, and an even image stays even."""
    transform = ImageTransform(side, (0.2, 0.4, 0.6), (0.1, 0.2, 0.4), mode=mode)
    image = np.full((height, width), level, np.uint8)
    out = transform(image)
    assert out.shape == (side, side, 3)
    assert out.dtype == np.float32
    expected = (level / 255 - np.array([0.2, 0.4, 0.6])) / np.array([0.1, 0.2, 0.4])
    np.testing.assert_allclose(out, np.broadcast_to(expected, out.shape), atol=1e-5)


def test_threads_agree() -> None:
    """Eight threads on one transform and one path give one thread's pixels."""
    transform = image_transform("nano")
    stored = io.BytesIO()
    photos()[0][1].save(stored, "JPEG")
    expected = transform(stored.getvalue())
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(transform, [stored.getvalue()] * 32):
            assert np.array_equal(got, expected)


@pytest.mark.parametrize("encoder", TRANSFORMS)
def test_json_round_trip(encoder: str) -> None:
    """Written, read, equal; through real JSON text."""
    transform = image_transform(encoder)
    assert ImageTransform.from_json(json.loads(json.dumps(transform.to_json()))) == transform


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"size": 0}, "size"),
        ({"size": 2.5}, "size"),
        ({"mode": "croop"}, "did you mean crop"),
        ({"interpolation": "bilinear"}, "interpolation"),
        ({"mean": [0.5, 0.5]}, "mean"),
        ({"mean": [0.5, 0.5, float("nan")]}, "mean"),
        ({"mean": "abc"}, "mean"),
        ({"std": [0.5, 0.0, 0.5]}, "std"),
        ({"background": [0, 0, 256]}, "background"),
        ({"background": 3}, "background"),
        ({"extra": 1}, "fields"),
    ],
)
def test_bad_json_is_refused(change: dict[str, Any], complaint: str) -> None:
    """Each field is checked, and the message names it."""
    value = {**image_transform("tiny").to_json(), **change}
    with pytest.raises(InputError, match=complaint) as caught:
        ImageTransform.from_json(value)
    assert "\n" not in str(caught.value)


def test_unknown_encoder_names_the_near_ones() -> None:
    """A slip of the pen is met with the right name."""
    with pytest.raises(InputError, match="clip-l14-224"):
        image_transform("clip-l14-225")


def test_alpha_is_dropped_or_laid_on_a_background() -> None:
    """Without a background the colours stay, as published; with one they are mixed."""
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[...] = (200, 100, 0, 51)
    plain = ImageTransform(4, (0, 0, 0), (1, 1, 1))
    assert (plain.crop(rgba) == (200, 100, 0)).all()
    white = ImageTransform(4, (0, 0, 0), (1, 1, 1), background=(255, 255, 255))
    mixed = 255 * 0.8 + np.array([200, 100, 0]) * 0.2
    assert np.abs(white.crop(rgba).astype(float) - mixed).max() <= 1


def test_a_transparent_palette_colour_is_alpha_too() -> None:
    """GIF and PNG palettes mark one entry as transparent."""
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    stored = io.BytesIO()
    image.save(stored, "PNG", transparency=1)
    plain = ImageTransform(4, (0, 0, 0), (1, 1, 1))
    assert (plain.crop(stored.getvalue()) == (10, 20, 30)).all()
    red = ImageTransform(4, (0, 0, 0), (1, 1, 1), background=(255, 0, 0))
    assert (red.crop(stored.getvalue()) == (255, 0, 0)).all()


def test_sixteen_bit_greys_keep_their_high_byte() -> None:
    """Not clipped to white, which PIL's own conversion does."""
    wide = np.array([[0, 255, 256, 32768, 65535]], np.uint16).repeat(3, 0)
    stored = io.BytesIO()
    Image.fromarray(wide).save(stored, "PNG")
    with Image.open(stored) as image:
        assert image.mode.startswith("I;16")
        assert np.asarray(to_rgb(image))[0, :, 1].tolist() == [0, 0, 1, 128, 255]
    swapped = Image.frombytes("I;16B", (5, 3), wide.astype(">u2").tobytes())
    assert np.asarray(to_rgb(swapped))[2, :, 2].tolist() == [0, 0, 1, 128, 255]


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"]
)
def test_every_ordinary_mode_becomes_rgb(mode: str) -> None:
    """As PIL converts it."""
    picture = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    transform = ImageTransform(8, (0, 0, 0), (1, 1, 1))
    assert np.array_equal(transform.crop(picture), expected)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_of_unknown_range_are_refused(mode: str) -> None:
    """Nobody can say what 1.0 or 70000 is as a colour."""
    with pytest.raises(InputError, match=mode):
        image_transform("tiny")(Image.new(mode, (9, 9)))


def test_cmyk_jpeg() -> None:
    """A four-colour JPEG comes in as PIL reads it."""
    stored = io.BytesIO()
    Image.new("CMYK", (20, 20), (255, 0, 0, 0)).save(stored, "JPEG")
    pixels = ImageTransform(20, (0, 0, 0), (1, 1, 1)).crop(stored.getvalue())
    assert np.abs(pixels[10, 10].astype(int) - (0, 255, 255)).max() < 5
