# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Crop coordinates against hand-worked numbers, round trips, and PIL's own resize and crop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.errors import InputError

ODD = ((640, 427), (427, 640))
SIDES = st.integers(16, 2000)


def test_the_documented_numbers() -> None:
    """640x427 at 224: resized to 335x224, cropped from x = 56 (55.5 to the even number)."""
    wide, tall = (CropTransform(*size, 224) for size in ODD)
    assert (wide.resized, wide.offset, wide.box) == ((335, 224), (56, 0), (56, 0, 280, 224))
    assert (tall.resized, tall.offset) == ((224, 335), (0, 56))
    # 57 / 2 = 28.5 goes to 28: down this time.
    assert CropTransform(281, 224, 224).offset == (28, 0)
    assert CropTransform(640, 480, 336).resized == (448, 336)
    squash = CropTransform(640, 427, 256, "squash")
    assert (squash.resized, squash.offset) == ((256, 256), (0, 0))


def test_positions_worked_by_hand() -> None:
    """640x427 and 427x640, asymmetric in x and y."""
    wide, tall = (CropTransform(*size, 224) for size in ODD)
    # A quarter across, three quarters down: crop pixel (56, 168), resized pixel (112, 168).
    expected = np.array([112 * 640 / 335, 168 * 427 / 224])
    np.testing.assert_allclose(wide.contact_to_pixel((0.25, 0.75)), expected, rtol=1e-14)
    np.testing.assert_allclose(tall.contact_to_pixel((0.75, 0.25)), expected[::-1], rtol=1e-14)
    np.testing.assert_allclose(wide.pixel_to_contact(expected), (0.25, 0.75), rtol=1e-14)
    squash = CropTransform(640, 427, 256, "squash")
    np.testing.assert_allclose(squash.contact_to_pixel((0.25, 0.75)), (160, 320.25))
    same = CropTransform(224, 224, 224)
    np.testing.assert_array_equal(same.pixel_to_contact((0.5, 223.5)), (0.5 / 224, 223.5 / 224))


@given(SIDES, SIDES, st.sampled_from([16, 224, 256, 336, 384]), st.booleans(), st.data())
def test_there_and_back(
    width: int, height: int, side: int, squash: bool, data: st.DataObject
) -> None:
    """contact -> pixel -> contact for any size, edges included; pixels lie in the image."""
    transform = CropTransform(width, height, side, "squash" if squash else "crop")
    contact = data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    pixel = transform.contact_to_pixel(contact)
    assert (pixel >= 0).all()
    assert (pixel <= np.array([width, height]) * (1 + 1e-12)).all()
    np.testing.assert_allclose(transform.pixel_to_contact(pixel), contact, atol=1e-9)


@pytest.mark.parametrize("mode", ["crop", "squash"])
@pytest.mark.parametrize("size", [*ODD, (333, 1000), (224, 224), (150, 201)])
@pytest.mark.parametrize("spot", [(0.5, 0.5), (0.31, 0.62), (0.7, 0.36)])
def test_pil_agrees(size: tuple[int, int], mode: str, spot: tuple[float, float]) -> None:
    """A marked pixel's centre of mass after PIL's resize and crop lies where we say.

    Antialiased resampling spreads the mark over a few pixels and keeps its centre to about
    0.1 pixel; a half-pixel or off-by-one mistake shows as 0.5 or more.
    """
    side, transform = 224, CropTransform(*size, 224, mode)
    column, row = int(spot[0] * size[0]), int(spot[1] * size[1])
    pixels = np.zeros((size[1], size[0]), np.float32)
    pixels[row, column] = 1e4
    small = Image.fromarray(pixels).resize(transform.resized, Image.Resampling.BILINEAR)
    seen = np.asarray(small.crop(transform.box), np.float64)
    assert seen.shape == (side, side)
    rows, columns = np.mgrid[0:side, 0:side] + 0.5
    center = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
    contact = transform.pixel_to_contact((column + 0.5, row + 0.5))
    np.testing.assert_allclose(contact * side, center, atol=0.25)


@pytest.mark.parametrize("size", ODD)
def test_pil_agrees_on_a_ramp(size: tuple[int, int]) -> None:
    """An image whose values are its own pixel coordinates: resized values are positions."""
    transform = CropTransform(*size, 224)
    ramps = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32) + np.float32(0.5)
    seen = [
        np.asarray(
            Image.fromarray(ramp)
            .resize(transform.resized, Image.Resampling.BICUBIC)
            .crop(transform.box)
        )
        for ramp in ramps
    ]
    inner = slice(8, -8)  # at the image's edge the filter is cut off
    rows, columns = np.mgrid[0:224, 0:224][:, inner, inner] + 0.5
    ours = transform.contact_to_pixel(np.stack([columns, rows], axis=-1) / 224)
    np.testing.assert_allclose(ours[..., 0], seen[1][inner, inner], atol=0.02)
    np.testing.assert_allclose(ours[..., 1], seen[0][inner, inner], atol=0.02)


def test_outside_the_crop() -> None:
    """A contact that was cut off is an error, in one line; so is one outside the image."""
    wide, tall = (CropTransform(*size, 224) for size in ODD)
    left = 56 * 640 / 335
    assert wide.pixel_to_contact((left, 0))[0] == pytest.approx(0)
    for transform, pixel in ((wide, (left - 0.01, 200)), (tall, (200, left - 0.01))):
        with pytest.raises(InputError, match="outside the crop") as caught:
            transform.pixel_to_contact(pixel)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="outside the crop"):
        tall.pixel_to_contact((427.1, 300))
    with pytest.raises(InputError, match="outside the crop"):
        wide.contact_to_pixel([(0.5, 0.5), (0.5, 1.001)])
    np.testing.assert_allclose(
        wide.contact_to_pixel((-3, 1.5), clip=True), wide.contact_to_pixel((0, 1))
    )


def test_wrong_arguments() -> None:
    """Each in one line."""
    for attempt in (
        lambda: CropTransform(0, 427, 224),
        lambda: CropTransform(640, 427, 224, "stretch"),
        lambda: CropTransform(640, 427, 224).pixel_to_contact((1, 2, 3)),
        lambda: CropTransform(640, 427, 224).contact_to_pixel((np.nan, 0.5), clip=True),
    ):
        with pytest.raises(InputError) as caught:
            attempt()
        assert "\n" not in str(caught.value)
