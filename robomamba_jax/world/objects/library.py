# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where objects come from: the embedded catalogue, or a user's own PartNet-Mobility download."""

from __future__ import annotations

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any, Protocol

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.data import ON_ERROR
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots
from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import read_text
from robomamba_jax.world.objects import assemblies, plain_things
from robomamba_jax.world.objects.catalog import INSTANCES, make_object
from robomamba_jax.world.objects.categories import CATEGORIES, choose_categories, find_category
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.mesh_files import is_there, load_mesh
from robomamba_jax.world.objects.model import ObjectModel
from robomamba_jax.world.objects.object_lists import Listed, lines_of, read_list, read_listing
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.objects.urdf import read_urdf

__all__ = ["EMBEDDED", "Embedded", "Library", "Listed", "PartNet", "Remarks", "read_list"]

_STILL = "no_movable_part"
_SHOWN = 5  # of the folders that are not there


@dataclasses.dataclass(frozen=True)
class Remarks:
    """What there is to say of objects.

    Attributes:
      notes: what had to be assumed, one line each.
      left_out: what was left out: name, number of objects, and reason.
    """

    notes: tuple[str, ...] = ()
    left_out: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, list[Any]]:
        """As in the commands' JSON."""
        return {"notes": list(self.notes), "left_out": list(self.left_out)}


class Library(Protocol):
    """Objects by category."""

    def categories(self, names: list[str] | None, split: str) -> tuple[str, ...]:
        """Those of the names (None = all) that a split may use; InputError for others."""
        ...

    def draw(self, category: str, split: str, rng: Rng) -> ObjectModel:
        """One object of a category."""
        ...

    def remarks(self) -> Remarks:
        """What there is to say of the list, and of the objects drawn since this was last asked."""
        ...


class Embedded:
    """The parametric objects of ``world.objects.catalog``, assemblies and plain things."""

    def categories(self, names: list[str] | None, split: str) -> tuple[str, ...]:
        """The paper's thirty, the unseen ones in the test split alone; and, where they are named,
        assemblies and plain things, in all splits but that."""
        return choose_categories(names, split)

    def draw(self, category: str, split: str, rng: Rng) -> ObjectModel:
        """One of the split's numbered objects.

        Raises:
          InputError: the split has none of the category.
        """
        if category == assemblies.CATEGORY:
            # A split without assemblies has none numbered 0 either, which is said.
            most = assemblies.INSTANCES.get(split, 1) - 1
            return assemblies.make_assembly(split, rng.integer(0, most))
        if category == plain_things.CATEGORY:
            return plain_things.draw_plain(rng, split)
        return make_object(category, split, rng.integer(0, INSTANCES[split] - 1))

    def remarks(self) -> Remarks:
        """Nothing."""
        return Remarks()


class PartNet:
    """A folder of PartNet-Mobility objects: ``<id>/mobility.urdf`` and ``semantics.txt``.

    An object in which nothing can move is left out, and another one drawn.

    Attributes:
      notes: what had to be assumed of the list and of the objects that were read so far.
    """

    def __init__(
        self,
        sapien: Any,
        root: Path,
        listing: Path,
        on_error: str = "raise",
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Read the list; objects are read when they are drawn.

        Args:
          sapien: the module, which reads mesh files.
          root: the folder of the objects' folders.
          listing: see ``object_lists``; with "train" or "test" behind a line or without. The
            list decides the category: the folders' own meta.json is known to err.
          on_error: "skip": objects that are not there or broken are left out, too.
          allowed: where links in an object's folder may lead.

        Raises:
          InputError: the list is missing or wrong, or an object's folder is not there.
        """
        one_of("on_error", on_error, ON_ERROR)
        self._sapien, self._root, self._allowed = sapien, root, allowed
        self._skip = on_error == "skip"
        known = read_listing(listing)
        self.notes: list[str] = list(known.notes)
        self._bad: dict[str, InputError] = {}
        self._notes_of: dict[str, tuple[str, ...]] = {}
        self._drawn: dict[str, None] = {}
        missing = [one for one in known.objects if not is_there(self._urdf(one))]
        if missing and (not self._skip or len(missing) == len(known.objects)):
            raise _not_there(root, listing, missing, len(known.objects))
        gone = {one.name for one in missing}
        self._objects = tuple(one for one in known.objects if one.name not in gone)
        absent = tuple(
            {"name": one.name, "objects": 1, "reason": f"{root / one.name} has no mobility.urdf"}
            for one in missing
        )
        self._list_remarks = Remarks(known.notes, (*known.left_out, *absent))

    def _urdf(self, known: Listed) -> Path:
        return self._root / known.name / "mobility.urdf"

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

    def draw(self, category: str, split: str, rng: Rng) -> ObjectModel:
        """One of the list's objects.

        Raises:
          InputError: it is broken; or none of them can be used.
        """
        chosen = [k for k in self._objects if (k.category, k.split) == (category, split)]
        last = "there is none"
        while chosen:
            # Which one comes next depends on the numbers drawn, not on what was read before.
            known = rng.choice(chosen)
            self._drawn[known.name] = None
            try:
                if known.name in self._bad:
                    raise self._bad[known.name]
                return self.load(known)
            except InputError as error:
                # PartNet-Mobility has objects in which nothing moves: no reason to stop, whatever
                # on_error says.
                if error.kind != _STILL and not self._skip:
                    raise
                self._bad[known.name] = error
                chosen.remove(known)
                last = error.message
        raise InputError(
            "no_object",
            f"no {split} object of {category} can be used: {last}",
            f"list others, or leave {category} out with --categories",
        )

    @functools.lru_cache(maxsize=64)  # noqa: B019 - one library lives as long as its process
    def load(self, known: Listed) -> ObjectModel:
        """Read an object.

        Raises:
          InputError: it is broken, or nothing of it can move.
        """
        folder = self._root / known.name
        mesh = functools.partial(load_mesh, self._sapien)
        urdf = read_urdf(self._urdf(known), mesh, self._allowed)
        parts, unread = _part_names(folder / "semantics.txt")
        notes = (*urdf.notes, *unread)
        # The cache forgets objects, which are then read again; their notes are said once.
        if known.name not in self._notes_of:
            self.notes += notes
        self._notes_of[known.name] = notes
        links = tuple(
            dataclasses.replace(link, part=parts.get(link.name, link.part)) for link in urdf.links
        )
        if all(link.joint is None for link in links):
            raise InputError(
                _STILL, f"{folder} has no movable part", f"take {known.name} out of the list"
            )
        model = ObjectModel(known.category, f"partnet-{known.name}", links, COLORS["gray"])
        # It is divided by its diagonal next: that must be there, and finite.
        low, high = model.bounds()
        if not 0 < math.hypot(*(high - low)) < math.inf:
            raise InputError("bad_urdf", f"{folder} has no size", "download the object again")
        return model.normalised()

    def remarks(self) -> Remarks:
        """What there is to say of the list, and of the objects drawn since this was last asked."""
        drawn, self._drawn = sorted(self._drawn), {}
        notes = [note for name in drawn for note in self._notes_of.get(name, ())]
        bad = [
            {"name": name, "objects": 1, "reason": self._bad[name].message}
            for name in drawn
            if name in self._bad
        ]
        return Remarks((*self._list_remarks.notes, *notes), (*self._list_remarks.left_out, *bad))


def _not_there(root: Path, listing: Path, missing: list[Listed], total: int) -> InputError:
    """The error of a list whose objects are not all there."""
    first = missing[0]
    if len(missing) == 1:
        what = f"{root / first.name} has no mobility.urdf ({listing}, line {first.line})"
        fix = f"download object {first.name}, or take it out of {listing}"
    else:
        shown = ", ".join(f"{one.name} (line {one.line})" for one in missing[:_SHOWN])
        more = ", ..." if len(missing) > _SHOWN else ""
        what = (
            f"{len(missing):,} of the {total:,} objects of {listing} have no mobility.urdf below "
        )
        what += f"{root}: {shown}{more}"
        fix = "download them, or take them out of the list"
    if len(missing) == total:
        fix += f"; or give the folder that holds {first.name}/mobility.urdf as --assets"
        return InputError("missing_file", what, fix)
    return InputError("missing_file", what, f"{fix}; or --on-error skip")


def _part_names(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """semantics.txt: link name -> part name, such as "translation tray"; empty without a file, and
    with a note where it is no text: names are of use, and not needed."""
    if not path.is_file():
        return {}, ()
    try:
        text = read_text(path)
    except InputError as error:
        return {}, (f"{error.message}: its parts are called as their links are",)
    parts = {}
    for line in lines_of(text):
        words = line.split()
        if len(words) >= 3:
            parts[words[0]] = words[2].replace("_", " ")
    return parts, ()


EMBEDDED = Embedded()
