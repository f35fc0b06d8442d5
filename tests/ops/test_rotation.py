# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations against float64, jaxlie and a literal torch version; gradients at the hard places."""

import jax
import jax.numpy as jnp
import jaxlie
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from robomamba_jax.errors import InputError
from robomamba_jax.ops.rotation import (
    geodesic_angle,
    geodesic_angle_official,
    rotation_from_6d,
    rotation_to_6d,
)

SIX = hnp.arrays(np.float32, 6, elements=st.floats(-1e4, 1e4, width=32))
DEGENERATE = (
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 1, 2, 3],
    [1, 2, 3, 0, 0, 0],
    [1, 2, 3, 2, 4, 6],
    [1, 2, 3, -1, -2, -3],
    [1e-20, 0, 0, 0, 1, 0],
    [1e30, 1e30, 0, 0, 1e-30, 1],
    [1e-11, 0, 0, 1e-11, 1e-11, 0],
    [1, 0, 0, 1, 2e-6, 0],
    [0, 0, 1, 0, 1e-3, 1],
)
gram_schmidt = jax.jit(rotation_from_6d)
slopes = jax.jit(jax.jacrev(rotation_from_6d))
angle_of = jax.jit(geodesic_angle)
official_of = jax.jit(geodesic_angle_official)


def random_rotations(count: int, seed: int = 0) -> np.ndarray:
    """Uniform rotations, float64[count, 3, 3]."""
    return Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix()


def turned(angle: float, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of float32 rotations that are `angle` apart, about random axes."""
    axes = np.random.default_rng(1).standard_normal((count, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    first = random_rotations(count, 2)
    second = first @ Rotation.from_rotvec(angle * axes).as_matrix()
    return first.astype(np.float32), second.astype(np.float32)


@given(SIX)
def test_every_6d_gives_a_right_handed_rotation(r6: np.ndarray) -> None:
    """Orthonormal to float32's rounding, determinant +1, column 3 = c1 x c2."""
    check_rotation(np.asarray(gram_schmidt(r6), np.float64))


@pytest.mark.parametrize("r6", DEGENERATE, ids=str)
def test_degenerate_6d_is_finite(r6: list[float]) -> None:
    """Zero, parallel, tiny and huge vectors: still a rotation, and finite gradients."""
    r6 = jnp.array(r6, jnp.float32)
    check_rotation(np.asarray(gram_schmidt(r6), np.float64))
    jacobian = np.asarray(slopes(r6))
    assert np.isfinite(jacobian).all()
    assert np.abs(jacobian).max() <= 3e12


def test_the_fallbacks_are_the_documented_ones() -> None:
    """x for a zero first vector, the least aligned axis for a zero or parallel second one."""
    np.testing.assert_array_equal(gram_schmidt(jnp.zeros(6)), np.eye(3))
    parallel = gram_schmidt(jnp.array([0, 3.0, 0.1, 0, -6.0, -0.2]))
    assert parallel[0, 1] == 1
    assert np.isnan(gram_schmidt(jnp.array([jnp.nan, 0, 0, 0, 1, 0]))).any()


def check_rotation(matrix: np.ndarray) -> None:
    """Raises unless it is one, to 1e-6."""
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-6)
    assert np.linalg.det(matrix) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(np.cross(matrix[:, 0], matrix[:, 1]), matrix[:, 2], atol=1e-6)


@given(SIX, st.floats(0.125, 8, width=32), st.floats(0.125, 8, width=32))
def test_lengths_do_not_matter(r6: np.ndarray, first: float, second: float) -> None:
    """Scaling either vector changes nothing (away from the degenerate ones)."""
    a, b = r6[:3].astype(np.float64), r6[3:].astype(np.float64)
    if np.linalg.norm(np.cross(a, b)) < 1e-2 * np.linalg.norm(a) * np.linalg.norm(b) + 1e-6:
        return
    scaled = r6 * np.repeat(np.float32([first, second]), 3)
    np.testing.assert_allclose(gram_schmidt(scaled), gram_schmidt(r6), atol=3e-5)


def test_6d_there_and_back() -> None:
    """matrix -> 6D (columns 1 and 2) -> matrix."""
    matrix = random_rotations(300).astype(np.float32)
    r6 = rotation_to_6d(jnp.asarray(matrix))
    np.testing.assert_array_equal(r6[:, :3], matrix[:, :, 0])
    np.testing.assert_array_equal(r6[:, 3:], matrix[:, :, 1])
    np.testing.assert_allclose(gram_schmidt(r6), matrix, atol=5e-7)


@given(st.floats(0, np.pi))
@example(0.0)
@example(1e-6)
@example(1e-3)
@example(np.pi - 1e-3)
@example(np.pi)
def test_angles_are_exact_over_the_whole_range(angle: float) -> None:
    """Within 1e-6 rad of the angle that the float32 pairs were made with, ends included."""
    first, second = turned(angle)
    np.testing.assert_allclose(angle_of(first, second), angle, atol=1e-6)
    if 0.01 < angle < np.pi - 0.01:
        np.testing.assert_allclose(official_of(first, second), angle, atol=3e-5)


def test_angles_agree_with_jaxlie() -> None:
    """A second opinion on random pairs: the length of the logarithm of the relative rotation."""
    first, second = (random_rotations(500, seed).astype(np.float32) for seed in (3, 4))

    def length(a: jax.Array, b: jax.Array) -> jax.Array:
        relative = jaxlie.SO3.from_matrix(a).inverse() @ jaxlie.SO3.from_matrix(b)
        return jnp.linalg.norm(relative.log())

    theirs = jax.jit(jax.vmap(length))(jnp.asarray(first), jnp.asarray(second))
    np.testing.assert_allclose(angle_of(first, second), theirs, atol=3e-6)
    np.testing.assert_allclose(angle_of(second, first), angle_of(first, second), atol=1e-6)


gradient_of = jax.jit(jax.grad(geodesic_angle, argnums=1))


def slope(angle: float, axis: np.ndarray, about: np.ndarray) -> float:
    """d geodesic_angle / d turn when the second rotation turns further about `about`."""
    first = random_rotations(1, 7)[0]
    second = first @ Rotation.from_rotvec(angle * axis).as_matrix()
    x, y, z = about
    generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    gradient = gradient_of(first.astype(np.float32), second.astype(np.float32))
    assert np.isfinite(gradient).all()
    return float(np.sum(np.asarray(gradient) * (second @ generator)))


@pytest.mark.parametrize("angle", [1e-4, 1e-2, 1.0, 3.0, np.pi - 1e-2, np.pi - 1e-4])
def test_the_gradient_has_length_one(angle: float) -> None:
    """Turning further about the axis opens the angle one to one, across it not at all."""
    axis, across = np.array([2, -1, 2]) / 3, np.array([1, 2, 0]) / np.sqrt(5)
    assert slope(angle, axis, axis) == pytest.approx(1, abs=4e-3)
    assert slope(angle, axis, across) == pytest.approx(0, abs=4e-3)


def test_the_gradient_at_both_ends() -> None:
    """Exactly 0: nothing to learn, gradient 0. Exactly pi: a downhill slope of length 1."""
    eye = jnp.eye(3)
    np.testing.assert_array_equal(gradient_of(eye, eye), np.zeros((3, 3)))
    for axis in np.eye(3):
        opposite = 2 * np.outer(axis, axis) - np.eye(3)
        assert float(geodesic_angle(eye, jnp.asarray(opposite))) == pytest.approx(np.pi)
        x, y, z = axis
        generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = np.sum(np.asarray(gradient_of(eye, jnp.asarray(opposite))) * (opposite @ generator))
        assert abs(turn) == pytest.approx(1, abs=1e-6)


def test_descent_gets_away_from_pi() -> None:
    """Gradient descent on 6D from an exactly opposite start, half a turn about (1, 1, 0)."""
    target = jnp.eye(3)
    loss = jax.jit(jax.value_and_grad(lambda r6: geodesic_angle(rotation_from_6d(r6), target)))
    r6 = jnp.array([0, 1.0, 0, 1.0, 0, 0])
    assert float(loss(r6)[0]) == pytest.approx(np.pi)
    for _ in range(200):
        r6 = r6 - 0.03 * loss(r6)[1]
    assert float(loss(r6)[0]) < 0.1


@pytest.mark.torch
def test_the_published_rotation_loss() -> None:
    """Gram-Schmidt and the mean official angle, with gradients, as literal float64 torch loops.

    Away from 0 and pi: there the slope of acos magnifies float32's rounding.
    """
    import torch

    draw = np.random.default_rng(5)
    predicted, target = draw.standard_normal((2, 40, 6)).astype(np.float32)
    angle = angle_of(gram_schmidt(target), gram_schmidt(predicted))
    predicted, target = (x[(angle > 0.2) & (angle < 2.9)] for x in (predicted, target))
    target[0] = predicted[0]  # clipped: no gradient
    leaf = torch.tensor(predicted, dtype=torch.float64, requires_grad=True)

    def literal(row: "torch.Tensor") -> "torch.Tensor":
        a, b = row[0:3], row[3:6]
        x = a / max(a.norm(), 1e-12)
        rest = b - torch.dot(x, b) * x
        y = rest / max(rest.norm(), 1e-12)
        return torch.stack([x, y, torch.linalg.cross(x, y)], dim=1)

    total = torch.zeros((), dtype=torch.float64)
    for row, goal in zip(leaf, torch.tensor(target, dtype=torch.float64), strict=True):
        a, b = literal(goal), literal(row)
        trace = sum(torch.dot(a[:, i], b[:, i]) for i in range(3))
        total = total + torch.acos(torch.clip((trace - 1) / 2, -1 + 1e-6, 1 - 1e-6))
    (total / len(target)).backward()
    assert leaf.grad is not None

    def ours(r6: jax.Array) -> jax.Array:
        goal = rotation_from_6d(jnp.asarray(target))
        return geodesic_angle_official(goal, rotation_from_6d(r6)).mean()

    value, gradient = jax.jit(jax.value_and_grad(ours))(jnp.asarray(predicted))
    assert float(value) == pytest.approx(total.item() / len(target), abs=1e-6)
    scale = float(leaf.grad.abs().max())
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), atol=2e-5 * scale)


def test_dtype_and_shapes() -> None:
    """float32 inside and out; leading axes broadcast; a wrong last axis is said in one line."""
    r6 = jnp.ones((2, 5, 6), jnp.bfloat16) + jnp.arange(6, dtype=jnp.bfloat16) ** 2
    matrix = gram_schmidt(r6)
    assert (matrix.shape, matrix.dtype) == ((2, 5, 3, 3), jnp.float32)
    angle = angle_of(matrix, jnp.eye(3))
    assert (angle.shape, angle.dtype) == ((2, 5), jnp.float32)
    assert rotation_to_6d(matrix).shape == (2, 5, 6)
    for wrong in (
        lambda: rotation_from_6d(jnp.ones(5)),
        lambda: rotation_to_6d(jnp.ones((3, 2))),
        lambda: geodesic_angle(jnp.eye(3), jnp.eye(4)),
    ):
        with pytest.raises(InputError, match=r"has shape \[.*\], not \[\.\.\., "):
            wrong()
