# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Paths that come out of data files: they stay below the folder that the user gave, or lead by a
link into another one that the user has allowed by name."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from robomamba_jax.errors import InputError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp")


@dataclasses.dataclass(frozen=True)
class AllowedRoots:
    """Folders into which links may lead out of the data's own. Names in records stay below the
    data's folder all the same: neither absolute nor with "..".

    Attributes:
      roots: where they really lie; no links are left in them.
      how_to_allow: how a user allows one more, with {root} for it and {roots} for the whole list.
    """

    roots: tuple[str, ...] = ()
    how_to_allow: str = "allow_roots={roots}"

    @classmethod
    def of(cls, given: Sequence[str], how_to_allow: str) -> AllowedRoots:
        """What a user has allowed.

        Args:
          given: folders; relative ones to the working folder.
          how_to_allow: see above.

        Raises:
          InputError: one of them is not a folder.
        """
        for name in given:
            path = Path(name)
            if not name or "\0" in name or not path.is_dir():
                what = "is not a folder" if name and path.exists() else "is not there"
                fix = "give the folder into which links may lead"
                raise InputError("bad_root", f"the allowed root {name!r} {what}", fix)
        return cls(tuple(os.path.realpath(name) for name in given), how_to_allow)

    def hold(self, real: str) -> bool:
        """Whether a path without links is one of the folders, or below one."""
        return any(_is_below(real, root) for root in self.roots)

    def fix(self, folder: str) -> str:
        """How to allow one folder more; ``--set`` replaces a list, so what it has stays in it."""
        whole = json.dumps([*self.roots, folder], ensure_ascii=False)
        how = self.how_to_allow.format(root=shlex.quote(folder), roots=shlex.quote(whole))
        return f"if that is meant, allow it: {how}"


NO_ROOTS = AllowedRoots()


def below(root: Path, name: object, allowed: AllowedRoots = NO_ROOTS) -> Path:
    """``root / name``, checked: relative, without "..", not through a link to anywhere else.

    Args:
      root: the folder.
      name: as a data file has it; forward slashes.
      allowed: where links may lead beside ``root``.

    Raises:
      InputError: it is no such name. Whether the file exists is not asked.
    """
    path = _named(root, name)
    inside(root, path, name, allowed)
    return path


def inside(root: Path, path: Path, name: object, allowed: AllowedRoots = NO_ROOTS) -> Path:
    """Where a path below a folder really lies.

    Nothing is remembered from one look to the next, since a link can be replaced in between. Who
    opens what comes back opens what was checked.

    Args:
      root: the folder.
      path: ``root`` and some names behind it, without "..".
      name: of the record, for messages.
      allowed: where links may lead beside ``root``.

    Returns:
      ``path`` itself where no link is on the way, else a path without links.

    Raises:
      InputError: a link leads elsewhere.
    """
    # Most names have no link, and realpath asks the system for every folder on the path.
    links = _links(root, path)
    if not links:
        return path
    # Both resolved: the root may be a link itself, and a link to the root's real folder is fine.
    own, real = os.path.realpath(root), os.path.realpath(path)
    if _is_below(real, own) or allowed.hold(real):
        return Path(real)
    # The first link that leads out, and the folder that would have to be allowed.
    found = next((x for x in links if not _is_below(os.path.realpath(x), own)), links[-1])
    target = os.path.realpath(found)
    folder = _folder_of(target)
    if not _is_below(real, folder):  # a further link, inside of where the first one leads
        folder = _folder_of(real)
    raise InputError(
        "bad_path",
        f"{repr(name)[:200]} leads out of the data's folder by a link: {str(found)!r} goes to "
        f"{target!r}" + ("" if _is_below(real, target) else f", and on to {real!r}"),
        allowed.fix(folder),
    )


def find_image(
    root: Path,
    name: object,
    folders: tuple[str, ...] = ("",),
    allowed: AllowedRoots = NO_ROOTS,
) -> Path:
    """An image of a data set, in one of the places where users extract archives.

    The name as it stands comes first in every folder; then the same name with another
    image's ending, since one archive holds what another calls .jpg as .gif or .png.

    Args:
      root: the data set's folder.
      name: as the record has it.
      folders: below ``root``, in the order of search.
      allowed: where links may lead beside ``root``.

    Returns:
      The file, without links on the way to it, see :func:`inside`.

    Raises:
      InputError: the name is refused, or no such image is there.
    """
    _named(root, name)

    def named() -> Iterator[Path]:
        """Where the image may lie, by its own name."""
        return (_named(root, f"{folder}/{name}" if folder else name) for folder in folders)

    # All folders by the given name first, then other endings: an exact name wins wherever it lies.
    others = (path.with_suffix(suffix) for path in named() for suffix in _SUFFIXES)
    for path in itertools.chain(named(), others):
        if _is_file(path, name):
            return inside(root, path, name, allowed)
    for link in (link for path in named() for link in _links(root, path)):
        if not link.exists():
            raise InputError(
                "missing_image",
                f"image {str(name)[:200]!r} lies behind the link {str(link)!r}, which leads to "
                f"{os.path.realpath(link)!r}: nothing is there",
                "put the images there, or fix the link",
            )
    raise InputError(
        "missing_image",
        f"image {str(name)[:200]!r} is not below {root}",
        "extract the images there, or give another root "
        "(data.sources.N.root in a configuration, --root of data inspect)",
    )


def check_name(name: object) -> None:
    """Whether an image of a data set may be called so; whether it is there is not asked.

    Raises:
      InputError: it may not.
    """
    _named(Path(), name)


def _named(root: Path, name: object) -> Path:
    """``root / name``, its letters checked; where links lead is not asked."""
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 1000:
        raise _refused(name, "is not a file name")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half of a surrogate pair
        raise _refused(name, "is not a file name") from None
    parts = PurePosixPath(name).parts
    if not parts:
        raise _refused(name, "is not a file name")
    # Names come from data files, which somebody else wrote: none may reach out of the folder. A
    # backslash and "C:" are refused on every system, so that a data set is valid everywhere or
    # nowhere.
    if name.startswith(("/", "~")) or "\\" in name or ":" in parts[0] or ".." in parts:
        raise _refused(name, "leaves the data's folder")
    return root.joinpath(*parts)


def _links(root: Path, path: Path) -> list[Path]:
    """The links on the way from a folder to a path below it; the folder itself may be one."""
    steps = [path, *path.parents][: len(path.parts) - len(root.parts)]
    # Unlike Path.is_symlink, false of a name that is longer than names of files may be.
    return [step for step in reversed(steps) if os.path.islink(step)]  # noqa: PTH114


def _folder_of(real: str) -> str:
    path = Path(real)
    return real if path.is_dir() else str(path.parent)


def _is_below(real: str, folder: str) -> bool:
    """Of paths without links: /data/coco2 is not below /data/coco, and all are below /."""
    return real == folder or real.startswith(folder.rstrip(os.sep) + os.sep)


def _is_file(path: Path, name: object) -> bool:
    try:
        return path.is_file()
    except PermissionError as error:
        what = f"image {str(name)[:200]!r} cannot be looked for: {path.parent}: {error.strerror}"
        raise InputError("missing_image", what, "allow reading there") from error
    except OSError:  # such as a name that is longer than names of files may be
        return False


def _refused(name: object, what: str) -> InputError:
    shown = repr(name)[:200]
    return InputError("bad_path", f"{shown} {what}", "fix the record: a relative path below root")
