# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations: the 6D form (arXiv 1812.07035), and the angle between two of them.

A rotation's columns are the gripper's axes in the camera frame. Everything here is
computed in float32, whatever comes in, and NaN in gives NaN out.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import cast

import jax
import jax.numpy as jnp

from robomamba_jax.errors import InputError
from robomamba_jax.ops.arguments import FLOAT, as_array

# Vectors whose largest component is at most this count as zero.
_ZERO = 1e-12
# A second vector within this angle (radians) of the first, or of its opposite, counts as parallel.
_PARALLEL = 1e-6
# Below this sine (squared) an angle counts as exactly 0 or pi.
_SINE_SQUARED = 1e-24
# The published bound on the cosine, so that acos has a finite slope.
_OFFICIAL_MARGIN = 1e-6


def rotation_from_6d(r6: jax.Array) -> jax.Array:
    """Gram-Schmidt: two vectors in a row to a right-handed rotation.

    Column 1 is the first vector normalised, column 2 the normalised part of the second
    that is orthogonal to it, column 3 = column 1 x column 2. The orthogonal part is
    taken twice, so that the result is orthonormal to float32's precision even for
    nearly parallel vectors; elsewhere this equals the published single pass.

    Degenerate input has a fixed fallback, finite in value and gradient: a zero first
    vector becomes the x axis; a zero or parallel second vector becomes the coordinate
    axis least aligned with column 1. What was replaced has gradient 0. Elsewhere the
    gradient grows as one over the length of what is normalised, at most 1e12.

    Args:
      r6: float[..., 6], of any lengths that are not 0.

    Returns:
      float32[..., 3, 3].

    Raises:
      InputError: not such an array; the last axis is not 6.
    """
    r6 = _read("r6", r6, (6,))
    axes = jnp.eye(3, dtype=jnp.float32)
    first = _unit(r6[..., :3], axes[0])
    spare = axes[jnp.argmin(jnp.abs(first), axis=-1)]
    second = _unit(r6[..., 3:], spare)
    parallel = _squared(_reject(second, first)) <= _PARALLEL**2
    second = jnp.where(parallel[..., None], spare, second)
    second = _unit(_reject(second, first), spare)
    second = _unit(_reject(second, first), spare)
    return jnp.stack([first, second, jnp.cross(first, second)], axis=-1)


def rotation_to_6d(matrix: jax.Array) -> jax.Array:
    """Column 1, then column 2: float[..., 3, 3] -> float32[..., 6].

    Raises:
      InputError: not such an array; the last axes are not 3 x 3.
    """
    matrix = _read("matrix", matrix, (3, 3))
    return jnp.concatenate([matrix[..., :, 0], matrix[..., :, 1]], axis=-1)


def geodesic_angle(first: jax.Array, second: jax.Array) -> jax.Array:
    """The angle of the rotation that leads from one rotation to the other.

    It is atan2(sine, cosine), the sine from the skew part of ``first.T @ second`` and
    the cosine from its trace, so it is exact to float32's rounding (about 1e-7 rad)
    over all of [0, pi], where acos of the trace loses half the digits at both ends.

    The gradient has length 1 per radian of turn everywhere but at the two ends, where
    the angle has a kink. At exactly 0 it is 0, the minimum. At exactly pi, where every
    turn about the axis leads downhill, it is that of one of the two ways round, so that
    a prediction exactly opposite to its target still learns.

    Args:
      first: float[..., 3, 3], a rotation.
      second: float[..., 3, 3], a rotation; leading axes broadcast.

    Returns:
      float32[...], radians in [0, pi].

    Raises:
      InputError: not such an array; the last axes are not 3 x 3, or the leading ones do not
        broadcast.
    """
    relative = _relative(first, second)
    skew = 0.5 * jnp.stack(
        [
            relative[..., 2, 1] - relative[..., 1, 2],
            relative[..., 0, 2] - relative[..., 2, 0],
            relative[..., 1, 0] - relative[..., 0, 1],
        ],
        axis=-1,
    )
    cosine = _cosine(relative)
    squared = _squared(skew)
    end = squared < _SINE_SQUARED
    sine = jnp.where(end, 0.0, jnp.sqrt(jnp.where(end, 1.0, squared)))
    # At pi: value 0, and the slope along the axis, which the symmetric part still knows.
    along = jnp.sum(jax.lax.stop_gradient(_half_turn_axis(relative)) * skew, axis=-1)
    along -= jax.lax.stop_gradient(along)
    return jnp.arctan2(jnp.where(end & (cosine < 0), along, sine), cosine)


def geodesic_angle_official(first: jax.Array, second: jax.Array) -> jax.Array:
    """The angle as RoboMamba's repository computes it for its loss (the mean of this).

    acos of (trace - 1) / 2 clipped to +-(1 - 1e-6): between 0.0014 and pi - 0.0014, with
    gradient 0 outside. Arguments and errors as in :func:`geodesic_angle`.

    Returns:
      float32[...], radians.
    """
    bound = 1.0 - _OFFICIAL_MARGIN
    return jnp.arccos(jnp.clip(_cosine(_relative(first, second)), -bound, bound))


def _relative(first: jax.Array, second: jax.Array) -> jax.Array:
    """first.T @ second, in true float32 on every backend."""
    first, second = _read("first", first, (3, 3)), _read("second", second, (3, 3))
    try:
        jnp.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise InputError(
            "shape_mismatch",
            f"first has shape {list(first.shape)}, second {list(second.shape)}",
            "give leading axes that broadcast",
        ) from error
    return jnp.einsum("...ji,...jk->...ik", first, second, precision=jax.lax.Precision.HIGHEST)


def _cosine(matrix: jax.Array) -> jax.Array:
    return 0.5 * (matrix[..., 0, 0] + matrix[..., 1, 1] + matrix[..., 2, 2] - 1.0)


def _half_turn_axis(matrix: jax.Array) -> jax.Array:
    """The axis of a half turn, where matrix + 1 = 2 n n^T; any unit vector elsewhere."""
    outer = matrix + jnp.eye(3, dtype=jnp.float32)
    diagonal = cast("jax.Array", jnp.diagonal(outer, axis1=-2, axis2=-1))
    largest = jnp.argmax(diagonal, axis=-1)
    column = jnp.take_along_axis(outer, largest[..., None, None], axis=-1)[..., 0]
    return _unit(column, jnp.eye(3, dtype=jnp.float32)[0])


def _squared(vector: jax.Array) -> jax.Array:
    return jnp.sum(vector * vector, axis=-1)


def _unit(vector: jax.Array, fallback: jax.Array) -> jax.Array:
    """The direction of a vector of any representable length, or the fallback for zero."""
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(vector), axis=-1, keepdims=True))
    zero = scale <= _ZERO
    # Dividing by the largest component first keeps the squares in range; the direction does
    # not depend on it, so its gradient is right with the divisor held constant.
    scaled = jnp.where(zero, fallback, vector / jnp.where(zero, 1.0, scale))
    return scaled * jax.lax.rsqrt(_squared(scaled))[..., None]


def _reject(vector: jax.Array, unit: jax.Array) -> jax.Array:
    """The part of a vector orthogonal to a unit vector."""
    return vector - jnp.sum(vector * unit, axis=-1, keepdims=True) * unit


def _read(name: str, array: jax.Array, tail: tuple[int, ...]) -> jax.Array:
    """The array in float32, its last axes checked."""
    want = ", ".join(str(size) for size in tail)
    array = as_array(name, array, FLOAT, f"... {want.replace(',', '')}")
    shape = tuple(array.shape)
    if shape[-len(tail) :] != tail:
        raise InputError(
            "shape_mismatch",
            f"{name} has shape {list(shape)}, not [..., {want}]",
            f"give {name} as [..., {want}]",
        )
    return array.astype(jnp.float32)
