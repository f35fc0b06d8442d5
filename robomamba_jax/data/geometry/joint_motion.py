# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How points of an articulated object move by its joints, worked out from the joints' axes.

Screws of rigid bodies: a point p moves with axis x (p - origin) per radian of a hinge, and with
the axis per metre of a slider. FlowBot3D (arXiv 2205.04382) calls this articulation flow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import JsonObject

Array = npt.NDArray[np.float64]
KINDS = ("revolute", "prismatic")
Towards = Literal["open", "room"]

_DECIMALS = 7  # of lengths in metres and of unit vectors: below what the simulator's float32 holds
_AT_REST = 1e-3  # of its range: a joint that is nearer to rest than this stands at rest
_LARGEST = 1e9  # metres or radians: what no object has
_NO_LEVER = 1e-6  # metres from an axis: no way of its own
_KEYS = ("link", "part", "kind", "origin", "axis", "value", "limits", "parent")


@dataclasses.dataclass(frozen=True)
class JointAxis:
    """A joint as it stands in an image: joints between it and the base have carried it along.

    Attributes:
      link: the index of the link that it moves.
      part: what that link is, such as "drawer".
      kind: one of KINDS; values are radians or metres.
      origin: a point of the axis, world, metres.
      axis: unit vector, world; positive values turn about it or move along it.
      value: where the joint stands.
      limits: its least and its greatest value.
      parent: the index of the link that carries it; the base, which nothing moves, is not listed.
      name: of the link, unique in the object; "" where it is not known.
      rest: the value at which it is shut or at rest; None where it is not known.
      reach: the link's longest lever in metres, hidden corners included, 1 for a slider; None where
        it is not known.
    """

    link: int
    part: str
    kind: str
    origin: tuple[float, float, float]
    axis: tuple[float, float, float]
    value: float
    limits: tuple[float, float]
    parent: int
    name: str = ""
    rest: float | None = None
    reach: float | None = None

    def to_dict(self) -> JsonObject:
        """Its JSON form, numbers rounded to a tenth of a micrometre."""
        fields: JsonObject = dataclasses.asdict(self)
        for name in ("origin", "axis", "limits"):
            fields[name] = [round(number, _DECIMALS) for number in getattr(self, name)]
        for name in ("value", "rest", "reach"):
            number = getattr(self, name)
            fields[name] = None if number is None else round(number, _DECIMALS)
        return fields

    def sense(self, towards: Towards = "open") -> float:
        """Which way of the joint is meant: 1.0 for greater values, -1.0 for lesser.

        Args:
          towards: "open": away from rest; of a joint at rest, and where rest is not known, as
            "room". "room": towards the limit that is farther away.
        """
        low, high = self.limits
        if towards == "open" and self.rest is not None:
            opened = self.value - self.rest
            if abs(opened) > _AT_REST * (high - low):
                return 1.0 if opened > 0 else -1.0
        return 1.0 if high - self.value >= self.value - low else -1.0


def read_axes(records: object, where: str) -> tuple[JointAxis, ...]:
    """Joints out of their JSON form, as ``axes`` of poses.jsonl and scenes.jsonl.

    Args:
      records: what JSON holds there.
      where: whose they are, for an error.

    Raises:
      InputError: they are not a list of joints, or one has numbers that no joint has.
    """
    if not isinstance(records, list):
        raise InputError("bad_record", f"{where}: the axes are no list", _FIX)
    found = tuple(_read_axis(record, f"{where}, axis {k}") for k, record in enumerate(records))
    if len({joint.link for joint in found}) != len(found):
        raise InputError("bad_record", f"{where}: two axes move one link", _FIX)
    return found


def _read_axis(record: object, where: str) -> JointAxis:
    if not isinstance(record, dict):
        raise InputError("bad_record", f"{where} is not a JSON object", _FIX)
    given = cast("JsonObject", record)
    missing = [key for key in _KEYS if key not in given]
    if missing:
        raise InputError("bad_record", f"{where} has no {missing[0]}", _FIX)
    if given["kind"] not in KINDS:
        raise InputError("bad_record", f"{where}: kind is {given['kind']!r}", _FIX)
    link, parent = (_index(given[key], f"{where}: {key}") for key in ("link", "parent"))
    if parent >= link:
        # Parents come before children, so that a walk to the base always ends.
        what = f"{where}: link {link} cannot hang on link {parent}"
        raise InputError("bad_record", what, _FIX)
    ox, oy, oz = _numbers(given["origin"], 3, f"{where}: origin")
    ax, ay, az = _numbers(given["axis"], 3, f"{where}: axis")
    low, high = _numbers(given["limits"], 2, f"{where}: limits")
    if abs(np.hypot(np.hypot(ax, ay), az) - 1) > 1e-3:
        raise InputError("bad_record", f"{where}: the axis' length is not 1", _FIX)
    rest, reach = (
        None if given.get(key) is None else _numbers([given[key]], 1, f"{where}: {key}")[0]
        for key in ("rest", "reach")
    )
    return JointAxis(
        link,
        str(given["part"]),
        str(given["kind"]),
        (ox, oy, oz),
        (ax, ay, az),
        _numbers([given["value"]], 1, f"{where}: value")[0],
        (low, high),
        parent,
        str(given.get("name", "")),
        rest,
        reach,
    )


def _index(given: object, where: str) -> int:
    # A bool is an int for Python, and no index.
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise InputError("bad_record", f"{where} is {given!r}", _FIX)
    return given


def _numbers(given: object, count: int, where: str) -> list[float]:
    if not isinstance(given, list) or len(given) != count:
        raise InputError("bad_record", f"{where} is not {count} numbers", _FIX)
    for number in given:
        # As floats: a JSON integer may be too large for one.
        if type(number) not in (int, float) or not abs(number) < _LARGEST:
            raise InputError("bad_record", f"{where} is not {count} finite numbers", _FIX)
    return [float(number) for number in given]


def joint_flow(points: npt.ArrayLike, joint: JointAxis) -> Array:
    """Velocities of points at unit speed of one joint, towards its greater values.

    Args:
      points: float[..., 3], world, metres.
      joint: it.

    Returns:
      float64[..., 3], world, metres per radian or per metre.
    """
    points = np.asarray(points, np.float64)
    axis = np.asarray(joint.axis)
    if joint.kind == "prismatic":
        return np.broadcast_to(axis, points.shape).copy()
    return np.cross(axis, points - np.asarray(joint.origin))


def point_flow(points: npt.ArrayLike, link: int, axes: Sequence[JointAxis]) -> Array:
    """Velocities of a link's points while every joint between it and the base moves at unit speed,
    towards its greater values: the joints' own motions, summed.

    Args:
      points: float[..., 3], world, metres.
      link: the index of the link that they belong to.
      axes: the object's joints.

    Returns:
      float64[..., 3], world; zeros for the base.
    """
    points = np.asarray(points, np.float64)
    by_link = {joint.link: joint for joint in axes}
    flow = np.zeros(points.shape)
    while link in by_link:
        flow += joint_flow(points, by_link[link])
        link = by_link[link].parent
    return flow


def pixel_flow(
    links: npt.NDArray[np.integer],
    depth: npt.NDArray[np.floating],
    camera: Camera,
    axes: Sequence[JointAxis],
    towards: Towards = "open",
) -> npt.NDArray[np.float32]:
    """How what each pixel shows moves when its part's own joint opens further.

    Lengths are shares of the part's longest lever: 1 at a door's far edge and everywhere on a
    drawer, 0 at a hinge. The lever is the joint's ``reach``, and so counts what the image hides;
    where that is not known it is the farthest visible point's.

    Args:
      links: int[H, W], index of the link that a pixel shows; anything below 0 is none. (A mask of
        the world's minus 1; see ``world.dataset.records`` for its plain things.)
      depth: float[H, W], metres along the optical axis; 0 and less, and NaN, are not known.
      camera: of the image, with its pose.
      axes: the object's joints.
      towards: which way, see ``JointAxis.sense``.

    Returns:
      float32[H, W, 3] in the camera's frame (OpenCV: right, down, forward); zero where nothing
      moves or the depth is not known.

    Raises:
      InputError: the sizes differ, or the camera's pose is not known.
    """
    for name, array in (("links", links), ("depth", depth)):
        if array.ndim != 2:
            what = f"{name} has shape {list(array.shape)}"
            raise InputError("shape_mismatch", what, f"give {name} as [H, W]")
        camera.check_size(name, array.shape[1], array.shape[0])
    if camera.camera_to_world is None:
        raise InputError(
            "no_camera_pose", "the camera has no camera_to_world", "add it to the camera file"
        )
    known = np.isfinite(depth) & (depth > 0)
    flow = np.zeros((*links.shape, 3), np.float32)
    for joint in axes:
        rows, columns = np.nonzero((links == joint.link) & known)
        if not len(rows):
            continue
        centers = np.column_stack([columns, rows]) + 0.5
        points = camera.to_world(camera.lift(centers, depth[rows, columns]))
        along = joint_flow(points, joint) * joint.sense(towards)
        longest = joint.reach
        if longest is None:
            longest = float(np.linalg.norm(along, axis=-1).max())
        if longest > _NO_LEVER:
            # Rows times the pose's rotation: its transpose, from the world into the camera.
            flow[rows, columns] = along / longest @ camera.camera_to_world[:3, :3]
    return flow


_FIX = (
    "give what world generate writes: link, part, kind, origin, axis (of length 1), value, limits, "
    "parent"
)
