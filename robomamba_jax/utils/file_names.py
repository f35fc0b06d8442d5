# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Names that users give: patterns, names that no library misreads, and names beside them.

A file's name may hold every character but "/" and NUL, in 255 bytes, UTF-8 or not. Libraries read
"*", "[1]", "file[0:9]", "gs:" or "%03d" as more than letters, and some take UTF-8 alone: whatever
hands a user's path to one of them does so here.
"""

from __future__ import annotations

import atexit
import contextlib
import fnmatch
import functools
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from robomamba_jax.errors import InputError

MAX_NAME_BYTES = 255
# What every library takes as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]*")
_WILD = re.compile(r"[*?[]")
_MANY = 2**17  # of folders below a "**": more are an error, not an hour's search


def find_files(
    pattern: str | os.PathLike[str],
    root: str | os.PathLike[str] = "",
    *,
    missing: str = "does not exist",
    fix: str = "correct the path or pattern",
) -> list[Path]:
    """The files and folders that a path or a pattern names, in the order of their names.

    Each part of the path that exists by its very name is that name: only a part which does not is
    a pattern ("*", "?", "[...]", and "**" for a folder and all below it). So ``tf[1]/train*`` looks
    into a folder called "tf[1]", if there is one.

    Args:
      pattern: of the files.
      root: the folder in which a relative one begins; never a pattern itself.
      missing: the error's words for what is not there.
      fix: the error's fix.

    Raises:
      InputError: there are none; it says where the search ended. Or a folder cannot be read.
    """
    path = Path(pattern)
    whole = Path(root) / path
    parts = path.parts[1:] if path.anchor else path.parts
    found = [Path(path.anchor) if path.anchor else Path(root)]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        inside = [below for folder in found for below in _named(folder, part, last=last)]
        if not inside:
            what = f"{whole} {missing}"
            if len(parts) > 1 or _WILD.search(part):
                what += f": {_why(found, part)}"
            raise InputError("missing_file", what, fix)
        found = inside
    if not parts and not os.path.lexists(found[0]):
        raise InputError("missing_file", f"{whole} {missing}", fix)
    return sorted(found, key=str)


def _named(folder: Path, part: str, *, last: bool) -> list[Path]:
    """What a part of a pattern, maybe its last one, names in a folder."""
    exact = folder / part
    if os.path.lexists(exact):
        return [exact]
    if not _WILD.search(part) or not _is_dir(folder):
        return []
    if part == "**":
        return _all_below(folder, files=last)
    fits = re.compile(fnmatch.translate(part)).match
    names = [name for name in _listed(folder) if fits(name)]
    # As in a shell, a hidden name is named by a pattern that begins with its dot.
    return [folder / name for name in names if part[0] == "." or name[0] != "."]


def _is_dir(path: Path) -> bool:
    """Whether it is a folder; not, where the system cannot say so."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise InputError(
            "unreadable_file",
            f"{folder} cannot be searched: {error.strerror}",
            "change its permissions",
        ) from error


def _all_below(folder: Path, *, files: bool) -> list[Path]:
    """A folder and all folders below it, those that links lead to once; or the files in them."""
    found: list[Path] = []
    seen, waiting = set(), [folder]
    while waiting:
        here = waiting.pop()
        about = here.stat()
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        if len(seen) > _MANY:
            what = f"{folder}/** has over {_MANY:,} folders"
            raise InputError("too_many_files", what, "name the folders that are meant")
        inside = [here / name for name in _listed(here) if not name.startswith(".")]
        found += [path for path in inside if path.is_file()] if files else [here]
        waiting += [path for path in inside if _is_dir(path)]
    return found


def _why(folders: list[Path], part: str) -> str:
    """Why a part of a path names nothing in some folders."""
    first = str(folders[0])
    if not _is_dir(folders[0]):
        return f"{first} is not a folder"
    where = first if len(folders) == 1 else f"{first} and {len(folders) - 1:,} folders more"
    return f"nothing in {where} {'matches' if _WILD.search(part) else 'is called'} {part!r}"


def fitting(name: str, end: str = "", *, most: int = MAX_NAME_BYTES) -> str:
    """A file's name with an ending, cut where it would be longer than a name can be.

    Args:
      name: of the file; one that is cut keeps its beginning, and a hash of all of it.
      end: what it must end with, such as "_pose.png".
      most: bytes of the result.
    """
    whole = os.fsencode(name + end)
    if len(whole) <= most:
        return name + end
    mark = f"-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}{end}"
    kept = name[:most]
    while len(os.fsencode(kept + mark)) > most:
        kept = kept[:-1]
    return kept + mark


def beside(path: Path, end: str) -> Path:
    """The path of an unfinished file in the same folder: its name and ``end``, where that fits."""
    return path.with_name(fitting(path.name, end))


@contextlib.contextmanager
def plain_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """An absolute path of ASCII letters, digits and "_.-" by which any library finds a file.

    A path of other characters is reached by a link to its folder (to itself, where its own name
    has such, too), which is there while the context lasts and lies where temporary files do. Each
    process has one of its own.

    Args:
      path: of a file or folder, which need not be there yet.

    Raises:
      InputError: there is no place for a link.
    """
    target = Path(path).absolute()
    if _PLAIN.fullmatch(str(target)):
        yield target
        return
    folder = Path(tempfile.mkdtemp(prefix="robomamba-", dir=_place()))
    try:
        yield _linked(folder, target)
    finally:
        _remove(folder, os.getpid())


def lasting_plain_path(path: str | os.PathLike[str]) -> Path:
    """As :func:`plain_path`, for readers that stay open: the link goes when the process ends."""
    target = Path(path).absolute()
    return target if _PLAIN.fullmatch(str(target)) else _linked(_own(os.getpid()), target)


def _linked(folder: Path, target: Path) -> Path:
    """The plain path of a target by a link in ``folder``, where there may be one already."""
    name = target.name if _PLAIN.fullmatch(target.name) else ""
    suffix = target.suffix if _PLAIN.fullmatch(target.suffix) and not name else ""
    to = target.parent if name else target
    link = folder / f"{hashlib.sha256(os.fsencode(to)).hexdigest()[:16]}{suffix}"
    try:
        folder.mkdir(exist_ok=True)  # what cleans temporary folders may have taken it
        if not os.path.lexists(link):
            link.symlink_to(to)
    except OSError as error:
        what = f"{target}: no link to it can be made in {folder}: {error.strerror}"
        raise InputError("cannot_write", what, "free some space there, or set TMPDIR") from error
    return link / name if name else link


@functools.cache
def _own(process: int) -> Path:
    """This process's folder of links; a forked one has another."""
    folder = Path(tempfile.mkdtemp(prefix="robomamba-", dir=_place()))
    atexit.register(_remove, folder, process)
    return folder


def _place() -> str:
    """Where temporary files go, if its path is plain, else where they usually go."""
    places = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")
    for place in places:
        if _PLAIN.fullmatch(place) and os.access(place, os.W_OK | os.X_OK):
            return place
    raise InputError(
        "cannot_write", f"{places[0]} is no place for links", "set TMPDIR to a folder of plain name"
    )


def _remove(folder: Path, process: int) -> None:
    """Remove a folder of links that this process has made."""
    if os.getpid() != process:
        return
    with contextlib.suppress(OSError):
        for link in folder.iterdir():
            link.unlink()
        folder.rmdir()
