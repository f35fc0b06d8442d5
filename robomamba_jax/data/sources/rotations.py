# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations as robots' files write them, as matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from robomamba_jax.config.grasp import ROTATION_FORMS
from robomamba_jax.data.sources.sample import bad_record

Array = npt.NDArray[np.float64]

# Files hold float32, and states are measured: how far a rotation may be from one.
_TOLERANCE = 0.02


def rotation_matrix(numbers: Sequence[float], form: str, where: str) -> Array:
    """The rotation whose columns are a frame's axes.

    Args:
      numbers: as many as ``ROTATION_FORMS`` says for the form:
        "quaternion_xyzw", "quaternion_wxyz": of length 1, the real part w last or first;
        "rpy": roll, pitch, yaw in radians about the fixed axes x, y, z in this order, which is
        Rz(yaw) Ry(pitch) Rx(roll);
        "rotation_vector": the axis times the angle in radians;
        "rotation_6d": the first column, then the second;
        "matrix": row by row.
      form: one of ``ROTATION_FORMS``.
      where: the record, for messages.

    Returns:
      float64[3, 3].

    Raises:
      InputError: there are not so many numbers, or they are not a rotation.
    """
    values = np.asarray(numbers, np.float64)
    if values.shape != (ROTATION_FORMS[form],) or not np.all(np.isfinite(values)):
        raise bad_record(
            where, f"does not have {ROTATION_FORMS[form]} finite numbers as its {form}"
        )
    if form.startswith("quaternion"):
        return _of_quaternion(np.roll(values, 1) if form.endswith("xyzw") else values, where)
    if form == "rpy":
        return _of_rpy(values, where)
    if form == "rotation_vector":
        angle = float(np.linalg.norm(values))
        _check_radians(angle, where)
        half = 0.5 * angle
        scale = math.sin(half) / angle if angle > 1e-12 else 0.5
        return _of_quaternion(np.array([math.cos(half), *(values * scale)]), where)
    if form == "rotation_6d":
        first, second = values[:3], values[3:]
        columns = [first, second, np.cross(first, second)]
        return _rigid(np.stack(columns, axis=1), where)
    return _rigid(values.reshape(3, 3), where)


def _of_quaternion(wxyz: Array, where: str) -> Array:
    length = float(np.linalg.norm(wxyz))
    if abs(length - 1) > _TOLERANCE:
        raise bad_record(where, f"has a quaternion of length {length:.3f}, which is not 1")
    w, x, y, z = wxyz / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _of_rpy(angles: Array, where: str) -> Array:
    for angle in angles:
        _check_radians(abs(float(angle)), where)
    (sr, sp, sy), (cr, cp, cy) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _check_radians(angle: float, where: str) -> None:
    if angle > 2 * math.pi + _TOLERANCE:
        raise bad_record(where, f"has an angle of {angle:.1f}: angles are radians, at most 2 pi")


def _rigid(turn: Array, where: str) -> Array:
    skewed = float(np.max(np.abs(turn.T @ turn - np.eye(3))))
    if skewed > 2 * _TOLERANCE or np.linalg.det(turn) < 0:
        raise bad_record(where, "has an orientation whose axes are not orthonormal, right-handed")
    # The nearest rotation: a measured one is a little off.
    left, _, right = np.linalg.svd(turn)
    return left @ right
