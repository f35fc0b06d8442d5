# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A pinhole camera, its JSON file, and depth images.

Frames are OpenCV optical (x right, y down, z forward) in metres. A pixel (x, y) has x
to the right and y down from the image's top left corner, so the centre of the first
pixel is (0.5, 0.5). K speaks of the same coordinates: add 0.5 to the principal point
of a calibration that counts from pixel centres, as OpenCV's does.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from robomamba_jax.config.checks import path_of, positive
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_types import UNKNOWN, kind_of, not_a_file, other_file, read_head
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes

Array = npt.NDArray[np.float64]

# ManipLLM's camera frame (forward, left, up) seen from OpenCV's (right, down, forward).
MANIPLLM_TO_OPENCV = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]], np.float32)

MAX_DEPTH_PIXELS = 64_000_000
_MAX_CAMERA_BYTES = 65_536
_KINDS = {".npy": "a .npy array", ".png": "a PNG image"}
_REQUIRED = ("width", "height", "K")
_OPTIONAL = ("camera_to_world",)
# Files carry rounded numbers: how far columns may be from orthonormal.
_RIGID_TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
      width: of the image, in pixels.
      height: of the image, in pixels.
      K: float64[3, 3], upper triangular with last row (0, 0, 1), in pixels.
      camera_to_world: float64[4, 4], a rigid transform, in metres; or None.

    Both matrices are copied when the camera is made, and read-only.
    """

    width: int
    height: int
    K: Array
    camera_to_world: Array | None = None

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            side = getattr(self, name)
            if isinstance(side, np.integer):
                object.__setattr__(self, name, int(side))
            positive(f"camera {name}", getattr(self, name))
        K = _matrix("K", self.K, 3)
        if K[0, 0] <= 0 or K[1, 1] <= 0 or np.any(K[[1, 2, 2], [0, 0, 1]] != 0) or K[2, 2] != 1:
            fix = "give [[fx, skew, cx], [0, fy, cy], [0, 0, 1]] with fx and fy above 0"
            raise InputError("bad_camera", f"camera K is {K.tolist()}", fix)
        object.__setattr__(self, "K", K)
        if self.camera_to_world is not None:
            pose = _matrix("camera_to_world", self.camera_to_world, 4)
            _check_rigid(pose)
            object.__setattr__(self, "camera_to_world", pose)

    @classmethod
    def from_json(cls, path: str | Path) -> Camera:
        """Read a camera file.

        Args:
          path: a JSON object with width, height, K and, if known, camera_to_world.

        Raises:
          InputError: the file cannot be read, or is no such object.
        """
        path = path_of("camera file", path)
        try:
            data = read_bytes(path, _MAX_CAMERA_BYTES)
            fields = parse_json(data, str(path), unique_keys=True)
        except InputError as error:
            if error.kind == "lfs_pointer":
                raise
            raise InputError("bad_camera", f"camera file {error.message}", _CAMERA_FIX) from error
        try:
            return cls.from_dict(fields)
        except InputError as error:
            raise InputError(error.kind, f"{path}: {error.message}", error.fix) from None

    @classmethod
    def from_dict(cls, fields: object) -> Camera:
        """A camera from the fields of a camera file.

        Raises:
          InputError: a field is missing, unknown or wrong.
        """
        if not isinstance(fields, Mapping):
            raise InputError("bad_camera", "the camera is not a JSON object", _CAMERA_FIX)
        for name in fields:
            if name not in _REQUIRED + _OPTIONAL:
                raise unknown_name("bad_camera", "camera field", name, _REQUIRED + _OPTIONAL)
        for name in _REQUIRED:
            if name not in fields:
                raise InputError("bad_camera", f"the camera has no {name}", _CAMERA_FIX)
        return cls(**fields)

    def to_dict(self) -> JsonObject:
        """The fields of a camera file; camera_to_world only where it is known."""
        fields: JsonObject = {"width": self.width, "height": self.height, "K": self.K.tolist()}
        if self.camera_to_world is not None:
            fields["camera_to_world"] = self.camera_to_world.tolist()
        return fields

    def to_json(self, path: str | Path) -> None:
        """Write a camera file, which reads back to the same numbers."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    def check_size(self, name: str, width: int, height: int) -> None:
        """Check that an image or a depth map is what this camera took.

        Raises:
          InputError: the size differs.
        """
        if (width, height) != (self.width, self.height):
            raise InputError(
                "size_mismatch",
                f"{name} is {width}x{height}, but the camera takes {self.width}x{self.height}",
                "give the camera that took it, and the original size",
            )

    def lift(self, pixel_xy: npt.ArrayLike, depth_m: npt.ArrayLike) -> Array:
        """The points that the camera sees at pixels.

        Args:
          pixel_xy: float[..., 2], in pixels; they may lie outside the image.
          depth_m: float[...], metres along the optical axis (not along the ray).

        Returns:
          float64[..., 3], metres in the camera frame.

        Raises:
          InputError: a shape is wrong, or a number not finite, or a depth not above 0.
        """
        pixel = _vectors("pixel_xy", pixel_xy, 2)
        depth = np.asarray(depth_m, np.float64)
        if not np.all(np.isfinite(depth) & (depth > 0)):
            raise InputError(
                "unknown_depth", "a depth is not a length above 0", "give known depths in metres"
            )
        # K inverted by hand, bottom row first: v = fy y + cy, u = fx x + s y + cx, for z = 1.
        y = (pixel[..., 1] - self.K[1, 2]) / self.K[1, 1]
        x = (pixel[..., 0] - self.K[0, 2] - self.K[0, 1] * y) / self.K[0, 0]
        return np.stack([x, y, np.ones_like(x)], axis=-1) * depth[..., None]

    def project(self, point_camera: npt.ArrayLike) -> Array:
        """Where the camera sees points.

        Args:
          point_camera: float[..., 3], metres in the camera frame.

        Returns:
          float64[..., 2], in pixels; they may lie outside the image.

        Raises:
          InputError: the shape is wrong, or a number not finite, or a point not in front of
            the camera.
        """
        point = _vectors("point_camera", point_camera, 3)
        if not np.all(point[..., 2] > 0):
            raise InputError(
                "behind_camera", "a point is not in front of the camera", "give points with z > 0"
            )
        # The last row of K is (0, 0, 1), so two rows give both pixels.
        return (point / point[..., 2:]) @ self.K[:2].T

    def to_world(self, point_camera: npt.ArrayLike) -> Array:
        """Camera frame to world frame: float[..., 3] -> float64[..., 3], metres.

        Raises:
          InputError: the camera's pose is not known, or the shape is wrong.
        """
        if self.camera_to_world is None:
            raise InputError(
                "no_camera_pose", "the camera has no camera_to_world", "add it to the camera file"
            )
        point = _vectors("point_camera", point_camera, 3)
        return point @ self.camera_to_world[:3, :3].T + self.camera_to_world[:3, 3]


class DepthSample(NamedTuple):
    """The depth at one pixel.

    Attributes:
      depth_m: metres along the optical axis, or None where it is not known.
      reason: why it is not known, in one line; None where it is.
    """

    depth_m: float | None
    reason: str | None


def sample_depth(depth: npt.NDArray[np.floating], pixel_xy: npt.ArrayLike) -> DepthSample:
    """The depth of the pixel that a position lies in; neighbours are not consulted.

    Args:
      depth: float[H, W], metres; <= 0, NaN and infinity mean unknown.
      pixel_xy: float[2]; the image's right and lower edges belong to its last pixels.

    Raises:
      InputError: a shape is wrong, or the position not finite.
    """
    if depth.ndim != 2:
        raise InputError(
            "bad_depth", f"depth has shape {list(depth.shape)}", "give depth as [H, W]"
        )
    x, y = _vectors("pixel_xy", pixel_xy, 2).tolist()
    height, width = depth.shape
    if not (0 <= x <= width and 0 <= y <= height):
        return DepthSample(
            None, f"({x:.1f}, {y:.1f}) lies outside the {width}x{height} depth image"
        )
    # Pixel i covers [i, i + 1), so its number is the whole part. No interpolation: between a handle
    # and the wall behind it lies no surface.
    column, row = min(int(x), width - 1), min(int(y), height - 1)
    value = float(depth[row, column])
    if not np.isfinite(value) or value <= 0:
        return DepthSample(None, f"the depth at column {column}, row {row} is {value:g}: unknown")
    return DepthSample(value, None)


def read_depth(
    path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    max_pixels: int = MAX_DEPTH_PIXELS,
) -> npt.NDArray[np.float32]:
    """Read a depth file: ``.npy`` in metres, or a 16-bit grey PNG in millimetres.

    The header's size is checked before any pixel is decoded. Unknown depths stay as they
    are (0, negative or NaN).

    Args:
      path: the file; its ending says which of the two it is.
      size: (width, height) that it must have, such as the colour image's.
      max_pixels: what is too large to be a depth image.

    Returns:
      float32[H, W], metres.

    Raises:
      InputError: the file cannot be read, is of another kind, or has another size.
    """
    path = path_of("depth file", path)
    readers = {".npy": _read_npy, ".png": _read_png}
    if path.suffix.lower() not in readers:
        raise InputError("bad_depth", f"depth file {path} is neither .npy nor .png", _DEPTH_FIX)

    def check(shape: tuple[int, ...]) -> None:
        """Raise ``InputError`` for a shape that is no depth image of that size."""
        if len(shape) != 2 or 0 in shape:
            raise InputError("bad_depth", f"depth file {path} has shape {list(shape)}", _DEPTH_FIX)
        if shape[0] * shape[1] > max_pixels:
            raise InputError(
                "image_too_large",
                f"depth file {path} has {shape[0] * shape[1]} pixels, over the cap of {max_pixels}",
                "give a smaller depth image",
            )
        if size is not None and (shape[1], shape[0]) != tuple(size):
            what = f"depth file {path} is {shape[1]}x{shape[0]}, the image {size[0]}x{size[1]}"
            raise InputError("size_mismatch", what, "give the depth at the image's original size")

    suffix = path.suffix.lower()
    try:
        if path.exists() and not path.is_file():  # a FIFO would make us wait
            what = f"depth file {path} {not_a_file(path)}"
            raise InputError("bad_depth", what, _DEPTH_FIX)
        return readers[suffix](path, check)
    except InputError:
        raise
    except Exception as error:  # numpy and PIL raise nearly anything on hostile bytes
        if not path.is_file():
            what = f"depth file {path} {not_a_file(path)}"
            raise InputError("bad_depth", what, _DEPTH_FIX) from error
        if path.stat().st_size == 0 or kind_of(read_head(path)) not in (_KINDS[suffix], UNKNOWN):
            where, expected = f"depth file {path}", f"not {_KINDS[suffix]}"
            raise other_file("bad_depth", where, read_head(path), expected, _DEPTH_FIX) from error
        reason = str(getattr(error, "strerror", None) or error).split("\n")[0]
        raise InputError(
            "bad_depth", f"cannot read depth file {path}: {reason}", _DEPTH_FIX
        ) from error


def _read_npy(path: Path, check: Any) -> npt.NDArray[np.float32]:
    # A memory map reads the header alone, and refuses a file shorter than it promises.
    values = np.lib.format.open_memmap(path, mode="r")
    check(values.shape)
    if values.dtype.kind != "f":
        raise InputError("bad_depth", f"depth file {path} holds {values.dtype}", _DEPTH_FIX)
    if path.stat().st_size != values.offset + values.nbytes:
        raise InputError("bad_depth", f"depth file {path} is longer than it says", _DEPTH_FIX)
    return np.array(values, np.float32)


def _read_png(path: Path, check: Any) -> npt.NDArray[np.float32]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we have a cap of our own
        image = Image.open(path, formats=["PNG"])
    with image:
        check((image.height, image.width))
        if image.mode != "I;16":
            raise InputError(
                "bad_depth", f"depth file {path} is a PNG of mode {image.mode}", _DEPTH_FIX
            )
        # Millimetres to metres.
        return np.asarray(image, np.float32) / np.float32(1000)


def _matrix(name: str, value: Any, side: int) -> Array:
    """A read-only float64 copy, checked to be finite and square."""
    wrong = InputError(
        "bad_camera", f"camera {name} is not {side} x {side} finite numbers", _CAMERA_FIX
    )
    try:
        given = np.asarray(value)
        matrix = given.astype(np.float64) if given.dtype.kind in "iuf" else np.zeros(0)
    except Exception:  # whatever somebody's __array__ raises
        raise wrong from None
    if matrix.shape != (side, side) or not np.all(np.isfinite(matrix)):
        raise wrong
    matrix.flags.writeable = False
    return matrix


def _check_rigid(pose: Array) -> None:
    # R^T R = 1 and det R = +1; a determinant of -1 is a mirror, as a left-handed frame gives.
    turn = pose[:3, :3]
    skewed = np.max(np.abs(turn.T @ turn - np.eye(3))) > _RIGID_TOLERANCE
    if skewed or np.linalg.det(turn) < 0 or np.any(pose[3] != (0, 0, 0, 1)):
        fix = "give a right-handed rotation and a translation above the row 0, 0, 0, 1"
        raise InputError("bad_camera", "camera_to_world is not a rigid transform", fix)


def _vectors(name: str, value: npt.ArrayLike, size: int) -> Array:
    try:
        vectors = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "bad_arguments", f"{name} is not an array of numbers", f"give numbers as [..., {size}]"
        ) from error
    if vectors.shape[-1:] != (size,) or not np.all(np.isfinite(vectors)):
        what = f"{name} has shape {list(vectors.shape)} or is not finite"
        raise InputError("shape_mismatch", what, f"give finite numbers as [..., {size}]")
    return vectors


_CAMERA_FIX = 'write {"width", "height", "K": 3x3, "camera_to_world": 4x4 or absent}'
_DEPTH_FIX = "give float metres [H, W] as .npy, or millimetres as a 16-bit grey .png"
