# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where an image's pixels go when an encoder's transform resizes and crops it, and back.

Positions are continuous: the centre of the first pixel is (0.5, 0.5). A resize of width
W to W' then maps x to x * W' / W, which is how PIL's resampling aligns the two grids,
and a crop subtracts a whole number. W' / W and H' / H differ a little, since the longer
side is rounded down.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.config.checks import one_of, positive
from robomamba_jax.errors import InputError

CROP_MODES = ("crop", "squash")
# Rounding in a round trip may step over the crop's edge by this share of its side.
_EDGE = 1e-9


@dataclasses.dataclass(frozen=True)
class CropTransform:
    """How one image's pixels map to an encoder's crop of it.

    Mode "crop": the shorter side becomes ``side`` and the longer one
    ``floor(side * long / short)``; then a centred square is cut out, whose offset is
    ``round((length - side) / 2)`` with halves going to the even number (torchvision's and
    timm's rule). 640x427 at 224 becomes 335x224, cropped from x = 56.
    Mode "squash": both sides become ``side`` and nothing is cut (the Hugging Face SigLIP
    processor's rule).

    Attributes:
      width: of the original image, in pixels.
      height: of the original image, in pixels.
      side: of the square that the encoder sees.
      mode: "crop" or "squash".
    """

    width: int
    height: int
    side: int
    mode: str = "crop"

    def __post_init__(self) -> None:
        for name in ("width", "height", "side"):
            positive(name, getattr(self, name))
        one_of("mode", self.mode, CROP_MODES)

    @property
    def resized(self) -> tuple[int, int]:
        """(width, height) after the resize, in pixels."""
        if self.mode == "squash":
            return self.side, self.side
        short = min(self.width, self.height)
        # Whole numbers, rounded down: torchvision's Resize(int). In floats 224 * 640 / 427 may come
        # out one pixel off.
        return self.side * self.width // short, self.side * self.height // short

    @property
    def offset(self) -> tuple[int, int]:
        """(left, top) of the crop in the resized image, in pixels."""
        width, height = self.resized
        # Python rounds halves to even, as torchvision's CenterCrop does, which calls the same
        # round.
        return round((width - self.side) / 2), round((height - self.side) / 2)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, lower) of the crop in the resized image, as PIL takes it."""
        left, top = self.offset
        return left, top, left + self.side, top + self.side

    def contact_to_pixel(
        self, contact: npt.ArrayLike, *, clip: bool = False
    ) -> npt.NDArray[np.float64]:
        """A position in the crop to the original image.

        Args:
          contact: float[..., 2], (x, y) as shares of the crop's side, in [0, 1].
          clip: bring what lies outside to the crop's edge, for a model's predictions.

        Returns:
          float64[..., 2], (x, y) in pixels of the original image.

        Raises:
          InputError: the shape is wrong, a number is not finite, or a position lies outside.
        """
        contact = self._inside(self._pairs("contact", contact), "contact", clip)
        # crop [0, 1] -> pixels of the crop -> of the resized image -> of the original. Centres lie
        # at +0.5 in all of them, so that scaling needs no shift.
        return (contact * self.side + self.offset) * self._scale

    def pixel_to_contact(self, pixel_xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """A position in the original image to the crop.

        Args:
          pixel_xy: float[..., 2], (x, y) in pixels of the original image.

        Returns:
          float64[..., 2], (x, y) as shares of the crop's side, in [0, 1].

        Raises:
          InputError: the shape is wrong, a number is not finite, or a position was cut off.
        """
        pixel = self._pairs("pixel_xy", pixel_xy)
        return self._inside((pixel / self._scale - self.offset) / self.side, "pixel", False)

    def clip_pixel(self, pixel_xy: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """A position in the original image, brought to the edge of the crop if it was cut off.

        Args:
          pixel_xy: float[..., 2], (x, y) in pixels of the original image.

        Raises:
          InputError: the shape is wrong, or a number is not finite.
        """
        pixel = self._pairs("pixel_xy", pixel_xy)
        return np.clip(pixel, self.contact_to_pixel((0, 0)), self.contact_to_pixel((1, 1)))

    @property
    def _scale(self) -> npt.NDArray[np.float64]:
        """Original pixels per resized pixel, float64[2]."""
        # Not one number: both sides are rounded for themselves, and squashing scales them apart.
        return np.array([self.width, self.height], np.float64) / self.resized

    def _inside(
        self, contact: npt.NDArray[np.float64], what: str, clip: bool
    ) -> npt.NDArray[np.float64]:
        if not clip and np.any((contact < -_EDGE) | (contact > 1 + _EDGE)):
            raise InputError(
                "outside_crop",
                f"a {what} of the {self.width}x{self.height} image lies outside the crop: "
                f"{np.round(contact, 4).tolist()} of its side",
                "leave the sample out, or use the squash transform, which cuts nothing off",
            )
        return np.clip(contact, 0.0, 1.0)

    @staticmethod
    def _pairs(name: str, value: npt.ArrayLike) -> npt.NDArray[np.float64]:
        pairs = np.asarray(value, np.float64)
        if pairs.shape[-1:] != (2,) or not np.all(np.isfinite(pairs)):
            what = f"{name} has shape {list(pairs.shape)} or is not finite"
            raise InputError("shape_mismatch", what, "give finite numbers as [..., 2]")
        return pairs
