# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Colours of an assembly: one for most of it, so that "which colour is it" has one answer."""

from __future__ import annotations

import dataclasses

from robomamba_jax.world.objects.colors import DARK, SILVER, STEEL, darker
from robomamba_jax.world.objects.model import Color
from robomamba_jax.world.objects.rng import Rng

_LARGE = 0.22  # share of a body's largest face from which on a part mostly has the body's colour


@dataclasses.dataclass(frozen=True)
class Paint:
    """What an assembly is painted with.

    Attributes:
      body: of most of it.
      accent: of parts.
      grip: of handles.
      area: square metres of the body's largest face.
    """

    body: Color
    accent: Color
    grip: Color
    area: float

    @classmethod
    def draw(cls, rng: Rng, body: Color, area: float) -> Paint:
        """Random parts' colours for a body."""
        accent = rng.other_color(body)
        grip = rng.choice([STEEL, SILVER, DARK, rng.color(), accent, darker(body, 0.6)])
        return cls(body, accent, grip, area)

    def part(self, rng: Rng, area: float) -> Color:
        """A part's colour: small ones stand out, large ones mostly are the body's, lighter or
        darker."""
        shade = darker(self.body, rng.uniform(0.7, 1.1))
        if area > _LARGE * self.area:
            return shade
        return rng.choice([shade, self.accent, self.accent, rng.color()])
