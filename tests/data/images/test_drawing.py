# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images of poses: known pixels have known colours, and arrows point the right way."""

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.images.drawing import AXIS_COLORS, CONTACT_COLOR, arrow_tips, draw_pose
from robomamba_jax.errors import InputError

CONTACT = np.array([200.5, 260.5])
# Columns: approach right and up; closing left, up and nearer; third right, down and nearer.
ROTATION = np.array([[0.64, -0.6, 0.48], [-0.768, -0.48, 0.424], [-0.024, -0.64, -0.768]])
CAMERA = Camera(640, 427, np.array([[500.0, 0, 320], [0, 500, 213.5], [0, 0, 1]]))
GREYS = pytest.mark.parametrize("grey", [0, 128, 255])


def canvas(grey: int) -> Image.Image:
    """A plain photo."""
    return Image.new("RGB", (640, 427), (grey, grey, grey))


def at(picture: Image.Image, xy: np.ndarray) -> tuple[int, ...]:
    """The colour of the pixel that a position lies in."""
    return tuple(np.asarray(picture)[int(xy[1]), int(xy[0])].tolist())


@GREYS
@pytest.mark.parametrize("camera", [CAMERA, None])
def test_known_pixels(grey: int, camera: Camera | None) -> None:
    """Red at the contact, each axis's colour along its arrow, rims in between, nothing else."""
    picture = draw_pose(canvas(grey), CONTACT, ROTATION, camera=camera, legend=False)
    assert at(picture, CONTACT) == CONTACT_COLOR
    tips = arrow_tips(CONTACT, ROTATION, 0.22 * 427, camera)
    for tip, color in zip(tips, AXIS_COLORS, strict=True):
        assert at(picture, CONTACT + 0.5 * (tip - CONTACT)) == color
        assert at(picture, CONTACT - 0.5 * (tip - CONTACT)) != color
    pixels = np.asarray(picture).astype(int)
    drawn = (pixels != grey).any(axis=2)
    rows, columns = np.nonzero(drawn)
    ends = np.vstack([CONTACT, tips])
    assert columns.min() > ends[:, 0].min() - 30
    assert columns.max() < ends[:, 0].max() + 30
    assert rows.min() > ends[:, 1].min() - 30
    assert rows.max() < ends[:, 1].max() + 30
    # A rim that differs from the photo goes all around: along the first arrow's side.
    across = np.array([-1.0, 1.0]) * (tips[0] - CONTACT)[::-1] / np.hypot(*(tips[0] - CONTACT))
    middle = CONTACT + 0.5 * (tips[0] - CONTACT)
    walk = [at(picture, middle + step * across) for step in np.arange(0, 12, 0.25)]
    assert any(sum(color) < 120 for color in walk)
    assert any(sum(color) > 600 for color in walk)


def test_arrow_directions() -> None:
    """Orthographic: the columns' x, y parts. Perspective: near axes longer, lines vanish right."""
    flat = arrow_tips(CONTACT, ROTATION, 100.0) - CONTACT
    np.testing.assert_allclose(flat, [[64, -76.8], [-60, -48], [48, 42.4]], atol=1e-9)
    middle = np.array([320.0, 213.5])
    straight = arrow_tips(middle, np.eye(3), 100.0, CAMERA) - middle
    np.testing.assert_allclose(straight, [[100, 0], [0, 100], [0, 0]], atol=1e-9)
    # Left of the middle, a line straight away runs to the right, towards the vanishing point.
    away = arrow_tips(CONTACT, np.eye(3), 100.0, CAMERA)[2] - CONTACT
    assert away[0] > 0 > away[1]
    np.testing.assert_allclose(away[0] / away[1], (middle - CONTACT)[0] / (middle - CONTACT)[1])
    # The depth of the contact does not matter: the same image from scaled scenes.
    for depth in (0.3, 4.0):
        start = CAMERA.lift(CONTACT, depth)
        tip = CAMERA.project(start + depth * 0.2 * ROTATION[:, 0])
        np.testing.assert_allclose(tip, arrow_tips(CONTACT, ROTATION, 100.0, CAMERA)[0])


def test_axes_along_the_line_of_sight() -> None:
    """Straight away: a ring with a cross. Straight at the viewer: a ring around the red dot."""
    spot = np.array([320.5, 213.5])
    forward = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # approach = z
    away, near = (
        np.asarray(draw_pose(canvas(90), spot, matrix, legend=False)).astype(int)
        for matrix in (forward, forward * [[1, 1, 1], [1, 1, 1], [-1, 1, 1]])
    )
    for offset in ((-10, -10), (10, -10)):  # on the cross, between dot and ring
        np.testing.assert_array_equal(away[213 + offset[1], 320 + offset[0]], AXIS_COLORS[0])
        np.testing.assert_array_equal(near[213 + offset[1], 320 + offset[0]], (255, 255, 255))
    for pixels in (away, near):
        np.testing.assert_array_equal(pixels[213, 320], CONTACT_COLOR)


def test_the_legend() -> None:
    """In the corner farthest from the contact; left out where the image has no room for it."""
    for contact, corner in (((10, 10), (-1, -1)), ((630, 20), (0, -1)), ((600, 400), (0, 0))):
        with_it, without = (
            np.asarray(draw_pose(canvas(200), contact, ROTATION, legend=legend)).astype(int)
            for legend in (True, False)
        )
        rows, columns = np.nonzero((with_it != without).any(axis=2))
        assert rows.size
        middle = np.array([columns.mean(), rows.mean()])
        np.testing.assert_array_equal(middle < (320, 213.5), np.array(corner) == 0)
        legend = with_it[rows.min() : rows.max(), columns.min() : columns.max()]
        for color in (CONTACT_COLOR, *AXIS_COLORS):
            assert (legend == color).all(axis=2).any()
    small = Image.new("L", (60, 40))
    assert draw_pose(small, (5, 5), ROTATION) == draw_pose(small, (5, 5), ROTATION, legend=False)


def test_the_input_is_left_alone_and_edges_work() -> None:
    """A copy in RGB of the same size; contacts on the border are drawn as far as they show."""
    image = Image.new("RGBA", (300, 200), (9, 9, 9, 255))
    before = image.copy()
    for contact in ((0, 0), (300, 200), (0.5, 199.5)):
        picture = draw_pose(image, contact, ROTATION)
        assert (picture.mode, picture.size) == ("RGB", (300, 200))
        assert at(picture, np.minimum(contact, (299, 199))) == CONTACT_COLOR
    assert image == before


def test_wrong_arguments() -> None:
    """Each in one line."""
    for arguments, camera, said in (
        (((641, 5), ROTATION), None, "640x427"),
        (((np.nan, 5), ROTATION), None, "no point"),
        (((5, 5), ROTATION[:2]), None, "3 x 3"),
        (((5, 5), ROTATION * np.nan), None, "finite"),
        (((5, 5), ROTATION), Camera(427, 640, CAMERA.K), "427x640"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            draw_pose(canvas(0), *arguments, camera=camera)
        assert "\n" not in str(caught.value)
