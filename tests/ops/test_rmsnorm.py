# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RMSNorm against float64, where the epsilon decides too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.ops import rms_norm
from tests import oracles


def draw(scale: float) -> tuple[np.ndarray, np.ndarray]:
    normal = np.random.default_rng(0).standard_normal
    return (scale * normal((2, 5, 48))).astype(np.float32), normal(48).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-4, 3e-3, 1.0, 1e4])
def test_equals_float64(scale: float) -> None:
    """From inputs far below the epsilon to far above it."""
    x, weight = draw(scale)
    assert oracles.error(rms_norm(x, weight), oracles.rms_norm(x, weight, 1e-5)) < 5e-7


@pytest.mark.parametrize("wrong", [0.0, 1e-6, 1e-8, 2e-5])
def test_a_wrong_epsilon_would_show(wrong: float) -> None:
    """With mean squares near the epsilon, another one moves the result by a fifth or more."""
    x, weight = draw(3e-3)
    assert oracles.error(rms_norm(x, weight), oracles.rms_norm(x, weight, wrong)) > 0.2
    assert oracles.error(rms_norm(x, weight, eps=wrong), oracles.rms_norm(x, weight, wrong)) < 5e-7


def test_zeros_give_zeros() -> None:
    """And a finite gradient: padding is zeros."""
    x, weight = jnp.zeros((2, 48)), jnp.ones(48)
    assert not rms_norm(x, weight).any()
    assert jnp.isfinite(jax.jit(jax.grad(lambda x: rms_norm(x, weight).sum()))(x)).all()


@pytest.mark.parametrize("scale", [3e-3, 1.0])
def test_gradients_equal_finite_differences(scale: float) -> None:
    """Of x and of weight."""
    x, weight = draw(scale)
    x, weight = x[0, :2, :7], weight[:7]

    def oracle(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray]:
        return (oracles.rms_norm(x, weight, 1e-5),)

    cotangent = np.cos(np.arange(14, dtype=np.float32)).reshape(2, 7)
    arguments = {"x": x, "weight": weight}
    want = oracles.finite_differences(oracle, arguments, (cotangent,), step=1e-4 * scale)
    got = jax.jit(lambda x, w: jax.vjp(rms_norm, x, w)[1](cotangent))(x, weight)
    for name, grad in zip(("x", "weight"), got, strict=True):
        assert oracles.error(grad, want[name]) < 5e-7, name


def test_dtypes() -> None:
    """x's own or the one asked for; float32 inside: squares of 300 would overflow float16."""
    x, weight = draw(300.0)
    half = jnp.asarray(x, jnp.float16)
    assert rms_norm(half, weight).dtype == jnp.float16
    assert rms_norm(half, weight, dtype=jnp.float32).dtype == jnp.float32
    want = oracles.rms_norm(half, weight, 1e-5)
    assert oracles.error(rms_norm(half, weight, dtype=jnp.float32), want) < 5e-7
    assert oracles.error(rms_norm(half, weight), want) < 2**-10
    assert rms_norm(jnp.asarray(x, jnp.bfloat16), weight).dtype == jnp.bfloat16
