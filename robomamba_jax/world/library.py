# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where objects come from: the embedded catalogue, or a user's own PartNet-Mobility download."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from robomamba_jax.data.paths import NO_ROOTS, AllowedRoots
from robomamba_jax.errors import InputError
from robomamba_jax.world.catalog import INSTANCES, make_object
from robomamba_jax.world.categories import CATEGORIES, choose_categories, find_category
from robomamba_jax.world.meshes import Mesh, merge
from robomamba_jax.world.model import ObjectModel
from robomamba_jax.world.palette import COLORS, Draw
from robomamba_jax.world.urdf import read_urdf

_LIST_FIX = 'write lines such as "7179 Microwave" or "7179 Microwave test"'
_HELD_OUT = 5  # without a split in the list, each fifth object of a seen category is for tests


class Library(Protocol):
    """Objects by category."""

    def categories(self, names: list[str] | None, split: str) -> tuple[str, ...]:
        """Those of the names (None = all) that a split may use; InputError for others."""
        ...

    def draw(self, category: str, split: str, draw: Draw) -> ObjectModel:
        """One object of a category."""
        ...


class Embedded:
    """The parametric objects of ``world.catalog``."""

    def categories(self, names: list[str] | None, split: str) -> tuple[str, ...]:
        """The article's thirty; the unseen ones in the test split alone."""
        return choose_categories(names, split)

    def draw(self, category: str, split: str, draw: Draw) -> ObjectModel:
        """One of the split's numbered objects."""
        return make_object(category, split, draw.whole(0, INSTANCES[split] - 1))


@dataclasses.dataclass(frozen=True)
class Listed:
    """One object of a list.

    Attributes:
      name: its folder.
      category: of it.
      split: "train" or "test".
    """

    name: str
    category: str
    split: str


class PartNet:
    """A folder of PartNet-Mobility objects: ``<id>/mobility.urdf`` and ``semantics.txt``.

    Attributes:
      notes: what had to be assumed of the objects that were read so far.
    """

    def __init__(
        self, sapien: Any, root: Path, listing: Path, allowed: AllowedRoots = NO_ROOTS
    ) -> None:
        """Read the list; objects are read when they are drawn.

        Args:
          sapien: the module, which reads mesh files.
          root: the folder of the objects' folders.
          listing: lines of "<id> <Category>", with "train" or "test" behind or without. The
            list decides the category: the folders' own meta.json is known to err.
          allowed: where links in an object's folder may lead.

        Raises:
          InputError: the list is missing or wrong, or an object's folder is not there.
        """
        self._sapien, self._root, self._allowed = sapien, root, allowed
        self.notes: list[str] = []
        self._objects = read_list(listing)
        for known in self._objects:
            if not (root / known.name / "mobility.urdf").is_file():
                raise InputError(
                    "missing_file",
                    f"{root / known.name} has no mobility.urdf",
                    f"download object {known.name}, or take it out of {listing}",
                )

    def categories(self, names: list[str] | None, split: str) -> tuple[str, ...]:
        """The list's categories that a split has objects of."""
        there = {known.category for known in self._objects if known.split == split}
        wanted = there if names is None else {find_category(name).name for name in names}
        if wanted - there or not wanted:
            missing = ", ".join(sorted(wanted - there)) or "anything"
            raise InputError(
                "unknown_category",
                f"the list has no {split} object of {missing}",
                f"it has {', '.join(sorted(there)) or 'none'}",
            )
        return tuple(name for name in CATEGORIES if name in wanted)

    def draw(self, category: str, split: str, draw: Draw) -> ObjectModel:
        """One of the list's objects."""
        chosen = [k for k in self._objects if (k.category, k.split) == (category, split)]
        return self.load(draw.one(chosen))

    @functools.lru_cache(maxsize=64)  # noqa: B019 - one library lives as long as its process
    def load(self, known: Listed) -> ObjectModel:
        """Read an object."""
        folder = self._root / known.name
        mesh = functools.partial(load_mesh, self._sapien)
        urdf = read_urdf(folder / "mobility.urdf", mesh, self._allowed)
        self.notes += urdf.notes
        parts = read_semantics(folder / "semantics.txt")
        links = tuple(
            dataclasses.replace(link, part=parts.get(link.name, link.part)) for link in urdf.links
        )
        if all(link.joint is None for link in links):
            raise InputError(
                "bad_urdf", f"{folder} has no movable part", f"take {known.name} out of the list"
            )
        return ObjectModel(
            known.category, f"partnet-{known.name}", links, COLORS["gray"]
        ).normalised()


def read_list(path: Path) -> tuple[Listed, ...]:
    """A list of objects.

    Raises:
      InputError: it is missing or empty, a line is wrong, or a category is unknown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "missing_file", f"cannot read the list {path}: {error}", _LIST_FIX
        ) from error
    found: list[Listed] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) not in (2, 3) or (len(words) == 3 and words[2] not in ("train", "test")):
            raise InputError("bad_record", f"{path}, line {number}: {line.strip()!r}", _LIST_FIX)
        if Path(words[0]).name != words[0]:
            raise InputError(
                "bad_record", f"{path}, line {number}: {words[0]!r} is no id", _LIST_FIX
            )
        category = find_category(words[1])
        count = counts[category.name] = counts.get(category.name, 0) + 1
        held = not category.seen or count % _HELD_OUT == 0
        split = words[2] if len(words) == 3 else "test" if held else "train"
        found.append(Listed(words[0], category.name, split))
    if not found:
        raise InputError("bad_record", f"the list {path} is empty", _LIST_FIX)
    return tuple(found)


def read_semantics(path: Path) -> dict[str, str]:
    """semantics.txt: link name -> part name, such as "translation tray"; empty without a file."""
    if not path.is_file():
        return {}
    parts = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) >= 3:
            parts[words[0]] = words[2].replace("_", " ")
    return parts


def load_mesh(sapien: Any, path: Path) -> Mesh:
    """A mesh file's triangles, read by SAPIEN (obj, stl, ply, dae, glb).

    Raises:
      InputError: it cannot be read, or is empty.
    """
    try:
        parts = sapien.render.RenderShapeTriangleMesh(str(path)).parts
        meshes = [
            Mesh(
                np.asarray(part.get_vertices(), np.float64),
                np.asarray(part.get_triangles(), np.int64),
                np.asarray(part.get_vertex_normal(), np.float64),
            )
            for part in parts
        ]
    except RuntimeError as error:
        raise InputError(
            "bad_mesh", f"cannot read the mesh {path}: {error}", "download the object again"
        ) from error
    if not meshes or not any(len(mesh.triangles) for mesh in meshes):
        raise InputError("bad_mesh", f"the mesh {path} is empty", "download the object again")
    return merge(meshes)


EMBEDDED = Embedded()
