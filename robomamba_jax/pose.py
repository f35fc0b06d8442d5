# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From the policy head's numbers to a pose in the world."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV, Camera, read_depth, sample_depth
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.errors import InputError
from robomamba_jax.ops.rotation import rotation_from_6d
from robomamba_jax.utils.json_types import Json, JsonObject


@dataclasses.dataclass(frozen=True)
class Pose:
    """Where and how to touch. Frame: OpenCV optical (x right, y down, z forward), metres.

    Attributes:
      contact_xy: (x, y) in pixels of the original image, pixel centres at +0.5.
      rotation: float32[3, 3]; columns are the gripper's axes in the camera frame:
        approach, left (closing axis), their cross product.
      rotation6d: float32[6], columns 1 and 2 as the head gave them.
      point_camera: float32[3], the contact lifted by the depth, or None.
      point_world: float32[3], or None without depth or camera_to_world.
      gripper_open: in [0, 1], 1 = open; None where the head has no gripper.
      image_size: (width, height) of the original image.
      why_no_point: why there is no 3D point, or None where there is one.
    """

    contact_xy: tuple[float, float]
    rotation: np.ndarray
    rotation6d: np.ndarray
    point_camera: np.ndarray | None
    point_world: np.ndarray | None
    gripper_open: float | None
    image_size: tuple[int, int]
    why_no_point: str | None = None

    def to_json(self) -> JsonObject:
        """The keys of ``predict --json``."""

        # json writes no numpy numbers; tolist() gives Python's.
        def listed(array: np.ndarray | None) -> Json:
            return None if array is None else np.asarray(array, np.float64).tolist()

        return {
            "contact_xy": list(self.contact_xy),
            "rotation": listed(self.rotation),
            "rotation6d": listed(self.rotation6d),
            "point_camera": listed(self.point_camera),
            "point_world": listed(self.point_world),
            "gripper_open": self.gripper_open,
            "frame": "opencv",
            "image_size": list(self.image_size),
        }


def gripper_angles(rotation: np.ndarray) -> tuple[float, float, float]:
    """How a gripper is turned from one that looks along the camera, its left to the image's left.

    Args:
      rotation: float[3, 3], the axes as columns, in the camera frame.

    Returns:
      Radians: to the right, then up, then clockwise about the approach, seen from behind.
    """
    right, down, forward = (float(value) for value in rotation[:, 0])
    yaw, pitch = math.atan2(right, forward), math.atan2(-down, math.hypot(right, forward))
    # Left and up of the gripper that is turned right and up alone; the roll is the angle of the
    # real closing axis in their plane.
    left = np.array([-math.cos(yaw), 0.0, math.sin(yaw)])
    up = np.array(
        [-math.sin(yaw) * math.sin(pitch), -math.cos(pitch), -math.cos(yaw) * math.sin(pitch)]
    )
    closing = np.asarray(rotation[:, 1], np.float64)
    return yaw, pitch, math.atan2(float(closing @ up), float(closing @ left))


def make_pose(
    contact: np.ndarray,
    rotation6d: np.ndarray,
    gripper_logit: float | None,
    *,
    geometry: CropTransform,
    contact_scale: str,
    rotation_convention: str,
    contact_frame: str = "crop",
    contact_side: int | None = None,
    depth: np.ndarray | None = None,
    camera: Camera | None = None,
) -> Pose:
    """One row of the head's output, in the conventions of the API.

    Args:
      contact: float[2], as the next four say.
      rotation6d: float[6].
      gripper_logit: above 0 for an open gripper, or None.
      geometry: the crop of the image for the encoder.
      contact_scale: "unit" or "raw", as the next two see ``data.geometry.contacts``.
      rotation_convention: "opencv" or "manipllm".
      contact_frame: of raw contacts, "crop" or "file".
      contact_side: of the images whose pixels "file" contacts are, or None.
      depth: float[H, W], metres, of the original image's size.
      camera: of the original image.

    Raises:
      InputError: depth without camera, or sizes that do not fit the image.
    """
    size = geometry.width, geometry.height
    # From the head's unit (shares of the crop, or pixels of crop or file) to original pixels.
    pixel = Contacts(contact_scale, contact_frame, contact_side).to_pixel(contact, geometry)
    rotation = np.asarray(rotation_from_6d(jnp.asarray(rotation6d, jnp.float32)))
    # Heads trained on ManipLLM's files predict in its camera frame (forward, left, up).
    if rotation_convention == "manipllm":
        rotation = MANIPLLM_TO_OPENCV @ rotation
    point, world, why = _lift(pixel, size, depth, camera)
    return Pose(
        contact_xy=(float(pixel[0]), float(pixel[1])),
        rotation=rotation,
        # As the head gave them, before Gram-Schmidt: what a loss or a comparison needs.
        rotation6d=np.asarray(rotation6d, np.float32),
        point_camera=point,
        point_world=world,
        gripper_open=None if gripper_logit is None else float(1 / (1 + np.exp(-gripper_logit))),
        image_size=size,
        why_no_point=why,
    )


def as_camera(value: object) -> Camera:
    """A camera, which may be given as the path of a camera file or as its content.

    Raises:
      InputError: it is none of these, or the file or a field is wrong.
    """
    if isinstance(value, Camera):
        return value
    if isinstance(value, Mapping):
        return Camera.from_dict(value)
    if isinstance(value, str | bytes | os.PathLike):
        return Camera.from_json(Path(os.fsdecode(value)))
    raise InputError(
        "bad_camera",
        f"camera is a {type(value).__name__}",
        'give an rm.Camera, a camera file, or {"width", "height", "K", "camera_to_world"}',
    )


def as_depth(value: object, size: tuple[int, int]) -> np.ndarray:
    """Depth in metres, which may be given as an array, nested lists, or a depth file's path.

    Args:
      value: float[H, W] in metres, or a path as ``read_depth`` takes it.
      size: (width, height) of the image.

    Raises:
      InputError: it is none of these, or holds whole numbers, which may be millimetres.
    """
    if isinstance(value, str | bytes | os.PathLike):
        return read_depth(Path(os.fsdecode(value)), size=size)
    fix = "give float metres [H, W], a .npy of them, or a 16-bit .png of millimetres"
    try:
        depth = np.asarray(value)
    except Exception as error:  # ragged lists, or whatever somebody's __array__ raises
        what = f"depth is a {type(value).__name__} that makes no array"
        raise InputError("bad_depth", what, fix) from error
    # Sensors write millimetres as whole numbers: taken for metres they would pass every check.
    if depth.dtype.kind in "iu":
        what = f"depth holds whole numbers ({depth.dtype}), which may be millimetres"
        raise InputError("bad_depth", what, "divide millimetres by 1000")
    if depth.dtype.kind != "f" or depth.ndim != 2:
        what = f"depth is {depth.dtype} of shape {list(depth.shape)}"
        raise InputError("bad_depth", what, fix)
    return depth


def _lift(
    pixel: np.ndarray, size: tuple[int, int], depth: np.ndarray | None, camera: Camera | None
) -> tuple[np.ndarray | None, np.ndarray | None, str | None]:
    if depth is None:
        return None, None, "no depth was given"
    if camera is None:
        raise InputError("missing_camera", "depth was given without a camera", "give camera=")
    depth = np.asarray(depth)
    sample = sample_depth(depth, pixel)
    # Depth and intrinsics must both be of the original image: a crop's would lift to a wrong point
    # without any other sign.
    camera.check_size("image", *size)
    camera.check_size("depth", depth.shape[1], depth.shape[0])
    if sample.depth_m is None:
        return None, None, sample.reason
    point = camera.lift(pixel, sample.depth_m)
    world = None if camera.camera_to_world is None else camera.to_world(point)
    return point, world, None
