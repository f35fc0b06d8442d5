# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An articulated object as plain data: links, joints, solids, and what can be said of them.

Object frame: the front looks along -x, y points to a viewer's left, z up; metres.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.categories import known_noun
from robomamba_jax.world.objects.meshes import Mesh, Vector, merge
from robomamba_jax.world.objects.patterns import Pattern


@dataclasses.dataclass(frozen=True)
class Color:
    """A colour with its name.

    Attributes:
      name: as people say it.
      rgb: linear, in [0, 1].
    """

    name: str
    rgb: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class MeshFile:
    """A mesh with its own materials: a vertex v becomes turn (scale v) + offset.

    Attributes:
      path: the file.
      scale: float64[3].
      turn: float64[3, 3].
      offset: float64[3].
    """

    path: Path
    scale: npt.NDArray[np.float64]
    turn: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def resized(self, center: npt.NDArray[np.float64], factor: float) -> MeshFile:
        """The same, shifted by -center and then stretched."""
        offset = (self.offset - center) * factor
        return dataclasses.replace(self, scale=self.scale * factor, offset=offset)


@dataclasses.dataclass(frozen=True, eq=False)
class Solid:
    """A piece of a link.

    Attributes:
      label: what it is, such as "handle".
      mesh: in the object's frame with all joints at 0.
      color: of the whole.
      metallic: whether it shines like metal.
      file: where the mesh came from, if it is drawn with its own materials.
      pattern: what it is drawn with instead of its colour alone.
    """

    label: str
    mesh: Mesh
    color: Color
    metallic: bool = False
    file: MeshFile | None = None
    pattern: Pattern | None = None

    def resized(self, center: npt.NDArray[np.float64], factor: float) -> Solid:
        """The same, shifted by -center and then stretched."""
        file = None if self.file is None else self.file.resized(center, factor)
        mesh = self.mesh.moved(-center).scaled(factor)
        return dataclasses.replace(self, mesh=mesh, file=file)


@dataclasses.dataclass(frozen=True)
class Joint:
    """How a link moves against its parent.

    Attributes:
      kind: "revolute" (radians) or "prismatic" (metres).
      origin: a point of the axis, object frame, all joints at 0.
      axis: unit vector; positive values turn or move along it.
      lower: the least value.
      upper: the greatest.
    """

    kind: str
    origin: tuple[float, float, float]
    axis: tuple[float, float, float]
    lower: float
    upper: float


@dataclasses.dataclass(frozen=True, eq=False)
class Link:
    """A rigid piece.

    Attributes:
      name: unique in the object, such as "drawer_1".
      part: what it is, such as "drawer".
      parent: its parent's index; -1 for the base.
      joint: None for the base.
      solids: what it is made of.
      closed: the joint's value at which it is shut or at rest.
    """

    name: str
    part: str
    parent: int
    joint: Joint | None
    solids: tuple[Solid, ...]
    closed: float = 0.0

    def mesh(self) -> Mesh:
        """All solids as one."""
        return merge([solid.mesh for solid in self.solids])


@dataclasses.dataclass(frozen=True, eq=False)
class ObjectModel:
    """An object.

    Attributes:
      category: its name.
      instance: which one, such as "train-Microwave-0012".
      links: the base first, parents before children.
      color: of most of it.
      lacks: names of parts that its kind may have and this one has not.
      noun: as people call it; its category's where none is given.
      resembles: other nouns, shapes among them, that one could call it in good faith: that they
        are not there is nothing to ask about.
    """

    category: str
    instance: str
    links: tuple[Link, ...]
    color: Color
    lacks: tuple[str, ...] = ()
    noun: str = ""
    resembles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill in the category's noun."""
        if not self.noun:
            object.__setattr__(self, "noun", known_noun(self.category))

    @property
    def movable(self) -> tuple[int, ...]:
        """Indices of the links that have a joint, which is also the order of joint values."""
        return tuple(k for k, link in enumerate(self.links) if link.joint is not None)

    def joint_index(self, link: int) -> int:
        """Where a movable link's joint stands among joint values."""
        return self.movable.index(link)

    def parts(self) -> dict[str, int]:
        """How many of each part it has: links by their part, other pieces by their label."""
        counts: dict[str, int] = {}
        for link in self.links:
            # As a set: a handle is a bar and two posts, and still one handle.
            names = {solid.label for solid in link.solids}
            for name in {link.part, *names}:
                counts[name] = counts.get(name, 0) + 1
        return counts

    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lowest and highest corner with all joints at 0."""
        points = np.concatenate([s.mesh.vertices for link in self.links for s in link.solids])
        return points.min(axis=0), points.max(axis=0)

    def normalised(self) -> ObjectModel:
        """The same object, its middle at the origin and its corners at distance 1, as
        PartNet-Mobility's objects have it."""
        low, high = self.bounds()
        center, factor = (low + high) / 2, 2 / math.hypot(*(high - low))
        return dataclasses.replace(
            self, links=tuple(_rescaled(link, center, factor) for link in self.links)
        )


def _rescaled(link: Link, center: npt.NDArray[np.float64], factor: float) -> Link:
    solids = tuple(solid.resized(center, factor) for solid in link.solids)
    joint = link.joint
    if joint is None:
        return dataclasses.replace(link, solids=solids)
    x, y, z = (np.asarray(joint.origin) - center) * factor
    # Metres grow with the object, radians do not.
    length = factor if joint.kind == "prismatic" else 1.0
    moved = dataclasses.replace(
        joint,
        origin=(float(x), float(y), float(z)),
        lower=joint.lower * length,
        upper=joint.upper * length,
    )
    return dataclasses.replace(link, solids=solids, joint=moved, closed=link.closed * length)


class LinkBuilder:
    """A link that is being put together, and the place from which others hang.

    Attributes:
      name: unique in the object, such as "drawer_1".
      part: what it is, such as "drawer".
      parent: its parent's index; -1 for the base.
      joint: None for the base.
      solids: what it is made of so far.
      made: all links of the object so far, the base first.
    """

    def __init__(
        self, made: list[LinkBuilder], part: str, parent: int, joint: Joint | None
    ) -> None:
        """Begin with a link without solids.

        Args:
          made: all links of the object so far, to which this one is added.
          part: what it is, such as "drawer".
          parent: its parent's index; -1 for the base.
          joint: None for the base.
        """
        # drawer, drawer_1, drawer_2: the first one needs no number.
        number = sum(other.part == part for other in made)
        name = part.replace(" ", "_")
        self.name = f"{name}_{number}" if number else name
        self.part, self.parent, self.joint = part, parent, joint
        self.solids: list[Solid] = []
        self.made, self._index = made, len(made)
        made.append(self)

    def add(
        self, mesh: Mesh, color: Color, label: str | None = None, *, metallic: bool = False
    ) -> None:
        """Give the link one more solid; without a label it is called as the part is."""
        self.solids.append(Solid(label or self.part, mesh, color, metallic))

    def hinge(
        self, part: str, origin: Vector, axis: Vector, limits: tuple[float, float]
    ) -> LinkBuilder:
        """A link on this one that turns about an axis."""
        return self._link(part, "revolute", origin, axis, limits)

    def slide(self, part: str, axis: Vector, limits: tuple[float, float]) -> LinkBuilder:
        """A link on this one that moves along an axis."""
        return self._link(part, "prismatic", (0, 0, 0), axis, limits)

    def _link(
        self, part: str, kind: str, origin: Vector, axis: Vector, limits: tuple[float, float]
    ) -> LinkBuilder:
        x, y, z = (float(value) for value in origin)
        along = np.asarray(axis, np.float64) / math.hypot(*axis)
        a, b, c = (float(value) for value in along)
        joint = Joint(kind, (x, y, z), (a, b, c), float(limits[0]), float(limits[1]))
        return LinkBuilder(self.made, part, self._index, joint)


class Assembly(LinkBuilder):
    """Puts an object together, piece by piece, beginning with its base."""

    def __init__(self, base: str = "body") -> None:
        """Begin with an empty base link."""
        super().__init__([], base, -1, None)

    def finish(
        self, category: str, instance: str, color: Color, optional: Sequence[str] = ()
    ) -> ObjectModel:
        """The object, normalised.

        Args:
          category: its name.
          instance: which one.
          color: of most of it.
          optional: parts that its kind may have; those it has not are noted as lacking.
        """
        links = tuple(
            Link(link.name, link.part, link.parent, link.joint, tuple(link.solids))
            for link in self.made
        )
        model = ObjectModel(category, instance, links, color)
        has = model.parts()
        lacks = tuple(name for name in optional if name not in has)
        return dataclasses.replace(model, lacks=lacks).normalised()
