# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a part can sit on a body: flat places with a frame of their own, and bodies to dig into.

A part is built once, as if its place lay in the plane of x and y with z pointing out, and works on
every face of every body.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.meshes import Mesh, Vector, box
from robomamba_jax.world.objects.model import Color, LinkBuilder
from robomamba_jax.world.objects.vectors import cross

Array = npt.NDArray[np.float64]
_THIN = 1e-6  # metres: a piece of a box that is thinner is none
_WALL = 0.04  # metres that stay behind what is dug out


@dataclasses.dataclass(eq=False)
class Body:
    """What does not move: boxes that can be dug into, and all else.

    Attributes:
      link: the base.
      color: of it.
      boxes: lowest and highest corners, float64[3] each, sides along the axes.
    """

    link: LinkBuilder
    color: Color
    boxes: list[tuple[Array, Array]] = dataclasses.field(default_factory=list)

    def add_box(self, size: Vector, center: Vector) -> None:
        """A box of the body's colour that parts may dig into."""
        half, middle = np.asarray(size, np.float64) / 2, np.asarray(center, np.float64)
        self.boxes.append((middle - half, middle + half))

    def add(self, mesh: Mesh, label: str = "body") -> None:
        """Another solid of it."""
        self.link.add(mesh, self.color, label)

    def dig(self, low: Array, high: Array) -> None:
        """Take a box out of all boxes: what is left of each is up to six smaller ones."""
        left: list[tuple[Array, Array]] = []
        for known in self.boxes:
            left += _without(known, np.minimum(low, high), np.maximum(low, high))
        self.boxes = left

    def finish(self) -> None:
        """Give the link its boxes: only now is known what was dug out."""
        for low, high in self.boxes:
            self.link.add(box(high - low, (low + high) / 2), self.color, "body")


def _without(known: tuple[Array, Array], low: Array, high: Array) -> list[tuple[Array, Array]]:
    at, to = known[0].copy(), known[1].copy()
    if np.any(high <= at) or np.any(low >= to):
        return [known]
    pieces = []
    for axis in range(3):
        # What lies before the hole along this axis, and behind it; the rest goes on shrinking.
        for start, end in ((at[axis], low[axis]), (high[axis], to[axis])):
            if end - start > _THIN:
                piece = (at.copy(), to.copy())
                piece[0][axis], piece[1][axis] = start, end
                pieces.append(piece)
        at[axis], to[axis] = max(at[axis], low[axis]), min(to[axis], high[axis])
    return pieces


@dataclasses.dataclass(frozen=True, eq=False)
class Site:
    """A flat place for a part.

    Attributes:
      origin: float64[3], its middle.
      frame: float64[3, 3], columns right, up and out, as seen from in front of it.
      width: metres to the right.
      height: metres upwards.
      depth: metres that a part may reach inwards; 0 = it can only sit on the surface.
      body: what to dig into; None where there is room already, or none to dig.
      whole: whether it is all of a face, so that a lid may overhang.
      round: whether the face is a disc.
      hollow: whether there is nothing behind it: only what spans it can be there.
    """

    origin: Array
    frame: Array
    width: float
    height: float
    depth: float = 0.0
    body: Body | None = None
    whole: bool = False
    round: bool = False
    hollow: bool = False

    @property
    def upward(self) -> bool:
        """Whether it looks up."""
        return float(self.frame[2, 2]) > 0.8

    @property
    def side(self) -> float:
        """The lesser of its sides."""
        return min(self.width, self.height)

    def point(self, at: Vector) -> Array:
        """float64[3]: a point of its frame in the object's."""
        return self.origin + self.direction(at)

    def direction(self, along: Vector) -> Array:
        """float64[3]: a direction of its frame in the object's."""
        # Not by BLAS, see Mesh.moved.
        return np.einsum("jk,k->j", self.frame, np.asarray(along, np.float64))

    def place(self, mesh: Mesh) -> Mesh:
        """A mesh of its frame in the object's."""
        return mesh.moved(self.origin, self.frame)

    def shifted(self, at: Vector, width: float, height: float) -> Site:
        """A smaller place on it, or one above it."""
        return dataclasses.replace(
            self, origin=self.point(at), width=width, height=height, whole=False, round=False
        )

    def dig(self, width: float, height: float, depth: float) -> None:
        """Make room behind its middle."""
        if self.body is not None:
            x, y = width / 2, height / 2
            self.body.dig(self.point((-x, -y, -depth)), self.point((x, y, 0.01)))

    def grid(self, columns: int, rows: int, gap: float) -> list[Site]:
        """Its cells, row by row."""
        w, h = self.width / columns, self.height / rows
        return [
            self.shifted(
                ((column + 0.5) * w - self.width / 2, (row + 0.5) * h - self.height / 2, 0),
                w - gap,
                h - gap,
            )
            for row in range(rows)
            for column in range(columns)
        ]


FACES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    # Outwards and upwards; of the top what is farther from the viewer counts as up.
    "front": ((-1, 0, 0), (0, 0, 1)),
    "top": ((0, 0, 1), (1, 0, 0)),
    "left": ((0, 1, 0), (0, 0, 1)),
    "right": ((0, -1, 0), (0, 0, 1)),
    "back": ((1, 0, 0), (0, 0, 1)),
}


def frame_of(out: Vector, up: Vector) -> Array:
    """float64[3, 3]: right, up and out as columns, of two unit vectors square to each other."""
    z, y = np.asarray(out, np.float64), np.asarray(up, np.float64)
    return np.stack([cross(y, z), y, z], axis=1)


def box_sites(
    body: Body, size: Vector, center: Vector, names: tuple[str, ...] = tuple(FACES)
) -> dict[str, Site]:
    """The faces of one of a body's boxes, by name."""
    found, extent = {}, np.asarray(size, np.float64)
    for name in names:
        out, up = (np.asarray(axis, np.float64) for axis in FACES[name])
        frame = frame_of(out, up)
        along = [float(np.abs(frame[:, k]) @ extent) for k in range(3)]
        origin = np.asarray(center, np.float64) + out * along[2] / 2
        depth = max(along[2] - _WALL, 0.0)
        found[name] = Site(origin, frame, along[0], along[1], depth, body, whole=True)
    return found
