# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The settings that say what a contact's two numbers mean, see ``data.geometry.contacts``."""

from __future__ import annotations

from robomamba_jax.config.checks import one_of
from robomamba_jax.errors import InputError

CONTACT_SCALES = ("unit", "raw")
CONTACT_FRAMES = ("crop", "file")


def check_contacts(scale: object, frame: object, side: object) -> None:
    """Raise ``InputError`` unless the three fit each other.

    Args:
      scale: "unit" or "raw".
      frame: "crop" or, of raw contacts, "file".
      side: with "file" a whole number above 0, or None.
    """
    one_of("contact_scale", scale, CONTACT_SCALES)
    one_of("contact_frame", frame, CONTACT_FRAMES)
    if frame == "file" and scale != "raw":
        raise InputError(
            "bad_config",
            "contact_frame 'file' with contact_scale 'unit': unit contacts are shares of the crop",
            "give contact_scale 'raw', or contact_frame 'crop'",
        )
    if side is None:
        return
    # True is an int in Python, and would be a side of one pixel.
    if isinstance(side, bool) or not isinstance(side, int) or side < 1:
        raise InputError(
            "bad_config",
            f"contact_side is {side!r}",
            "give the side of the head's training images in whole pixels, such as 336",
        )
    if frame != "file":
        raise InputError(
            "bad_config",
            f"contact_side {side} with contact_frame {frame!r}: the crop's side is known",
            "give contact_frame 'file', or leave contact_side out",
        )
