# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Named colours."""

from __future__ import annotations

from robomamba_jax.world.objects.model import Color

# Far enough apart that a person names them alike.
COLORS: dict[str, Color] = {
    name: Color(name, rgb)
    for name, rgb in {
        "white": (0.86, 0.86, 0.84),
        "gray": (0.36, 0.37, 0.38),
        "black": (0.035, 0.035, 0.04),
        "red": (0.62, 0.04, 0.04),
        "orange": (0.85, 0.28, 0.03),
        "yellow": (0.88, 0.64, 0.05),
        "green": (0.06, 0.36, 0.09),
        "blue": (0.04, 0.14, 0.55),
        "purple": (0.24, 0.06, 0.38),
        "pink": (0.83, 0.33, 0.45),
        "brown": (0.24, 0.11, 0.04),
        "beige": (0.66, 0.53, 0.36),
    }.items()
}
SILVER = Color("silver", (0.55, 0.56, 0.58))
# Named as people would call what they see.
GLASS = Color("black", (0.02, 0.03, 0.045))
DARK = Color("black", (0.05, 0.05, 0.055))
STEEL = Color("silver", (0.42, 0.43, 0.45))


def darker(color: Color, factor: float) -> Color:
    """The same colour with less light."""
    r, g, b = (factor * part for part in color.rgb)
    return Color(color.name, (r, g, b))
