# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Mesh files that an object's URDF names: where they are, and what is in them.

PartNet-Mobility names meshes that never existed, because in PartNet they have no faces; its
maintainers say to ignore those. So a mesh without faces is told from a broken file.
"""

from __future__ import annotations

import posixpath
import re
import struct
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, below
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.utils.untrusted_text import is_lfs_pointer, lfs_pointer, read_bytes
from robomamba_jax.world.objects.meshes import Mesh, merge

MAX_BYTES = 2**29
EMPTY = "empty_mesh"
"""The kind of the error of a mesh without faces."""

_FIX = "download the object again"
_SCHEME = re.compile(r"(?:package|model)://")
# Statements of a Wavefront file; http://paulbourke.net/dataformats/obj/
_OBJ = frozenset(
    ("v", "vt", "vn", "vp", "g", "o", "s", "l", "p", "f", "mg", "usemtl", "mtllib", "usemap")
)


def find_mesh(folder: Path, name: str, allowed: AllowedRoots = NO_ROOTS) -> tuple[Path | None, str]:
    """A mesh file of an object.

    Args:
      folder: the URDF file's.
      name: as the URDF has it: "/" or "\\\\" between folders, perhaps with "package://" and a
        package's name before it.
      allowed: where links in the folder may lead.

    Returns:
      The file, None where it is not there; and its name on the disk, where only capitals differ
      (else "").

    Raises:
      InputError: the name leads out of the folder.
    """
    plain = name.replace("\\", "/")
    names = [plain]
    if _SCHEME.match(plain):
        whole = _SCHEME.sub("", plain, count=1)
        # The first folder of package://a/b.obj may be there, or be a package's name alone.
        names = [whole, whole.partition("/")[2]] if "/" in whole else [whole]
    names = [posixpath.normpath(each) for each in names if each]
    for each in names:
        path = _below(folder, each, allowed)
        if is_there(path):
            return path, ""
    for each in names:
        alike = _other_letters(folder, each)
        if alike is not None:
            path = _below(folder, alike, allowed)
            if is_there(path):
                return path, alike
    return None, ""


def is_there(path: Path) -> bool:
    """Whether a regular file is there; not where the file system cannot have such a name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _below(folder: Path, name: str, allowed: AllowedRoots) -> Path:
    try:
        return below(folder, name, allowed)
    except OSError:  # a name that the file system cannot have
        return folder / "\0"  # is_there says no


def _other_letters(folder: Path, name: str) -> str | None:
    """The same name with other capitals, if there is exactly one."""
    here, found = folder, []
    for part in PurePosixPath(name).parts:
        try:
            entries = [entry.name for entry in here.iterdir()]
        except OSError:
            return None
        same = [entry for entry in entries if entry == part]
        same = same or [entry for entry in entries if entry.lower() == part.lower()]
        if len(same) != 1:
            return None
        found.append(same[0])
        here = here / same[0]
    return "/".join(found)


def load_mesh(sapien: Any, path: Path) -> Mesh:
    """A mesh file's triangles, read by SAPIEN (obj, stl, ply, dae, glb).

    Raises:
      InputError: it cannot be read, or (of the kind ``EMPTY``) has no faces.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InputError("bad_mesh", f"the mesh {path} is over {MAX_BYTES:,} bytes", _FIX)
    try:
        parts = sapien.render.RenderShapeTriangleMesh(str(lasting_plain_path(path))).parts
        meshes = [
            Mesh(
                np.asarray(part.get_vertices(), np.float64),
                np.asarray(part.get_triangles(), np.int64),
                np.asarray(part.get_vertex_normal(), np.float64),
            )
            for part in parts
        ]
        trouble = ""
    except RuntimeError as error:
        meshes, trouble = [], " ".join(str(error).split())
    if not any(len(mesh.triangles) for mesh in meshes):
        _check_faceless(path, trouble)
        raise InputError(EMPTY, f"the mesh {path} has no faces", _FIX)
    whole = merge(meshes)
    if not np.all(np.isfinite(whole.vertices)):
        raise InputError("bad_mesh", f"the mesh {path} has corners at no number", _FIX)
    return whole


def _check_faceless(path: Path, trouble: str) -> None:
    """See that a file which gave no triangles is whole, and has none.

    Args:
      path: of the file.
      trouble: what its reader says; "" where it read it.

    Raises:
      InputError: it is a pointer of Git LFS, or broken.
    """
    data = read_bytes(path, MAX_BYTES)
    if is_lfs_pointer(data[:64]):
        raise lfs_pointer(f"the mesh {path}")
    kind, faceless = path.suffix.lower(), not data
    if kind == ".obj":
        words = {
            line.split(None, 1)[0].decode("latin-1") for line in data.splitlines() if line.strip()
        }
        whole = all(word in _OBJ or word.startswith("#") for word in words)
        # A face of two corners is read, and gives no triangle.
        faceless = whole and (not trouble or "f" not in words)
    elif kind == ".stl":
        # A binary STL has a header of 80 bytes and the number of its triangles: here none.
        binary = len(data) == 84 and struct.unpack("<I", data[80:]) == (0,)
        text = data.lstrip().startswith(b"solid") and b"endsolid" in data
        faceless |= binary or (text and b"facet" not in data)
    elif kind == ".ply":
        faceless |= re.search(rb"^element face 0\s*$", data[:10_000], re.MULTILINE) is not None
    if not faceless:
        trouble = trouble or "it is not a mesh of this kind"
        raise InputError("bad_mesh", f"cannot read the mesh {path}: {trouble}", _FIX)
