# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a mixture of poses loses, beside loops in float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.losses import mixture_losses

WIDTH = 0.05


def draw(rows: int = 4, count: int = 6, seed: int = 0) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Proposals, and contact, rotation and gripper of each row; one gripper is unknown."""
    random = np.random.default_rng(seed)
    logits = random.standard_normal((rows, count))
    log_weight = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    contacts = random.random((rows, count, 2))
    rotations = random.standard_normal((rows, count, 6))
    openness = random.standard_normal((rows, count))
    proposed = tuple(x.astype(np.float32) for x in (log_weight, contacts, rotations, openness))
    turns = np.linalg.qr(random.standard_normal((rows, 3, 3)))[0]
    turns[:, :, 2] *= np.linalg.det(turns)[:, None]
    gripper = np.array([1, 0, np.nan, 1][:rows])
    target = (random.random((rows, 2)), turns, gripper)
    return proposed, tuple(x.astype(np.float32) for x in target)


def angle(r6: Any, target: Any) -> float:
    """Between Gram-Schmidt's frame (CONVENTIONS: columns c1, c2, c1 x c2) and the target."""
    a = r6[:3] / np.linalg.norm(r6[:3])
    b = r6[3:] - (a @ r6[3:]) * a
    b /= np.linalg.norm(b)
    frame = np.stack([a, b, np.cross(a, b)], axis=1)
    return float(np.arccos(np.clip((np.trace(frame.T @ target) - 1) / 2, -1, 1)))


def oracle(proposed: tuple[Any, ...], target: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """Row by row, proposal by proposal."""
    found: dict[str, list[float]] = {"contact": [], "rotation": [], "gripper": []}
    for row, (contact, rotation, gripper) in enumerate(zip(*target, strict=True)):
        log_weight, contacts, rotations, openness = (x[row].astype(np.float64) for x in proposed)
        joint = [
            np.exp(w) * np.exp(-np.abs(c - contact).sum() / WIDTH)
            for w, c in zip(log_weight, contacts, strict=True)
        ]
        share = np.array(joint) / sum(joint)
        found["contact"].append(-np.log(sum(joint)))
        angles = [angle(r, rotation.astype(np.float64)) for r in rotations]
        found["rotation"].append(float(share @ angles))
        each = [np.log1p(np.exp(x)) - gripper * x for x in openness]
        found["gripper"].append(0.0 if np.isnan(gripper) else float(share @ each))
    return {name: np.array(values) for name, values in found.items()}


def test_values_in_float64() -> None:
    """All three. Measured: 1.5e-7 of each."""
    proposed, target = draw()
    ours = jax.jit(lambda *given: mixture_losses(given[:4], *given[4:], kernel_width=WIDTH))(
        *proposed, *target
    )
    for name, theirs in oracle(proposed, target).items():
        np.testing.assert_allclose(ours[name], theirs, rtol=1e-6, atol=1e-7)
        assert (np.asarray(ours[name]) >= 0).all()


@pytest.mark.slow
def test_a_proposal_at_the_contact_loses_nothing() -> None:
    """One that is sure of the right pose; without a gripper there is no such loss."""
    _, target = draw(rows=2)
    contacts = np.repeat(target[0][:, None], 3, axis=1)
    turns = np.concatenate([target[1][:, :, 0], target[1][:, :, 1]], axis=1)
    proposed = (np.full((2, 3), np.log(1 / 3)), contacts, np.repeat(turns[:, None], 3, axis=1))
    ours = mixture_losses((*map(jnp.asarray, proposed), None), *target, kernel_width=WIDTH)
    assert ours.keys() == {"contact", "rotation"}
    np.testing.assert_allclose(ours["contact"], 0, atol=1e-6)
    np.testing.assert_allclose(ours["rotation"], 0, atol=1e-3)


@pytest.mark.parametrize("far", [1.0, 1e4])
def test_gradients_are_finite(far: float) -> None:
    """Also of a contact that no proposal is near, and an unknown gripper teaches nothing."""
    proposed, (contact, rotation, gripper) = draw()

    def loss(given: tuple[Any, ...]) -> jax.Array:
        found = mixture_losses(given, contact + far, rotation, gripper, kernel_width=WIDTH)
        return sum((x.sum() for x in found.values()), jnp.zeros(()))

    found = jax.jit(jax.grad(loss))(tuple(map(jnp.asarray, proposed)))
    assert all(np.isfinite(x).all() for x in found)
    assert not np.asarray(found[3][2]).any()
    assert np.asarray(found[3][0]).any()


def test_shares_are_not_moved_by_what_the_rotations_lose() -> None:
    """A proposal is not made unlikely for its rotation: the contact alone says who is meant."""
    proposed, (contact, rotation, gripper) = draw()

    def loss(log_weight: jax.Array, contacts: jax.Array) -> jax.Array:
        given = (log_weight, contacts, *proposed[2:])
        return mixture_losses(given, contact, rotation, gripper, kernel_width=WIDTH)[
            "rotation"
        ].sum()

    for found in jax.jit(jax.grad(loss, argnums=(0, 1)))(*proposed[:2]):
        assert not np.asarray(found).any()
