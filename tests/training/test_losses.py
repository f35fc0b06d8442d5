# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pose losses against float64; answers counted token by token."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robomamba_jax.losses import contact_loss, gripper_loss, linear_hits, rotation_loss
from robomamba_jax.training.objectives import _answers
from tests.oracles import error


@pytest.mark.parametrize("kind", ["l1", "l2", "huber"])
def test_contact(kind: str) -> None:
    """The mean over x and y, of small and of large differences."""
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(0, 2, (2, 9, 2))
    apart = np.abs(predicted - target)
    want = {
        "l1": apart,
        "l2": apart**2,
        "huber": np.where(apart < 1, apart**2 / 2, apart - 0.5),
    }[kind].mean(-1)
    assert error(contact_loss(predicted, target, kind), want) < 3e-7


@pytest.mark.parametrize("kind", ["geodesic", "where2act"])
def test_rotation(kind: str) -> None:
    """The angle that scipy finds; vectors of any length, not orthogonal."""
    rng = np.random.default_rng(1)
    target = Rotation.random(20, random_state=2)
    six = rng.normal(size=(20, 6))
    first = six[:, :3] / np.linalg.norm(six[:, :3], axis=1, keepdims=True)
    second = six[:, 3:] - first * np.sum(first * six[:, 3:], axis=1, keepdims=True)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    predicted = np.stack([first, second, np.cross(first, second)], axis=-1)
    want = (Rotation.from_matrix(predicted).inv() * target).magnitude()
    got = rotation_loss(six, target.as_matrix().astype(np.float32), kind)
    np.testing.assert_allclose(got, want, atol=3e-6)


@pytest.mark.slow
def test_a_perfect_rotation_has_no_gradient() -> None:
    """0 exactly, and no NaN; the clipped form stays at 0.0014 rad."""
    target = np.eye(3, dtype=np.float32)[None]
    six = jnp.asarray([[1.0, 0, 0, 0, 1, 0]])
    for kind, value in (("geodesic", 0.0), ("where2act", 1.4e-3)):
        loss, grad = jax.value_and_grad(lambda x, k=kind: rotation_loss(x, target, k).sum())(six)
        assert float(loss) == pytest.approx(value, abs=3e-5)
        assert not np.any(np.asarray(grad))


def test_gripper() -> None:
    """Cross-entropy of what is known; NaN counts for nothing, also in the gradient."""
    logit = np.array([2.0, -3.0, 0.5, 80.0], np.float32)
    target = np.array([1.0, 0.0, np.nan, 0.0], np.float32)
    loss, known = gripper_loss(logit, target)
    want = [np.log1p(np.exp(-2.0)), np.log1p(np.exp(-3.0)), 0.0, 80.0]
    np.testing.assert_allclose(loss, want, rtol=1e-6)
    assert known.tolist() == [1, 1, 0, 1]
    grad = jax.grad(lambda x: gripper_loss(x, target)[0].sum())(logit)
    assert np.isfinite(np.asarray(grad)).all()
    assert grad[2] == 0


def test_hits() -> None:
    """Where the label has the largest logit, in blocks of any length."""
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(2, 7, 5)).astype(np.float32)
    head = rng.normal(size=(11, 5)).astype(np.float32)
    labels = rng.integers(0, 11, (2, 7)).astype(np.int32)
    best = (hidden @ head.T).argmax(-1)
    labels[0, :4] = best[0, :4]
    for chunk in (1, 3, 7, 64):
        got = linear_hits(hidden, head, labels, chunk=chunk)
        np.testing.assert_array_equal(got, best == labels)


def test_answers() -> None:
    """A sample counts if it has learned tokens, and is right if all of them are."""
    segments = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1]], np.int32)
    learned = np.array([[0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 1]], bool)
    hits = np.array([[0, 1, 1, 0, 1, 1], [0, 1, 1, 1, 0, 1]], bool)
    found, right = _answers({"segment_ids": segments}, learned, hits)
    # (0, 0) right, (0, 1) wrong, (0, 2) has nothing to say, both of row 1 right.
    assert (float(found), float(right)) == (4, 3)
    found, right = _answers({}, learned, hits)
    assert (float(found), float(right)) == (2, 1)
