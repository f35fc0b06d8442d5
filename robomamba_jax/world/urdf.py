# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""URDF files, read strictly: links, joints and meshes as an ``ObjectModel``.

http://wiki.ros.org/urdf/XML. Fixed joints are melted into their parents. Nothing outside the
file's own folder is opened, but for what its links lead to where that is allowed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.paths import NO_ROOTS, AllowedRoots, below
from robomamba_jax.errors import InputError
from robomamba_jax.world.meshes import Mesh, box, cylinder, ellipsoid
from robomamba_jax.world.model import Joint, Link, MeshFile, Solid
from robomamba_jax.world.palette import COLORS

Array = npt.NDArray[np.float64]
LoadMesh = Callable[[Path], Mesh]

MAX_BYTES = 16_000_000
MAX_LINKS = 1000
# A continuous joint turns as far as one likes; ManipLLM takes +-10.
TURNS = 10.0
SLIDES = 1.0
_KINDS = {
    "revolute": "revolute",
    "continuous": "revolute",
    "prismatic": "prismatic",
    "fixed": "fixed",
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


def read_urdf(path: Path, load_mesh: LoadMesh, allowed: AllowedRoots = NO_ROOTS) -> Urdf:
    """Read a file.

    Args:
      path: the .urdf file.
      load_mesh: reads one mesh file.
      allowed: where links below the file's own folder may lead.

    Raises:
      InputError: it is missing, broken, or needs something that we have not; in one line.
    """
    root = _parse(path)
    names = [_attribute(link, "name", path) for link in root.findall("link")]
    if not names or len(names) > MAX_LINKS or len(set(names)) != len(names):
        raise _bad(path, f"it has {len(names)} links, {len(set(names))} of them with own names")
    notes: list[str] = []
    edges = [_edge(joint, path, notes) for joint in root.findall("joint")]
    order = _order(path, names, edges)
    bodies = {_attribute(link, "name", path): link for link in root.findall("link")}
    poses: dict[str, Array] = {}
    place: dict[str, int] = {}
    links: list[Link] = []
    solids: list[list[Solid]] = []
    for name, edge in order:
        above = np.eye(4) if edge is None else poses[edge.parent] @ edge.pose
        poses[name] = above
        pieces = _solids(bodies[name], above, path, load_mesh, allowed)
        if edge is not None and edge.kind == "fixed":
            place[name] = place[edge.parent]
            solids[place[name]] += pieces
            continue
        joint = None if edge is None else _joint(edge, above)
        parent = -1 if edge is None else place[edge.parent]
        place[name] = len(links)
        links.append(Link(name, name, parent, joint, (), _rest(joint)))
        solids.append(pieces)
    whole = tuple(
        dataclasses.replace(link, solids=tuple(pieces))
        for link, pieces in zip(links, solids, strict=True)
    )
    if not any(link.solids for link in whole):
        raise _bad(path, "it has nothing to see")
    return Urdf(whole, tuple(notes))


def _rest(joint: Joint | None) -> float:
    """PartNet-Mobility's joints are shut at their lower end; those that go both ways, at 0."""
    if joint is None:
        return 0.0
    return 0.0 if joint.lower < 0 < joint.upper else joint.lower


def _parse(path: Path) -> ET.Element:
    try:
        data = path.read_bytes()[: MAX_BYTES + 1]
    except OSError as error:
        raise InputError("missing_file", f"cannot read {path}: {error.strerror}", _FIX) from error
    if len(data) > MAX_BYTES:
        raise _bad(path, f"it is over {MAX_BYTES} bytes")
    # Entities could grow a small file without end; no URDF needs them.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _bad(path, "it declares a document type")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise _bad(path, f"it is no XML: {error}") from error
    if root.tag != "robot":
        raise _bad(path, f"its root is <{root.tag}>, not <robot>")
    return root


def _order(path: Path, names: list[str], edges: list[_Edge]) -> list[tuple[str, _Edge | None]]:
    """Links from the root down, each with the joint above it."""
    above: dict[str, _Edge] = {}
    for edge in edges:
        for end in (edge.parent, edge.child):
            if end not in names:
                raise _bad(path, f"joint {edge.name} names a link {end!r} that is not there")
        if edge.child in above:
            raise _bad(path, f"link {edge.child} hangs on two joints")
        above[edge.child] = edge
    roots = [name for name in names if name not in above]
    if len(roots) != 1:
        raise _bad(path, f"it has {len(roots)} root links: {', '.join(roots[:4]) or 'a circle'}")
    order: list[tuple[str, _Edge | None]] = [(roots[0], None)]
    for name, _ in order:  # grows while it is walked
        order += [(edge.child, edge) for edge in edges if edge.parent == name]
    if len(order) != len(names):
        raise _bad(path, "its links form a circle")
    return order


def _edge(joint: ET.Element, path: Path, notes: list[str]) -> _Edge:
    name, kind = _attribute(joint, "name", path), _attribute(joint, "type", path)
    if kind not in _KINDS:
        raise _bad(path, f"joint {name} is of the type {kind!r}; known: {', '.join(_KINDS)}")
    ends = [joint.find(tag) for tag in ("parent", "child")]
    if any(end is None for end in ends):
        raise _bad(path, f"joint {name} lacks its parent or its child")
    parent, child = (_attribute(end, "link", path) for end in ends if end is not None)
    axis_tag = joint.find("axis")
    axis = np.array([1.0, 0, 0]) if axis_tag is None else _numbers(axis_tag, "xyz", path)
    length = float(np.linalg.norm(axis))
    if _KINDS[kind] != "fixed" and length < 1e-6:
        raise _bad(path, f"joint {name} has an axis without length")
    limits = (0.0, 0.0) if kind == "fixed" else _limits(joint, name, kind, path, notes)
    pose = _pose(joint.find("origin"), path)
    return _Edge(name, _KINDS[kind], parent, child, pose, axis / max(length, 1e-9), limits)


def _limits(
    joint: ET.Element, name: str, kind: str, path: Path, notes: list[str]
) -> tuple[float, float]:
    """A joint's range; without ends it gets some, which is noted."""
    reach = SLIDES if kind == "prismatic" else TURNS
    tag = joint.find("limit")
    ends = [-math.inf, math.inf]
    if tag is not None and kind != "continuous":
        for k, end in enumerate(("lower", "upper")):
            text = tag.get(end)
            try:
                ends[k] = ends[k] if text is None else float(text)
            except ValueError as error:
                raise _bad(path, f"joint {name} has the {end} limit {text!r}") from error
    if math.isnan(ends[0]) or math.isnan(ends[1]) or ends[0] > ends[1]:
        raise _bad(path, f"joint {name} has the limits {ends[0]:g} and {ends[1]:g}")
    low, high = max(ends[0], -reach), min(ends[1], reach)
    if (low, high) != (ends[0], ends[1]):
        unit = "m" if kind == "prismatic" else "rad"
        notes.append(
            f"{path}: joint {name} may move from {ends[0]:g} to {ends[1]:g}: "
            f"taken as {low:g} to {high:g} {unit}"
        )
    if low >= high:
        raise _bad(path, f"joint {name} cannot move: its limits are {low:g} and {high:g}")
    return low, high


def _joint(edge: _Edge, pose: Array) -> Joint:
    x, y, z = (float(value) for value in pose[:3, 3])
    a, b, c = (float(value) for value in pose[:3, :3] @ edge.axis)
    return Joint(edge.kind, (x, y, z), (a, b, c), *edge.limits)


def _solids(
    link: ET.Element, pose: Array, path: Path, load_mesh: LoadMesh, allowed: AllowedRoots
) -> list[Solid]:
    found = []
    for visual in link.findall("visual"):
        geometry = visual.find("geometry")
        if geometry is None or not len(geometry):
            raise _bad(path, f"a visual of link {link.get('name')} has no geometry")
        frame = pose @ _pose(visual.find("origin"), path)
        # PartNet-Mobility names visuals after parts: "handle-12".
        label = (visual.get("name") or "").rpartition("-")[0].replace("_", " ") or "body"
        found.append(_solid(geometry[0], label, frame, path, load_mesh, allowed))
    return found


def _solid(
    shape: ET.Element,
    label: str,
    frame: Array,
    path: Path,
    load_mesh: LoadMesh,
    allowed: AllowedRoots,
) -> Solid:
    turn, offset = frame[:3, :3], frame[:3, 3]
    gray = COLORS["gray"]
    if shape.tag == "mesh":
        name = _attribute(shape, "filename", path)
        file = below(path.parent, name.removeprefix("package://"), allowed)
        if not file.is_file():
            raise InputError(
                "missing_file",
                f"{path} names the mesh {name}, which is not there",
                "download the object again, with its textured_objs folder",
            )
        scale = _numbers(shape, "scale", path) if shape.get("scale") else np.ones(3)
        mesh = load_mesh(file).scaled(scale).moved(offset, turn)
        return Solid(label, mesh, gray, file=MeshFile(file, scale, turn, offset))
    makers: dict[str, Callable[[], Mesh]] = {
        "box": lambda: box(_numbers(shape, "size", path)),
        "cylinder": lambda: cylinder(
            _number(shape, "radius", path), _number(shape, "length", path)
        ),
        "sphere": lambda: ellipsoid((_number(shape, "radius", path),) * 3),
    }
    if shape.tag not in makers:
        raise _bad(path, f"it has a <{shape.tag}> as geometry; known: mesh, {', '.join(makers)}")
    return Solid(label, makers[shape.tag]().moved(offset, turn), gray)


def _pose(origin: ET.Element | None, path: Path) -> Array:
    """float64[4, 4] of an <origin>: roll, pitch and yaw about fixed axes."""
    pose = np.eye(4)
    if origin is None:
        return pose
    r, p, y = _numbers(origin, "rpy", path) if origin.get("rpy") else np.zeros(3)
    cr, sr, cp, sp, cy, sy = (f(a) for a in (r, p, y) for f in (math.cos, math.sin))
    pose[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    if origin.get("xyz"):
        pose[:3, 3] = _numbers(origin, "xyz", path)
    return pose


def _attribute(element: ET.Element, name: str, path: Path) -> str:
    value = element.get(name)
    if not value:
        raise _bad(path, f"a <{element.tag}> has no {name}")
    return value


def _number(element: ET.Element, name: str, path: Path) -> float:
    text = _attribute(element, name, path)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise _bad(path, f"a <{element.tag}> has the {name} {text!r}")
    return value


def _numbers(element: ET.Element, name: str, path: Path) -> Array:
    text = _attribute(element, name, path)
    try:
        values = np.array([float(part) for part in text.split()])
    except ValueError:
        values = np.zeros(0)
    if values.shape != (3,) or not np.all(np.isfinite(values)):
        raise _bad(path, f"a <{element.tag}> has the {name} {text!r}, not three numbers")
    return values


def _bad(path: Path, what: str) -> InputError:
    return InputError("bad_urdf", f"{path}: {what}", _FIX)


_FIX = "give an object's .urdf file as it was downloaded"
