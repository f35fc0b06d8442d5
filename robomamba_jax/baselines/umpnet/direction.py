# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The direction network: of a direction in which the touched part is moved, whether its joint goes
back, stays or goes on, and by how much. A row of its own beside the paper's, which pulls straight.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.baselines.layers import Axes, ConvPair, ConvUnit, Dense, max_pool2
from robomamba_jax.config.geometric_networks import DirectionConfig

SENSES = ("back", "still", "on")
"""The classes of a direction, in the order of the logits."""


class Perceptron(nnx.Module):
    """Linear layers ``layer0`` ..., with a ReLU between each two."""

    def __init__(
        self, d_in: int, widths: tuple[int, ...], *, rngs: nnx.Rngs, dtype: DTypeLike
    ) -> None:
        self.count = len(widths)
        for number, width in enumerate(widths):
            layer = Dense(d_in, width, rngs=rngs, dtype=dtype, xavier=True)
            setattr(self, f"layer{number}", layer)
            d_in = width

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., in] -> dtype[..., out]."""
        for number in range(self.count):
            x = getattr(self, f"layer{number}")(x)
            if number < self.count - 1:
                x = jax.nn.relu(x)
        return x


class Branch(nnx.Module):
    """One question to an image and a direction: ``inc``, ``down1`` ..., ``features``, ``action``
    and ``decoder``."""

    def __init__(
        self, config: DirectionConfig, channels: int, outputs: int, *, rngs: nnx.Rngs
    ) -> None:
        widths, dtype = config.widths, config.dtype
        self.levels = len(widths) - 1
        self.inc = ConvUnit(channels, widths[0], rngs=rngs, dtype=dtype, kaiming=True)
        for level in range(1, self.levels + 1):
            above, here = widths[level - 1 : level + 1]
            pair = ConvPair(above, here, here, rngs=rngs, dtype=dtype, kaiming=True)
            setattr(self, f"down{level}", pair)
        rows, columns = config.grid
        flat = widths[-1] * rows * columns
        self.features = Perceptron(flat, config.features, rngs=rngs, dtype=dtype)
        self.action = Perceptron(3, config.action, rngs=rngs, dtype=dtype)
        both = config.features[-1] + config.action[-1]
        self.decoder = Perceptron(both, (*config.decoder, outputs), rngs=rngs, dtype=dtype)

    def __call__(
        self, images: jax.Array, directions: jax.Array, train: Axes | None = None
    ) -> jax.Array:
        """float[B, H, W, C] and float[B, A, 3] -> float32[B, A, outputs]."""
        x = self.inc(images, train)
        for level in range(1, self.levels + 1):
            x = getattr(self, f"down{level}")(max_pool2(x), train)
        # Channel by channel, as torch lays an image out.
        seen = self.features(x.transpose(0, 3, 1, 2).reshape(len(x), -1))
        asked = self.action(directions)
        # One image's features beside each of the directions that are asked of it.
        seen = jnp.broadcast_to(seen[:, None], (*asked.shape[:2], seen.shape[-1]))
        return self.decoder(jnp.concatenate([seen, asked], axis=-1)).astype(jnp.float32)


class DirectionNetwork(nnx.Module):
    """``sign`` and ``magnitude``, each with an encoder of its own."""

    def __init__(self, config: DirectionConfig, *, rngs: nnx.Rngs) -> None:
        self.sign = Branch(config, 2 * config.channels, len(SENSES), rngs=rngs)
        self.magnitude = Branch(config, config.channels, 1, rngs=rngs)

    def __call__(
        self,
        images: jax.Array,
        first_images: jax.Array,
        directions: jax.Array,
        train: Axes | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """Sense and size of what each direction does.

        Args:
          images: float32[B, H, W, 10], now.
          first_images: float32[B, H, W, 10], before the first move.
          directions: float32[B, A, 3], unit vectors, world.
          train: see ``layers``; None = use.

        Returns:
          float32[B, A, 3], logits of ``SENSES``, and float32[B, A], the change of the joint.
        """
        both = jnp.concatenate([images, first_images], axis=-1)
        return (
            self.sign(both, directions, train),
            self.magnitude(images, directions, train)[..., 0],
        )


def direction_scores(sense: jax.Array, magnitude: jax.Array) -> jax.Array:
    """What a direction is worth: float32[..., 3] and float32[...] -> float32[...]."""
    return (jnp.argmax(sense, axis=-1) - 1) * jax.nn.relu(magnitude)


def sphere_directions(count: int = 64) -> np.ndarray:
    """float32[count, 3], unit vectors evenly spread over the sphere (Fibonacci)."""
    k = np.arange(count) + 0.5
    # The golden angle between neighbours: turns of the spiral never line up.
    z, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    return np.column_stack([flat * np.cos(angle), flat * np.sin(angle), z]).astype(np.float32)


def resampled_directions(
    directions: np.ndarray, scores: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """One round of the cross-entropy method: as many directions, drawn by their scores and
    disturbed. (The published code adds the noise to shared rows, so that it piles up; here each
    draw is disturbed once.)

    Args:
      directions: float32[A, 3].
      scores: float32[A].
      random: what draws.
    """
    weight = np.exp(20 * (scores - scores.max()).astype(np.float64))
    chosen = random.choice(len(directions), size=len(directions), p=weight / weight.sum())
    found = directions[chosen] + random.normal(0, 0.25, directions.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
