# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The network: a PointNet++ that says of each point of a cloud how it moves when joints open."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.baselines.flowbot3d.point_ops import (
    ball_query,
    farthest_points,
    interpolated,
    sampled_count,
)
from robomamba_jax.baselines.layers import Axes, Dense, Moments, largest
from robomamba_jax.config.geometric_networks import FlowConfig
from robomamba_jax.errors import InputError

_SLOPE = 0.01  # of leaky ReLUs below 0
_NEAREST = 3  # points whose features are carried up to a point


class NormedLayer(nnx.Module):
    """``linear``, a leaky ReLU, ``norm``: in this order, as published."""

    def __init__(self, d_in: int, d_out: int, *, rngs: nnx.Rngs, dtype: DTypeLike) -> None:
        self.linear = Dense(d_in, d_out, rngs=rngs, dtype=dtype)
        self.norm = Moments(d_out)

    def __call__(self, x: jax.Array, train: Axes | None, where: jax.Array | None) -> jax.Array:
        """float[..., in] -> dtype[..., out]."""
        return self.norm(jax.nn.leaky_relu(self.linear(x), _SLOPE), train, where)


class LocalNetwork(nnx.Module):
    """Layers ``layer0`` ... with normalisation; the last one is a bare ``linear``."""

    def __init__(
        self, d_in: int, widths: tuple[int, ...], *, rngs: nnx.Rngs, dtype: DTypeLike
    ) -> None:
        *hidden, last = widths
        self.count = len(hidden)
        for number, width in enumerate(hidden):
            setattr(self, f"layer{number}", NormedLayer(d_in, width, rngs=rngs, dtype=dtype))
            d_in = width
        self.last = Dense(d_in, last, rngs=rngs, dtype=dtype)

    def __call__(
        self, x: jax.Array, train: Axes | None, where: jax.Array | None = None
    ) -> jax.Array:
        """float[..., in] -> dtype[..., out]; ``where`` says which places are there."""
        for number in range(self.count):
            x = getattr(self, f"layer{number}")(x, train, where)
        return self.last(x)


class FlowNetwork(nnx.Module):
    """``sa1``, ``sa2`` and ``sa3`` gather features, ``fp3``, ``fp2`` and ``fp1`` carry them back
    to the points, ``lin1`` .. ``lin3`` read the flow off: names as published."""

    def __init__(self, config: FlowConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        layers = partial(LocalNetwork, rngs=rngs, dtype=config.dtype)
        given = int(config.mask)
        wide1, wide2, wide3 = config.local1[-1], config.local2[-1], config.whole[-1]
        # Each also reads where its points are: three numbers more.
        self.sa1 = layers(given + 3, config.local1)
        self.sa2 = layers(wide1 + 3, config.local2)
        self.sa3 = layers(wide2 + 3, config.whole)
        self.fp3 = layers(wide3 + wide2, config.up3)
        self.fp2 = layers(config.up3[-1] + wide1, config.up2)
        self.fp1 = layers(config.up2[-1] + given, config.up1)
        dense = partial(Dense, rngs=rngs, dtype=config.dtype)
        first, second = config.up1[-1], config.head[0]
        self.lin1 = dense(first, second)
        self.lin2 = dense(second, config.head[-1])
        self.lin3 = dense(config.head[-1], 3)

    def __call__(
        self, points: jax.Array, moving: jax.Array | None = None, train: Axes | None = None
    ) -> jax.Array:
        """The flow of every point.

        Args:
          points: float32[B, N, 3], metres.
          moving: float32[B, N], 1 where a point is of a part that moves; None without such a
            channel.
          train: see ``layers``; None = use.

        Returns:
          float32[B, N, 3], as shares of the cloud's longest.

        Raises:
          InputError: ``moving`` is missing, or given in vain.
        """
        config = self.config
        if (moving is not None) != config.mask:
            what = "a mask of moving points" if config.mask else "no mask"
            raise InputError("bad_arguments", f"this network reads {what}", "give what it reads")
        given = None if moving is None else moving[..., None]
        points1, x1 = self._gathered(self.sa1, points, given, 0, train)
        points2, x2 = self._gathered(self.sa2, points1, x1, 1, train)
        x3 = self.sa3(jnp.concatenate([x2, points2.astype(x2.dtype)], axis=-1), train)
        # One vector for the cloud, which is the nearest to every point.
        whole = jnp.broadcast_to(largest(x3, 1)[:, None], (*x2.shape[:2], x3.shape[-1]))
        y2 = self.fp3(jnp.concatenate([whole, x2], axis=-1), train)
        y1 = self.fp2(_joined(y2, points2, points1, x1), train)
        y = self.fp1(_joined(y1, points1, points, given), train)
        for layer in (self.lin1, self.lin2):
            y = jax.nn.leaky_relu(layer(y), _SLOPE)
        return self.lin3(y).astype(jnp.float32)

    def _gathered(
        self,
        layers: LocalNetwork,
        points: jax.Array,
        features: jax.Array | None,
        stage: int,
        train: Axes | None,
    ) -> tuple[jax.Array, jax.Array]:
        """Fewer points and, of each, the largest features of the ball around it.

        Returns:
          float32[B, M, 3] and dtype[B, M, C].
        """
        config = self.config
        count = sampled_count(points.shape[1], config.ratios[stage])
        chosen = jax.vmap(partial(farthest_points, count=count))(points)
        centers = _rows(points, chosen)
        query = partial(ball_query, radius=config.radii[stage], limit=config.neighbors)
        places, exists = jax.vmap(query)(points, centers)
        # From the centre: a ball looks alike wherever it lies.
        x = _rows(points, places) - centers[:, :, None]
        if features is not None:
            x = jnp.concatenate([_rows(features, places), x.astype(features.dtype)], axis=-1)
        y = layers(x, train, exists)
        # The centre lies in its own ball: there is always one that exists.
        return centers, largest(jnp.where(exists[..., None], y, -jnp.inf), 2)


def _rows(x: jax.Array, places: jax.Array) -> jax.Array:
    """float[B, N, C] and int[B, ...] -> float[B, ..., C]."""
    return jax.vmap(lambda rows, at: rows[at])(x, places)


def _joined(
    features: jax.Array, points: jax.Array, at: jax.Array, skip: jax.Array | None
) -> jax.Array:
    """Features carried to more points, beside those that these have already."""
    nearest = min(_NEAREST, points.shape[1])
    y = jax.vmap(partial(interpolated, nearest=nearest))(features, points, at)
    return y if skip is None else jnp.concatenate([y, skip.astype(y.dtype)], axis=-1)
