# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the two numbers of a contact mean, and the way between them and the original's pixels.

"unit" contacts are shares of the crop's side. "raw" ones are pixels, and a checkpoint says of
which image:

- frame "crop": of the crop that the encoder sees, centres at +0.5;
- frame "file": of the image's file, counted from 0 as files do, since the published code hands
  a label on as it stands in the record, whatever the crop's side. With a ``side`` the numbers count
  pixels of a square image of that side, which is what the head was trained on: the crop was all
  of it, so the same share of the crop is meant in an image of any size, be it square or not.
  Without one they are taken as pixels of the very image that was asked about, which is right for
  images as large as those of training and for no others.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.config.contacts import check_contacts
from robomamba_jax.data.geometry.crop import CropTransform

# Files count pixels from 0; here a pixel's centre lies half a pixel further.
_CENTRE = 0.5


@dataclasses.dataclass(frozen=True)
class Contacts:
    """How a policy head's first two numbers are to be read.

    Attributes:
      scale: "unit" or "raw".
      frame: of raw contacts, "crop" or "file".
      side: with "file": pixels along each side of the square images whose pixels are counted;
        None = each image's own pixels.
    """

    scale: str = "unit"
    frame: str = "crop"
    side: int | None = None

    def __post_init__(self) -> None:
        check_contacts(self.scale, self.frame, self.side)

    def of_pixel(self, pixel_xy: npt.ArrayLike, geometry: CropTransform) -> npt.NDArray[np.float64]:
        """A position in the original as the head's numbers.

        Args:
          pixel_xy: float[2], (x, y) in pixels of the original, centres at +0.5.
          geometry: which maps pixels of the original to the encoder's.

        Returns:
          float64[2].

        Raises:
          InputError: the position was cut off.
        """
        share = geometry.pixel_to_contact(pixel_xy)
        if self.scale == "unit":
            return share
        if self.frame == "crop":
            return share * geometry.side
        if self.side is None:
            return np.asarray(pixel_xy, np.float64) - _CENTRE
        return share * self.side - _CENTRE

    def to_pixel(self, contact: npt.ArrayLike, geometry: CropTransform) -> npt.NDArray[np.float64]:
        """The head's numbers as a position in the original.

        A prediction outside the crop is brought to its edge: the encoder saw nothing beyond.

        Args:
          contact: float[2], as the head says it.
          geometry: which maps pixels of the original to the encoder's.

        Returns:
          float64[2], (x, y) in pixels of the original, centres at +0.5.

        Raises:
          InputError: a number is not finite.
        """
        numbers = np.asarray(contact, np.float64)
        if self.frame == "file" and self.side is None:
            return geometry.clip_pixel(numbers + _CENTRE)
        if self.frame == "file":
            assert self.side is not None
            numbers = (numbers + _CENTRE) / self.side
        elif self.scale == "raw":
            numbers = numbers / geometry.side
        return geometry.contact_to_pixel(numbers, clip=True)

    def unit(self, side: int) -> float | None:
        """One unit of these numbers in shares of the crop's side; None where it depends on the
        image.

        Args:
          side: of the crop, in pixels.
        """
        if self.scale == "unit":
            return 1.0
        if self.frame == "crop":
            return 1.0 / side
        return None if self.side is None else 1.0 / self.side

    def __str__(self) -> str:
        """For people."""
        if self.scale == "unit":
            return "shares of the crop's side"
        if self.frame == "crop":
            return "pixels of the crop"
        if self.side is None:
            return "pixels of the image's own file, from 0"
        return f"pixels of an image of {self.side} x {self.side}, from 0"
