# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns for surfaces: small images out of numbers, and where they lie on a mesh."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.meshes import Mesh

RGB = tuple[float, float, float]
KINDS = ("stripes", "checks", "noise", "wood", "dots", "speckles")
_SIDE = 64  # pixels of a pattern's image


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Two colours in an order.

    Attributes:
      kind: one of KINDS.
      first: linear RGB in [0, 1].
      second: likewise.
      scale: metres that the image covers before it comes again.
      angle: of the image on the surface, radians.
      seed: of what is random in it.
    """

    kind: str
    first: RGB
    second: RGB
    scale: float
    angle: float
    seed: int

    def image(self) -> npt.NDArray[np.uint8]:
        """uint8[64, 64, 4], RGBA, linear; left and right, and above and below, fit together."""
        share = _shares(self)[..., None]
        rgb = share * np.asarray(self.second) + (1 - share) * np.asarray(self.first)
        out = np.full((_SIDE, _SIDE, 4), 255, np.uint8)
        out[..., :3] = np.round(255 * rgb.clip(0, 1))
        return out

    def places(self, mesh: Mesh) -> npt.NDArray[np.float32]:
        """float32[V, 2]: where each corner lies in the image, by the side that it looks to."""
        main = np.abs(mesh.normals).argmax(axis=1)
        v = mesh.vertices
        # Seen along the normal's longest axis: what lies across it are the image's two axes.
        flat = np.where(
            (main == 0)[:, None], v[:, 1:], np.where((main == 1)[:, None], v[:, ::2], v[:, :2])
        )
        c, s = math.cos(self.angle), math.sin(self.angle)
        x, y = flat[:, 0] / self.scale, flat[:, 1] / self.scale
        return np.column_stack([c * x - s * y, s * x + c * y]).astype(np.float32)


def _shares(pattern: Pattern) -> npt.NDArray[np.float64]:
    """float64[64, 64] in [0, 1]: how much of the second colour is where."""
    random = np.random.default_rng(pattern.seed)
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    if pattern.kind == "stripes":
        return (np.floor(4 * x) % 2).astype(np.float64)
    if pattern.kind == "checks":
        return ((np.floor(4 * x) + np.floor(4 * y)) % 2).astype(np.float64)
    if pattern.kind == "dots":
        u, v = (4 * x) % 1 - 0.5, (4 * y) % 1 - 0.5
        return (u**2 + v**2 < 0.08).astype(np.float64)
    if pattern.kind == "speckles":
        coarse = (random.random((_SIDE // 2, _SIDE // 2)) < 0.25).astype(np.float64)
        return coarse.repeat(2, axis=0).repeat(2, axis=1)
    soft = _soft(random)
    if pattern.kind == "wood":
        # Bands along y that the noise bends.
        return 0.5 + 0.5 * np.sin(2 * math.pi * (5 * x + 1.2 * soft))
    return soft


def _soft(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Noise of three sizes in [0, 1] whose edges fit together."""
    total = np.zeros((_SIDE, _SIDE))
    for cells, weight in ((4, 0.5), (8, 0.3), (16, 0.2)):
        coarse = random.random((cells, cells))
        at = np.arange(_SIDE) * cells / _SIDE
        low = at.astype(int)
        share = at - low
        near, far = coarse[low], coarse[(low + 1) % cells]
        rows = near + share[:, None] * (far - near)
        near, far = rows[:, low], rows[:, (low + 1) % cells]
        total += weight * (near + share * (far - near))
    return total
