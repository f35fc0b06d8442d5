# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A predicted pose drawn on its image: the contact point, and the gripper's axes as arrows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.images.rgb import pixels_alone, to_rgb
from robomamba_jax.errors import InputError

Color = tuple[int, int, int]

CONTACT_COLOR: Color = (255, 0, 0)
# One colour per column of the rotation, apart for colour-blind eyes too (after Okabe and Ito).
AXIS_COLORS: tuple[Color, ...] = ((30, 120, 255), (0, 190, 110), (255, 190, 0))
AXIS_NAMES = ("approach", "closing", "third")

_DARK, _LIGHT = (15, 15, 15), (255, 255, 255)
_SMOOTH = 4  # arrows are drawn this many times larger and reduced: PIL's edges are jagged
_SMOOTH_PIXELS = 4_000_000  # larger drawings are not: they need memory, and jags are small there
_LONGEST = 0.5  # of the depth: keeps arrow heads in front of the camera
_LEGEND_SHARE = 0.2  # of the image's area: a legend that needs more is left out


class _Sizes(NamedTuple):
    """Pixels: an axis seen from the side, a line, the contact's radius, the legend's text."""

    axis: float
    line: float
    dot: float
    text: int


def draw_pose(
    image: Image.Image,
    contact_xy: npt.ArrayLike,
    rotation: npt.ArrayLike,
    *,
    camera: Camera | None = None,
    legend: bool = True,
) -> Image.Image:
    """A copy of an image with a red contact point and the gripper's three axes.

    Approach (column 1) is blue, closing (column 2) green, the third (column 3) yellow;
    all have dark and light rims, to be seen on any photo. With a camera the axes are
    drawn in its perspective, which does not depend on the depth of the contact; without
    one they are seen along the optical axis from afar. An axis that points straight at
    the viewer is a ring with a dot, one that points straight away a ring with a cross.
    A legend lies in the corner farthest from the contact, if the image is large enough for it.

    Args:
      image: of any mode; the original, not the crop.
      contact_xy: float[2], in pixels of the image, centres at +0.5.
      rotation: float[3, 3], the axes as columns, in the camera frame.
      camera: the one that took the image.
      legend: whether to explain the colours.

    Returns:
      An RGB image of the same size, in the colours that the encoder sees, of pixels alone.

    Raises:
      InputError: the image has no way to RGB, the contact lies outside of it, the rotation is
        not 3 x 3 finite numbers, or the camera is of another size.
    """
    contact, axes = _checked(image, contact_xy, rotation, camera)
    unit = min(image.size)
    sizes = _Sizes(0.22 * unit, max(2.0, unit / 110), max(3.0, unit / 55), max(10, unit // 26))
    tips = arrow_tips(contact, axes, sizes.axis, camera)
    canvas = pixels_alone(to_rgb(image))
    _draw_axes(canvas, contact, axes, tips, sizes)
    if legend:
        _draw_legend(canvas, contact, sizes.text)
    return canvas


def arrow_tips(
    contact_xy: npt.NDArray[np.float64],
    rotation: npt.NDArray[np.float64],
    length: float,
    camera: Camera | None = None,
) -> npt.NDArray[np.float64]:
    """Where the arrows of a rotation's three columns end.

    Args:
      contact_xy: float64[2], where they begin, in pixels.
      rotation: float64[3, 3], the axes as columns, in the camera frame.
      length: of an axis that lies across the line of sight, in pixels.
      camera: for perspective; orthographic without.

    Returns:
      float64[3, 2], one tip per column, in pixels.
    """
    if camera is None:
        return contact_xy + length * rotation[:2].T
    # Scaling the whole scene by the contact's depth changes no pixel, so depth 1 will do.
    # So that an axis across the optical axis is ``length`` pixels long; others are foreshortened.
    share = min(length / math.sqrt(camera.K[0, 0] * camera.K[1, 1]), _LONGEST)
    return camera.project(camera.lift(contact_xy, 1.0) + share * rotation.T)


def _checked(
    image: Image.Image,
    contact_xy: npt.ArrayLike,
    rotation: npt.ArrayLike,
    camera: Camera | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    contact = np.asarray(contact_xy, np.float64)
    axes = np.asarray(rotation, np.float64)
    if min(image.size) < 1:
        what = f"the image has {image.width} x {image.height} pixels"
        raise InputError("bad_image", what, "give one with pixels")
    # Written so that NaN is outside, too.
    if contact.shape != (2,) or not np.all((contact >= 0) & (contact <= image.size)):
        raise InputError(
            "outside_image",
            f"the contact {contact.tolist()} is no point of the {image.width}x{image.height} image",
            "give (x, y) in pixels of this image",
        )
    if axes.shape != (3, 3) or not np.all(np.isfinite(axes)):
        what = f"the rotation has shape {list(axes.shape)} or is not finite"
        raise InputError("bad_rotation", what, "give a 3 x 3 rotation matrix")
    if camera is not None:
        camera.check_size("image", image.width, image.height)
    return contact, axes


def _draw_axes(
    canvas: Image.Image,
    contact: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    tips: npt.NDArray[np.float64],
    sizes: _Sizes,
) -> None:
    """Draw arrows and contact into the image, the nearer over the farther."""
    margin = 5 * sizes.line + 2 * sizes.dot
    ends = np.vstack([contact, tips])
    low = np.maximum(np.floor(ends.min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(ends.max(axis=0) + margin), canvas.size).astype(int)
    box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    part = canvas.crop(box)
    pen = _Pen(part, low)
    # Painter's order: the camera looks along +z, so the larger z is farther and drawn first.
    for index in sorted(range(3), key=lambda index: -axes[2, index]):
        away = bool(axes[2, index] > 0)
        pen.axis(contact, tips[index], away, AXIS_COLORS[index], sizes)
    pen.dot(contact, sizes.dot + sizes.line, _DARK)
    pen.dot(contact, sizes.dot + sizes.line / 2, _LIGHT)
    pen.dot(contact, sizes.dot, CONTACT_COLOR)
    canvas.paste(pen.finish(), box)


class _Pen:
    """Draws on an enlarged copy of one part of an image, in the image's pixels."""

    def __init__(self, part: Image.Image, origin: npt.NDArray[np.int_]) -> None:
        self.size, self.origin = part.size, origin
        self.smooth = _SMOOTH if part.width * part.height <= _SMOOTH_PIXELS else 1
        # Drawn larger and averaged down: PIL draws no smooth edges. NEAREST up and BOX down give
        # untouched pixels back as they were.
        size = (part.width * self.smooth, part.height * self.smooth)
        self.layer = part.resize(size, Image.Resampling.NEAREST)
        self.draw = ImageDraw.Draw(self.layer)

    def finish(self) -> Image.Image:
        """The part at its own size; where nothing was drawn, its pixels are as they were."""
        return self.layer.resize(self.size, Image.Resampling.BOX)

    def dot(self, center: npt.NDArray[np.float64], radius: float, color: Color) -> None:
        """A filled circle."""
        x, y = self._on_layer(center)
        radius = radius * self.smooth
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    def axis(
        self,
        start: npt.NDArray[np.float64],
        tip: npt.NDArray[np.float64],
        away: bool,
        color: Color,
        sizes: _Sizes,
    ) -> None:
        """An arrow; a ring with a dot or a cross where it would be a mere point."""
        length = float(np.hypot(*(tip - start)))
        if length < 2 * sizes.dot:
            self._ring(start, away, color, sizes)
            return
        along = (tip - start) / length
        across = np.array([-along[1], along[0]])
        head = min(5 * sizes.line, 0.6 * length)
        neck = tip - head * along
        for rim, shade in ((1.0, _DARK), (0.5, _LIGHT), (0.0, color)):
            grow = rim * sizes.line
            half = sizes.line / 2 + grow
            shaft = [start - half * across, neck - half * across]
            self._polygon([*shaft, neck + half * across, start + half * across], shade)
            # A rim goes around the head's three sides evenly: farther out at the sharp tip.
            wide = 0.45 * head + 1.6 * grow
            back = neck - grow * along
            self._polygon(
                [tip + 2.4 * grow * along, back + wide * across, back - wide * across], shade
            )

    def _ring(
        self, center: npt.NDArray[np.float64], away: bool, color: Color, sizes: _Sizes
    ) -> None:
        radius = 2.6 * sizes.dot
        self.dot(center, radius + 1.5 * sizes.line, _DARK)
        self.dot(center, radius + sizes.line, color)
        self.dot(center, radius - sizes.line / 2, _LIGHT)
        if not away:
            return  # the contact, drawn last, is the dot
        for sign in (-1.0, 1.0):
            along = np.array([1.0, sign]) / math.sqrt(2)
            across = np.array([-along[1], along[0]]) * sizes.line / 2
            reach = along * radius
            corners = (-reach - across, reach - across, reach + across, -reach + across)
            self._polygon([center + corner for corner in corners], color)

    def _polygon(self, corners: list[npt.NDArray[np.float64]], color: Color) -> None:
        self.draw.polygon([self._on_layer(corner) for corner in corners], fill=color)

    def _on_layer(self, point: npt.NDArray[np.float64]) -> tuple[float, float]:
        # ImageDraw's whole numbers are pixel centres, ours lie half a pixel before them.
        x, y = (point - self.origin) * self.smooth - 0.5
        return float(x), float(y)


def _draw_legend(canvas: Image.Image, contact: npt.NDArray[np.float64], text: int) -> None:
    """A dark box with one line per colour, in the corner farthest from the contact."""
    font = ImageFont.load_default(text)
    lines = [("contact", CONTACT_COLOR), *zip(AXIS_NAMES, AXIS_COLORS, strict=True)]
    pad, step = text // 2, round(1.35 * text)
    widest = max(font.getlength(name) for name, _ in lines)
    width, height = math.ceil(widest) + 4 * pad + text, 2 * pad + step * len(lines)
    room_x, room_y = canvas.width - width - pad, canvas.height - height - pad
    if min(room_x, room_y) < pad or width * height > _LEGEND_SHARE * canvas.width * canvas.height:
        return
    left = pad if contact[0] > canvas.width / 2 else room_x
    top = pad if contact[1] > canvas.height / 2 else room_y
    box = (left, top, left + width, top + height)
    part = canvas.crop(box)
    canvas.paste(Image.blend(part, Image.new("RGB", part.size, _DARK), 0.75), box)
    draw = ImageDraw.Draw(canvas)
    for index, (name, color) in enumerate(lines):
        middle = top + pad + step * index + step // 2
        key = (left + pad, middle - text // 3, left + pad + text, middle + text // 3)
        if index == 0:
            draw.ellipse((key[0] + text // 6, key[1], key[2] - text // 6, key[3]), fill=color)
        else:
            draw.line((key[0], middle, key[2], middle), fill=color, width=max(2, text // 5))
        draw.text((left + 2 * pad + text, middle), name, fill=_LIGHT, font=font, anchor="lm")
