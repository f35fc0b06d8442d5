# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""URDF files: links, joints and meshes as an ``ObjectModel``.

http://wiki.ros.org/urdf/XML. Fixed joints are melted into their parents. Nothing outside the
file's own folder is opened, but for what its links lead to where that is allowed. What data sets
are known to have wrong is noted and gone on with: meshes that never existed, joints that cannot
move; what cannot be meant is an error.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.mesh_files import EMPTY, find_mesh
from robomamba_jax.world.objects.meshes import Mesh, box, cylinder, ellipsoid, rotation
from robomamba_jax.world.objects.model import Joint, Link, MeshFile, Solid
from robomamba_jax.world.objects.urdf_xml import (
    FIX,
    attribute,
    bad,
    number,
    numbers,
    parse_xml,
    pose_of,
    scale_of,
)

Array = npt.NDArray[np.float64]
LoadMesh = Callable[[Path], Mesh]

MAX_LINKS = 1000
# A continuous joint turns as far as one likes; ManipLLM takes +-10.
TURNS = 10.0
SLIDES = 1.0
_KINDS = {
    "revolute": "revolute",
    "continuous": "revolute",
    "prismatic": "prismatic",
    "fixed": "fixed",
    "floating": "fixed",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Urdf:
    """What a file says, every link in the root's frame with all joints at 0.

    Attributes:
      links: the base first, parents before children.
      notes: what had to be assumed, one line each.
    """

    links: tuple[Link, ...]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Edge:
    name: str
    kind: str
    parent: str
    child: str
    pose: Array
    axis: Array
    limits: tuple[float, float]


class _Meshes:
    """The mesh files of one URDF, and what is said of them.

    Attributes:
      path: the URDF file.
      notes: what had to be assumed.
    """

    def __init__(
        self, path: Path, load_mesh: LoadMesh, allowed: AllowedRoots, notes: list[str]
    ) -> None:
        self.path, self.notes = path, notes
        self._load, self._allowed = load_mesh, allowed
        self._named = 0
        self._lost: list[tuple[str, str]] = []

    def read(self, name: str, link: str) -> tuple[Path, Mesh] | None:
        """A mesh and its file; None, and a note, where there is none or it has no faces."""
        self._named += 1
        try:
            file, other = find_mesh(self.path.parent, name, self._allowed)
        except InputError as error:
            what = f"{self.path}: link {link}: the mesh {error.message}"
            raise InputError(error.kind, what, FIX) from error
        if file is None:
            self._lose(name, link, "is not there")
            return None
        if other:
            self.notes.append(f"{self.path}: link {link}: the mesh {name} is taken to be {other}")
        try:
            return file, self._load(file)
        except InputError as error:
            if error.kind != EMPTY:
                what = f"{self.path}: link {link}: {error.message}"
                raise InputError(error.kind, what, error.fix) from error
            self._lose(name, link, "has no faces")
            return None

    def _lose(self, name: str, link: str, why: str) -> None:
        self._lost.append((name, why))
        self.notes.append(f"{self.path}: link {link}: the mesh {name} {why}: left out")

    def check(self) -> None:
        """See that some mesh could be read, if any is named: a data set lacks a few, a broken
        download all; InputError otherwise."""
        if self._lost and len(self._lost) == self._named:
            name, why = self._lost[0]
            others = f", nor can any other of its {self._named} meshes be used"
            raise InputError(
                "missing_file",
                f"{self.path} names the mesh {name}, which {why}{others * (self._named > 1)}",
                "download the object again, with its textured_objs folder",
            )


def read_urdf(path: Path, load_mesh: LoadMesh, allowed: AllowedRoots = NO_ROOTS) -> Urdf:
    """Read a file.

    Args:
      path: the .urdf file.
      load_mesh: reads one mesh file.
      allowed: where links below the file's own folder may lead.

    Raises:
      InputError: it is missing, broken, or needs something that we have not; in one line.
    """
    root = parse_xml(path)
    bodies = _bodies(root, path)
    notes: list[str] = []
    meshes = _Meshes(path, load_mesh, allowed, notes)
    edges = [_edge(joint, path, notes) for joint in root.findall("joint")]
    order = _order(path, list(bodies), edges)
    poses: dict[str, Array] = {}
    pieces: dict[str, list[Solid]] = {}
    for name, edge in order:
        # A link's frame is given in its parent's, at the joint; all are brought into the root's.
        poses[name] = np.eye(4) if edge is None else poses[edge.parent] @ edge.pose
        pieces[name] = _solids(bodies[name], name, poses[name], meshes)
    meshes.check()
    if not any(pieces.values()):
        raise bad(path, "it has nothing to see")
    moving = _moving(order, pieces, path, notes)
    indices: dict[str, int] = {}  # of the link that a body has become, or is a piece of
    links: list[Link] = []
    solids: list[list[Solid]] = []
    for name, edge in order:
        # A link that does not move against its parent becomes a piece of what carries it.
        if edge is not None and name not in moving:
            indices[name] = indices[edge.parent]
            solids[indices[name]] += pieces[name]
            continue
        joint = None if edge is None else _joint(edge, poses[name])
        parent = -1 if edge is None else indices[edge.parent]
        indices[name] = len(links)
        links.append(Link(name, name, parent, joint, (), _rest(joint)))
        solids.append(pieces[name])
    whole = tuple(
        dataclasses.replace(link, solids=tuple(pieces))
        for link, pieces in zip(links, solids, strict=True)
    )
    return Urdf(whole, tuple(notes))


def _bodies(root: ET.Element, path: Path) -> dict[str, ET.Element]:
    """The links by their names."""
    links = root.findall("link")
    names = [attribute(link, "name", path) for link in links]
    if not names or len(names) > MAX_LINKS or len(set(names)) != len(names):
        twice = next((name for name in names if names.count(name) > 1), None)
        more = "" if twice is None else f": {twice!r} is there {names.count(twice)} times"
        raise bad(
            path, f"it has {len(names)} links, {len(set(names))} of them with own names{more}"
        )
    return dict(zip(names, links, strict=True))


def _moving(
    order: list[tuple[str, _Edge | None]],
    pieces: dict[str, list[Solid]],
    path: Path,
    notes: list[str],
) -> set[str]:
    """The links whose joint moves something that can be seen and touched.

    A link without a mesh may carry others: PartNet-Mobility's "helpers" do, which turn a cap that
    slides on them.
    """
    filled: set[str] = set()
    # From the leaves up: a link counts as filled if anything that it carries has a mesh.
    for name, edge in reversed(order):
        if pieces[name] or name in filled:
            filled.add(name)
            if edge is not None:
                filled.add(edge.parent)
    for name, edge in order:
        if edge is not None and edge.kind != "fixed" and name not in filled:
            what = f"{path}: joint {edge.name} moves link {name}, which has no mesh"
            notes.append(f"{what}: taken as fixed")
    return {name for name, edge in order if edge and edge.kind != "fixed" and name in filled}


def _rest(joint: Joint | None) -> float:
    """PartNet-Mobility's joints are shut at their lower end; those that go both ways, at 0."""
    if joint is None:
        return 0.0
    return 0.0 if joint.lower < 0 < joint.upper else joint.lower


def _order(path: Path, names: list[str], edges: list[_Edge]) -> list[tuple[str, _Edge | None]]:
    """Links from the root down, each with the joint above it."""
    above: dict[str, _Edge] = {}
    for edge in edges:
        for end in (edge.parent, edge.child):
            if end not in names:
                raise bad(path, f"joint {edge.name} names a link {end!r} that is not there")
        if edge.child in above:
            raise bad(path, f"link {edge.child} hangs on two joints")
        above[edge.child] = edge
    roots = [name for name in names if name not in above]
    if len(roots) != 1:
        raise bad(path, f"it has {len(roots)} root links: {', '.join(roots[:4]) or 'a circle'}")
    order: list[tuple[str, _Edge | None]] = [(roots[0], None)]
    for name, _ in order:  # grows while it is walked
        order += [(edge.child, edge) for edge in edges if edge.parent == name]
    if len(order) != len(names):
        raise bad(path, "its links form a circle")
    return order


def _edge(joint: ET.Element, path: Path, notes: list[str]) -> _Edge:
    name, kind = attribute(joint, "name", path), attribute(joint, "type", path)
    if kind not in _KINDS:
        raise bad(path, f"joint {name} is of the type {kind!r}; known: {', '.join(_KINDS)}")
    ends = [joint.find(tag) for tag in ("parent", "child")]
    if any(end is None for end in ends):
        raise bad(path, f"joint {name} lacks its parent or its child")
    parent, child = (attribute(end, "link", path) for end in ends if end is not None)
    pose = pose_of(joint.find("origin"), path)
    if _KINDS[kind] == "fixed":
        if kind != "fixed":
            notes.append(f"{path}: joint {name} is {kind}: taken as fixed")
        return _Edge(name, "fixed", parent, child, pose, np.array([1.0, 0, 0]), (0.0, 0.0))
    axis_tag = joint.find("axis")
    axis = np.array([1.0, 0, 0]) if axis_tag is None else numbers(axis_tag, "xyz", path)
    length = float(np.linalg.norm(axis))
    if length < 1e-6:
        raise bad(path, f"joint {name} has an axis without length")
    axis = axis / length
    limits = _limits(joint, name, kind, path, notes)
    if limits[0] < limits[1]:
        return _Edge(name, _KINDS[kind], parent, child, pose, axis, limits)
    notes.append(f"{path}: joint {name} cannot move from {limits[0]:g}: taken as fixed")
    # Where the joint stands goes into the pose: without a range it is only a bent connection.
    held = np.eye(4)
    if kind == "prismatic":
        held[:3, 3] = limits[0] * axis
    else:
        held[:3, :3] = rotation(axis, limits[0])
    return _Edge(name, "fixed", parent, child, pose @ held, axis, limits)


def _limits(
    joint: ET.Element, name: str, kind: str, path: Path, notes: list[str]
) -> tuple[float, float]:
    """A joint's range; without ends it gets some, which is noted. Ends in the other order are
    noted, too."""
    reach = SLIDES if kind == "prismatic" else TURNS
    tag = joint.find("limit")
    ends = [-math.inf, math.inf]
    if tag is not None and kind != "continuous":
        for k, end in enumerate(("lower", "upper")):
            text = tag.get(end)
            try:
                ends[k] = ends[k] if text is None else float(text)
            except ValueError as error:
                raise bad(path, f"joint {name} has the {end} limit {text!r}") from error
    # "a == b in c" is "a == b and b in c": both ends at the same infinity.
    if math.isnan(ends[0]) or math.isnan(ends[1]) or ends[0] == ends[1] in (-math.inf, math.inf):
        raise bad(path, f"joint {name} has the limits {ends[0]:g} and {ends[1]:g}")
    unit = "m" if kind == "prismatic" else "rad"
    if ends[0] > ends[1]:
        ends.reverse()
        notes.append(
            f"{path}: joint {name} has the limits {ends[1]:g} and {ends[0]:g}, the lower above the "
            f"upper: taken as {ends[0]:g} to {ends[1]:g} {unit}"
        )
    low, high = max(ends[0], -reach), min(ends[1], reach)
    if low >= high and ends[0] < ends[1]:  # wholly beyond
        low = ends[0] if math.isfinite(ends[0]) else ends[1] - 2 * reach
        high = min(ends[1], low + 2 * reach)
    if (low, high) != (ends[0], ends[1]):
        notes.append(
            f"{path}: joint {name} may move from {ends[0]:g} to {ends[1]:g}: "
            f"taken as {low:g} to {high:g} {unit}"
        )
    return low, high


def _joint(edge: _Edge, pose: Array) -> Joint:
    x, y, z = (float(value) for value in pose[:3, 3])
    a, b, c = (float(value) for value in pose[:3, :3] @ edge.axis)
    return Joint(edge.kind, (x, y, z), (a, b, c), *edge.limits)


def _solids(link: ET.Element, name: str, pose: Array, meshes: _Meshes) -> list[Solid]:
    found = []
    for visual in link.findall("visual"):
        geometry = visual.find("geometry")
        if geometry is None or not len(geometry):
            raise bad(meshes.path, f"a visual of link {name} has no geometry")
        frame = pose @ pose_of(visual.find("origin"), meshes.path)
        # PartNet-Mobility names visuals after parts: "handle-12".
        label = (visual.get("name") or "").rpartition("-")[0].replace("_", " ") or "body"
        solid = _solid(geometry[0], label, frame, name, meshes)
        found += [] if solid is None else [solid]
    return found


def _solid(shape: ET.Element, label: str, frame: Array, link: str, meshes: _Meshes) -> Solid | None:
    """A visual's shape; None where its mesh is noted as missing."""
    turn, offset, path = frame[:3, :3], frame[:3, 3], meshes.path
    gray = COLORS["gray"]
    if shape.tag == "mesh":
        scale = scale_of(shape, path)
        found = meshes.read(attribute(shape, "filename", path), link)
        if found is None:
            return None
        mesh = found[1].scaled(scale).moved(offset, turn)
        return Solid(label, mesh, gray, file=MeshFile(found[0], scale, turn, offset))
    makers: dict[str, Callable[[], Mesh]] = {
        "box": lambda: box(numbers(shape, "size", path)),
        "cylinder": lambda: cylinder(number(shape, "radius", path), number(shape, "length", path)),
        "sphere": lambda: ellipsoid((number(shape, "radius", path),) * 3),
    }
    if shape.tag not in makers:
        raise bad(path, f"it has a <{shape.tag}> as geometry; known: mesh, {', '.join(makers)}")
    return Solid(label, makers[shape.tag]().moved(offset, turn), gray)
