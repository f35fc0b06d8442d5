# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Neighbourhoods in point clouds of a fixed size: whose features are read where. Everything has a
static shape, so it runs inside of jit; a cloud alone is written here, ``jax.vmap`` does batches."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math

import jax
import jax.numpy as jnp


def sampled_count(points: int, ratio: float) -> int:
    """How many points a sampling stage keeps: the next whole number above the share."""
    # Rounded first: 0.2 * 1,215 is 243.00000000000003 in floating point, which is 243.
    return math.ceil(round(points * ratio, 6))


def squared_distances(a: jax.Array, b: jax.Array) -> jax.Array:
    """float32[M, 3] and float32[N, 3] -> float32[M, N]."""
    # By differences: through products of vectors near points would lose all their digits.
    return jnp.sum(jnp.square(a[:, None] - b[None]), axis=-1)


def farthest_points(points: jax.Array, count: int) -> jax.Array:
    """Farthest point sampling from the first point on: each next one is that farthest from all that
    were taken before.

    Args:
      points: float32[N, 3].
      count: how many, at most N.

    Returns:
      int32[count], places in ``points``; of equally far ones the first.
    """

    def take(k: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """One more point."""
        chosen, nearest = state
        last = points[chosen[k - 1]]
        nearest = jnp.minimum(nearest, jnp.sum(jnp.square(points - last), axis=-1))
        return chosen.at[k].set(jnp.argmax(nearest).astype(jnp.int32)), nearest

    start = (jnp.zeros(count, jnp.int32), jnp.full(len(points), jnp.inf, jnp.float32))
    return jax.lax.fori_loop(1, count, take, start)[0]


def ball_query(
    points: jax.Array, centers: jax.Array, radius: float, limit: int
) -> tuple[jax.Array, jax.Array]:
    """The points in a ball around each centre, the first ``limit`` of them.

    Args:
      points: float32[N, 3].
      centers: float32[M, 3].
      radius: of the balls, whose surface counts.
      limit: K; which ones a larger ball keeps is each library's own affair: here those that come
        first.

    Returns:
      int32[M, K], places in ``points``, and bool[M, K], whether there is such a point.
    """
    near = squared_distances(centers, points) <= radius**2
    # How many points of the ball have come up to each place: the k-th stands where it becomes k.
    seen = jnp.cumsum(near, axis=1)
    wanted = jnp.arange(1, limit + 1)
    found = jax.vmap(lambda line: jnp.searchsorted(line, wanted, side="left"))(seen)
    exists = found < len(points)
    return jnp.where(exists, found, 0).astype(jnp.int32), exists


def interpolated(features: jax.Array, points: jax.Array, at: jax.Array, nearest: int) -> jax.Array:
    """Features at other places: the mean of the nearest points' by inverse squared distance.

    Args:
      features: float[M, C].
      points: float32[M, 3], where these are.
      at: float32[N, 3].
      nearest: how many, at most M.

    Returns:
      float[N, C].
    """
    apart = squared_distances(at, points)
    # Places only: the gradient goes through the features, and positions are data.
    least, places = jax.lax.top_k(-apart, nearest)
    weight = 1 / jnp.maximum(-least, 1e-16)
    weight = (weight / weight.sum(axis=1, keepdims=True)).astype(features.dtype)
    return jnp.einsum("nk,nkc->nc", weight, features[places])
