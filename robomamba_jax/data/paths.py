# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Paths that come out of data files: they stay below the folder that the user gave."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from robomamba_jax.errors import InputError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp")


def below(root: Path, name: object) -> Path:
    """``root / name``, checked: relative, without "..", not through a link out of ``root``.

    Args:
      root: the folder.
      name: as a data file has it; forward slashes.

    Raises:
      InputError: it is no such name. Whether the file exists is not asked.
    """
    path = _named(root, name)
    _check_inside(root, path, name)
    return path


def check_name(name: object) -> None:
    """Whether an image of a data set may be called so; whether it is there is not asked.

    Raises:
      InputError: it may not.
    """
    _named(Path(), name)


def _named(root: Path, name: object) -> Path:
    """``root / name``, its letters checked; where links lead is not asked."""
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 1000:
        raise _refused(name, "is no file name")
    parts = PurePosixPath(name).parts
    if not parts:
        raise _refused(name, "is no file name")
    if name.startswith(("/", "~")) or "\\" in name or ":" in parts[0] or ".." in parts:
        raise _refused(name, "leaves the data's folder")
    return root.joinpath(*parts)


def _check_inside(root: Path, path: Path, name: object) -> None:
    """Links inside the folder are fine, as data sets are often put together by them; what counts
    is where the path leads in the end."""
    folder = _real_folder(path.parent)
    real = os.path.realpath(path) if path.is_symlink() else f"{folder}{os.sep}{path.name}"
    if not real.startswith(_real_folder(root).rstrip(os.sep) + os.sep):
        raise _refused(name, "leads out of the data's folder by a link")


@functools.lru_cache(maxsize=1024)
def _real_folder(folder: Path) -> str:
    """Where a folder is in the end; asked once per folder, not once per image."""
    return os.path.realpath(folder)


def find_image(root: Path, name: object, folders: tuple[str, ...] = ("",)) -> Path:
    """An image of a data set, in one of the places where users extract archives.

    The name as it stands comes first in every folder; then the same name with another
    image's ending, since one archive holds what another calls .jpg as .gif or .png.

    Args:
      root: the data set's folder.
      name: as the record has it.
      folders: below ``root``, in the order of search.

    Raises:
      InputError: the name is refused, or no such image is there.
    """

    def named() -> Iterator[Path]:
        return (_named(root, f"{folder}/{name}" if folder else name) for folder in folders)

    others = (path.with_suffix(suffix) for path in named() for suffix in _SUFFIXES)
    for path in itertools.chain(named(), others):
        if path.is_file():
            _check_inside(root, path, name)
            return path
    raise InputError(
        "missing_image",
        f"image {str(name)[:200]!r} is not below {root}",
        "extract the images there, or give another root "
        "(data.sources.N.root in a configuration, --root of data inspect)",
    )


def _refused(name: object, what: str) -> InputError:
    shown = repr(name)[:200]
    return InputError("bad_path", f"{shown} {what}", "mend the record: a relative path below root")
